"""The f0 of a clean voice, by two trackers that have to agree.

SwiftF0 (a small network) and WORLD's DIO with StoneMask (M. Morise, H. Kawahara and H. Katayose,
2009) track it independently. Where both find the same pitch the voice is voiced, where both find
none or it is too soft it isn't, and the rest is not known. Both packages are in the extra
``studio``.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE
from mirzoo.data.labels import F0_RATE
from mirzoo.errors import DataError

PACKAGES = ("pyworld", "swift_f0")
"""What tracking and transforming voices needs, by the names under which it is imported."""

LOWEST_HZ, HIGHEST_HZ = 60.0, 1200.0
AGREEMENT_CENTS = 50.0
VOICED_CONFIDENCE = 0.5
SOFT_DB, SILENT_DB = -35.0, -45.0


def need(package: str) -> ModuleType:
    """Import a package of the extra ``studio``; raises DataError that names the extra."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise DataError(
            f"the package '{package}' is not installed, and voices need it; "
            "pip install 'mirzoo[studio]'"
        ) from None


def track_voice(voice: np.ndarray) -> np.ndarray:
    """Track the f0 of one clean voice.

    Parameters
    ----------
    voice : np.ndarray
        Float32 ``(samples,)`` at 16 kHz, one voice alone.

    Returns
    -------
    np.ndarray
        Float32 ``(samples // 160,)``: Hz where both trackers agree within 50 cents and the voice is
        within 35 dB of its loudest, 0 where neither finds a pitch or it is 45 dB below, NaN where
        they differ.
    """
    frames = len(voice) // F0_HOP
    first, second = _swift(voice, frames), _world(voice, frames)
    loud_db = loudness_db(voice, frames)
    loud_db -= loud_db.max(initial=-120.0)
    both, neither = (first > 0) & (second > 0), (first == 0) & (second == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart_cents = np.abs(1200 * np.log2(first / second))
    f0 = np.full(frames, np.nan, np.float32)
    f0[neither | (loud_db < SILENT_DB)] = 0
    agreed = both & (apart_cents <= AGREEMENT_CENTS) & (loud_db >= SOFT_DB)
    f0[agreed] = second[agreed]
    return f0


def loudness_db(voice: np.ndarray, frames: int) -> np.ndarray:
    """Loudness around each of the frames (dB relative to full scale), over 40 ms."""
    padded = np.pad(np.square(voice, dtype=np.float64), (2 * F0_HOP, 3 * F0_HOP))
    total = np.concatenate([[0], np.cumsum(padded)])
    starts = np.arange(frames) * F0_HOP
    return 10 * np.log10((total[starts + 4 * F0_HOP] - total[starts]) / (4 * F0_HOP) + 1e-12)


@lru_cache(maxsize=1)
def _swift_detector() -> Any:
    return need("swift_f0").SwiftF0(threads=1, spin=False)


def _swift(voice: np.ndarray, frames: int) -> np.ndarray:
    found = _swift_detector().detect(voice, SAMPLE_RATE)
    times = np.arange(frames) / F0_RATE
    if len(found.timestamps) == 0:
        return np.zeros(frames)
    log_hz = np.interp(times, found.timestamps, np.log2(np.maximum(found.pitch_hz, 1)))
    confidence = np.interp(times, found.timestamps, found.confidence)
    return np.where(confidence >= VOICED_CONFIDENCE, 2**log_hz, 0.0)


def _world(voice: np.ndarray, frames: int) -> np.ndarray:
    pyworld = need("pyworld")
    samples = voice.astype(np.float64)
    coarse, times = pyworld.dio(
        samples, SAMPLE_RATE, f0_floor=LOWEST_HZ, f0_ceil=HIGHEST_HZ, frame_period=1000 / F0_RATE
    )
    f0 = pyworld.stonemask(samples, coarse, times, SAMPLE_RATE)[:frames]
    return np.pad(f0, (0, frames - len(f0)))
