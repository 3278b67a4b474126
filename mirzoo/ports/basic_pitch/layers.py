"""The layers of basic-pitch alone: nnAudio's CQT, scaled decibels, stacked harmonics."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from mirzoo.dsp.framing import FrameGrid
from mirzoo.ports.basic_pitch.wavelets import (
    HALVING_TAPS,
    halving_filter,
    top_octave_wavelets,
    wavelet_lengths,
)

BLOCK = 64  # samples that come out of the halving filter at once, as one row of a product
SMALLEST_SPAN_DB = 1e-3


@keras.saving.register_keras_serializable(package="mirzoo")
class HalvingCQT(keras.layers.Layer):
    """Transform a waveform to constant-Q power, as nnAudio's ``CQT2010v2`` does.

    Frames are centred; before and behind the waveform of each octave lies its reflection.
    ``y = |sum x * conj(wavelet)| ** 2 * length``, the length being that of the bin's wavelet at
    the full sample rate. A waveform that is too short to be reflected in the lowest octave is
    filled up with zeros first.

    Parameters
    ----------
    sample_rate : int
        Hz.
    hop_length : int
        From one frame to the next (samples), a multiple of 2 for each octave but one.
    fmin : float
        Frequency of the lowest bin (Hz).
    n_bins, bins_per_octave : int

    Notes
    -----
    Input: waveform ``(batch, samples)``. Output: power ``(batch, frames, n_bins, 1)``, with
    ``1 + samples // hop_length`` frames.

    Examples
    --------
    >>> layer = HalvingCQT(22050, hop_length=256, fmin=27.5, n_bins=309, bins_per_octave=36)
    >>> layer(np.zeros((1, 43844), "float32")).shape
    TensorShape([1, 172, 309, 1])
    """

    def __init__(self, sample_rate, hop_length, fmin, n_bins, bins_per_octave, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.sample_rate = sample_rate
        self.hop_length = hop_length
        self.fmin = fmin
        self.n_bins = n_bins
        self.bins_per_octave = bins_per_octave
        self.n_octaves = math.ceil(n_bins / bins_per_octave)
        if hop_length % 2 ** (self.n_octaves - 1):
            raise ValueError(
                f"hop_length is {hop_length}; with {self.n_octaves} octaves allowed are multiples "
                f"of {2 ** (self.n_octaves - 1)}, as each octave halves it"
            )
        wavelets = top_octave_wavelets(
            sample_rate=sample_rate, fmin=fmin, n_bins=n_bins, bins_per_octave=bins_per_octave
        )
        frequencies = fmin * 2.0 ** (np.arange(n_bins) / bins_per_octave)
        self._frame_length = wavelets.shape[1]
        self._lengths = wavelet_lengths(frequencies, sample_rate, bins_per_octave)
        self._kernel = np.concatenate([wavelets.real, wavelets.imag]).T.astype(np.float32)
        self._halving = _rows_of_outputs(halving_filter()).astype(np.float32)
        self.input_spec = keras.layers.InputSpec(ndim=2)

    @property
    def grid(self) -> FrameGrid:
        """Where the frames lie in a waveform."""
        half = self.hop_length // 2
        return FrameGrid(self.sample_rate, self.hop_length, 2 * half, half, half)

    @property
    def reflected_samples(self) -> int:
        """The shortest waveform that needs no zeros (samples)."""
        return (self._frame_length // 2 + 1) * 2 ** (self.n_octaves - 1)

    def call(self, waveform):
        samples = waveform.shape[1] or tf.shape(waveform)[1]
        n_frames = 1 + samples // self.hop_length
        missing = tf.maximum(0, self.reflected_samples - samples)
        if isinstance(samples, int):
            missing = max(0, self.reflected_samples - samples)
        level, hop = tf.pad(waveform, [[0, 0], [0, missing]]), self.hop_length
        kernel = tf.constant(self._kernel[:, tf.newaxis])
        halving = tf.constant(self._halving)
        octaves: list[tf.Tensor] = []
        for octave in range(self.n_octaves):
            if octave:
                level, hop = self._halve(level, halving), hop // 2
            octaves.insert(0, self._power(level, hop, kernel)[:, :n_frames])
        power = tf.concat(octaves, axis=-1)[..., -self.n_bins :]
        return tf.expand_dims(power * self._lengths.astype(np.float32), -1)

    def _power(self, level, hop: int, kernel):
        half = self._frame_length // 2
        padded = tf.pad(level, [[0, 0], [half, half]], mode="REFLECT")
        parts = tf.square(tf.nn.conv1d(tf.expand_dims(padded, -1), kernel, hop, "VALID"))
        return parts[..., : self.bins_per_octave] + parts[..., self.bins_per_octave :]

    def _halve(self, level, halving):
        samples = level.shape[1] or tf.shape(level)[1]
        halved = samples // 2
        rows = -(-halved // BLOCK)
        side = (HALVING_TAPS - 1) // 2
        width = halving.shape[0]
        behind = (rows - 1) * 2 * BLOCK + width - samples - side
        padded = tf.pad(level, [[0, 0], [side, behind]])
        blocks = tf.signal.frame(padded, width, 2 * BLOCK) @ halving
        return tf.reshape(blocks, (-1, rows * BLOCK))[:, :halved]

    def compute_output_shape(self, input_shape):
        batch, samples = input_shape
        frames = None if samples is None else self.grid.frames(samples)
        return (batch, frames, self.n_bins, 1)

    def get_config(self):
        return {
            **super().get_config(),
            "sample_rate": self.sample_rate,
            "hop_length": self.hop_length,
            "fmin": self.fmin,
            "n_bins": self.n_bins,
            "bins_per_octave": self.bins_per_octave,
        }


@keras.saving.register_keras_serializable(package="mirzoo")
class ScaledDecibel(keras.layers.Layer):
    """Convert power to decibels, scaled so that a clip's lowest value is 0 and its highest 1.

    ``(d - min(d)) / (max(d) - min(d))`` with ``d = 10 * log10(x + offset)``, extremes over frames
    and bins of each clip. A clip does not depend on the others in the batch, but a frame depends
    on the whole clip. What varies by less than 0.001 dB, silence for one, is 0.

    Parameters
    ----------
    offset : float
        Added before the logarithm.

    Notes
    -----
    Input and output: features ``(batch, frames, bins, channels)``.

    Examples
    --------
    >>> power = np.float32([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)
    >>> ScaledDecibel()(power).numpy().ravel().round(3).tolist()
    [0.0, 0.5, 1.0]
    """

    def __init__(self, offset=1e-10, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.offset = offset

    def call(self, power):
        level = (10.0 / math.log(10.0)) * tf.math.log(power + self.offset)
        lowest = tf.reduce_min(level, axis=(1, 2, 3), keepdims=True)
        above = level - lowest
        span = tf.reduce_max(above, axis=(1, 2, 3), keepdims=True)
        # Equal powers may differ in the last bit of their logarithms.
        scaled = above / tf.maximum(span, SMALLEST_SPAN_DB)
        return tf.where(span > SMALLEST_SPAN_DB, scaled, tf.zeros_like(scaled))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}


@keras.saving.register_keras_serializable(package="mirzoo")
class StackedHarmonics(keras.layers.Layer):
    """Stack the harmonics of each bin as channels, by shifting one constant-Q spectrum.

    Channel ``c`` of bin ``b`` is bin ``b + round(bins_per_octave * log2(harmonics[c]))`` of the
    input, or 0 where it has none (Bittner et al. 2017; Bittner et al. 2022, arXiv:2203.09893).

    Parameters
    ----------
    harmonics : sequence of float
        Multiples of a bin's frequency.
    bins_per_octave : int
    n_bins : int
        Bins of the output, from the lowest.

    Notes
    -----
    Input: features ``(batch, frames, bins, 1)``. Output:
    ``(batch, frames, n_bins, len(harmonics))``.

    Examples
    --------
    >>> spectrum = np.arange(4, dtype="float32").reshape(1, 1, 4, 1)
    >>> StackedHarmonics([0.5, 1, 2], bins_per_octave=1, n_bins=3)(spectrum)[0, 0].numpy().tolist()
    [[0.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """

    def __init__(self, harmonics: Sequence[float], bins_per_octave: int, n_bins: int, **kwargs):
        super().__init__(**kwargs)
        self.harmonics = list(harmonics)
        self.bins_per_octave = bins_per_octave
        self.n_bins = n_bins
        self._shifts = [round(bins_per_octave * math.log2(harmonic)) for harmonic in harmonics]

    def call(self, features):
        bins = features.shape[2]
        below = max(0, -min(self._shifts))
        above = max(0, max(self._shifts) + self.n_bins - bins)
        padded = tf.pad(features, [[0, 0], [0, 0], [below, above], [0, 0]])
        starts = [below + shift for shift in self._shifts]
        return tf.concat([padded[:, :, s : s + self.n_bins] for s in starts], axis=-1)

    def compute_output_shape(self, input_shape):
        batch, frames, _, _ = input_shape
        return (batch, frames, self.n_bins, len(self.harmonics))

    def get_config(self):
        return {
            **super().get_config(),
            "harmonics": self.harmonics,
            "bins_per_octave": self.bins_per_octave,
            "n_bins": self.n_bins,
        }


def _rows_of_outputs(taps: np.ndarray) -> np.ndarray:
    """The matrix that gives `BLOCK` filtered samples, every other one, of a row of samples."""
    matrix = np.zeros((2 * (BLOCK - 1) + len(taps), BLOCK))
    for output in range(BLOCK):
        matrix[2 * output : 2 * output + len(taps), output] = taps
    return matrix
