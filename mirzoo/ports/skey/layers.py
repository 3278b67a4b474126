"""The layers of S-KEY alone: its variable-Q transform, and normalisation over a whole recording.

The transform is that of nnAudio 0.3 (Cheuk et al. 2020, doi:10.1109/ACCESS.2020.3019084): nine
octaves, each of the waveform halved once more, all with 12 kernels of 128 samples.
"""

from __future__ import annotations

import math

import keras
import tensorflow as tf

SMALLEST_POWER = 1e-30
"""Powers below this count as this, which keeps the magnitude's gradient finite on silence; times
any bin's scale the magnitude is still below `LEAST_MAGNITUDE`."""

LEAST_MAGNITUDE = 1e-10
"""Magnitudes below this count as this in decibels."""

LEAST_ABOVE_FLOOR = 1e-3


@keras.saving.register_keras_serializable(package="mirzoo")
class PeakNormalised(keras.layers.Layer):
    """Divide each waveform ``(batch, samples)`` by its largest magnitude; silence stays silence.

    Examples
    --------
    >>> import numpy as np
    >>> PeakNormalised()(np.array([[0.25, -0.5], [0.0, 0.0]], "float32")).numpy().tolist()
    [[0.5, -1.0], [0.0, 0.0]]
    """

    def call(self, waveform):
        peak = tf.reduce_max(tf.abs(waveform), axis=-1, keepdims=True)
        return waveform / tf.where(peak > 0, peak, tf.ones_like(peak))

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="mirzoo")
class OctaveKernels(keras.layers.Layer):
    """Magnitudes of a transform by octaves, with kernels that are weights.

    The waveform is halved octave by octave: convolved with ``lowpass``, ``(taps,)``, every second
    result kept. Each octave is reflected at its edges by half a kernel and convolved with its
    ``kernels``, ``(taps, 2 * bins)``: real parts, then imaginary parts. Magnitudes are multiplied
    by ``scale``, ``(bins,)`` of the whole.

    Parameters
    ----------
    n_octaves : int
    bins_per_octave : int
    n_bins : int
        The highest of all octaves' bins that are kept.
    hop_length : int
        Samples from frame to frame.
    taps, lowpass_taps : int
        Lengths of kernels and of the filter, even.

    Notes
    -----
    Input: ``(batch, samples)``. Output: ``(batch, 1 + samples // hop_length, n_bins, 1)``, the
    lowest first.

    Examples
    --------
    >>> import numpy as np
    >>> layer = OctaveKernels(2, 12, 15, hop_length=64, taps=16, lowpass_taps=8)
    >>> layer(np.zeros((1, 640), "float32")).shape
    TensorShape([1, 11, 15, 1])
    """

    def __init__(
        self, n_octaves, bins_per_octave, n_bins, *, hop_length, taps, lowpass_taps, **kwargs
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.n_octaves = n_octaves
        self.bins_per_octave = bins_per_octave
        self.n_bins = n_bins
        self.hop_length = hop_length
        self.taps = taps
        self.lowpass_taps = lowpass_taps

    def build(self, input_shape):
        def weight(name, shape):
            return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)

        self.lowpass = weight("lowpass", (self.lowpass_taps,))
        self.scale = weight("scale", (self.n_bins,))
        self.kernels = [
            weight(f"kernels{octave}", (self.taps, 2 * self.bins_per_octave))
            for octave in range(self.n_octaves)
        ]
        super().build(input_shape)

    def call(self, waveform):
        now, hop, octaves = waveform[..., tf.newaxis], self.hop_length, []
        lowpass = tf.reshape(tf.convert_to_tensor(self.lowpass), (-1, 1, 1))
        edge, reach = self.taps // 2, (self.lowpass_taps - 1) // 2
        for octave, kernels in enumerate(self.kernels):
            if octave:
                padded = tf.pad(now, [[0, 0], [reach, reach], [0, 0]])
                now, hop = tf.nn.conv1d(padded, lowpass, 2, "VALID"), hop // 2
            reflected = tf.pad(now, [[0, 0], [edge, edge], [0, 0]], "REFLECT")
            kernel = tf.convert_to_tensor(kernels)[:, tf.newaxis]
            octaves.append(tf.nn.conv1d(reflected, kernel, hop, "VALID"))
        bins = self.bins_per_octave
        parts = [
            tf.concat([found[..., part] for found in reversed(octaves)], axis=-1)[
                ..., -self.n_bins :
            ]
            for part in (slice(0, bins), slice(bins, None))
        ]
        power = tf.square(parts[0]) + tf.square(parts[1])
        magnitudes = tf.sqrt(tf.maximum(power, SMALLEST_POWER)) * self.scale
        return magnitudes[..., tf.newaxis]

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape
        frames = None if samples is None else 1 + samples // self.hop_length
        return (batch, frames, self.n_bins, 1)

    def get_config(self):
        names = ("n_octaves", "bins_per_octave", "n_bins", "hop_length", "taps", "lowpass_taps")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="mirzoo")
