"""Pooling: from results per frame to one per clip."""

from __future__ import annotations

import keras
from keras import ops

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
