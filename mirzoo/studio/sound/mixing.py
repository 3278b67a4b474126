"""Voices and lines over other music: stretches of prepared corpora, and levels."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import FULL_SCALE, Corpus
from mirzoo.errors import DataError


@lru_cache(maxsize=2)
def opened(directory: Path) -> Corpus:
    """A prepared corpus, opened once."""
    return Corpus.load(directory)


def stretch_of(corpus: Corpus, samples: int, split: str, rng: np.random.Generator) -> np.ndarray:
    """A random stretch of a corpus' split, float32 ``(samples,)``.

    Raises
    ------
    DataError
        If no item of the split is long enough.
    """
    fitting = [
        entry for entry in corpus.items if entry.split == split and entry.n_samples >= samples
    ]
    if not fitting:
        raise DataError(
            f"'{corpus.directory}' has no item of {samples} samples in its "
            f"split '{split}' to put behind a voice"
        )
    chosen = fitting[rng.integers(len(fitting))]
    start = chosen.offset_samples + rng.integers(chosen.n_samples - samples + 1)
    return corpus.audio[start : start + samples].astype(np.float32) / FULL_SCALE


def rms(waveform: np.ndarray) -> np.float32:
    """The root mean square of all samples."""
    return np.sqrt(np.mean(np.square(waveform), dtype=np.float64)).astype(np.float32)


def at_unit_rms(waveform: np.ndarray) -> np.ndarray:
    """The waveform at a root mean square of 1; silence stays silence."""
    return waveform / max(rms(waveform), np.float32(1e-6))


def at_level(waveform: np.ndarray, rms_db: float = -18.0) -> np.ndarray:
    """The waveform at ``rms_db`` relative to full scale, or lower where its peaks need it."""
    levelled = at_unit_rms(waveform) * np.float32(10 ** (rms_db / 20))
    return levelled / max(np.float32(1), np.max(np.abs(levelled)))
