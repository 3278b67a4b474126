"""Layers that treat every pitch, or every pitch class, alike."""

from __future__ import annotations

import keras
from keras import ops

PITCH_CLASSES = 12


@keras.saving.register_keras_serializable(package="mirzoo")
class FoldOctaves(keras.layers.Layer):
    """Lay a spectrum's octaves side by side as channels of its twelve pitch classes.

    Input ``(batch, frames, 12 * octaves, channels)``, a bin a semitone; output
    ``(batch, frames, 12, octaves * channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> FoldOctaves()(np.ones((1, 5, 84, 8), "float32")).shape
    TensorShape([1, 5, 12, 56])
    """

    time_reach = (0, 0)

    def call(self, inputs):
        octaves = inputs.shape[2] // PITCH_CLASSES
        return ops.concatenate(
            [
                inputs[:, :, PITCH_CLASSES * octave : PITCH_CLASSES * (octave + 1)]
                for octave in range(octaves)
            ],
            axis=-1,
        )

    def compute_output_shape(self, input_shape):
        batch, frames, bins, channels = input_shape
        return (batch, frames, PITCH_CLASSES, bins // PITCH_CLASSES * channels)


@keras.saving.register_keras_serializable(package="mirzoo")
class WrapPitchClasses(keras.layers.Layer):
    """Pad the circle of pitch classes with its own ends, for a convolution all the way round.

    Input ``(batch, frames, 12, channels)``, output ``(batch, frames, 23, channels)``: a kernel of
    twelve then gives twelve results, and a chord looks the same to it on every root.

    Examples
    --------
    >>> import numpy as np
    >>> WrapPitchClasses()(np.ones((1, 5, 12, 8), "float32")).shape
    TensorShape([1, 5, 23, 8])
    """

    time_reach = (0, 0)

    def call(self, inputs):
        return ops.concatenate([inputs, inputs[:, :, : PITCH_CLASSES - 1]], axis=2)

    def compute_output_shape(self, input_shape):
        batch, frames, _, channels = input_shape
        return (batch, frames, 2 * PITCH_CLASSES - 1, channels)


@keras.saving.register_keras_serializable(package="mirzoo")
class GroupsAsBatch(keras.layers.Layer):
    """Give each pitch its own sequence: ``(batch, frames, groups, channels)`` to
    ``(batch * groups, frames, channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> GroupsAsBatch()(np.ones((2, 5, 12, 8), "float32")).shape
    TensorShape([24, 5, 8])
    """

    time_reach = (0, 0)

    def call(self, inputs):
        channels = inputs.shape[-1]
        frames = ops.shape(inputs)[1]
        return ops.reshape(ops.transpose(inputs, (0, 2, 1, 3)), (-1, frames, channels))

    def compute_output_shape(self, input_shape):
        batch, frames, groups, channels = input_shape
        return (None if batch is None else batch * groups, frames, channels)


@keras.saving.register_keras_serializable(package="mirzoo")
class BatchAsGroups(keras.layers.Layer):
    """Undo `GroupsAsBatch`: ``(batch * groups, frames, channels)`` to
    ``(batch, frames, groups, channels)``.

    Parameters
    ----------
    groups : int
        How many sequences belong to a clip.

    Examples
    --------
    >>> import numpy as np
    >>> BatchAsGroups(groups=12)(np.ones((24, 5, 8), "float32")).shape
    TensorShape([2, 5, 12, 8])
    """

    time_reach = (0, 0)

    def __init__(self, groups, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, inputs):
        frames, channels = ops.shape(inputs)[1], inputs.shape[2]
        clips = ops.reshape(inputs, (-1, self.groups, frames, channels))
        return ops.transpose(clips, (0, 2, 1, 3))

    def compute_output_shape(self, input_shape):
        rows, frames, channels = input_shape
        batch = None if rows is None else rows // self.groups
        return (batch, frames, self.groups, channels)

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable(package="mirzoo")
class PitchClassLogits(keras.layers.Layer):
    """Score what is relative to a root alike on every root, and what has none besides.

    Input ``(batch, frames, 12 * channels)``, the pitch classes side by side. A dense layer that
    all pitch classes share gives each of them ``units`` scores; with ``with_none`` one more
    score, of the mean and the maximum over pitch classes, comes first. Output
    ``(batch, frames, 12 * units)``, or one more.

    Parameters
    ----------
    units : int
        Scores for each pitch class.
    with_none : bool
        Whether there is a score for "no pitch class at all".

    Examples
    --------
    >>> import numpy as np
    >>> PitchClassLogits(units=14, with_none=True)(np.ones((1, 5, 96), "float32")).shape
    TensorShape([1, 5, 169])
    """

    time_reach = (0, 0)

    def __init__(self, units, with_none=False, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.with_none = with_none

    def build(self, input_shape):
        channels = input_shape[-1] // PITCH_CLASSES
        self.relative = keras.layers.Dense(self.units, name="relative")
        self.relative.build((None, None, PITCH_CLASSES, channels))
        if self.with_none:
            self.none = keras.layers.Dense(1, name="none")
            self.none.build((None, None, 2 * channels))
        super().build(input_shape)

    def call(self, inputs):
        frames, channels = ops.shape(inputs)[1], inputs.shape[-1] // PITCH_CLASSES
        grouped = ops.reshape(inputs, (-1, frames, PITCH_CLASSES, channels))
        scores = ops.reshape(self.relative(grouped), (-1, frames, PITCH_CLASSES * self.units))
        if not self.with_none:
            return scores
        whole = ops.concatenate([ops.mean(grouped, axis=2), ops.max(grouped, axis=2)], axis=-1)
        return ops.concatenate([self.none(whole), scores], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], PITCH_CLASSES * self.units + int(self.with_none))

    def get_config(self):
        return {**super().get_config(), "units": self.units, "with_none": self.with_none}


@keras.saving.register_keras_serializable(package="mirzoo")
class PitchLogits(keras.layers.Layer):
    """Score the fine pitches inside every semitone by weights that all semitones share.

    Input ``(batch, frames, semitones * channels)``, output
    ``(batch, frames, semitones * units)``.

    Parameters
    ----------
    semitones : int
        How many lie side by side in the input.
    units : int
        Fine pitches in a semitone.

    Examples
    --------
    >>> import numpy as np
    >>> PitchLogits(semitones=72, units=5)(np.ones((1, 9, 72 * 16), "float32")).shape
    TensorShape([1, 9, 360])
    """

    time_reach = (0, 0)

    def __init__(self, semitones, units, **kwargs):
        super().__init__(**kwargs)
        self.semitones = semitones
        self.units = units

    def build(self, input_shape):
        self.fine = keras.layers.Dense(self.units, name="fine")
        self.fine.build((None, None, self.semitones, input_shape[-1] // self.semitones))
        super().build(input_shape)

    def call(self, inputs):
        frames, channels = ops.shape(inputs)[1], inputs.shape[-1] // self.semitones
        grouped = ops.reshape(inputs, (-1, frames, self.semitones, channels))
        return ops.reshape(self.fine(grouped), (-1, frames, self.semitones * self.units))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.semitones * self.units)

    def get_config(self):
        return {**super().get_config(), "semitones": self.semitones, "units": self.units}


@keras.saving.register_keras_serializable(package="mirzoo")
class PitchSummary(keras.layers.Layer):
    """The mean and the maximum over the pitches of a frame.

    Input ``(batch, frames, groups * channels)``, output ``(batch, frames, 2 * channels)``.

    Parameters
    ----------
    groups : int
        How many pitches lie side by side in the input.

    Examples
    --------
    >>> import numpy as np
    >>> PitchSummary(groups=72)(np.ones((1, 9, 72 * 16), "float32")).shape
    TensorShape([1, 9, 32])
    """

    time_reach = (0, 0)

    def __init__(self, groups, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, inputs):
        frames, channels = ops.shape(inputs)[1], inputs.shape[-1] // self.groups
        grouped = ops.reshape(inputs, (-1, frames, self.groups, channels))
        return ops.concatenate([ops.mean(grouped, axis=2), ops.max(grouped, axis=2)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], 2 * (input_shape[-1] // self.groups))

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}
