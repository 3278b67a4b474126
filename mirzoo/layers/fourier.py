"""The Fourier transform of real frames as matrix products, for runtimes with a slow FFT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import tensorflow as tf

# The matrices grow with the square: 0.5 MB at 512 samples, 8 MB at 2048.
LONGEST_BY_MATRICES = 512

_by_matrices = ContextVar("transforms_by_matrices", default=False)


@contextmanager
def transforms_by_matrices() -> Iterator[None]:
    """Within it, graphs are traced with matrix products in the place of short transforms.

    LiteRT's and ONNX Runtime's kernels for products are far faster than theirs for the FFT, and
    phones' accelerators have no FFT at all. Transforms of more than 512 samples stay what they
    are.

    Examples
    --------
    >>> from mirzoo.layers import STFT
    >>> waveform = tf.ones((1, 1024))
    >>> layer = STFT(n_fft=256, hop_length=128)
    >>> with transforms_by_matrices():
    ...     by_matrices = layer(waveform)
    >>> bool(tf.reduce_max(tf.abs(by_matrices - layer(waveform))) < 1e-4)
    True
    """
    token = _by_matrices.set(True)
    try:
        yield
    finally:
        _by_matrices.reset(token)


def goes_by_matrices(n_fft: int) -> bool:
    """Tell whether a transform of ``n_fft`` samples is to be traced as matrix products."""
    return _by_matrices.get() and n_fft <= LONGEST_BY_MATRICES and n_fft % 2 == 0


def transform_by_matrices(frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Transform real frames of even length: the real and the imaginary part.

    ``Re X[f] = sum_n (x[n] + x[-n]) * cos(2 * pi * f * n / n_fft)`` and
    ``Im X[f] = -sum_n (x[n] - x[-n]) * sin(2 * pi * f * n / n_fft)`` with n from 0 to
    ``n_fft / 2``, indices modulo ``n_fft``, the middle and the first sample counted once: a
    quarter of the multiplications of the plain sum.

    Parameters
    ----------
    frames : tf.Tensor
        ``(batch, frames, n_fft)``.

    Returns
    -------
    tuple of tf.Tensor
        ``(batch, frames, n_fft // 2 + 1)`` each.
    """
    n_fft = frames.shape[-1]
    half = n_fft // 2
    angle = 2 * np.pi / n_fft * (np.outer(np.arange(half + 1), np.arange(half + 1)) % n_fft)
    first = frames[:, :, : half + 1]
    mirrored = tf.pad(tf.reverse(frames[:, :, half + 1 :], [-1]), [[0, 0], [0, 0], [1, 1]])
    real = tf.matmul(first + mirrored, np.cos(angle).astype(np.float32))
    imaginary = tf.matmul(mirrored - first, np.sin(angle).astype(np.float32))
    return real, imaginary
