"""The layer of Won et al.'s taggers alone: a waveform that goes on as its own reflection."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="mirzoo")
class ReflectedEdges(keras.layers.Layer):
    """Put the reflection of a waveform ``(batch, samples)`` before and behind it.

    Frames that are not centred are then those that PyTorch's ``stft`` centres.

    Parameters
    ----------
    width : int
        How much at either side (samples); waveforms are longer than that.

    Examples
    --------
    >>> import numpy as np
    >>> ReflectedEdges(2)(np.array([[1.0, 2.0, 3.0]], "float32")).numpy().tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    def __init__(self, width, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.width = width

    def call(self, waveform):
        return tf.pad(waveform, [[0, 0], [self.width, self.width]], "REFLECT")

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape
        return (batch, None if samples is None else samples + 2 * self.width)

    def get_config(self):
        return {**super().get_config(), "width": self.width}
