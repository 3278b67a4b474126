"""The Fourier transform of real frames as matrix products, for runtimes with a slow FFT."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import tensorflow as tf

_longest: ContextVar[float] = ContextVar("longest_transform_by_matrices", default=0)


@contextmanager
def transforms_by_matrices(longest: float) -> Iterator[None]:
    """Within it, graphs are traced with matrix products in the place of Fourier transforms.

    LiteRT's kernel for products is faster than its FFT where the transform is short, phones'
    accelerators have no FFT at all, and ONNX's is not to be had from TensorFlow.

    Parameters
    ----------
    longest : float
        Transforms of more samples stay what they are: the matrices grow with the square of the
        length, 0.5 MB at 512 samples, 8 MB at 2048.

    Examples
    --------
    >>> from mirzoo.models.layers import STFT
    >>> waveform = tf.ones((1, 1024))
    >>> layer = STFT(n_fft=256, hop_length=128)
    >>> with transforms_by_matrices(longest=512):
    ...     by_matrices = layer(waveform)
    >>> bool(tf.reduce_max(tf.abs(by_matrices - layer(waveform))) < 1e-4)
    True
    """
    token = _longest.set(longest)
    try:
        yield
    finally:
        _longest.reset(token)


def goes_by_matrices(n_fft: int) -> bool:
    """Tell whether a transform of ``n_fft`` samples is to be traced as matrix products."""
    return n_fft <= _longest.get()


def transform_by_matrices(frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Transform real frames: the real and the imaginary part.

    ``Re X[f] = sum_n (x[n] + x[-n]) * cos(2 * pi * f * n / n_fft)`` and
    ``Im X[f] = -sum_n (x[n] - x[-n]) * sin(2 * pi * f * n / n_fft)`` with n from 0 to
    ``n_fft // 2``, indices modulo ``n_fft``, a sample that is its own mirror counted once: half
    the multiplications of the plain sum.

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
    rest = tf.reverse(frames[:, :, half + 1 :], [-1])
    mirrored = tf.pad(rest, [[0, 0], [0, 0], [1, 1 - n_fft % 2]])
    real = tf.matmul(first + mirrored, np.cos(angle).astype(np.float32))
    imaginary = tf.matmul(mirrored - first, np.sin(angle).astype(np.float32))
    return real, imaginary