class DecibelsToOne(keras.layers.Layer):
    """Scale magnitudes by decibels: ``10 log10(max(x, 1e-10)) / range_db + 1``.

    What lies more than ``range_db`` below a recording's largest value counts as that. Input and
    output ``(batch, frames, bins, channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([1.0, 0.1, 0.0], "float32").reshape(1, 1, 3, 1)
    >>> DecibelsToOne(range_db=80.0)(x).numpy().ravel().tolist()
    [1.0, 0.875, 0.0]
    """

    def __init__(self, range_db, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.range_db = range_db

    def call(self, magnitudes):
        decibels = 10 / math.log(10) * tf.math.log(tf.maximum(magnitudes, LEAST_MAGNITUDE))
        floor = tf.reduce_max(decibels, axis=(1, 2, 3), keepdims=True) - self.range_db
        return tf.maximum(decibels, floor) / self.range_db + 1.0

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "range_db": self.range_db}


@keras.saving.register_keras_serializable(package="mirzoo")
class NormaliseWhole(keras.layers.Layer):
    """Give each recording's features mean 0 and variance 1 over all axes but the first.

    Examples
    --------
    >>> import numpy as np
    >>> y = NormaliseWhole()(np.arange(8, dtype="float32").reshape(1, 2, 4, 1)).numpy()
    >>> bool(abs(y.mean()) < 1e-6), round(float(y.std()), 3)
    (True, 1.0)
    """

    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        mean = tf.reduce_mean(inputs, axis=(1, 2, 3), keepdims=True)
        away = inputs - mean
        variance = tf.reduce_mean(tf.square(away), axis=(1, 2, 3), keepdims=True)
        return away * tf.math.rsqrt(variance + self.epsilon)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="mirzoo")
class RepeatEdges(keras.layers.Layer):
    """Pad frames and bins by repeating the first and the last, ``width`` times at either side.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0]], "float32")[..., np.newaxis, np.newaxis]
    >>> RepeatEdges(1)(x).numpy()[0, :, :, 0].tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]
    """

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width

    def call(self, inputs):
        each = self.width
        x = tf.concat([inputs[:, :1]] * each + [inputs] + [inputs[:, -1:]] * each, axis=1)
        return tf.concat([x[:, :, :1]] * each + [x] + [x[:, :, -1:]] * each, axis=2)

    def compute_output_shape(self, input_shape):
        batch, frames, bins, channels = input_shape
        more = 2 * self.width
        return (batch, None if frames is None else frames + more, bins + more, channels)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable(package="mirzoo")
class ScaledChannels(keras.layers.Layer):
    """Multiply each channel by a weight of its own.

    Examples
    --------
    >>> import numpy as np
    >>> ScaledChannels()(np.ones((1, 2, 2, 3), "float32")).shape
    TensorShape([1, 2, 2, 3])
    """

    def build(self, input_shape):
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.gamma

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="mirzoo")
class MeanOfOctaves(keras.layers.Layer):
    """The mean over frames and octaves of each pitch class.

    Input ``(batch, frames, 12 * octaves, channels)``, output ``(batch, 1, 12 * channels)``: the
    channels of one pitch class side by side.

    Examples
    --------
    >>> import numpy as np
    >>> MeanOfOctaves()(np.ones((2, 5, 84, 3), "float32")).shape
    TensorShape([2, 1, 36])
    """

    def call(self, inputs):
        bins, channels = inputs.shape[2:]
        mean = tf.reshape(tf.reduce_mean(inputs, axis=1), (-1, bins // 12, 12, channels))
        return tf.reshape(tf.reduce_mean(mean, axis=1), (-1, 1, 12 * channels))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1, 12 * input_shape[-1])


@keras.saving.register_keras_serializable(package="mirzoo")
class ZeroInSilence(keras.layers.Layer):
    """Give zeros for recordings without a sound, whose features are all at ``floor``.

    Normalised over a whole recording, equal features are rounding errors and nothing else, of
    which the network makes a key, another one on every processor.

    Called with the features ``(batch, frames, bins, channels)`` and with what becomes 0 then,
    ``(batch, 1, size)``.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([-0.25, 0.5], "float32").reshape(2, 1, 1, 1)
    >>> ZeroInSilence(floor=-0.25)([features, np.ones((2, 1, 1), "float32")]).numpy().ravel()
    array([0., 1.], dtype=float32)
    """

    def __init__(self, floor, **kwargs):
        super().__init__(**kwargs)
        self.floor = floor

    def call(self, inputs):
        features, found = inputs
        loudest = tf.reduce_max(features, axis=(1, 2, 3))
        sounds = tf.cast(loudest > self.floor + LEAST_ABOVE_FLOOR, found.dtype)
        return found * tf.reshape(sounds, (-1, 1, 1))

    def compute_output_shape(self, input_shape):
        return input_shape[1]

    def get_config(self):
        return {**super().get_config(), "floor": self.floor}
