"""Moving magnitude spectrograms up and down by semitones, and how they are tuned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LOWEST_TUNING_CENTS = -55.0
"""What is tuned lower than this counts as above the semitone below. Music near the seam is in one
key by this convention alone, so the seam lies off the middle between two, A = 427.5 Hz, and above
what renders are tuned to, 44 cents."""

FAINT_TUNING = 0.05
"""The length of a window's mean direction at which half of its tuning is made up for: what has no
tuning stays where it is."""

CENTS_IN_SEMITONE = 100.0
A4_HZ = 440.0


def transpose(magnitudes: np.ndarray, bins: float, *, circular: bool = False) -> np.ndarray:
    """Move ``(frames, bins, channels)`` up by ``bins``.

    What comes in from outside is silent, or with ``circular`` what went out at the other end.
    Moved by a fraction of a bin, values are those of Catmull and Rom's cubic, at least 0, as
    `mirzoo.models.layers.tuning.AtConcertPitch` has them.

    Examples
    --------
    >>> tone = np.array([0.0, 0.0, 1.0, 0.0, 0.0]).reshape(1, 5, 1)
    >>> transpose(tone, 1).ravel().tolist()
    [0.0, 0.0, 0.0, 1.0, 0.0]
    >>> transpose(tone, 0.5).ravel().tolist()
    [0.0, 0.0, 0.5625, 0.5625, 0.0]
    """
    whole = math.floor(bins)
    share = bins - whole
    if not share:
        return _moved(magnitudes, whole, circular)
    total = 0.0
    for offset in range(-1, 3):
        distance = abs(share - offset)
        near, far = catmull_rom(distance)
        weight = near if distance < 1 else far
        total = total + weight * _moved(magnitudes, whole + offset, circular)
    return np.maximum(total, 0).astype(magnitudes.dtype)


def _moved(magnitudes: np.ndarray, bins: int, circular: bool) -> np.ndarray:
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


def catmull_rom(distance: Any) -> tuple[Any, Any]:
    """The weights of bins by Catmull and Rom's cubic.

    Parameters
    ----------
    distance : number, array or tensor
        From 0 to 2 bins; it is added to and multiplied alone, so that layers take it from here.

    Returns
    -------
    near, far
        The weight where the distance is below 1, and where it is 1 or more.

    Examples
    --------
    >>> catmull_rom(0.0)[0], catmull_rom(0.5)[0], catmull_rom(1.5)[1], catmull_rom(2.0)[1]
    (1.0, 0.5625, -0.0625, 0.0)
    """
    near = 1.0 - distance * distance * (2.5 - 1.5 * distance)
    far = 2.0 + distance * (-4.0 + distance * (2.5 - 0.5 * distance))
    return near, far


def tuning_of_magnitudes(magnitudes: np.ndarray, frequencies: np.ndarray) -> float:
    """Tell how far the tones of a spectrogram lie from those of A = 440 Hz.

    Parameters
    ----------
    magnitudes : np.ndarray, shape (frames, bins, channels)
    frequencies : np.ndarray, shape (bins, channels)
        Of each bin and channel (Hz); the bins of a semitone are to be three or more.

    Returns
    -------
    float
        Cents, from `LOWEST_TUNING_CENTS` to 100 above it: the direction of the sum of all energy,
        a full turn a semitone, as of K. Dressler and S. Streich, "Tuning frequency estimation
        using circular statistics", ISMIR 2007. Of silence it is 0.

    Examples
    --------
    >>> frequencies = 440 * 2 ** (np.arange(-18, 18).reshape(36, 1) / 36)
    >>> magnitudes = np.zeros((2, 36, 1))
    >>> magnitudes[:, 19] = 1.0
    >>> round(tuning_of_magnitudes(magnitudes, frequencies), 2)
    33.33
    """
    energy = np.square(magnitudes.astype(np.float64)).sum(axis=0)
    direction = np.sum(energy * np.exp(2j * np.pi * 12 * np.log2(frequencies / A4_HZ)))
    cents = float(np.angle(direction)) / (2 * np.pi) * CENTS_IN_SEMITONE
    return (cents - LOWEST_TUNING_CENTS) % CENTS_IN_SEMITONE + LOWEST_TUNING_CENTS


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
