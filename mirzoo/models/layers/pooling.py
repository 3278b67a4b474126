"""Pooling: from results per frame to one per clip."""

from __future__ import annotations

import keras
from keras import ops

LOWEST = -1e30  # of what a maximum leaves out
SMALLEST_VARIANCE = 1e-8  # below it the slope of the square root is of no use


@keras.saving.register_keras_serializable(package="mirzoo")
class AttentionPooling(keras.layers.Layer):
    """Average frames with learnt weights.

    A frame's weight is ``softmax over frames of (w . frame)``, so the weights of a clip sum to 1
    and the result doesn't depend on other clips. Input ``(batch, frames, channels)``,
    output ``(batch, channels)``.

    References
    ----------
    Ilse, Tomczak & Welling, "Attention-based deep multiple instance learning", ICML 2018,
    arXiv:1802.04712, section 2.4 (without the gate).

    Examples
    --------
    >>> import numpy as np
    >>> AttentionPooling()(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 3])
    """

    def build(self, input_shape):
        self.score = keras.layers.Dense(1, use_bias=False, name="score")
        self.score.build(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        weights = ops.softmax(self.score(inputs), axis=1)
        return ops.sum(weights * inputs, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])


@keras.saving.register_keras_serializable(package="mirzoo")
class MeanAndSpread(keras.layers.Layer):
    """Describe a clip by the mean and the standard deviation of each channel.

    Both are taken over frames, and over bins where there are any. Input ``(batch, frames,
    channels)`` or ``(batch, frames, bins, channels)``, output ``(batch, 2 * channels)``: the means,
    then the deviations.

    Examples
    --------
    >>> import numpy as np
    >>> MeanAndSpread()(np.array([[[1.0], [3.0]]], "float32")).numpy().round(3).tolist()
    [[2.0, 1.0]]
    """

    def call(self, inputs):
        axes = list(range(1, len(inputs.shape) - 1))
        mean = ops.mean(inputs, axis=axes, keepdims=True)
        variance = ops.mean(ops.square(inputs - mean), axis=axes)
        mean = ops.squeeze(mean, axis=axes)
        return ops.concatenate([mean, ops.sqrt(variance + SMALLEST_VARIANCE)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * input_shape[-1])


@keras.saving.register_keras_serializable(package="mirzoo")
class TrailingPooling(keras.layers.Layer):
    """Give for each frame the mean and the maximum over it and the frames before it.

    Input ``(batch, frames, channels)``, output ``(batch, frames, 2 * channels)``: the means, then
    the maxima, over the last ``length`` frames, or over all there are where they are fewer.

    Parameters
    ----------
    length : int
        How many frames, the frame itself among them.

    Examples
    --------
    >>> import numpy as np
    >>> frames = np.array([[[1.0], [3.0], [-1.0], [0.0]]], "float32")
    >>> TrailingPooling(2)(frames).numpy().tolist()
    [[[1.0, 1.0], [2.0, 3.0], [1.0, 3.0], [-0.5, 0.0]]]
    """

    def __init__(self, length, **kwargs):
        super().__init__(**kwargs)
        if length < 1:
            raise ValueError(f"length is {length}; allowed are whole numbers of frames from 1 on")
        self.length = length

    def call(self, inputs):
        before = ops.zeros_like(inputs[:, :1])
        before = ops.repeat(before, self.length - 1, axis=1)
        return self._pooled(before, inputs, 0)

    def initial_state(self, batch, shape):
        """The state of a stream that begins: the frames before, and how many there were."""
        return {
            "frames": ops.zeros((batch, self.length - 1, shape[-1])),
            "count": ops.zeros((1,)),
        }

    def step(self, inputs, state):
        """Take the next frames; gives their results and the state behind them."""
        pooled = self._pooled(state["frames"], inputs, state["count"])
        frames = ops.concatenate([state["frames"], inputs], axis=1)[:, inputs.shape[1] :]
        count = ops.minimum(state["count"] + float(inputs.shape[1]), float(self.length))
        return pooled, {"frames": frames, "count": count}

    def _pooled(self, before, inputs, count):
        """Pool frames, given those before them, of which the last ``count`` are there."""
        frames = ops.concatenate([before, inputs], axis=1)
        numbers = ops.cast(ops.arange(ops.shape(inputs)[1]), "float32") + 1.0
        there = ops.minimum(numbers + count, float(self.length))
        places = ops.cast(ops.arange(ops.shape(frames)[1]), "float32")
        is_there = places >= float(self.length - 1) - count
        mean = ops.average_pool(frames, self.length, 1) * float(self.length)
        mean = mean / there[None, :, None]
        highest = ops.max_pool(ops.where(is_there[None, :, None], frames, LOWEST), self.length, 1)
        return ops.concatenate([mean, highest], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], 2 * input_shape[2])

    def get_config(self):
        return {**super().get_config(), "length": self.length}
