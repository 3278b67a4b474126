"""The mel scale and its triangular filterbank, and the discrete cosine transform of the MFCC.

Two scales are in use. Slaney's (Auditory Toolbox, 1998) is linear below 1 kHz and logarithmic
above; HTK's is ``2595 * log10(1 + hz / 700)``. librosa's default, and this module's, is Slaney's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

SLANEY_HZ_PER_MEL = 200.0 / 3
SLANEY_CORNER_HZ = 1000.0
SLANEY_CORNER_MEL = SLANEY_CORNER_HZ / SLANEY_HZ_PER_MEL
SLANEY_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(frequencies: ArrayLike, *, htk: bool = False) -> np.ndarray:
    """Convert frequencies (Hz) to mels, as ``librosa.hz_to_mel`` does.

    Examples
    --------
    >>> round(float(hz_to_mel(1000.0)), 6)
    15.0
    """
    hz = np.asarray(frequencies, dtype=np.float64)
    if htk:
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    logarithmic = (
        SLANEY_CORNER_MEL
        + np.log(np.maximum(hz, SLANEY_CORNER_HZ) / SLANEY_CORNER_HZ) / SLANEY_LOG_STEP
    )
    return np.where(hz < SLANEY_CORNER_HZ, hz / SLANEY_HZ_PER_MEL, logarithmic)


def mel_to_hz(mels: ArrayLike, *, htk: bool = False) -> np.ndarray:
    """Convert mels to frequencies (Hz), as ``librosa.mel_to_hz`` does.

    Examples
    --------
    >>> round(float(mel_to_hz(15.0)), 6)
    1000.0
    """
    mel = np.asarray(mels, dtype=np.float64)
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    above_corner = np.maximum(mel - SLANEY_CORNER_MEL, 0.0)
    logarithmic = SLANEY_CORNER_HZ * np.exp(SLANEY_LOG_STEP * above_corner)
    return np.where(mel < SLANEY_CORNER_MEL, mel * SLANEY_HZ_PER_MEL, logarithmic)


def mel_frequencies(n: int, *, fmin: float, fmax: float, htk: bool = False) -> np.ndarray:
    """Space ``n`` frequencies (Hz) evenly in mels from ``fmin`` to ``fmax``, shape ``(n,)``.

    Examples
    --------
    >>> mel_frequencies(3, fmin=0.0, fmax=1000.0).round().tolist()
    [0.0, 500.0, 1000.0]
    """
    low, high = hz_to_mel([fmin, fmax], htk=htk)
    return mel_to_hz(np.linspace(low, high, n), htk=htk)


def mel_filterbank(
    *,
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    fmin: float = 0.0,
    fmax: float | None = None,
    htk: bool = False,
    norm: str = "slaney",
    slopes: str = "hz",
) -> np.ndarray:
    """Make triangular filters, evenly spaced in mels.

    Filter ``m`` rises from ``f[m]`` to 1 at ``f[m + 1]`` and falls to 0 at ``f[m + 2]``, where
    ``f`` are ``n_mels + 2`` frequencies evenly spaced in mels.

    Parameters
    ----------
    sample_rate : int
        Samples per second (Hz).
    n_fft : int
        Length of the Fourier transform (samples).
    n_mels : int
        Filters.
    fmin, fmax : float
        Band that the filters cover (Hz); ``fmax`` defaults to half the sample rate.
    htk : bool
        HTK's scale instead of Slaney's.
    norm : {"slaney", "none"}
        ``slaney`` divides each filter by half its width in Hz, so that its area is constant;
        ``none`` leaves the peaks at 1.
    slopes : {"hz", "mel"}
        On which scale filters rise and fall in straight lines.

    Returns
    -------
    np.ndarray, shape (n_fft // 2 + 1, n_mels), float32
        The transpose of ``librosa.filters.mel``; with ``htk=True, norm="none", slopes="mel"`` and
        ``fmin`` above 0, ``tf.signal.linear_to_mel_weight_matrix``.

    Raises
    ------
    ValueError
        If the normalisation or the scale of the slopes is unknown, or a filter is so narrow that
        no bin falls into it.

    Examples
    --------
    >>> mel_filterbank(sample_rate=16000, n_fft=512, n_mels=96).shape
    (257, 96)
    """
    if norm not in ("slaney", "none"):
        raise ValueError(f"unknown norm {norm!r}; allowed are 'slaney' and 'none'")
    if slopes not in ("hz", "mel"):
        raise ValueError(f"unknown slopes {slopes!r}; allowed are 'hz' and 'mel'")
    top = sample_rate / 2 if fmax is None else fmax
    corners = mel_frequencies(n_mels + 2, fmin=fmin, fmax=top, htk=htk)
    bins = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)[:, np.newaxis]
    along, ends = bins, corners
    if slopes == "mel":
        along, ends = hz_to_mel(bins, htk=htk), hz_to_mel(corners, htk=htk)
    widths = np.diff(ends)
    rising = (along - ends[:-2]) / widths[:-1]
    falling = (ends[2:] - along) / widths[1:]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    empty = np.flatnonzero(filters.max(axis=0) == 0.0)
    if empty.size:
        raise ValueError(
            f"{empty.size} of {n_mels} mel filters hold no frequency bin (the first is number "
            f"{empty[0]}, around {corners[empty[0] + 1]:.0f} Hz); take fewer mels, a larger "
            f"n_fft than {n_fft}, or a higher fmin than {fmin} Hz"
        )
    if norm == "slaney":
        filters = filters * (2.0 / (corners[2:] - corners[:-2]))
    return filters.astype(np.float32)


def dct_matrix(n_input: int, n_output: int) -> np.ndarray:
    """Make the matrix of the orthonormal discrete cosine transform (type II).

    ``D[n, k] = s[k] * cos(pi * k * (2 * n + 1) / (2 * n_input))`` with
    ``s[0] = sqrt(1 / n_input)`` and ``s[k] = sqrt(2 / n_input)``.

    Parameters
    ----------
    n_input : int
        Values transformed.
    n_output : int
        Coefficients kept, at most ``n_input``.

    Returns
    -------
    np.ndarray, shape (n_input, n_output), float32
        ``x @ D`` equals ``scipy.fft.dct(x, type=2, norm="ortho")[..., :n_output]``.

    Examples
    --------
    >>> dct_matrix(4, 2)[:, 0].tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    n = np.arange(n_input)[:, np.newaxis]
    k = np.arange(n_output)
    scale = np.full(n_output, np.sqrt(2.0 / n_input))
    scale[:1] = np.sqrt(1.0 / n_input)
    return (scale * np.cos(np.pi * k * (2 * n + 1) / (2 * n_input))).astype(np.float32)
