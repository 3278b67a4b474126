"""Constant-Q and variable-Q wavelets: windowed complex exponentials, one for each bin.

A bin at ``f`` Hz is seen through a Hann window of ``Q * sample_rate / f`` samples, so that
every bin spans the same number of cycles and neighbouring bins overlap alike at all pitches
(Brown 1991). The variable-Q transform adds ``gamma`` Hz to every bandwidth, which shortens the
long windows of the low bins (Schörkhuber et al. 2014).

Lengths, rounding and alignment are those of librosa 0.11.

References
----------
J. C. Brown, "Calculation of a constant Q spectral transform", JASA 89(1), 1991,
doi:10.1121/1.400476.

C. Schörkhuber, A. Klapuri, N. Holighaus, M. Dörfler, "A Matlab toolbox for efficient perfect
reconstruction time-frequency transforms with log-frequency resolution", AES 53rd Conference on
Semantic Audio, 2014.
"""

from __future__ import annotations

import numpy as np

from mirzoo.dsp.windows import periodic_window

HANN_BANDWIDTH_BINS = 1.5
"""Equivalent noise bandwidth of a Hann window (bins)."""

HANN_MAIN_LOBE_BINS = 2.0
"""Half the width of a Hann window's main lobe, from its peak to the first zero (bins)."""


def constant_q_frequencies(*, fmin: float, n_bins: int, bins_per_octave: int) -> np.ndarray:
    """List the centre frequencies ``fmin * 2**(bin / bins_per_octave)`` (Hz).

    Equals ``librosa.cqt_frequencies``.

    Parameters
    ----------
    fmin : float
        Frequency of the lowest bin (Hz).
    n_bins, bins_per_octave : int
        How many bins, and how many of them make an octave.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_bins,)``, Hz.

    Examples
    --------
    >>> constant_q_frequencies(fmin=110.0, n_bins=3, bins_per_octave=1).tolist()
    [110.0, 220.0, 440.0]
    """
    return fmin * 2.0 ** (np.arange(n_bins) / bins_per_octave)


def relative_bandwidth(bins_per_octave: int) -> float:
    """Bandwidth of a constant-Q bin as a share of its frequency: ``alpha = 1 / Q``.

    ``alpha = (r**2 - 1) / (r**2 + 1)`` with ``r = 2**(1 / bins_per_octave)``, so that each band
    ends where the next but one begins. Equals ``librosa.filters._relative_bandwidth`` for
    geometrically spaced bins.

    Examples
    --------
    >>> round(1 / relative_bandwidth(12), 3)
    17.332
    """
    squared_ratio = 2.0 ** (2.0 / bins_per_octave)
    return (squared_ratio - 1.0) / (squared_ratio + 1.0)


def erb_gamma(bins_per_octave: int) -> float:
    """Bandwidth offset (Hz) that makes every band the same share of the ear's own bandwidth.

    ``gamma = 24.7 * alpha / 0.108`` makes ``alpha * f + gamma`` proportional to the equivalent
    rectangular bandwidth ``24.7 + 0.108 * f`` Hz of Glasberg & Moore (1990),
    doi:10.1016/0378-5955(90)90170-T. Equals ``librosa.vqt(gamma=None)``.

    Examples
    --------
    >>> round(erb_gamma(12), 2)
    13.2
    """
    return 24.7 * relative_bandwidth(bins_per_octave) / 0.108


def wavelet_lengths(
    frequencies: np.ndarray,
    *,
    sample_rate: float,
    bins_per_octave: int,
    filter_scale: float = 1.0,
    gamma: float = 0.0,
) -> np.ndarray:
    """Compute the wavelets' lengths, ``filter_scale / alpha * sample_rate / (f + gamma / alpha)``.

    Equals ``librosa.filters.wavelet_lengths``.

    Parameters
    ----------
    frequencies : numpy.ndarray
        Shape ``(bins,)``, Hz.
    sample_rate : float
        Hz.
    bins_per_octave : int
        Sets the bandwidth, see `relative_bandwidth`.
    filter_scale : float
        Below 1 for finer time, above 1 for finer frequency.
    gamma : float
        Added to each bandwidth (Hz).

    Returns
    -------
    numpy.ndarray
        Shape ``(bins,)``, samples, not rounded.

    Examples
    --------
    >>> wavelet_lengths(np.array([440.0]), sample_rate=22050, bins_per_octave=12).round(1).tolist()
    [868.5]
    """
    alpha = relative_bandwidth(bins_per_octave)
    return filter_scale / alpha * sample_rate / (frequencies + gamma / alpha)


def band_edges(
    frequencies: np.ndarray, lengths: np.ndarray, *, sample_rate: float, width_bins: float
) -> np.ndarray:
    """Compute where the wavelets' bands end above their centres (Hz), shape ``(bins,)``.

    ``f + width_bins * sample_rate / length``: half of `HANN_BANDWIDTH_BINS` gives the cut-off
    that librosa compares with the Nyquist frequency, `HANN_MAIN_LOBE_BINS` the end of the main
    lobe.

    Examples
    --------
    >>> band_edges(np.array([440.0]), np.array([100.0]), sample_rate=8000, width_bins=2.0).tolist()
    [600.0]
    """
    return frequencies + width_bins * sample_rate / lengths


