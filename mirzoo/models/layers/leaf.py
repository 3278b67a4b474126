"""Gabor filters and Gaussian pooling, the learnt parts of LEAF besides its PCEN.

Zeghidour, Teboul, de Chaumont Quitry & Tagliasacchi, "LEAF: a learnable frontend for audio
classification", ICLR 2021, arXiv:2101.08596.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from mirzoo.dsp.filters import HALF_MAXIMUM, gabor_start
from mirzoo.models.layers.constraints import Clip
from mirzoo.models.layers.filters import LearntFilters, filter_waveform


@keras.saving.register_keras_serializable(package="mirzoo")
class GaborFilters(LearntFilters):
    """Filter a waveform with learnt complex Gabor filters and take the squared modulus.

    ``y[i, f] = |sum_n x[i * decimation + n] * g_f[n]|^2`` with
    ``g_f[n] = exp(i * c_f * n) * exp(-n^2 / (2 * w_f^2)) / (sqrt(2 * pi) * w_f)``: the paper,
    section 3.1. A sine of amplitude ``a`` at the centre of a filter gives ``a^2 / 4``.

    Every value is the paper's at that sample; only those at multiples of ``decimation`` are
    computed (the paper's ``decimation`` is 1), which costs a ``decimation``-th. A squared modulus
    varies no faster than the filter is wide, so what aliases is little as long as
    ``sample_rate / decimation`` exceeds twice the filters' width at half maximum.

    The weights are the logarithms of ``c_f`` (radians a sample) and ``w_f`` (samples), one each a
    filter, so that a step of the optimiser changes low and high filters by the same factor. They
    start as mel filters and stay within ``c <= pi`` and the paper's bounds on ``w``.

    The parameters, the input and the output are those of
    `mirzoo.models.layers.filters.LearntFilters`.

    Examples
    --------
    >>> import numpy as np
    >>> layer = GaborFilters(n_filters=64, kernel_size=401, sample_rate=16000, decimation=8)
    >>> layer(np.zeros((1, 16000), "float32")).shape
    TensorShape([1, 2001, 64])
    """

    def build(self, input_shape):
        centers, widths = gabor_start(
            self.n_filters, sample_rate=self.sample_rate, fmin=self.fmin, fmax=self.fmax
        )
        narrowest, widest = 4 * HALF_MAXIMUM / np.pi, self.kernel_size * HALF_MAXIMUM / np.pi
        widths = np.clip(widths, narrowest, widest)
        self.log_center = self.add_weight(
            shape=(self.n_filters,),
            initializer=lambda shape, dtype: np.log(centers),
            constraint=Clip(math.log(2 * math.pi / self.sample_rate), math.log(math.pi)),
            name="log_center",
        )
        self.log_width = self.add_weight(
            shape=(self.n_filters,),
            initializer=lambda shape, dtype: np.log(widths),
            constraint=Clip(float(np.log(narrowest)), float(np.log(widest))),
            name="log_width",
        )

    def _kernels(self):
        half = self.kernel_size // 2
        n = tf.range(-half, half + 1, dtype=tf.float32)[:, tf.newaxis]
        width = tf.exp(self.log_width)
        envelope = tf.exp(-0.5 * tf.square(n / width)) / (math.sqrt(2 * math.pi) * width)
        phase = n * tf.exp(self.log_center)
        return tf.concat([envelope * tf.cos(phase), envelope * tf.sin(phase)], axis=1)

    def call(self, waveform):
        filtered = filter_waveform(waveform, self._kernels(), self.decimation)
        real, imaginary = tf.split(filtered, 2, axis=-1)
        return tf.square(real) + tf.square(imaginary)


@keras.saving.register_keras_serializable(package="mirzoo")
class GaussianPooling(keras.layers.Layer):
    """Average over time under a Gaussian window, one width a bin, and step by ``stride``.

    ``y[k, f] = sum_n x[k * stride + n, f] * v_f[n]`` with
    ``v_f[n] ~ exp(-n^2 / (2 * (width_f * h)^2))`` over ``|n| <= h = pool_size // 2``, summing to 1
    (the paper leaves it unnormalised, which makes loudness depend on the width):
    arXiv:2101.08596, section 3.2.

    Parameters
    ----------
    pool_size : int
        Samples under the window, odd.
    stride : int
        Samples from one frame to the next.
    width : float
        Standard deviation over half the window's length, where it starts; the paper's is 0.4.
    learnable : bool
        Make the widths weights, kept in the paper's range from ``2 / pool_size`` to 0.5.

    Notes
    -----
    Input: ``(batch, samples, bins)``. Output: ``(batch, frames, bins, 1)`` with
    ``1 + (samples - 1) // stride`` frames, frame ``k`` centred on sample ``k * stride``; zeros
    are taken to lie around the input.

    Examples
    --------
    >>> import numpy as np
    >>> layer = GaussianPooling(pool_size=51, stride=32)
    >>> layer(np.zeros((1, 2001, 64), "float32")).shape
    TensorShape([1, 63, 64, 1])
    """

    def __init__(self, pool_size, stride, width=0.4, learnable=True, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if pool_size % 2 == 0:
            raise ValueError(f"pool_size is {pool_size}; allowed are odd numbers")
        self.pool_size = pool_size
        self.stride = stride
        self.width = width
        self.learnable = learnable
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape):
        self.widths = self.add_weight(
            shape=(input_shape[2],),
            initializer=keras.initializers.Constant(self.width),
            constraint=Clip(2.0 / self.pool_size, 0.5),
            trainable=self.learnable,
            name="widths",
        )

    def _window(self):
        half = self.pool_size // 2
        n = tf.range(-half, half + 1, dtype=tf.float32)[:, tf.newaxis]
        window = tf.exp(-0.5 * tf.square(n / (self.widths * max(half, 1))))
        return window / tf.reduce_sum(window, axis=0)

    def call(self, activations):
        half = self.pool_size // 2
        padded = tf.pad(activations, [[0, 0], [half, half], [0, 0]])
        pooled = tf.nn.depthwise_conv2d(
            tf.expand_dims(padded, 2),
            self._window()[:, tf.newaxis, :, tf.newaxis],
            strides=[1, self.stride, self.stride, 1],
            padding="VALID",
        )
        return tf.transpose(pooled, (0, 1, 3, 2))

    def compute_output_shape(self, input_shape):
        batch, samples, bins = input_shape
        frames = None if samples is None else 1 + (samples - 1) // self.stride
        return (batch, frames, bins, 1)

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "stride": self.stride,
            "width": self.width,
            "learnable": self.learnable,
        }
