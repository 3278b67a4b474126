"""The front-end of BeatNet: a filtered spectrum and what it rises by from frame to frame."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mirzoo.models.layers.fourier import transform_by_matrices

SMALLEST_POWER = 1e-20
"""Powers below this count as this, which keeps the magnitude's gradient finite on silence."""

A4_HZ = 440.0


def triangular_filters(
    n_bins: int, sample_rate: int, bands_per_octave: int, fmin: float, fmax: float
) -> np.ndarray:
    """Make triangles over the bins of a spectrum, each summing to 1, along notes.

    Notes lie ``bands_per_octave`` an octave around 440 Hz, from ``fmin`` to ``fmax``; each is put
    on its nearest bin, and bins that several share count once. A triangle goes from one of these
    bins over the next, where it is highest, to the one behind that.

    Parameters
    ----------
    n_bins : int
        Of the spectrum, from 0 Hz on; bin ``k`` is taken for ``k * sample_rate / (2 * n_bins)`` Hz.
    sample_rate : int
        Hz.
    bands_per_octave : int
    fmin, fmax : float
        Hz.

    Returns
    -------
    np.ndarray
        float32 ``(n_bins, bands)``.

    Examples
    --------
    >>> filters = triangular_filters(705, 22050, 24, 30.0, 17000.0)
    >>> filters.shape, bool(np.allclose(filters.sum(axis=0), 1))
    ((705, 136), True)
    """
    low, high = (np.log2(edge / A4_HZ) * bands_per_octave for edge in (fmin, fmax))
    notes = A4_HZ * 2.0 ** (np.arange(np.floor(low), np.ceil(high)) / bands_per_octave)
    notes = notes[(notes >= fmin) & (notes <= fmax)]
    hertz = np.arange(n_bins) * sample_rate / (2 * n_bins)
    after = np.clip(np.searchsorted(hertz, notes), 1, n_bins - 1)
    nearest = np.where(notes - hertz[after - 1] < hertz[after] - notes, after - 1, after)
    bins = np.unique(nearest)
    filters = np.zeros((n_bins, len(bins) - 2))
    for band, (first, middle, end) in enumerate(zip(bins, bins[1:], bins[2:])):
        filters[first:middle, band] = np.arange(middle - first) / (middle - first)
        filters[middle:end, band] = 1 - np.arange(end - middle) / (end - middle)
    return (filters / filters.sum(axis=0)).astype(np.float32)


@keras.saving.register_keras_serializable(package="mirzoo")
class RisingSpectrum(keras.layers.Layer):
    """Transform a waveform to logarithmic band magnitudes, and what they rise by.

    ``log10(1 + filters(abs(X)))``, then the positive part of its difference from the frame before
    (0 in the first). Frame ``k`` is of ``frame_length`` samples around sample ``k * hop_length``,
    with a symmetric Hann window.

    Parameters
    ----------
    sample_rate : int
        Hz.
    frame_length, hop_length : int
        Samples.
    bands_per_octave : int
    fmin, fmax : float
        Hz.

    Notes
    -----
    Input: ``(batch, samples)``. Output: ``(batch, ceil(samples / hop_length), 2 * bands, 1)``.

    Examples
    --------
    >>> layer = RisingSpectrum(22050, 1411, 441, bands_per_octave=24, fmin=30.0, fmax=17000.0)
    >>> layer(np.zeros((1, 22050), "float32")).shape
    TensorShape([1, 50, 272, 1])
    """

    def __init__(
        self, sample_rate, frame_length, hop_length, *, bands_per_octave, fmin, fmax, **kwargs
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.settings = {
            "sample_rate": sample_rate,
            "frame_length": frame_length,
            "hop_length": hop_length,
            "bands_per_octave": bands_per_octave,
            "fmin": fmin,
            "fmax": fmax,
        }
        self.frame_length, self.hop_length = frame_length, hop_length
        self.window = np.hanning(frame_length).astype(np.float32)
        self.n_bins = frame_length // 2
        self.filters = triangular_filters(self.n_bins, sample_rate, bands_per_octave, fmin, fmax)

    def call(self, waveform):
        around = self.frame_length // 2
        padded = tf.pad(waveform, [[0, 0], [around, around]])
        frames = tf.signal.frame(padded, self.frame_length, self.hop_length)
        real, imaginary = transform_by_matrices(frames * self.window)
        power = tf.square(real) + tf.square(imaginary)
        magnitudes = tf.sqrt(tf.maximum(power, SMALLEST_POWER))[..., : self.n_bins]
        levels = tf.math.log1p(tf.matmul(magnitudes, self.filters)) / np.float32(np.log(10))
        rises = tf.nn.relu(levels[:, 1:] - levels[:, :-1])
        rises = tf.pad(rises, [[0, 0], [1, 0], [0, 0]])
        return tf.expand_dims(tf.concat([levels, rises], axis=-1), -1)

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape
        frames = None if samples is None else -(-samples // self.hop_length)
        return (batch, frames, 2 * self.filters.shape[1], 1)

    def get_config(self):
        return {**super().get_config(), **self.settings}