def wavelet_bank(
    frequencies: np.ndarray, lengths: np.ndarray, *, sample_rate: float
) -> tuple[np.ndarray, int]:
    """Build the kernels whose inner products with a frame are the transform's bins.

    Wavelet ``k`` is ``hann(n) * exp(2j * pi * f_k * n / sample_rate)``, divided by the sum of its
    magnitudes and multiplied by ``sqrt(lengths[k])``: ``librosa.vqt(norm=1, scale=True)``.
    librosa multiplies spectra, which mirrors a wavelet in time; so do these kernels, and a
    wavelet of odd length is off the frame's centre by half a sample as it is there.

    Parameters
    ----------
    frequencies, lengths : numpy.ndarray
        Shape ``(bins,)``: Hz, and samples (not rounded) as `wavelet_lengths` gives them.
    sample_rate : float
        Hz.

    Returns
    -------
    kernels : numpy.ndarray
        complex128, shape ``(taps, bins)``.
    centre : int
        Index of the tap that lies on the frame's centre.

    Examples
    --------
    >>> kernels, centre = wavelet_bank(np.array([1000.0]), np.array([80.0]), sample_rate=8000)
    >>> kernels.shape, centre
    ((80, 1), 39)
    >>> frame = np.cos(2 * np.pi * 1000 * np.arange(80) / 8000)
    >>> round(float(abs(frame @ kernels[:, 0])), 3) == round(80**0.5 / 2, 3)
    True
    """
    starts = np.floor(-lengths / 2).astype(int)
    sizes = np.floor(lengths / 2).astype(int) - starts
    first_offsets = -(sizes - 1 - (sizes + 1) // 2)
    centre = int(max(-first_offsets.min(), 0))
    taps = int(centre + ((sizes + 1) // 2).max() + 1)
    kernels = np.zeros((taps, len(frequencies)), dtype=np.complex128)
    for bin_, size in enumerate(sizes):
        time_s = np.arange(starts[bin_], starts[bin_] + size) / sample_rate
        sinusoid = np.exp(2j * np.pi * frequencies[bin_] * time_s)
        wavelet = periodic_window("hann", size) * sinusoid
        wavelet *= np.sqrt(lengths[bin_]) / np.abs(wavelet).sum()
        first = centre + first_offsets[bin_]
        kernels[first : first + size, bin_] = wavelet[::-1]
    return kernels, centre


def sparse_wavelet_bank(
    kernels: np.ndarray, centre: int, *, sparsity: float
) -> tuple[np.ndarray, int]:
    """Leave out the weakest part of each kernel's spectrum, as ``librosa.vqt(sparsity=...)`` does.

    A kernel becomes as long as its discrete Fourier transform: the next power of two. Of the
    spectrum's values from 0 Hz to the Nyquist frequency, in rising order of magnitude, those go
    whose magnitudes together make less than ``sparsity`` of all. What is lost shows in quiet
    bins next to loud ones: take this only for networks that were trained so.

    Parameters
    ----------
    kernels : numpy.ndarray
        complex, shape ``(taps, bins)``.
    centre : int
        Index of the tap that lies on the frame's centre.
    sparsity : float
        Share of each spectrum's summed magnitude, at least 0 and below 1.

    Returns
    -------
    kernels : numpy.ndarray
        complex128, shape ``(n_fft, bins)``.
    centre : int
        ``n_fft // 2``.

    Examples
    --------
    >>> kernels, centre = wavelet_bank(np.array([1000.0]), np.array([80.0]), sample_rate=8000)
    >>> sparse, centre = sparse_wavelet_bank(kernels, centre, sparsity=0.01)
    >>> sparse.shape, centre, int((np.abs(np.fft.ifft(sparse[:, 0])) > 1e-6).sum())
    ((128, 1), 64, 10)
    """
    n_fft = 1 << (len(kernels) - 1).bit_length()
    framed = np.zeros((n_fft, kernels.shape[1]), np.complex128)
    framed[(np.arange(len(kernels)) + n_fft // 2 - centre) % n_fft] = kernels
    spectra = np.fft.ifft(framed, axis=0)
    spectra[n_fft // 2 + 1 :] = 0
    magnitudes = np.abs(spectra[: n_fft // 2 + 1])
    rising = np.sort(magnitudes, axis=0)
    lost = np.cumsum(rising / rising.sum(axis=0), axis=0) < sparsity
    weakest_kept = np.take_along_axis(rising, np.argmin(lost, axis=0)[np.newaxis], axis=0)
    spectra[: n_fft // 2 + 1][magnitudes < weakest_kept] = 0
    return np.fft.fft(spectra, axis=0), n_fft // 2
