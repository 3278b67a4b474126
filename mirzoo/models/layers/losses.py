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


def divergence_of_halves(probabilities):
    r"""Symmetric divergence of the first half of a batch from the second, mean over frames.

    It is the sum over classes of :math:`(p - q) (\log p - \log q)`, 0 where both are the same.

    Parameters
    ----------
    probabilities : tensor, shape (batch, frames, classes)
        The batch is even.

    Returns
    -------
    tensor, shape ()

    Examples
    --------
    >>> float(divergence_of_halves(ops.convert_to_tensor([[[0.9, 0.1]], [[0.9, 0.1]]])))
    0.0
    >>> round(float(divergence_of_halves(ops.convert_to_tensor([[[0.9, 0.1]], [[0.1, 0.9]]]))), 3)
    3.516
    """
    first, second = ops.split(ops.maximum(probabilities, LEAST_PROBABILITY), 2, axis=0)
    return ops.mean(ops.sum((first - second) * (ops.log(first) - ops.log(second)), axis=-1))


def where_not_nan(loss):
    """Make a loss, a mean over the last axis, that is 0 wherever the truth is NaN.

    Parameters
    ----------
    loss : callable
        From truth and predictions ``(..., size)`` to ``(...)``, 0 where both are 0.

    Returns
    -------
    callable
        Of the same shapes.
    """

    def known_loss(truth, predicted):
        known = ops.logical_not(ops.isnan(truth))
        nothing = ops.zeros_like(predicted)
        return loss(ops.where(known, truth, nothing), ops.where(known, predicted, nothing))

    return known_loss


def shift_tolerant_crossentropy(tolerance: int, positive_weight: float):
    """Make a binary cross-entropy of events in time whose labels may be a few frames off.

    The output at a labelled frame is the largest within ``tolerance`` frames of it, and so are the
    outputs at frames without a label; those within twice as many frames of a label do not count
    [1]_. Frames whose truth is below 0 are unknown and do not count.

    Parameters
    ----------
    tolerance : int
        Frames on either side.
    positive_weight : float
        How much more a labelled frame counts.

    Returns
    -------
    callable
        From truth and probabilities ``(batch, frames, kinds)`` to losses ``(batch, frames)``.

    References
    ----------
    .. [1] F. Foscarin, J. Schlüter, G. Widmer, "Beat this! Accurate beat tracking without DBN
       postprocessing", ISMIR 2024, arXiv:2407.21658, section 3.3.
    """

    def spread(values, reach):
        if not reach:
            return values
        return ops.max_pool(values, 2 * reach + 1, strides=1, padding="same")

    def loss(truth, probabilities):
        truth = ops.cast(truth, probabilities.dtype)
        is_labelled = ops.cast(truth > 0, probabilities.dtype)
        is_free = 1 - spread(is_labelled, 2 * tolerance)
        known = ops.cast(truth >= 0, probabilities.dtype)
        largest = spread(probabilities, tolerance)
        inside = ops.clip(largest, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        labelled = -positive_weight * is_labelled * ops.log(inside)
        free = -is_free * ops.log(1 - inside)
        return ops.mean(known * (labelled + free), axis=-1)

    return loss


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
