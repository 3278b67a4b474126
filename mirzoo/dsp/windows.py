"""Analysis windows for the short-time Fourier transform."""

from __future__ import annotations

import numpy as np

COSINE_WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}


def periodic_window(name: str, length: int) -> np.ndarray:
    """Make a periodic cosine window, ``w[n] = a - b * cos(2 * pi * n / length)``.

    Parameters
    ----------
    name : {"hann", "hamming"}
        ``a = b = 0.5``, or ``a = 0.54, b = 0.46``.
    length : int
        Samples, at least 2.

    Returns
    -------
    np.ndarray, shape (length,), float32
        Equal to ``scipy.signal.get_window(name, length)``.

    Raises
    ------
    ValueError
        If there is no window of that name.

    Examples
    --------
    >>> periodic_window("hann", 4).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if name not in COSINE_WINDOWS:
        raise ValueError(f"unknown window {name!r}; allowed are {sorted(COSINE_WINDOWS)}")
    offset, depth = COSINE_WINDOWS[name]
    return (offset - depth * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def centered_window(name: str, win_length: int, n_fft: int) -> np.ndarray:
    """Put a periodic window in the middle of a frame of ``n_fft`` samples, zeros around it.

    Parameters
    ----------
    name : {"hann", "hamming"}
        As in `periodic_window`.
    win_length : int
        Samples of the window, at most ``n_fft``.
    n_fft : int
        Samples of the frame.

    Returns
    -------
    np.ndarray, shape (n_fft,), float32
        Equal to ``librosa.util.pad_center(get_window(name, win_length), size=n_fft)``.

    Raises
    ------
    ValueError
        If the window is longer than the frame.

    Examples
    --------
    >>> centered_window("hann", 2, 4).tolist()
    [0.0, 0.0, 1.0, 0.0]
    """
    if win_length > n_fft:
        raise ValueError(
            f"win_length {win_length} is longer than n_fft {n_fft}; allowed is win_length <= n_fft"
        )
    before = (n_fft - win_length) // 2
    return np.pad(periodic_window(name, win_length), (before, n_fft - win_length - before))
