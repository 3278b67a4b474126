"""What teachers say of a corpus: computed once, window by window, and kept beside it.

A student is trained on the same windows for many epochs, so its teachers hear each window once.
The answers lie in ``<corpus>/targets/<teacher>_<selection>/`` as two float16 arrays, ``tags``
``(windows, tags)`` and ``embedding`` ``(windows, size)``; an interrupted pass goes on where it
stopped.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import FULL_SCALE, Windows

BATCH_WINDOWS = 32
BATCHES_PER_PART = 16
OUTPUTS = ("tags", "embedding")

Answer = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Targets:
    """A teacher's answers on some windows: ``tags`` and ``embedding``, float16, a row a window."""

    tags: np.ndarray
    embedding: np.ndarray


def teach(
    windows: Windows,
    teacher: str,
    answer: Callable[[], Answer],
    *,
    report: Callable[[str], None] = print,
) -> Targets:
    """Return a teacher's answers on windows, computing those that are not kept yet.

    Parameters
    ----------
    windows : Windows
        What the teacher hears.
    teacher : str
        Its name, under which the answers are kept.
    answer : callable
        Gives the teacher when it is needed: a function from float32 ``(batch, samples)`` to
        ``{"tags": (batch, tags), "embedding": (batch, size)}``.
    report : callable
        Told one line at a time how far things are.

    Returns
    -------
    Targets
    """
    folder = windows.corpus.directory / "targets" / f"{teacher}_{_fingerprint(windows)}"
    finished = [folder / f"{output}.npy" for output in OUTPUTS]
    if not all(path.exists() for path in finished):
        _compute(windows, teacher, answer(), folder, report)
    return Targets(*(np.load(path, mmap_mode="r") for path in finished))


def _fingerprint(windows: Windows) -> str:
    """Two selections share their answers only if they are the same windows of the same audio."""
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(windows.starts, np.int64).tobytes())
    digest.update(f"{windows.window_samples} {len(windows.corpus.audio)}".encode())
    return digest.hexdigest()[:12]


def _compute(windows: Windows, teacher: str, answer: Answer, folder: Path, report) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    step = BATCH_WINDOWS * BATCHES_PER_PART
    parts = []
    for start in range(0, len(windows), step):
        part = folder / f"part{start:07d}.npz"
        parts.append(part)
        if part.exists():
            continue
        indices = np.arange(start, min(start + step, len(windows)))
        answers = [
            answer(windows.read(indices[i : i + BATCH_WINDOWS]).astype(np.float32) / FULL_SCALE)
            for i in range(0, len(indices), BATCH_WINDOWS)
        ]
        joined = {
            output: np.concatenate([np.asarray(a[output]) for a in answers]).astype(np.float16)
            for output in OUTPUTS
        }
        unfinished = part.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.savez(file, **joined)
        os.replace(unfinished, part)
        report(
            f"{windows.corpus.directory.name}: {teacher} heard {indices[-1] + 1} of "
            f"{len(windows)} windows"
        )
    for output in OUTPUTS:
        joined = np.concatenate([np.load(part)[output] for part in parts])
        unfinished = folder / f"{output}.unfinished"
        with unfinished.open("wb") as file:
            np.save(file, joined)
        os.replace(unfinished, folder / f"{output}.npy")
    for part in parts:
        part.unlink()
