"""What a published chord model hears in a corpus, item by item, kept beside it.

The answers lie in ``<corpus>/targets/<teacher>/<item>.npz``: ``times`` (s) and ``chords``, float16
``(frames, classes)`` of the teacher; an interrupted pass goes on with the item it was at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mirzoo import zoo
from mirzoo.annotate import Runner, hear_frames
from mirzoo.data.corpus import FULL_SCALE, SAMPLE_RATE, Corpus
from mirzoo.dsp.chord_vocabulary import UNKNOWN, Vocabulary

CHORDS = "chords"


def hear_chords(
    corpus: Corpus,
    teacher: str,
    frame_times: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    report: Callable[[str], None] = print,
) -> np.ndarray:
    """Give a teacher's probabilities of a vocabulary's classes at the frames of a corpus.

    Parameters
    ----------
    corpus : Corpus
    teacher : str
        A chord model of the zoo.
    frame_times : sequence of np.ndarray
        The times of each item's frames (s); each frame takes the teacher's nearest.
    vocabulary : Vocabulary
        Each class of the teacher counts for the class that it is reduced to; one that has none
        (``X``) counts for nothing, so that a row may sum to less than 1.
    report : callable
        Told one line at a time how far things are.

    Returns
    -------
    np.ndarray, float16, shape (frames, classes)
    """
    folder = corpus.directory / "targets" / teacher
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.npz" for number in range(len(corpus.items))]
    if not all(path.exists() for path in paths):
        _hear(corpus, zoo.load(teacher), paths, report)
    reduction = _reduction(zoo.card(teacher).labels, vocabulary)
    rows = []
    for path, times in zip(paths, frame_times, strict=True):
        with np.load(path) as heard:
            middles = (heard["times"][1:] + heard["times"][:-1]) / 2
            nearest = heard[CHORDS][np.searchsorted(middles, times)]
        rows.append((nearest.astype(np.float32) @ reduction).astype(np.float16))
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
