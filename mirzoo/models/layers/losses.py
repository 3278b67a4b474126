"""Losses and metrics of frames of which something may be unknown.

Keras' own categorical cross-entropy takes the rows to sum to 1; where a row is all zeros because
nothing is known, it would push the logits of the other classes down for ever.
"""

from __future__ import annotations

import keras
from keras import ops

LEAST_PROBABILITY = 1e-7


def crossentropy_where_named(one_hot, probabilities):
    """Categorical cross-entropy that is 0, gradient included, where a row names no class.

    Parameters
    ----------
    one_hot, probabilities : tensor, shape (..., classes)
        Rows of ``one_hot`` may be zeros, or sum to less than 1.

    Returns
    -------
    tensor, shape (...)
    """
    return -ops.sum(one_hot * ops.log(ops.maximum(probabilities, LEAST_PROBABILITY)), axis=-1)


def crossentropy_where_known(truth, probabilities):
    """Binary cross-entropy, mean over the last axis, that is 0 where the truth is below 0.

    Parameters
    ----------
    truth, probabilities : tensor, shape (..., size)

    Returns
    -------
    tensor, shape (...)
    """
    known = ops.cast(truth >= 0, probabilities.dtype)
    inside = ops.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    loss = -(truth * ops.log(inside) + (1 - truth) * ops.log(1 - inside))
    return ops.mean(known * loss, axis=-1)


class FrameAccuracy(keras.metrics.Metric):
    """The share of the frames with a target whose likeliest bin is near enough to the target's.

    Parameters
    ----------
    reach : int
        How many bins off still counts as right.
    """

    def __init__(self, reach: int = 0, name: str = "accuracy") -> None:
        super().__init__(name=name)
        self.reach = reach
        self.right = self.add_weight(name="right", initializer="zeros")
        self.counted = self.add_weight(name="counted", initializer="zeros")

    def update_state(self, truth, probabilities, sample_weight=None):
        known = ops.cast(ops.max(truth, axis=-1) > 0, "float32")
        distance = ops.abs(ops.argmax(truth, axis=-1) - ops.argmax(probabilities, axis=-1))
        self.right.assign_add(ops.sum(known * ops.cast(distance <= self.reach, "float32")))
        self.counted.assign_add(ops.sum(known))

    def result(self):
        return self.right / ops.maximum(self.counted, 1.0)
