"""The chords that teachers predict for a corpus.

A chord model, of the zoo or of an earlier run, is a teacher; its predictions are cached as
``times`` (s) and ``chords``, float16 ``(frames, classes)`` of the teacher. With ``:careful`` behind
its name they are the mean over detunings (`mirzoo.annotate.careful`). Any other system can be
one by the labels that are put into the corpus as ``<item>.lab`` (`mirzoo.tasks.pseudo_labels`);
where they have no label, the system does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mirzoo.dsp.chord_vocabulary import UNKNOWN, Vocabulary
from mirzoo.dsp.framing import nearest
from mirzoo.errors import UnknownNameError
from mirzoo.tasks.base import Predict, Teachers
from mirzoo.tasks.chords.annotation import Chords
from mirzoo.tasks.pseudo_labels import has_labels, labels_of, teaching_model

CHORDS = "chords"
CAREFUL = "careful"
SUFFIX = ".lab"


def predicted_chords(
    teachers: Teachers, frame_times: Sequence[np.ndarray], vocabulary: Vocabulary
) -> np.ndarray:
    """Give teachers' probabilities of a vocabulary's classes at the frames of a corpus.

    Parameters
    ----------
    teachers : Teachers
        Chord models, and systems whose labels lie in the corpus. A frame has the mean of those
        that predict something for it.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s); each frame takes a model's nearest.
    vocabulary : Vocabulary
        Each class of a teacher counts for the class that it is reduced to; one that has none
        (``X``) counts for nothing, so that a row may sum to less than 1.

    Returns
    -------
    np.ndarray, float16, shape (frames, classes)

    Raises
    ------
    UnknownNameError
        For a teacher that is no model and has no labels in the corpus.
    """
    frames = sum(map(len, frame_times))
    total = np.zeros((frames, len(vocabulary)), np.float32)
    counted = np.zeros(frames, int)
    for teacher in teachers.names:
        read = _labels if has_labels(teachers, teacher, SUFFIX) else _probabilities
        predicted = read(teachers, teacher, frame_times, vocabulary)
        total += predicted
        counted += predicted.any(axis=1)
    return (total / np.maximum(counted, 1)[:, np.newaxis]).astype(np.float16)


def _labels(
    teachers: Teachers, teacher: str, frame_times: Sequence[np.ndarray], vocabulary: Vocabulary
) -> np.ndarray:
    rows = []
    found = labels_of(teachers, teacher, SUFFIX, Chords.read, _end_of)
    for chords, times in zip(found, frame_times, strict=True):
        one_hot = np.zeros((len(times), len(vocabulary)), np.float32)
        for start_s, end_s, label in chords.segments if chords else ():
            known = vocabulary.index(label)
            if known != UNKNOWN:
                one_hot[slice(*np.searchsorted(times, [start_s, end_s])), known] = 1.0
        rows.append(one_hot)
    return np.concatenate(rows)


def _end_of(chords: Chords) -> float:
    return chords.segments[-1][1] if chords.segments else 0.0


def _probabilities(
    teachers: Teachers, teacher: str, frame_times: Sequence[np.ndarray], vocabulary: Vocabulary
) -> np.ndarray:
    name, _, manner = teacher.partition(":")
    if manner not in ("", CAREFUL):
        raise UnknownNameError(
            f"the teacher '{teacher}' is to be asked '{manner}'; behind a name there may be "
            f"':{CAREFUL}' alone"
        )
    labels = teaching_model(teachers, name, SUFFIX).card.labels
    reduction = _reduction(labels, vocabulary)
    predictions = teachers.predictions(
        teacher.replace(":", "-"),
        lambda: _chords_alone(teachers.frames(name, careful=manner == CAREFUL)),
    )
    return np.concatenate([
        predicted[CHORDS][nearest(predicted["times"], times)].astype(np.float32) @ reduction
        for predicted, times in zip(predictions, frame_times, strict=True)
    ])  # fmt: skip


def _chords_alone(predict: Predict) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    def chords(waveform: np.ndarray) -> dict[str, np.ndarray]:
        times, outputs = predict(waveform)
        return {"times": times, CHORDS: outputs[CHORDS].astype(np.float16)}

    return chords


def _reduction(labels: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """Which class of the vocabulary each label is: float32 ``(labels, classes)`` of 0 and 1."""
    matrix = np.zeros((len(labels), len(vocabulary)), np.float32)
    for row, label in enumerate(labels):
        known = vocabulary.index(label)
        if known != UNKNOWN:
            matrix[row, known] = 1.0
    return matrix
