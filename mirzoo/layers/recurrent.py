"""What recurrent networks published before Keras 3 need to give the same numbers."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="mirzoo")
def keras2_hard_sigmoid(x):
    """The hard sigmoid of Keras 1 and 2: ``clip(0.2 * x + 0.5, 0, 1)``.

    Keras 3 has ``clip(x / 6 + 0.5, 0, 1)`` under the name that it had before.

    Examples
    --------
    >>> keras2_hard_sigmoid(tf.constant([-3.0, 0.0, 1.0])).numpy().round(3).tolist()
    [0.0, 0.5, 0.7]
    """
    return tf.clip_by_value(0.2 * x + 0.5, 0.0, 1.0)
