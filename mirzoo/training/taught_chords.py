"""The chords that teachers hear in a corpus.

A chord model, of the zoo or of an earlier run, is heard here, its answers kept as ``times`` (s)
and ``chords``, float16 ``(frames, classes)`` of the teacher (`mirzoo.training.teaching`). Of any
other system the labels count that somebody put there as ``<item>.lab``
(``benchmarks/teach_chords.py`` has published packages write them); where they say nothing, the
system is taken to have said nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mirzoo import hub
from mirzoo.annotate import Runner, hear_frames
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.dsp.chord_vocabulary import UNKNOWN, Vocabulary
from mirzoo.errors import UnknownNameError
from mirzoo.tasks.chords import Chords
from mirzoo.training.teaching import Answer, answers_folder, nearest, teach

CHORDS = "chords"


def hear_chords(
    corpus: Corpus,
    teachers: Sequence[str],
    frame_times: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    find: Callable[[str], Runner] = hub.load,
    report: Callable[[str], None] = print,
) -> np.ndarray:
    """Give teachers' probabilities of a vocabulary's classes at the frames of a corpus.

    Parameters
    ----------
    corpus : Corpus
    teachers : sequence of str
        Chord models, and systems whose labels lie beside the corpus. A frame has the mean of
        those that say something of it.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s); each frame takes a model's nearest.
    vocabulary : Vocabulary
        Each class of a teacher counts for the class that it is reduced to; one that has none
        (``X``) counts for nothing, so that a row may sum to less than 1.
    find : callable
        Gives the model of a name.
    report : callable
        Told one line at a time how far things are.

    Returns
    -------
    np.ndarray, float16, shape (frames, classes)

    Raises
    ------
    UnknownNameError
        For a teacher that is no model and has no labels beside the corpus.
    """
    frames = sum(map(len, frame_times))
    total = np.zeros((frames, len(vocabulary)), np.float32)
    speaking = np.zeros(frames, int)
    for teacher in teachers:
        if any(answers_folder(corpus, teacher).glob("*.lab")):
            heard = _read_labels(corpus, teacher, frame_times, vocabulary, report)
        else:
            heard = _hear_model(corpus, teacher, frame_times, vocabulary, find, report)
        total += heard
        speaking += heard.any(axis=1)
    return (total / np.maximum(speaking, 1)[:, np.newaxis]).astype(np.float16)


def _read_labels(
    corpus: Corpus,
    teacher: str,
    frame_times: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    report: Callable[[str], None],
) -> np.ndarray:
    folder = answers_folder(corpus, teacher)
    paths = [folder / f"{number:05d}.lab" for number in range(len(corpus.items))]
    labelled = sum(path.exists() for path in paths)
    report(f"{corpus.directory.name}: {labelled} of {len(paths)} items have labels of {teacher}")
    rows = []
    for path, times in zip(paths, frame_times, strict=True):
        said = np.zeros((len(times), len(vocabulary)), np.float32)
        for start_s, end_s, label in Chords.read(path).segments if path.exists() else ():
            known = vocabulary.index(label)
            if known != UNKNOWN:
                said[slice(*np.searchsorted(times, [start_s, end_s])), known] = 1.0
        rows.append(said)
    return np.concatenate(rows)


def _hear_model(
    corpus: Corpus,
    teacher: str,
    frame_times: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    find: Callable[[str], Runner],
    report: Callable[[str], None],
) -> np.ndarray:
    folder = answers_folder(corpus, teacher)
    try:
        model = find(teacher)
    except UnknownNameError as unknown:
        raise UnknownNameError(
            f"{unknown}. Another system can teach by its labels, and '{folder}' holds "
            "none (00000.lab and so on, by the rows of items.csv); "
            "benchmarks/teach_chords.py makes them"
        ) from None
    reduction = _reduction(model.card.labels, vocabulary)
    answers = teach(corpus, teacher, lambda: _listening(model), report)
    return np.concatenate([
        heard[CHORDS][nearest(heard["times"], times)].astype(np.float32) @ reduction
        for heard, times in zip(answers, frame_times, strict=True)
    ])  # fmt: skip


def _listening(teacher: Runner) -> Answer:
    def answer(waveform: np.ndarray) -> dict[str, np.ndarray]:
        times, outputs = hear_frames(teacher, waveform, source_rate=SAMPLE_RATE)
        return {"times": times, CHORDS: outputs[CHORDS].astype(np.float16)}

    return answer


def _reduction(labels: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """Which class of the vocabulary each label is: float32 ``(labels, classes)`` of 0 and 1."""
    matrix = np.zeros((len(labels), len(vocabulary)), np.float32)
    for row, label in enumerate(labels):
        known = vocabulary.index(label)
        if known != UNKNOWN:
            matrix[row, known] = 1.0
    return matrix
