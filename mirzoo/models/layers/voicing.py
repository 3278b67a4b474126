"""What tells whether a melody sounds: how certain its pitch is, and how loud it is for this music.

The layers work on frames, without weights of their own. `PitchCertainty` and `AtLikelyPitch` look
at each frame by itself, `SurroundingLevels` at what lies around it, `TrailingLevels` at what came
before it alone, so that it has steps.
"""

from __future__ import annotations

import math

import keras
from keras import ops

SMALLEST = 1e-6
PEAK_CENTS, NEAR_CENTS = 100.0, 220.0
SMOOTHED_FRAMES = 5
LOWEST = -1e30  # of what a maximum leaves out


@keras.saving.register_keras_serializable(package="mirzoo")
class PitchCertainty(keras.layers.Layer):
    """Describe how certain the pitch of each frame is.

    Input: probabilities of pitches ``(batch, frames, bins)``. Output ``(batch, frames, 5)``:

    - the log odds of the likeliest stretch of 100 cents, and of 220 cents, which fall with what is
      likely elsewhere: ``log(m / (1 - m))``, ``m`` being what lies in it;
    - the same of 100 cents in all octaves together: it is higher where the octave alone is in
      doubt;
    - the entropy, ``-sum(p log p) / log(bins)``, from 0 to 1;
    - the place of the likeliest pitches, ``sum(p^2 k) / sum(p^2)`` in bins ``k``, from 0 to 1.

    Parameters
    ----------
    bins_per_octave : int
        Bins in an octave, of which there are whole ones.

    Examples
    --------
    >>> import numpy as np
    >>> flat = np.full((1, 1, 360), 1 / 360, "float32")
    >>> [round(float(value), 2) for value in PitchCertainty(60)(flat)[0, 0]]
    [-4.26, -3.46, -2.4, 1.0, 0.5]
    """

    time_reach = (0, 0)

    def __init__(self, bins_per_octave, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.bins_per_octave = bins_per_octave

    def call(self, inputs):
        bins = inputs.shape[-1]
        folded = _sum_of_groups(inputs, bins // self.bins_per_octave, self.bins_per_octave)
        around = ops.concatenate([folded, folded], axis=-1)  # an octave is a circle
        squared = ops.square(inputs)
        places = ops.arange(bins, dtype="float32") / float(bins - 1)
        entropy = ops.sum(inputs * ops.log(ops.maximum(inputs, SMALLEST)), axis=-1, keepdims=True)
        return ops.concatenate(
            [
                _log_odds(self._highest(inputs, PEAK_CENTS)),
                _log_odds(self._highest(inputs, NEAR_CENTS)),
                _log_odds(self._highest(around, PEAK_CENTS)),
                -entropy / math.log(bins),
                ops.sum(squared * places, axis=-1, keepdims=True)
                / ops.maximum(ops.sum(squared, axis=-1, keepdims=True), SMALLEST**2),
            ],
            axis=-1,
        )

    def _highest(self, probabilities, cents):
        """The most that lies in a stretch of neighbouring bins."""
        width = max(1, round(cents * self.bins_per_octave / 1200))
        shape = ops.shape(probabilities)
        rows = ops.reshape(probabilities, (-1, probabilities.shape[-1], 1))
        most = ops.max(width * ops.average_pool(rows, width, 1), axis=1)
        return ops.reshape(most, (-1, shape[1], 1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], 5)

    def get_config(self):
        return {**super().get_config(), "bins_per_octave": self.bins_per_octave}


@keras.saving.register_keras_serializable(package="mirzoo")
class AtLikelyPitch(keras.layers.Layer):
    """Give what is known of the pitches that a frame likely has.

    Inputs: what is known of each pitch, ``(batch, frames, pitches * channels)`` or
    ``(batch, frames, pitches * bins, channels)``, of which the highest in a pitch's bins counts;
    and the probabilities of finer pitches ``(batch, frames, pitches * fine)``. Output
    ``(batch, frames, channels)``: the mean over pitches, weighted by their squared probabilities.

    Parameters
    ----------
    pitches : int
        How many lie side by side.

    Examples
    --------
    >>> import numpy as np
    >>> known = np.array([[[1.0, 10.0, 2.0, 20.0]]], "float32")
    >>> likely = np.array([[[0.1, 0.0, 0.5, 0.4]]], "float32")
    >>> [round(float(value), 2) for value in AtLikelyPitch(2)([known, likely])[0, 0]]
    [1.99, 19.88]
    """

    time_reach = (0, 0)

    def __init__(self, pitches, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.pitches = pitches

    def call(self, inputs):
        known, probabilities = inputs
        frames = ops.shape(known)[1]
        fine = probabilities.shape[-1] // self.pitches
        likely = ops.square(
            ops.sum(ops.reshape(probabilities, (-1, frames, self.pitches, fine)), axis=-1)
        )
        likely = likely / ops.maximum(ops.sum(likely, axis=-1, keepdims=True), SMALLEST**2)
        if len(known.shape) == 4:
            bins, channels = known.shape[2] // self.pitches, known.shape[3]
            rows = ops.reshape(known, (-1, self.pitches, bins * channels))
            parts = [rows[..., channels * n : channels * (n + 1)] for n in range(bins)]
            highest = parts[0]
            for part in parts[1:]:
                highest = ops.maximum(highest, part)
            known = ops.reshape(highest, (-1, frames, self.pitches, channels))
        else:
            channels = known.shape[-1] // self.pitches
            known = ops.reshape(known, (-1, frames, self.pitches, channels))
        return ops.sum(known * ops.expand_dims(likely, -1), axis=2)

    def compute_output_shape(self, input_shape):
        known, _ = input_shape
        channels = known[3] if len(known) == 4 else known[2] // self.pitches
        return (*known[:2], channels)

    def get_config(self):
        return {**super().get_config(), "pitches": self.pitches}


@keras.saving.register_keras_serializable(package="mirzoo")
class FrameLevels(keras.layers.Layer):
    """Give how strong each frame is: the mean and the highest of its features.

    Input ``(batch, frames, bins, channels)``, output ``(batch, frames, 2)``. Of features that are
    logarithms of magnitudes these are levels.

    Examples
    --------
    >>> import numpy as np
    >>> FrameLevels()(np.array([[[[0.0], [1.0]]]], "float32")).numpy().tolist()
    [[[0.5, 1.0]]]
    """

    time_reach = (0, 0)

    def __init__(self, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)

    def call(self, inputs):
        values = ops.reshape(inputs, (-1, ops.shape(inputs)[1], inputs.shape[2] * inputs.shape[3]))
        return ops.concatenate(
            [ops.mean(values, axis=-1, keepdims=True), ops.max(values, axis=-1, keepdims=True)],
            axis=-1,
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], 2)


class _Levels(keras.layers.Layer):
    """Levels against the loudest around them; see the two layers below."""

    def __init__(self, length, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if length < 1:
            raise ValueError(f"length is {length}; allowed are whole numbers of frames from 1 on")
        self.length = length

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], 2 * input_shape[2])

    def get_config(self):
        return {**super().get_config(), "length": self.length}


@keras.saving.register_keras_serializable(package="mirzoo")
class SurroundingLevels(_Levels):
    """Give how far below the loudest music around it each frame is.

    Input: levels ``(batch, frames, channels)``. Output ``(batch, frames, 2 * channels)``: the
    level less the loudest, then the loudest, which is the maximum of means over 5 frames within
    ``length`` frames on either side.

    Parameters
    ----------
    length : int
        Frames on either side.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.repeat([1.0, 3.0], 10).reshape(1, -1, 1).astype("float32")
    >>> SurroundingLevels(20)(levels).numpy()[0, [0, 19]].tolist()
    [[-2.0, 3.0], [0.0, 3.0]]
    """

    def call(self, inputs):
        half = SMOOTHED_FRAMES // 2
        smooth = ops.average_pool(_edged(inputs, half), SMOOTHED_FRAMES, 1)
        shape = ops.shape(inputs)
        silence = ops.full((shape[0], self.length, inputs.shape[2]), LOWEST)
        padded = ops.concatenate([silence, smooth, silence], axis=1)
        loudest = ops.max_pool(padded, 2 * self.length + 1, 1)
        return ops.concatenate([inputs - loudest, loudest], axis=-1)


@keras.saving.register_keras_serializable(package="mirzoo")
class TrailingLevels(_Levels):
    """Give how far below the loudest music before it each frame is.

    As `SurroundingLevels`, of a frame and those before it alone, where a stream has them: the
    maximum over ``length`` frames of means over a frame and the 4 before it. What comes before the
    beginning counts as 0.

    Parameters
    ----------
    length : int
        How many frames, the frame itself among them.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.repeat([3.0, 1.0], 10).reshape(1, -1, 1).astype("float32")
    >>> TrailingLevels(20)(levels).numpy()[0, [9, 19]].tolist()
    [[0.0, 3.0], [-2.0, 3.0]]
    """

    def call(self, inputs):
        before = ops.zeros_like(inputs[:, :1])
        return self._levels(ops.repeat(before, self._before, axis=1), inputs)

    @property
    def _before(self):
        return self.length + SMOOTHED_FRAMES - 2

    def initial_state(self, batch, shape):
        """The state of a stream that begins: the levels before."""
        return {"levels": ops.zeros((batch, self._before, shape[-1]))}

    def step(self, inputs, state):
        """Take the next frames; gives their results and the state behind them."""
        following = ops.concatenate([state["levels"], inputs], axis=1)[:, inputs.shape[1] :]
        return self._levels(state["levels"], inputs), {"levels": following}

    def _levels(self, before, inputs):
        levels = ops.concatenate([before, inputs], axis=1)
        smooth = ops.average_pool(levels, SMOOTHED_FRAMES, 1)
        loudest = ops.max_pool(smooth, self.length, 1)
        return ops.concatenate([inputs - loudest, loudest], axis=-1)


def _edged(frames, count):
    """Frames with the first and the last one repeated on either side."""
    return ops.concatenate(
        [
            ops.repeat(frames[:, :1], count, axis=1),
            frames,
            ops.repeat(frames[:, -1:], count, axis=1),
        ],
        axis=1,
    )


def _log_odds(probability):
    inside = ops.clip(probability, SMALLEST, 1 - SMALLEST)
    return ops.log(inside / (1 - inside))


def _sum_of_groups(values, groups, size):
    """The sum over stretches of ``size`` bins, of which there are ``groups``."""
    total = values[..., :size]
    for number in range(1, groups):
        total = total + values[..., size * number : size * (number + 1)]
    return total
