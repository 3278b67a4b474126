"""Changes of magnitude spectrograms that leave chords and melody true, or move them along."""

from __future__ import annotations

import numpy as np

from mirzoo.recipe import Augmentation

EQUALISER_BANDS = 9
EQUALISER_DB = 8.0
NOISE_DB = (-75.0, -35.0)


def transpose(magnitudes: np.ndarray, bins: int, *, circular: bool = False) -> np.ndarray:
    """Move ``(frames, bins, channels)`` up by ``bins``.

    What comes in from outside is silent, or with ``circular`` what went out at the other end.
    """
    if circular:
        return np.roll(magnitudes, bins, axis=1)
    moved = np.zeros_like(magnitudes)
    if bins > 0:
        moved[:, bins:] = magnitudes[:, :-bins]
    elif bins < 0:
        moved[:, :bins] = magnitudes[:, -bins:]
    else:
        moved[:] = magnitudes
    return moved


def transpose_spectrum(magnitudes: np.ndarray, semitones: float) -> np.ndarray:
    """Move the frequencies of ``(frames, bins, channels)`` up by ``semitones``.

    Bins are evenly spaced from 0 Hz on, as in an STFT: bin ``b`` takes what is at
    ``b * 2 ** (-semitones / 12)``, interpolated linearly; what comes in from above is silent. All
    moves, formants too, as in a recording that is played faster or slower.
    """
    last = magnitudes.shape[1] - 1
    places = np.arange(last + 1) * 2.0 ** (-semitones / 12)
    lower = np.minimum(places.astype(int), last)
    share = (places - lower).astype(np.float32)[:, np.newaxis]
    above = np.minimum(lower + 1, last)
    moved = magnitudes[:, lower] * (1 - share) + magnitudes[:, above] * share
    moved[:, places > last] = 0
    return moved


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
        channels that hear the same frequency are changed alike.

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
