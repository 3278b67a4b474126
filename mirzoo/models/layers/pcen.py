"""Per-channel energy normalisation, fixed or learnt."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from mirzoo.models.layers.constraints import Clip

# Smoothing below this would forget the start of a clip only after thousands of frames.
SLOWEST_SMOOTHING = 0.01
# A first-order smoother has forgotten (1 - 0.01) ** 2048 = 1e-9 of its past after as many frames.
LONGEST_MEMORY_FRAMES = 2048
# The root's slope at 0 is infinite without a bias.
LEARNT_BIAS_RANGE = (0.01, 100.0)


def smoothing_coefficient(time_constant_s: float, frame_rate: float) -> float:
    """Convert the time constant of a first-order smoother to its coefficient.

    ``s = (sqrt(1 + 4 * T ** 2) - 1) / (2 * T ** 2)`` with ``T = time_constant_s * frame_rate``,
    which puts the -3 dB point that the time constant stands for, as ``librosa.pcen`` does.

    Examples
    --------
    >>> round(smoothing_coefficient(0.4, 62.5), 4)
    0.0392
    """
    frames = time_constant_s * frame_rate
    return (math.sqrt(1.0 + 4.0 * frames**2) - 1.0) / (2.0 * frames**2)


def smooth(features, coefficient):
    """Smooth along frames, ``m[t] = (1 - s) * m[t - 1] + s * x[t]``, starting at ``m[0] = x[0]``.

    The recursion is summed by doubling, ``y[t] += (1 - s) ** k * y[t - k]`` for k = 1, 2, 4, …:
    a handful of adds instead of a loop over frames, exact to float32 for ``s >= 0.01``.

    Parameters
    ----------
    features : tf.Tensor
        ``(batch, frames, bins, channels)``, not negative.
    coefficient : tf.Tensor
        ``s``, one a bin: ``(bins, 1)``.

    Returns
    -------
    tf.Tensor
        The shape of ``features``.
    """
    known_frames = features.shape[1]
    frames = tf.shape(features)[1] if known_frames is None else known_frames
    smoothed = tf.concat([features[:, :1], coefficient * features[:, 1:]], axis=1)
    decay = 1.0 - coefficient
    shift = 1
    while shift < (LONGEST_MEMORY_FRAMES if known_frames is None else known_frames):
        delayed = tf.pad(smoothed, [[0, 0], [shift, 0], [0, 0], [0, 0]])[:, :frames]
        smoothed = smoothed + decay * delayed
        decay = tf.square(decay)
        shift *= 2
    return smoothed


@keras.saving.register_keras_serializable(package="mirzoo")
class PCEN(keras.layers.Layer):
    """Normalise each bin's energy by its own recent past (Wang et al. 2017, arXiv:1607.05666).

    ``(x / (eps + m) ** gain + bias) ** power - bias ** power`` with ``m`` the features smoothed
    by ``m[t] = (1 - s) * m[t - 1] + s * x[t]``, ``m[0] = x[0]``. Equal to ``librosa.pcen`` when
    that is given the same start, ``zi = (1 - s) * x[0]`` (it starts at 1 by default, which ties
    the first second to the scale of the input).

    Parameters
    ----------
    smoothing : float
        ``s``, from `smoothing_coefficient`; at least 0.01.
    gain : float
        How much of the loudness is divided out, 0 to 1.
    bias : float
        Added before the root; larger is closer to linear.
    power : float
        Of the root compression, 0 to 1.
    eps : float
        Keeps the division finite on silence.
    learnable : bool
        Make ``s``, ``gain``, ``bias`` and ``power`` weights, one a bin, kept in their ranges
        (Zeghidour et al. 2021, arXiv:2101.08596, section 3.3).

    Notes
    -----
    Input and output: ``(batch, frames, bins, channels)``, not negative.

    Examples
    --------
    >>> import numpy as np
    >>> PCEN(smoothing=0.04)(np.zeros((1, 63, 96, 1), "float32")).shape
    TensorShape([1, 63, 96, 1])
    """

    remembers = True

    def __init__(
        self, smoothing, gain=0.98, bias=2.0, power=0.5, eps=1e-6, learnable=False, **kwargs
    ):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if not SLOWEST_SMOOTHING <= smoothing <= 1.0:
            raise ValueError(
                f"smoothing is {smoothing:.4f}; allowed is {SLOWEST_SMOOTHING} to 1 "
                "(is the time constant far longer than a hundred frames?)"
            )
        self.smoothing = smoothing
        self.gain = gain
        self.bias = bias
        self.power = power
        self.eps = eps
        self.learnable = learnable
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        if not self.learnable:
            return
        ranges = {
            "smoothing": (SLOWEST_SMOOTHING, 1.0),
            "gain": (0.0, 1.0),
            "bias": LEARNT_BIAS_RANGE,
            "power": (0.0, 1.0),
        }
        self.learnt = {
            name: self.add_weight(
                shape=(input_shape[2],),
                initializer=keras.initializers.Constant(getattr(self, name)),
                constraint=Clip(lowest, highest),
                name=name,
            )
            for name, (lowest, highest) in ranges.items()
        }

    def _parameter(self, name):
        if self.learnable:
            return tf.convert_to_tensor(self.learnt[name])[:, tf.newaxis]
        return tf.constant(getattr(self, name), tf.float32)

    def call(self, features):
        past = smooth(features, self._parameter("smoothing"))
        loudness = tf.exp(-self._parameter("gain") * tf.math.log(self.eps + past))
        bias, power = self._parameter("bias"), self._parameter("power")
        return tf.pow(features * loudness + bias, power) - tf.pow(bias, power)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "smoothing": self.smoothing,
            "gain": self.gain,
            "bias": self.bias,
            "power": self.power,
            "eps": self.eps,
            "learnable": self.learnable,
        }
