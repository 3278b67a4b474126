"""Layers that measure how far music is from A = 440 Hz, and move features there."""

from __future__ import annotations

import math

import keras
from keras import ops

from mirzoo.dsp.transposition import FAINT_TUNING, LOWEST_TUNING_CENTS, catmull_rom
from mirzoo.models.layers.pitch import PITCH_CLASSES

LEAST_ENERGY = 1e-3
LN_10 = math.log(10)
LEAST_CLEARNESS = 1e-9
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

    needs_float32 = True
    """Energies of a frame span more than eight bits hold."""

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


@keras.saving.register_keras_serializable(package="mirzoo")
class AtConcertPitch(keras.layers.Layer):
    r"""Move the bins of each clip so that its tones lie where those of A = 440 Hz would.

    The tuning is the direction of the sum :math:`v` of all phases of the clip (`TuningPhase`), as
    a number of cents from ``lowest_cents`` to 100 above it. Music near the seam counts as the
    nearest semitone of one neighbour in one window and of the other in the next; annotation makes
    up for that over the recording (`mirzoo.tasks.chords.one_tuning`). Features move by that many
    bins :math:`s` times :math:`|v|^2 / (|v|^2 + 0.05^2)`, with :math:`|v|` from 0 to 1: what has no
    tuning stays. The value between bins is that of Catmull and Rom's cubic; beyond the edges the
    outermost bins go on.

    Parameters
    ----------
    bins_per_semitone : int
        3 or more.
    lowest_cents : float
        Above -100 and at most 0; by default `mirzoo.dsp.transposition.LOWEST_TUNING_CENTS`.

    Notes
    -----
    Input: features ``(batch, frames, bins, channels)`` and phases ``(batch, frames, 12, 2)``.
    Output: features of the same shape.

    References
    ----------
    K. Dressler and S. Streich, "Tuning frequency estimation using circular statistics", ISMIR
    2007. E. Catmull and R. Rom, "A class of local interpolating splines", 1974.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.zeros((1, 1, 36, 1), "float32")
    >>> features[..., 10, 0] = 1.0  # a third of a semitone above Eb, where bin 0 is C
    >>> phases = TuningPhase(bins_per_semitone=3)(features)
    >>> int(AtConcertPitch(bins_per_semitone=3)([features, phases])[0, 0, :, 0].numpy().argmax())
    9
    """

    needs_float32 = True
    """Cubes of distances, and shares of bins that are next to 0."""

    def __init__(self, bins_per_semitone, lowest_cents=LOWEST_TUNING_CENTS, **kwargs):
        super().__init__(**kwargs)
        if bins_per_semitone < 3:
            raise ValueError(
                f"bins_per_semitone is {bins_per_semitone}; allowed are numbers from 3 on, since "
                "fewer bins do not tell above from below"
            )
        if not -100.0 < lowest_cents <= 0.0:
            raise ValueError(
                f"lowest_cents is {lowest_cents:g}; allowed are numbers above -100 and at most 0, "
                "so that music in tune stays where it is"
            )
        self.bins_per_semitone = bins_per_semitone
        self.lowest_cents = lowest_cents

    def call(self, inputs):
        features, phases = inputs
        each, bins = self.bins_per_semitone, features.shape[2]
        cosine, sine = ops.split(ops.mean(ops.sum(phases, axis=2), axis=1), 2, axis=-1)
        clear = ops.square(cosine) + ops.square(sine)
        middle = self.lowest_cents / 100.0 + 0.5
        turned, across = math.cos(2 * math.pi * middle), math.sin(2 * math.pi * middle)
        angle = ops.arctan2(
            sine * turned - cosine * across, cosine * turned + sine * across + LEAST_CLEARNESS
        )
        semitones = angle / (2 * math.pi) + middle
        shift = each * semitones * clear / (clear + FAINT_TUNING**2)
        shift = ops.reshape(shift, (-1, 1, 1, 1))
        lowest = math.floor(each * self.lowest_cents / 100.0) - 1
        highest = math.ceil(each * (self.lowest_cents / 100.0 + 1.0)) + 1
        below, above = features[:, :, :1], features[:, :, -1:]
        padded = ops.concatenate([*[below] * -lowest, features, *[above] * highest], axis=2)
        moved = 0.0
        for offset in range(lowest, highest + 1):
            distance = ops.minimum(ops.abs(shift - float(offset)), 2.0)
            near, far = catmull_rom(distance)
            weight = ops.where(distance < 1.0, near, far)
            moved += weight * padded[:, :, offset - lowest : offset - lowest + bins]
        return moved

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {
            **super().get_config(),
            "bins_per_semitone": self.bins_per_semitone,
            "lowest_cents": self.lowest_cents,
        }


@keras.saving.register_keras_serializable(package="mirzoo")
class WithoutTuning(keras.layers.Layer):
    """Leave out the phases that a head has put last into the embedding of each pitch class.

    Input: embedding ``(batch, frames, 12 * size)``, output ``(batch, frames, 12 * (size - 2))``.

    Examples
    --------
    >>> import numpy as np
    >>> WithoutTuning()(np.ones((1, 5, 12 * 8), "float32")).shape
    TensorShape([1, 5, 72])
    """

    def call(self, inputs):
        frames, size = ops.shape(inputs)[1], inputs.shape[-1] // PITCH_CLASSES
        grouped = ops.reshape(inputs, (-1, frames, PITCH_CLASSES, size))[..., : size - 2]
        return ops.reshape(grouped, (-1, frames, PITCH_CLASSES * (size - 2)))

    def compute_output_shape(self, input_shape):
        size = input_shape[-1] // PITCH_CLASSES
        return (*input_shape[:2], PITCH_CLASSES * (size - 2))
