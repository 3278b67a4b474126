"""The Fourier transform of real frames as matrix products, for runtimes with a slow FFT."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import tensorflow as tf

LONGEST_IN_ONE_STEP = 512
SHORTEST_STEP = 8

_longest: ContextVar[float] = ContextVar("longest_transform_by_matrices", default=0)


@contextmanager
def transforms_by_matrices(longest: float) -> Iterator[None]:
    """Within it, graphs are traced with matrix products in the place of Fourier transforms.

    LiteRT's kernel for products is faster than its FFT where the transform is short, phones'
    accelerators have no FFT at all, and ONNX's is not to be had from TensorFlow.

    Parameters
    ----------
    longest : float
        Transforms of more samples stay what they are.

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

    Up to `LONGEST_IN_ONE_STEP` samples, in one step with matrices of ``n_fft // 2 + 1`` rows, 0.5
    MB at 512 samples. Longer ones, whose matrices would be 8 MB at 2048, in two steps of about the
    square root of the length each (0.05 MB), with a fifth of the multiplications.

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
    rows = _largest_divisor_up_to_root(n_fft)
    if n_fft <= LONGEST_IN_ONE_STEP or rows < SHORTEST_STEP:
        return _in_one_step(frames)
    return _in_two_steps(frames, rows)


def _in_one_step(frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Each frame times the cosines and sines of every frequency.

    ``Re X[f] = sum_n (x[n] + x[-n]) * cos(2 * pi * f * n / n_fft)`` and
    ``Im X[f] = -sum_n (x[n] - x[-n]) * sin(2 * pi * f * n / n_fft)`` with n from 0 to
    ``n_fft // 2``, indices modulo ``n_fft``, a sample that is its own mirror counted once: half
    the multiplications of the plain sum.
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


def _in_two_steps(frames: tf.Tensor, rows: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Cooley and Tukey's first step, in products of matrices.

    With ``n_fft = rows * columns``, ``n = columns * a + b`` and ``f = c + rows * d``::

        X[f] = sum_b w(b * d / columns) w(b * c / n_fft) sum_a w(a * c / rows) x[n]

    where ``w(t) = exp(-2j * pi * t)``: transforms of ``rows`` samples, a turn of each number, and
    transforms of ``columns`` numbers.

    References
    ----------
    Cooley & Tukey, "An algorithm for the machine calculation of complex Fourier series",
    Mathematics of Computation 19, 1965.
    """
    n_fft = frames.shape[-1]
    columns = n_fft // rows
    half = columns // 2 + 1  # of the numbers d: above, f is in the other half of the spectrum
    a, b, d = np.arange(rows), np.arange(columns), np.arange(half)
    first = _roots(np.outer(a, a) / rows)
    turn = _roots(np.outer(b, a) / n_fft)
    second = _roots(np.outer(d, b) / columns)
    count = frames.shape[1] or tf.shape(frames)[1]
    by_columns = tf.transpose(tf.reshape(frames, (-1, count, rows, columns)), (0, 1, 3, 2))
    real = tf.matmul(by_columns, first.real.astype(np.float32))
    imaginary = tf.matmul(by_columns, first.imag.astype(np.float32))
    turned_real = real * turn.real.astype(np.float32) - imaginary * turn.imag.astype(np.float32)
    turned_imaginary = real * turn.imag.astype(np.float32) + imaginary * turn.real.astype(
        np.float32
    )
    turned = tf.concat([turned_real, turned_imaginary], axis=2)
    for_real = np.hstack([second.real, -second.imag]).astype(np.float32)
    for_imaginary = np.hstack([second.imag, second.real]).astype(np.float32)

    def second_step(matrix: np.ndarray) -> tf.Tensor:
        spectrum = tf.matmul(matrix[np.newaxis, np.newaxis], turned)
        return tf.reshape(spectrum, (-1, count, half * rows))[:, :, : n_fft // 2 + 1]

    return second_step(for_real), second_step(for_imaginary)


def _roots(turns: np.ndarray) -> np.ndarray:
    return np.exp(-2j * np.pi * turns)


def _largest_divisor_up_to_root(number: int) -> int:
    return max(divisor for divisor in range(1, math.isqrt(number) + 1) if number % divisor == 0)
