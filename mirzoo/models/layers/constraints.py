"""Bounds that weights keep while they are trained."""

from __future__ import annotations

import keras


@keras.saving.register_keras_serializable(package="mirzoo")
class Clip(keras.constraints.Constraint):
    """Keep a weight between two bounds after each training step."""

    def __init__(self, lowest, highest):
        self.lowest = lowest
        self.highest = highest

    def __call__(self, weight):
        return keras.ops.clip(weight, self.lowest, self.highest)

    def get_config(self):
        return {"lowest": self.lowest, "highest": self.highest}
