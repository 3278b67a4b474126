"""Where learnable filterbanks start: band-pass filters spaced in mels, as Gabor and as sinc.

Frequencies here are normalised: radians a sample for Gabor filters, cycles a sample for sincs.
"""

from __future__ import annotations

import numpy as np

from mirzoo.dsp.mel import mel_frequencies

# A Gaussian whose full width at half maximum is F in frequency (cycles a sample) has a standard
# deviation of HALF_MAXIMUM / (pi * F) samples in time.
HALF_MAXIMUM = np.sqrt(2.0 * np.log(2.0))


def mel_bands(
    n_filters: int, *, sample_rate: int, fmin: float, fmax: float | None = None
) -> np.ndarray:
    """Space the bands of ``n_filters`` overlapping triangular mel filters.

    Parameters
    ----------
    n_filters : int
        Bands.
    sample_rate : int
        Samples per second (Hz).
    fmin, fmax : float
        Lower edge of the first and upper edge of the last band (Hz); ``fmax`` defaults to half
        the sample rate.

    Returns
    -------
    np.ndarray, shape (n_filters, 3)
        Lower edge, centre and upper edge (Hz), on Slaney's mel scale.

    Examples
    --------
    >>> mel_bands(2, sample_rate=2000, fmin=0.0).round().tolist()
    [[0.0, 333.0, 667.0], [333.0, 667.0, 1000.0]]
    """
    top = sample_rate / 2 if fmax is None else fmax
    corners = mel_frequencies(n_filters + 2, fmin=fmin, fmax=top)
    return np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)


def gabor_start(
    n_filters: int, *, sample_rate: int, fmin: float, fmax: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Choose Gabor filters whose squared response is as wide as mel filters.

    The full width at half maximum is that of the square root of a triangular filter, three
    quarters of its base: Zeghidour et al. 2021 (arXiv:2101.08596), section 3.1.

    Parameters
    ----------
    n_filters, sample_rate, fmin, fmax
        As in `mel_bands`.

    Returns
    -------
    centers : np.ndarray, shape (n_filters,)
        Centre frequencies (radians a sample).
    widths : np.ndarray, shape (n_filters,)
        Standard deviations of the Gaussian envelopes (samples).

    Examples
    --------
    >>> centers, widths = gabor_start(64, sample_rate=16000, fmin=60.0)
    >>> round(float(centers[0]) * 16000 / (2 * np.pi)), round(float(widths[0]))
    (105, 88)
    """
    bands = mel_bands(n_filters, sample_rate=sample_rate, fmin=fmin, fmax=fmax)
    half_maximum_width = 0.75 * (bands[:, 2] - bands[:, 0]) / sample_rate
    return 2 * np.pi * bands[:, 1] / sample_rate, HALF_MAXIMUM / (np.pi * half_maximum_width)


def sinc_start(
    n_filters: int, *, sample_rate: int, fmin: float, fmax: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Choose band-pass filters that lie side by side, evenly spaced in mels.

    As Ravanelli & Bengio 2018 (arXiv:1808.00158), section 2, initialise SincNet.

    Parameters
    ----------
    n_filters, sample_rate, fmin, fmax
        As in `mel_bands`.

    Returns
    -------
    low : np.ndarray, shape (n_filters,)
        Lower cut-off frequencies (cycles a sample).
    band : np.ndarray, shape (n_filters,)
        Bandwidths (cycles a sample); the upper cut-off is ``low + band``.

    Examples
    --------
    >>> low, band = sinc_start(64, sample_rate=16000, fmin=60.0)
    >>> round(float(low[0]) * 16000), round(float(low[-1] + band[-1]) * 16000)
    (60, 8000)
    """
    top = sample_rate / 2 if fmax is None else fmax
    edges = mel_frequencies(n_filters + 1, fmin=fmin, fmax=top) / sample_rate
    return edges[:-1], np.diff(edges)
