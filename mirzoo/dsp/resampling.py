"""Halving a waveform's sample rate: half-band low-pass filters as framed matrix products."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

WIDEST_PASS_BAND = 0.92
"""Widest pass band that a filter is designed for, as a share of the halved Nyquist frequency.

librosa's resampler (``soxr_hq``) passes 0.913 of it.
"""


def half_band_filter(pass_band: float, *, attenuation_db: float = 80.0) -> np.ndarray:
    """Design a linear-phase low-pass filter for halving the sample rate.

    A half-band filter, ``sinc(n / 2) / 2`` under a Kaiser window: flat up to ``pass_band`` times
    the new Nyquist frequency, and ``attenuation_db`` down from ``2 - pass_band`` times it, where
    the first image of the pass band begins. What lies between may alias, but only to above the
    pass band. Length and shape of the window follow Kaiser's formulas,
    ``taps = (A - 7.95) / (2.285 * width) + 1`` and ``beta = 0.1102 * (A - 8.7)``, for an
    attenuation of ``A`` dB and a transition of ``width`` radians a sample. Equals
    ``scipy.signal.firwin(taps, 0.5, window=("kaiser", beta))``.

    Parameters
    ----------
    pass_band : float
        Share of the halved Nyquist frequency that is to be kept, above 0; more than
        `WIDEST_PASS_BAND` is taken as that.
    attenuation_db : float
        Attenuation of the stop band, and bound of the pass band's ripple (dB), above 50.

    Returns
    -------
    numpy.ndarray
        float64, shape ``(taps,)``, ``taps`` odd, sum 1.

    References
    ----------
    A. V. Oppenheim, R. W. Schafer, "Discrete-Time Signal Processing", 3rd ed., 2010: Kaiser
    windows in section 7.5, decimation in section 4.6.

    Examples
    --------
    >>> half_band_filter(0.4).size
    19
    >>> half_band_filter(0.9).size > 100
    True
    """
    transition_rad = np.pi * (1.0 - min(pass_band, WIDEST_PASS_BAND))
    half_width = math.ceil((attenuation_db - 7.95) / (2.285 * transition_rad) / 2)
    half_width += 1 - half_width % 2  # even taps but the middle one are 0, so end on an odd one
    positions = np.arange(-half_width, half_width + 1)
    window = np.kaiser(positions.size, 0.1102 * (attenuation_db - 8.7))
    taps = np.sinc(positions / 2) * window
    return taps / taps.sum()


@dataclass(frozen=True)
class FramedDecimator:
    """A decimation by two, as one matrix product for each block of samples.

    Block ``q`` reads the samples from ``q * hop - reach`` up to ``q * hop - reach + frame_length``
    and gives the samples ``q * hop / 2`` up to ``(q + 1) * hop / 2`` of the slower waveform.

    Attributes
    ----------
    matrix : numpy.ndarray
        float32, shape ``(frame_length, hop / 2)``.
    reach : int
        Half the width of the filter (samples).
    """

    matrix: np.ndarray
    reach: int

    @property
    def frame_length(self) -> int:
        """Samples that a block reads."""
        return self.matrix.shape[0]

    @property
    def hop(self) -> int:
        """Samples from one block to the next."""
        return 2 * self.matrix.shape[1]


def framed_decimator(taps: np.ndarray, *, gain: float = 1.0) -> FramedDecimator:
    """Lay out a low-pass filter for `FramedDecimator`.

    Parameters
    ----------
    taps : numpy.ndarray
        Shape ``(taps,)``, odd, as `half_band_filter` designs them.
    gain : float
        Factor on the output.

    Examples
    --------
    >>> decimator = framed_decimator(np.array([0.25, 0.5, 0.25]))
    >>> decimator.hop, decimator.frame_length, decimator.reach
    (64, 65, 1)
    """
    outputs = max(32, 1 << (taps.size // 2 - 1).bit_length())
    matrix = np.zeros((2 * (outputs - 1) + taps.size, outputs), dtype=np.float32)
    for output in range(outputs):
        matrix[2 * output : 2 * output + taps.size, output] = gain * taps
    return FramedDecimator(matrix=matrix, reach=taps.size // 2)
