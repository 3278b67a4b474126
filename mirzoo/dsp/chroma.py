"""Pitch classes from spectra: matrices that fold frequency bins into one octave.

References
----------
D. P. W. Ellis, "Chroma feature analysis and synthesis", 2007,
https://www.ee.columbia.edu/~dpwe/resources/matlab/chroma-ansyn/, from which librosa's filterbank
comes too.
"""

from __future__ import annotations

import numpy as np

from mirzoo.errors import RecipeError

A0_HZ = 27.5
CENTRE_OCTAVE = 5.0
OCTAVE_WIDTH = 2.0


def chroma_filterbank(*, sample_rate: float, n_fft: int, n_chroma: int = 12) -> np.ndarray:
    """Weights that fold the bins of a Fourier transform into pitch classes.

    A Fourier bin at ``f`` Hz lies ``n_chroma * log2(f / 27.5)`` chroma bins above A0. Its weight
    in a pitch class at the distance ``d`` (chroma bins, modulo the octave) is
    ``exp(-0.5 * (2 * d / w)**2)``, ``w`` being the distance to the next Fourier bin, at least 1.
    The weights of a Fourier bin have unit Euclidean norm, times
    ``exp(-0.5 * ((octave - 5) / 2)**2)`` for its octave above A0. Pitch class 0 is C, the tuning
    A4 = 440 Hz. The bin at 0 Hz is put 1.5 octaves below the next one.

    Equals ``librosa.filters.chroma(sr=sample_rate, n_fft=n_fft, n_chroma=n_chroma, tuning=0)``.

    Parameters
    ----------
    sample_rate : float
        Hz.
    n_fft : int
        Length of the Fourier transform (samples).
    n_chroma : int
        Pitch classes in an octave.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(n_fft // 2 + 1, n_chroma)``.

    Examples
    --------
    >>> weights = chroma_filterbank(sample_rate=22050, n_fft=4096)
    >>> nearest_bin_to_a4 = round(440 * 4096 / 22050)
    >>> int(weights[nearest_bin_to_a4].argmax())
    9
    """
    frequencies = np.arange(1, n_fft) * sample_rate / n_fft
    positions = n_chroma * np.log2(frequencies / A0_HZ)
    positions = np.concatenate([[positions[0] - 1.5 * n_chroma], positions])
    widths = np.concatenate([np.maximum(np.diff(positions), 1.0), [1.0]])

    half = np.round(n_chroma / 2)
    distances = np.mod(positions[:, np.newaxis] - np.arange(n_chroma) + half, n_chroma) - half
    weights = np.exp(-0.5 * (2 * distances / widths[:, np.newaxis]) ** 2)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    octaves = positions / n_chroma
    weights *= np.exp(-0.5 * ((octaves - CENTRE_OCTAVE) / OCTAVE_WIDTH) ** 2)[:, np.newaxis]

    from_a_to_c = -3 * (n_chroma // 12)
    return np.roll(weights, from_a_to_c, axis=1)[: n_fft // 2 + 1].astype(np.float32)


def chroma_folding(
    *, n_bins: int, bins_per_octave: int, fmin: float, n_chroma: int = 12
) -> np.ndarray:
    """Weights, 0 or 1, that sum the bins of a constant-Q transform into pitch classes.

    Each pitch class takes the ``bins_per_octave / n_chroma`` bins nearest to it in every octave.
    Pitch class 0 is C, the tuning A4 = 440 Hz.

    Equals ``librosa.filters.cq_to_chroma(n_bins, bins_per_octave=bins_per_octave,
    n_chroma=n_chroma, fmin=fmin)``.

    Parameters
    ----------
    n_bins, bins_per_octave : int
        Size of the transform.
    fmin : float
        Frequency of its lowest bin (Hz).
    n_chroma : int
        Pitch classes in an octave; a divisor of ``bins_per_octave``.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(n_bins, n_chroma)``.

    Raises
    ------
    RecipeError
        If ``n_chroma`` doesn't divide ``bins_per_octave``.

    Examples
    --------
    >>> folding = chroma_folding(n_bins=84, bins_per_octave=12, fmin=55.0)
    >>> int(folding[0].argmax())
    9
    """
    if bins_per_octave % n_chroma:
        raise RecipeError(
            f"n_chroma {n_chroma} doesn't divide bins_per_octave {bins_per_octave}; pitch "
            "classes must hold the same number of bins each"
        )
    bins_per_class = bins_per_octave // n_chroma
    pitch_classes = (np.arange(n_bins) + bins_per_class // 2) // bins_per_class
    semitones_above_c = np.mod(69 + 12 * np.log2(fmin / 440.0), 12)
    first_class = int(np.round(semitones_above_c * n_chroma / 12))
    return np.eye(n_chroma, dtype=np.float32)[(pitch_classes + first_class) % n_chroma]
