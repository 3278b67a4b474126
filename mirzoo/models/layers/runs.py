"""Stretches of frames with the same value, as a TensorFlow graph without loops.

Each frame is compared with every other: for windows of some hundred frames.
"""

from __future__ import annotations

import tensorflow as tf


def mean_of_runs(values: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
    """The mean of features over the stretch that each frame is in.

    Parameters
    ----------
    values : tf.Tensor
        Integers ``(batch, frames)``; a stretch lasts while they stay the same.
    features : tf.Tensor
        ``(batch, frames, size)``.

    Returns
    -------
    tf.Tensor
        ``(batch, frames, size)``.

    Examples
    --------
    >>> mean = mean_of_runs(tf.constant([[7, 7, 4]]), tf.constant([[[1.0], [3.0], [5.0]]]))
    >>> mean[0, :, 0].numpy().tolist()
    [2.0, 2.0, 5.0]
    """
    together = _together(values)
    return tf.matmul(together, features) / tf.reduce_sum(together, axis=-1, keepdims=True)


def any_of_runs(values: tf.Tensor, holds: tf.Tensor) -> tf.Tensor:
    """Whether something holds anywhere in the stretch that each frame is in.

    Parameters
    ----------
    values, holds : tf.Tensor
        bool ``(batch, frames)``.
    """
    count = tf.matmul(_together(values), tf.cast(holds, tf.float32)[..., tf.newaxis])
    return count[..., 0] > 0.5


def runs_shorter_than(values: tf.Tensor, frames: float) -> tf.Tensor:
    """Whether the stretch that each frame is in has fewer frames; bool ``(batch, frames)``."""
    return tf.reduce_sum(_together(values), axis=-1) < frames


def runs_at_edges(values: tf.Tensor) -> tf.Tensor:
    """Whether the stretch that each frame is in is the first or the last of its window."""
    number = _number(values)
    return tf.logical_or(number < 0.5, number > number[:, -1:] - 0.5)


def _together(values: tf.Tensor) -> tf.Tensor:
    """1 where two frames are in the same stretch, else 0: ``(batch, frames, frames)``."""
    number = _number(values)
    return tf.cast(tf.abs(number[:, :, tf.newaxis] - number[:, tf.newaxis, :]) < 0.5, tf.float32)


def _number(values: tf.Tensor) -> tf.Tensor:
    """The number of the stretch that each frame is in, from 0 on, as floats."""
    values = tf.cast(values, tf.float32)
    changes = tf.cast(tf.abs(values[:, 1:] - values[:, :-1]) > 0.5, tf.float32)
    return tf.cumsum(tf.pad(changes, [[0, 0], [1, 0]]), axis=1)
