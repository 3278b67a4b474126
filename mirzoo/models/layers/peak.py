"""Decibels below the loudest value of the features themselves."""

from __future__ import annotations

import math

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="mirzoo")
class DecibelsBelowPeak(keras.layers.Layer):
    """Convert magnitudes to decibels against each clip's and channel's own maximum.

    ``max(20 * log10(max(x, amin) / max(peak, amin)), -range_db)`` with ``peak`` the maximum of
    ``x`` over frames and bins: ``librosa.amplitude_to_db(x, ref=np.max, amin=amin,
    top_db=range_db)`` of each clip and channel. A clip does not depend on the others in the
    batch, but a frame depends on the whole clip. Silence is 0 dB throughout.

    Parameters
    ----------
    range_db : float
        How far below the peak values may lie (dB).
    amin : float
        Magnitudes below this count as this.

    Notes
    -----
    Input and output: features ``(batch, frames, bins, channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> magnitudes = np.float32([5.0, 0.5, 0.0]).reshape(1, 3, 1, 1)
    >>> DecibelsBelowPeak()(magnitudes).numpy().ravel().round(3).tolist()
    [0.0, -20.0, -80.0]
    """

    def __init__(self, range_db: float = 80.0, amin: float = 1e-5, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.range_db = range_db
        self.amin = amin

    def call(self, features):
        level = tf.math.log(tf.maximum(features, self.amin)) * (20.0 / math.log(10.0))
        peak = tf.reduce_max(level, axis=(1, 2), keepdims=True)
        return tf.maximum(level - peak, -self.range_db)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "range_db": self.range_db, "amin": self.amin}
