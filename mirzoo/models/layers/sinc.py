"""Band-pass filters with learnt cut-off frequencies.

Ravanelli & Bengio, "Speaker recognition from raw waveform with SincNet", SLT 2018,
arXiv:1808.00158.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf

from mirzoo.dsp.filters import sinc_start
from mirzoo.models.layers.constraints import Clip
from mirzoo.models.layers.filters import LearntFilters, filter_waveform

NARROWEST_BAND_HZ = 20.0


@keras.saving.register_keras_serializable(package="mirzoo")
class SincFilters(LearntFilters):
    """Filter a waveform with learnt ideal band-passes under a window and take the absolute value.

    ``y[i, f] = |sum_n x[i * decimation + n] * g_f[n]|`` with
    ``g_f[n] = (sin(2 * pi * h_f * n) - sin(2 * pi * l_f * n)) / (pi * n) * hamming[n]``, where
    ``l_f`` and ``h_f`` are the lower and upper cut-off (cycles a sample): arXiv:1808.00158,
    equations 4 to 7. The gain in the pass-band is 1.

    The paper filters at every sample; here only multiples of ``decimation`` are computed. A
    filter is real, so the absolute value ripples at twice the frequency of a tone; pooling over
    more than a few periods averages that out, except within a few Hz of multiples of
    ``sample_rate / (2 * decimation)``, where the phase of a tone matters.

    The weights are the logarithms of ``l_f`` and of ``h_f - l_f``, one each a filter; the
    reparametrisation keeps both positive and ``h_f`` is clipped at half the sample rate. They
    start side by side, evenly spaced in mels.

    The parameters, the input and the output are those of
    `mirzoo.models.layers.filters.LearntFilters`.

    Examples
    --------
    >>> import numpy as np
    >>> layer = SincFilters(n_filters=64, kernel_size=251, sample_rate=16000, decimation=4)
    >>> layer(np.zeros((1, 16000), "float32")).shape
    TensorShape([1, 4001, 64])
    """

    def build(self, input_shape):
        low, band = sinc_start(
            self.n_filters, sample_rate=self.sample_rate, fmin=self.fmin, fmax=self.fmax
        )
        narrowest = NARROWEST_BAND_HZ / self.sample_rate
        band = np.maximum(band, narrowest)
        self.log_low = self.add_weight(
            shape=(self.n_filters,),
            initializer=lambda shape, dtype: np.log(np.maximum(low, 1.0 / self.sample_rate)),
            constraint=Clip(math.log(1.0 / self.sample_rate), math.log(0.5 - narrowest)),
            name="log_low",
        )
        self.log_band = self.add_weight(
            shape=(self.n_filters,),
            initializer=lambda shape, dtype: np.log(band),
            constraint=Clip(math.log(narrowest), math.log(0.5)),
            name="log_band",
        )

    def _kernels(self):
        half = self.kernel_size // 2
        low = tf.exp(self.log_low)
        high = tf.minimum(low + tf.exp(self.log_band), 0.5)
        n = tf.range(1, half + 1, dtype=tf.float32)[:, tf.newaxis]
        angle = 2 * math.pi * n
        right = (tf.sin(angle * high) - tf.sin(angle * low)) / (math.pi * n)
        middle = 2.0 * (high - low)[tf.newaxis]
        window = np.hamming(self.kernel_size).astype("float32")[:, np.newaxis]
        return tf.concat([tf.reverse(right, axis=[0]), middle, right], axis=0) * window

    def call(self, waveform):
        return tf.abs(filter_waveform(waveform, self._kernels(), self.decimation))
