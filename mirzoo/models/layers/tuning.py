"""Layers that measure how far music is from A = 440 Hz."""

from __future__ import annotations

import math

import keras
from keras import ops

from mirzoo.models.layers.pitch import PITCH_CLASSES

LEAST_ENERGY = 1e-3
LN_10 = math.log(10)
LARGEST = 8.0
"""What features are limited to before their logarithm is undone."""


@keras.saving.register_keras_serializable(package="mirzoo")
class TuningPhase(keras.layers.Layer):
    r"""Tell for each pitch class where in its semitone its energy lies.

    The features are logarithms, :math:`x_k = \log_{10}(1 + c m_k)` of magnitudes, and
    :math:`e_k = (10^{x_k} - 1)^2` is their energy, whatever :math:`c` is. With :math:`b` bins a
    semitone, bin 0 in the middle of the lowest, a pitch class's two numbers are the sum over the
    bins :math:`k` of its semitones of

    .. math:: e_k \, (\cos 2\pi k/b, \sin 2\pi k/b) / \sum_k e_k

    where the sum below is over all bins of the frame. The angle of their sum over pitch classes is
    the tuning, a full turn a semitone, as of K. Dressler and S. Streich, "Tuning frequency
    estimation using circular statistics", ISMIR 2007.

    Parameters
    ----------
    bins_per_semitone : int
        3 or more, or 1: then both numbers are 0, as nothing can be told.

    Notes
    -----
    Input: features ``(batch, frames, bins, channels)``, the first channel counts. Output:
    ``(batch, frames, 12, 2)``, each in [-1, 1]; 0 in silence.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.zeros((1, 1, 36, 1), "float32")
    >>> features[..., 10, 0] = 1.0  # a third of a semitone above Eb, where bin 0 is C
    >>> TuningPhase(bins_per_semitone=3)(features)[0, 0, 3].numpy().astype(float).round(2).tolist()
    [-0.5, 0.87]
    """

    def __init__(self, bins_per_semitone, **kwargs):
        super().__init__(**kwargs)
        if bins_per_semitone != 1 and bins_per_semitone < 3:
            raise ValueError(
                f"bins_per_semitone is {bins_per_semitone}; allowed are 1 and numbers from 3 on, "
                "since two bins cannot tell above from below"
            )
        self.bins_per_semitone = bins_per_semitone

    def call(self, inputs):
        each = self.bins_per_semitone
        semitones = inputs.shape[2] // each
        octaves = -(-semitones // PITCH_CLASSES)
        energy = ops.square(ops.exp(LN_10 * ops.minimum(inputs[..., 0], LARGEST)) - 1.0)
        whole = ops.maximum(ops.sum(energy, axis=-1, keepdims=True), LEAST_ENERGY)
        # The bins below the middle of the lowest semitone are absent.
        below, lacking = each // 2, (octaves * PITCH_CLASSES - semitones) * each
        energy = ops.pad(energy / whole, ((0, 0), (0, 0), (below, lacking + each - below)))
        length = octaves * PITCH_CLASSES * each
        placed = energy[..., :length]
        frames = ops.shape(inputs)[1]
        placed = ops.reshape(placed, (-1, frames, octaves, PITCH_CLASSES * each))
        placed = ops.reshape(ops.sum(placed, axis=2), (-1, frames, PITCH_CLASSES, each))
        turns = [2 * math.pi * (bin_ - below) / each for bin_ in range(each)]
        directions = ops.convert_to_tensor(
            [[math.cos(turn), math.sin(turn)] if each > 1 else [0.0, 0.0] for turn in turns],
            dtype=placed.dtype,
        )
        return ops.matmul(placed, directions)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], PITCH_CLASSES, 2)

    def get_config(self):
        return {**super().get_config(), "bins_per_semitone": self.bins_per_semitone}


@keras.saving.register_keras_serializable(package="mirzoo")
class MeanTuning(keras.layers.Layer):
    """Sum up the phases that a head has put last into the embedding of each pitch class.

    Input: embedding ``(batch, frames, 12 * size)``, the two numbers of `TuningPhase` at the end of
    each pitch class. Output ``(batch, frames, 2)``, each in [0, 1]: half of 1 more than cosine and
    sine of the tuning, a full turn a semitone, times how clear it is; 0.5 where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> MeanTuning()(np.ones((1, 5, 12 * 8), "float32")).shape
    TensorShape([1, 5, 2])
    """

    def call(self, inputs):
        frames, size = ops.shape(inputs)[1], inputs.shape[-1] // PITCH_CLASSES
        grouped = ops.reshape(inputs, (-1, frames, PITCH_CLASSES, size))
        return 0.5 + 0.5 * ops.sum(grouped[..., size - 2 :], axis=2)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], 2)
