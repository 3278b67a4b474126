"""What teachers hear in a corpus, item by item, kept beside it.

A chord model of the zoo is heard here. Its answers lie in
``<corpus>/targets/<teacher>/<item>.npz``, ``times`` (s) and ``chords``, float16 ``(frames,
classes)`` of the teacher; an interrupted pass goes on with the item it was at. Of any other system
the labels count that somebody put there as ``<item>.lab`` (``benchmarks/teach_chords.py`` has
published packages write them); where they say nothing, the system is taken to have said nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mirzoo import zoo
from mirzoo.annotate import Runner, hear_frames
from mirzoo.annotation import Chords
from mirzoo.data.corpus import FULL_SCALE, SAMPLE_RATE, Corpus
from mirzoo.dsp.chord_vocabulary import UNKNOWN, Vocabulary
from mirzoo.errors import UnknownNameError

CHORDS = "chords"


def hear_chords(
    corpus: Corpus,
    teachers: Sequence[str],
    frame_times: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    report: Callable[[str], None] = print,
) -> np.ndarray:
    """Give teachers' probabilities of a vocabulary's classes at the frames of a corpus.

    Parameters
    ----------
    corpus : Corpus
    teachers : sequence of str
        Chord models of the zoo, and systems whose labels lie beside the corpus. A frame has the
        mean of those that say something of it.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s); each frame takes a model's nearest.
    vocabulary : Vocabulary
        Each class of a teacher counts for the class that it is reduced to; one that has none
        (``X``) counts for nothing, so that a row may sum to less than 1.
    report : callable
        Told one line at a time how far things are.

    Returns
    -------
    np.ndarray, float16, shape (frames, classes)

    Raises
    ------
    UnknownNameError
        For a teacher that is no model of the zoo and has no labels beside the corpus.
    """
    frames = sum(map(len, frame_times))
    total = np.zeros((frames, len(vocabulary)), np.float32)
    speaking = np.zeros(frames, int)
    for teacher in teachers:
        labelled = any(_folder(corpus, teacher).glob("*.lab"))
        hear = _read_labels if labelled else _hear_model
        heard = hear(corpus, teacher, frame_times, vocabulary, report)
        total += heard
        speaking += heard.any(axis=1)
    return (total / np.maximum(speaking, 1)[:, np.newaxis]).astype(np.float16)


def _folder(corpus: Corpus, teacher: str) -> Path:
    return corpus.directory / "targets" / teacher


def _read_labels(
    corpus: Corpus,
    teacher: str,
    frame_times: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    report: Callable[[str], None],
) -> np.ndarray:
    folder = _folder(corpus, teacher)
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
    report: Callable[[str], None],
) -> np.ndarray:
    folder = _folder(corpus, teacher)
    try:
        labels = zoo.card(teacher).labels
    except UnknownNameError as unknown:
        raise UnknownNameError(
            f"{unknown}. A system outside the zoo can teach by its labels, and '{folder}' holds "
            "none (00000.lab and so on, by the rows of items.csv); "
            "benchmarks/teach_chords.py makes them"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.npz" for number in range(len(corpus.items))]
    if not all(path.exists() for path in paths):
        _hear(corpus, zoo.load(teacher), paths, report)
    reduction = _reduction(labels, vocabulary)
    rows = []
    for path, times in zip(paths, frame_times, strict=True):
        with np.load(path) as heard:
            middles = (heard["times"][1:] + heard["times"][:-1]) / 2
            nearest = heard[CHORDS][np.searchsorted(middles, times)]
        rows.append(nearest.astype(np.float32) @ reduction)
    return np.concatenate(rows)


def _reduction(labels: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
    """Which class of the vocabulary each label is: float32 ``(labels, classes)`` of 0 and 1."""
    matrix = np.zeros((len(labels), len(vocabulary)), np.float32)
    for row, label in enumerate(labels):
        known = vocabulary.index(label)
        if known != UNKNOWN:
            matrix[row, known] = 1.0
    return matrix


def _hear(
    corpus: Corpus, teacher: Runner, paths: Sequence[Path], report: Callable[[str], None]
) -> None:
    for number, (item, path) in enumerate(zip(corpus.items, paths, strict=True), 1):
        if path.exists():
            continue
        samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
        waveform = samples.astype(np.float32) / FULL_SCALE
        times, outputs = hear_frames(teacher, waveform, source_rate=SAMPLE_RATE)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, times=times, chords=outputs[CHORDS].astype(np.float16))
        os.replace(unfinished, path)
        if number % 20 == 0 or number == len(paths):
            report(
                f"{corpus.directory.name}: {teacher.card.name} heard {number} of {len(paths)} items"
            )
