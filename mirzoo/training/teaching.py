"""What a teacher says of the items of a corpus, kept beside it.

The answers lie in ``<corpus>/targets/<teacher>/<item>.npz``, the items numbered by the rows of
``items.csv``; an interrupted pass goes on with the item it was at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import FULL_SCALE, Corpus

Answer = Callable[[np.ndarray], dict[str, np.ndarray]]


def answers_folder(corpus: Corpus, teacher: str) -> Path:
    """Where the answers of a teacher lie."""
    return corpus.directory / "targets" / teacher


def teach(
    corpus: Corpus,
    teacher: str,
    ready: Callable[[], Answer],
    report: Callable[[str], None] = print,
) -> Iterator[dict[str, np.ndarray]]:
    """Give a teacher's answers item by item, asking it where they are not kept yet.

    Parameters
    ----------
    corpus : Corpus
    teacher : str
        What the answers are kept as.
    ready : callable
        Gives the teacher when it is needed: a function from float32 ``(samples,)`` at the
        corpus' rate to arrays.
    report : callable
        Told one line at a time how far things are.
    """
    folder = answers_folder(corpus, teacher)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:05d}.npz" for number in range(len(corpus.items))]
    asked = [number for number, path in enumerate(paths) if not path.exists()]
    answer = ready() if asked else None
    for number in asked:
        item = corpus.items[number]
        samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
        unfinished = paths[number].with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez_compressed(file, **answer(samples.astype(np.float32) / FULL_SCALE))
        os.replace(unfinished, paths[number])
        if (number + 1) % 20 == 0 or number == asked[-1]:
            report(f"{corpus.directory.name}: {teacher} heard {number + 1} of {len(paths)} items")
    for path in paths:
        with np.load(path) as kept:
            yield dict(kept)


def nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of increasing times (s) is nearest to each of those wanted."""
    return np.searchsorted((times[1:] + times[:-1]) / 2, wanted)
