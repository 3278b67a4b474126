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


PASSED = 0.9
"""Share of the lower rate's Nyquist frequency that `polyphase` passes unchanged."""

ATTENUATION_DB = 84.0
LEAST_OUTPUTS = 32


@dataclass(frozen=True)
class Polyphase:
    """A change of the sample rate by ``up / down``, as matrix products of blocks of samples.

    Block ``q`` gives the outputs ``q * outputs`` up to ``(q + 1) * outputs``; group ``g`` of them
    reads ``matrices[g].shape[0]`` samples from ``q * hop + starts[g]`` on.

    Attributes
    ----------
    up, down : int
        Without a common divisor.
    matrices : tuple of numpy.ndarray
        float32, each ``(samples, outputs of the group)``.
    starts : tuple of int
        The first sample that each group of block 0 reads; negative ones lie before the waveform.
    """

    up: int
    down: int
    matrices: tuple[np.ndarray, ...]
    starts: tuple[int, ...]

    @property
    def outputs(self) -> int:
        """Outputs of a block."""
        return sum(matrix.shape[1] for matrix in self.matrices)

    @property
    def hop(self) -> int:
        """Samples from one block to the next."""
        return self.outputs * self.down // self.up

    def length(self, samples: int) -> int:
        """How many samples come out of so many."""
        return samples * self.up // self.down


def polyphase(rate: int, target: int, *, passed: float = PASSED) -> Polyphase:
    """Design an anti-aliasing filter and lay it out for a change of the sample rate.

    Output ``n`` is the waveform at time ``n / target`` under a windowed sinc: no delay. Flat to
    within 0.001 dB up to ``passed`` times the lower of the two Nyquist frequencies, and 80 dB or
    more down from that Nyquist frequency on, so that nothing folds back. The Kaiser window's
    length and shape follow its formulas (`half_band_filter`); each phase is scaled so that a
    constant stays what it is.

    Parameters
    ----------
    rate, target : int
        Samples per second of what comes and of what is wanted (Hz).
    passed : float
        Share of the Nyquist frequency that is to be kept, above 0 and below 1.

    Examples
    --------
    >>> resampler = polyphase(44100, 16000)
    >>> resampler.up, resampler.down, resampler.length(44100)
    (160, 441, 16000)
    """
    common = math.gcd(rate, target)
    up, down = target // common, rate // common
    nyquist = min(rate, target) / rate  # of what comes: 1 is its own
    transition = (1 - passed) * nyquist
    reach = (ATTENUATION_DB - 7.95) / (2.285 * np.pi * transition) / 2
    cutoff = nyquist - transition / 2
    blocks = math.ceil(LEAST_OUTPUTS / up)
    outputs = blocks * up
    # A group reads what its outputs span and the filter's reach: more groups read less in vain.
    groups = max(1, min(outputs // LEAST_OUTPUTS, round(outputs * down / up / (reach / 2))))
    matrices, starts = [], []
    for numbers in np.array_split(np.arange(outputs), groups):
        times = numbers * (down / up)
        start = math.ceil(times[0] - reach)
        samples = np.arange(start, math.floor(times[-1] + reach) + 1)
        distance = samples[:, np.newaxis] - times
        inside = np.clip(1 - (distance / reach) ** 2, 0.0, None)
        window = np.i0(0.1102 * (ATTENUATION_DB - 8.7) * np.sqrt(inside))
        taps = np.sinc(cutoff * distance) * np.where(np.abs(distance) <= reach, window, 0.0)
        matrices.append((taps / taps.sum(axis=0)).astype(np.float32))
        starts.append(start)
    return Polyphase(up, down, tuple(matrices), tuple(starts))
