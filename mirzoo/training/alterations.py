"""Changes of magnitude spectrograms that leave chords and melody true, or move them along."""

from __future__ import annotations

import numpy as np

from mirzoo.dsp.transposition import transpose, transpose_spectrum
from mirzoo.recipe import Augmentation

EQUALISER_BANDS = 9
EQUALISER_DB = 8.0
NOISE_DB = (-75.0, -35.0)

__all__ = ["alter_magnitudes", "transpose", "transpose_spectrum"]


def alter_magnitudes(
    magnitudes: np.ndarray,
    augmentation: Augmentation,
    rng: np.random.Generator,
    frequencies: np.ndarray,
) -> np.ndarray:
    """Change noise floor, equalisation and level of clips at random, in this order.

    Noise is added as to a spectrum whose phase isn't known: two normal parts in each bin, each
    `NOISE_DB` strong by default.

    Parameters
    ----------
    magnitudes : np.ndarray
        Float32 ``(batch, frames, bins, channels)``.
    augmentation : Augmentation
        The range of gains (dB), how often a clip is equalised or gets noise, and how loud.
    rng : np.random.Generator
    frequencies : np.ndarray
        Of each bin and channel, ``(bins, channels)`` (Hz): a gain belongs to a frequency, so
        channels that stand for the same frequency are changed alike.

    Returns
    -------
    np.ndarray
        Float32, of the same shape.
    """
    batch = len(magnitudes)
    altered = magnitudes.copy()
    for clip in np.flatnonzero(rng.random(batch) < augmentation.noise_probability):
        level = np.float32(10 ** (rng.uniform(*(augmentation.noise_db or NOISE_DB)) / 20))
        noise = level * rng.standard_normal((2, *altered[clip].shape), dtype=np.float32)
        altered[clip] = np.hypot(altered[clip] + noise[0], noise[1])
    gain_db = np.broadcast_to(
        rng.uniform(*augmentation.gain_db, batch)[:, None, None], (batch, *frequencies.shape)
    ).copy()
    height = np.log(frequencies / frequencies.min()) / np.log(
        max(frequencies.max() / frequencies.min(), 1.001)
    )
    for clip in np.flatnonzero(rng.random(batch) < augmentation.equaliser_probability):
        bands = rng.uniform(-EQUALISER_DB, EQUALISER_DB, EQUALISER_BANDS)
        gain_db[clip] += np.interp(height, np.linspace(0, 1, EQUALISER_BANDS), bands)
    altered *= np.float32(10) ** (gain_db[:, None].astype(np.float32) / 20)
    return altered
