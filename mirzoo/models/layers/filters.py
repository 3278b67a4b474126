"""What layers of learnt filters on the waveform share."""

from __future__ import annotations

import keras
import tensorflow as tf


def filter_waveform(waveform, kernels, decimation):
    """Convolve a waveform with odd-length kernels, keeping every ``decimation``-th sample.

    Parameters
    ----------
    waveform : tf.Tensor
        ``(batch, samples)``.
    kernels : tf.Tensor
        ``(kernel_size, filters)``, correlated with the waveform (not flipped).
    decimation : int
        Output sample ``i`` is centred on input sample ``i * decimation``.

    Returns
    -------
    tf.Tensor
        ``(batch, 1 + samples // decimation, filters)``; zeros are taken to lie around the
        waveform.
    """
    half = kernels.shape[0] // 2
    padded = tf.pad(waveform, [[0, 0], [half, half + 1]])
    return tf.nn.conv1d(
        tf.expand_dims(padded, -1), kernels[:, tf.newaxis], stride=decimation, padding="VALID"
    )


def decimated_shape(input_shape, decimation, n_filters):
    """Shape of what `filter_waveform` returns for a waveform of ``input_shape``."""
    batch, samples = input_shape
    return (batch, None if samples is None else 1 + samples // decimation, n_filters)


class LearntFilters(keras.layers.Layer):
    """Base of layers that filter a waveform with ``n_filters`` learnt kernels.

    Parameters
    ----------
    n_filters : int
        Filters.
    kernel_size : int
        Samples of a filter, odd.
    sample_rate : int
        Of the waveform (Hz).
    decimation : int
        From one output sample to the next (samples).
    fmin, fmax : float
        Band that the filters cover at the start (Hz); ``fmax`` defaults to half the sample rate.

    Notes
    -----
    Input: waveform ``(batch, samples)``. Output:
    ``(batch, 1 + samples // decimation, n_filters)``.
    """

    def __init__(
        self, n_filters, kernel_size, sample_rate, decimation=1, fmin=60.0, fmax=None, **kwargs
    ):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; allowed are odd numbers")
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.sample_rate = sample_rate
        self.decimation = decimation
        self.fmin = fmin
        self.fmax = fmax
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def compute_output_shape(self, input_shape):
        return decimated_shape(input_shape, self.decimation, self.n_filters)

    def get_config(self):
        return {
            **super().get_config(),
            "n_filters": self.n_filters,
            "kernel_size": self.kernel_size,
            "sample_rate": self.sample_rate,
            "decimation": self.decimation,
            "fmin": self.fmin,
            "fmax": self.fmax,
        }
