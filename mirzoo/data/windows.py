"""Waveforms that are in memory, cut into windows.

What is too long for memory is cut while it is decoded (`mirzoo.audio.windows`). Random windows of a
prepared corpus are chosen by `mirzoo.data.corpus.Corpus.windows`.
"""

from __future__ import annotations

import numpy as np


def cut_windows(waveform: np.ndarray, window_samples: int, hop_samples: int) -> np.ndarray:
    """Cut a waveform into windows, the first of which begins at its first sample.

    A waveform shorter than a window is filled up with zeros; of a longer one, a last window that
    would hold more zeros than samples is left out.

    Parameters
    ----------
    waveform : np.ndarray
        ``(samples,)``.
    window_samples, hop_samples : int
        Length of a window, and from one to the next (samples).

    Returns
    -------
    np.ndarray
        ``(windows, window_samples)``, of the waveform's type; at least one window.

    Examples
    --------
    >>> cut_windows(np.arange(1, 8), 3, 3).tolist()
    [[1, 2, 3], [4, 5, 6]]
    >>> cut_windows(np.arange(1, 9), 3, 3).tolist()
    [[1, 2, 3], [4, 5, 6], [7, 8, 0]]
    """
    last = max(0, len(waveform) - window_samples // 2)
    starts = range(0, max(1, last), hop_samples)
    windows = np.zeros((len(starts), window_samples), waveform.dtype)
    for row, start in zip(windows, starts, strict=True):
        samples = waveform[start : start + window_samples]
        row[: len(samples)] = samples
    return windows
