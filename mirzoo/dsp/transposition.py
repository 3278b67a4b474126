"""Moving magnitude spectrograms up and down by semitones."""

from __future__ import annotations

import numpy as np

LOWEST_TUNING_CENTS = -55.0
"""What is tuned lower than this counts as above the semitone below. Music near the seam is in one
key by this convention alone, so the seam lies off the middle between two, A = 427.5 Hz, and above
what renders are tuned to, 44 cents."""


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
