"""Point-wise compressions of features that are energies: logarithm and decibels.

Neither looks at a file's or a batch's maximum, so a clip's features depend on the clip alone.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from mirzoo.models.layers.pcen import PCEN, smoothing_coefficient


@keras.saving.register_keras_serializable(package="mirzoo")
class Logarithm(keras.layers.Layer):
    """Compress features ``x >= 0`` to ``log10(1 + c * x)``.

    Parameters
    ----------
    c : float
        How far below full scale the compression reaches; musicnn takes 10000 (Pons & Serra 2019,
        arXiv:1909.06654).

    Notes
    -----
    Input and output: any shape; 0 stays 0.

    Examples
    --------
    >>> import numpy as np
    >>> float(Logarithm(c=9.0)(np.ones((1, 1, 1, 1), "float32"))[0, 0, 0, 0])
    1.0
    """

    def __init__(self, c=10000.0, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.c = c

    def call(self, features):
        return tf.math.log(1.0 + self.c * features) * (1.0 / math.log(10.0))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "c": self.c}


@keras.saving.register_keras_serializable(package="mirzoo")
class Decibel(keras.layers.Layer):
    """Convert magnitudes or powers to decibels against a fixed reference.

    ``max(20 / power * log10(x / reference), floor_db)``. Equal to ``librosa.power_to_db`` and
    ``librosa.amplitude_to_db`` with ``ref=reference, top_db=None`` and ``amin`` at ``floor_db``.

    Parameters
    ----------
    power : {1, 2}
        What the features are: 1 magnitudes, 2 powers.
    reference : float
        The magnitude or power that is 0 dB.
    floor_db : float
        The lowest value given.

    Notes
    -----
    Input and output: any shape.

    Examples
    --------
    >>> import numpy as np
    >>> magnitudes = np.float32([[1.0, 0.1, 0.0]])
    >>> Decibel(power=1)(magnitudes).numpy().round(3).tolist()
    [[0.0, -20.0, -80.0]]
    """

    def __init__(self, power, reference=1.0, floor_db=-80.0, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if power not in (1, 2):
            raise ValueError(f"power is {power!r}; allowed are 1 (magnitude) and 2 (power)")
        self.power = power
        self.reference = reference
        self.floor_db = floor_db

    def call(self, features):
        db_per_decade = 20.0 / self.power
        floor = self.reference * 10.0 ** (self.floor_db / db_per_decade)
        db = db_per_decade / math.log(10.0)
        return db * (tf.math.log(tf.maximum(features, floor)) - math.log(self.reference))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "power": self.power,
            "reference": self.reference,
            "floor_db": self.floor_db,
        }


def build_scaling(scaling, frontend, *, power: int) -> list[keras.layers.Layer]:
    """List the layers that a recipe's ``scaling`` asks for: one, or none.

    Parameters
    ----------
    scaling : mirzoo.recipe.Scaling
        Which compression, with its parameters.
    frontend : mirzoo.recipe.Frontend
        The front-end that it follows; its frame rate turns seconds into frames.
    power : {1, 2}
        What the features are: 1 magnitudes, 2 powers.

    Examples
    --------
    >>> from mirzoo.models.frontends.mel import MelConfig
    >>> config = MelConfig()
    >>> [type(layer).__name__ for layer in build_scaling(config.scaling, config, power=1)]
    ['Logarithm']
    """
    if scaling.type == "none":
        return []
    if scaling.type == "log":
        return [Logarithm(c=scaling.c)]
    if scaling.type == "db":
        return [Decibel(power, reference=scaling.reference, floor_db=scaling.floor_db)]
    return [
        PCEN(
            smoothing=smoothing_coefficient(scaling.time_constant_s, frontend.grid.frame_rate),
            gain=scaling.gain,
            bias=scaling.bias,
            power=scaling.power,
            eps=scaling.eps,
            learnable=scaling.trainable,
        )
    ]
