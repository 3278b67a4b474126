"""The constant-Q transform by halving the waveform, with nnAudio's kernels.

The wavelets of the highest octave serve every octave: the waveform is low-passed and halved
between one octave and the next lower one. Lengths, rounding and filters are those of nnAudio's
``CQT2010v2``, which basic-pitch was trained on; for librosa's, see `mirzoo.dsp.cqt`.

References
----------
Schörkhuber & Klapuri, "Constant-Q transform toolbox for music processing", SMC 2010; Cheuk,
Anderson, Agres & Herremans, "nnAudio", IEEE Access 8, 2020, arXiv:1912.12055.
"""

from __future__ import annotations

import numpy as np

from mirzoo.dsp.windows import periodic_window
from mirzoo.errors import RecipeError

HALVING_TAPS = 256
TRANSITION = 0.001  # half the width of the transition band, relative to the cut-off


def quality(bins_per_octave: int) -> float:
    """Cycles of a bin's frequency in its wavelet: ``1 / (2 ** (1 / bins_per_octave) - 1)``."""
    return 1.0 / (2.0 ** (1.0 / bins_per_octave) - 1.0)


def wavelet_lengths(
    frequencies: np.ndarray, sample_rate: float, bins_per_octave: int
) -> np.ndarray:
    """Lengths of the wavelets of some bins (samples), as floats that are whole numbers."""
    return np.ceil(quality(bins_per_octave) * sample_rate / frequencies)


def top_octave_wavelets(
    *, sample_rate: float, fmin: float, n_bins: int, bins_per_octave: int
) -> np.ndarray:
    """Make the wavelets of the highest octave.

    A wavelet of ``n`` samples is ``hann(n)[t] * exp(2j * pi * f / sample_rate * t)`` over the sum
    of its magnitudes, with ``t`` from ``floor(-n / 2)`` on, in the middle of the frame.

    Parameters
    ----------
    sample_rate : float
        Hz.
    fmin : float
        Frequency of the lowest of all bins (Hz).
    n_bins : int
        All bins, of all octaves.
    bins_per_octave : int

    Returns
    -------
    np.ndarray
        complex64 ``(bins_per_octave, frame length)``, the frame length a power of two.

    Raises
    ------
    RecipeError
        If the highest bin lies above half the sample rate.

    Examples
    --------
    >>> top_octave_wavelets(
    ...     sample_rate=22050, fmin=27.5, n_bins=309, bins_per_octave=36
    ... ).shape
    (36, 256)
    """
    numbers = np.arange(n_bins - bins_per_octave, n_bins)
    frequencies = fmin * 2.0 ** (numbers / bins_per_octave)
    if frequencies[-1] > sample_rate / 2:
        raise RecipeError(
            f"the highest of {n_bins} bins is at {frequencies[-1]:.0f} Hz, above half the sample "
            f"rate of {sample_rate:g} Hz; take fewer bins"
        )
    lengths = wavelet_lengths(frequencies, sample_rate, bins_per_octave).astype(int)
    frame_length = 2 ** int(np.ceil(np.log2(lengths.max())))
    wavelets = np.zeros((bins_per_octave, frame_length), np.complex64)
    for wavelet, frequency, length in zip(wavelets, frequencies, lengths, strict=True):
        time = np.arange(-length // 2, length // 2)
        wave = periodic_window("hann", length) * np.exp(2j * np.pi * frequency / sample_rate * time)
        start = -(-(frame_length - length) // 2) - length % 2
        wavelet[start : start + length] = wave / np.abs(wave).sum()
    return wavelets


def halving_filter() -> np.ndarray:
    """Make the low-pass filter that comes before halving: 256 taps, cut off at a quarter.

    Frequency sampling with a Hamming window, as ``scipy.signal.firwin2`` does it, of a gain of 1
    up to 0.5 / 1.001 of the highest frequency and 0 from 0.5 * 1.001 on.

    Returns
    -------
    np.ndarray
        float64 ``(256,)``.

    Examples
    --------
    >>> round(float(halving_filter().sum()), 3)
    1.0
    """
    grid = np.linspace(0.0, 1.0, HALVING_TAPS + 1)
    edges = [0.0, 0.5 / (1.0 + TRANSITION), 0.5 * (1.0 + TRANSITION), 1.0]
    gain = np.interp(grid, edges, [1.0, 1.0, 0.0, 0.0])
    delay = np.exp(-1j * np.pi * grid * (HALVING_TAPS - 1) / 2)
    return np.fft.irfft(gain * delay)[:HALVING_TAPS] * np.hamming(HALVING_TAPS)
