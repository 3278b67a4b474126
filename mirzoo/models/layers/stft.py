"""The short-time Fourier transform of a waveform, its magnitude, and its inverse.

Built on ``kapre.STFT``, with three differences: waveforms are ``(batch, samples)``; frames are
centred with zeros as ``librosa.stft`` centres them; and the complex spectrum is turned into real
numbers before any transpose, so that the graph converts to TensorFlow Lite's builtin operators.
"""

from __future__ import annotations

import kapre
import keras
import tensorflow as tf

from mirzoo.dsp.framing import FrameGrid
from mirzoo.dsp.windows import centered_window
from mirzoo.models.layers.fourier import goes_by_matrices, transform_by_matrices

# The square root has an infinite slope at zero. 1e-24 under it is a magnitude of 1e-12, far
# below what 24-bit audio can hold, and keeps the gradient finite on silence.
SMALLEST_POWER = 1e-24


@keras.saving.register_keras_serializable(package="mirzoo")
class STFT(kapre.STFT):
    """Transform a waveform to its complex short-time spectrum, as two real channels.

    ``X[k, f] = sum_n w[n] * x[k * hop_length + n - p] * exp(-2j * pi * f * n / n_fft)`` with
    ``p = n_fft // 2`` zeros around the waveform if centred, else ``p = 0``. Equal to
    ``librosa.stft(x, n_fft=…, hop_length=…, win_length=…, window=…, center=…).T``.

    Parameters
    ----------
    n_fft : int
        Length of the transform (samples).
    hop_length : int
        From one frame to the next (samples).
    win_length : int, optional
        Length of the window, in the middle of the frame (samples); default ``n_fft``.
    window : {"hann", "hamming"}
        Periodic analysis window.
    center : bool
        Centre frame ``k`` at sample ``k * hop_length``; otherwise it starts there.

    Notes
    -----
    Input: waveform ``(batch, samples)``. Output: ``(batch, frames, n_fft // 2 + 1, 2)``, channel
    0 the real and channel 1 the imaginary part; ``1 + samples // hop_length`` frames if centred
    and ``n_fft`` is even, else ``1 + (samples - n_fft) // hop_length``.

    Examples
    --------
    >>> import numpy as np
    >>> STFT(n_fft=512, hop_length=256)(np.zeros((1, 16000), "float32")).shape
    TensorShape([1, 63, 257, 2])
    """

    def __init__(self, n_fft, hop_length, win_length=None, window="hann", center=True, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(
            n_fft=n_fft,
            hop_length=hop_length,
            input_data_format="channels_first",
            output_data_format="channels_first",
            **kwargs,
        )
        self.window = window
        self.center = center
        self.window_length = n_fft if win_length is None else win_length
        self.frame_window = centered_window(window, self.window_length, n_fft)
        self.window_fn = lambda _, dtype: tf.constant(self.frame_window, dtype)
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def _real_and_imaginary(self, waveform):
        if self.center:
            waveform = tf.pad(waveform, [[0, 0], [self.n_fft // 2, self.n_fft // 2]])
        if goes_by_matrices(self.n_fft):
            frames = tf.signal.frame(waveform, self.n_fft, self.hop_length)
            return transform_by_matrices(frames * self.frame_window)
        spectrum = super().call(tf.expand_dims(waveform, 1))
        # LiteRT can take neither a slice nor a transpose of complex numbers, and an index that
        # drops an axis falls out of its fast kernels, which a squeeze does not.
        return tf.squeeze(tf.math.real(spectrum), 1), tf.squeeze(tf.math.imag(spectrum), 1)

    def call(self, waveform):
        return tf.stack(self._real_and_imaginary(waveform), axis=-1)

    def _output_shape(self, input_shape, channels):
        batch, samples = input_shape
        padding = self.n_fft // 2 if self.center else 0
        grid = FrameGrid(1, self.hop_length, self.n_fft, padding, padding)
        frames = None if samples is None else grid.frames(samples)
        return (batch, frames, self.n_fft // 2 + 1, channels)

    def compute_output_shape(self, input_shape):
        return self._output_shape(input_shape, channels=2)

    def get_config(self):
        return {
            **keras.layers.Layer.get_config(self),
            "n_fft": self.n_fft,
            "hop_length": self.hop_length,
            "win_length": self.window_length,
            "window": self.window,
            "center": self.center,
        }


@keras.saving.register_keras_serializable(package="mirzoo")
class Spectrogram(STFT):
    """Transform a waveform to the magnitude or power of its short-time spectrum.

    Equal to ``abs(librosa.stft(x, …)).T ** power``; magnitudes below 1e-12 are given as 1e-12,
    which keeps gradients finite on silence.

    Parameters
    ----------
    power : {1, 2}
        1 for magnitude, 2 for power.
    n_fft, hop_length, win_length, window, center
        As in `STFT`.

    Notes
    -----
    Input: waveform ``(batch, samples)``. Output: ``(batch, frames, n_fft // 2 + 1, 1)``, float32.

    Examples
    --------
    >>> import numpy as np
    >>> Spectrogram(n_fft=512, hop_length=256)(np.zeros((1, 16000), "float32")).shape
    TensorShape([1, 63, 257, 1])
    """

    def __init__(self, n_fft, hop_length, power=1, **kwargs):
        super().__init__(n_fft, hop_length, **kwargs)
        if power not in (1, 2):
            raise ValueError(f"power is {power!r}; allowed are 1 (magnitude) and 2 (power)")
        self.power = power

    def call(self, waveform):
        real, imaginary = self._real_and_imaginary(waveform)
        energy = tf.square(real) + tf.square(imaginary)
        if self.power == 1:
            energy = tf.sqrt(tf.maximum(energy, SMALLEST_POWER))
        return tf.expand_dims(energy, -1)

    def compute_output_shape(self, input_shape):
        return self._output_shape(input_shape, channels=1)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


@keras.saving.register_keras_serializable(package="mirzoo")
class InverseSTFT(keras.layers.Layer):
    """Turn the complex spectrum made by `STFT` back into a waveform, for sonification.

    Windowed overlap-add divided by the summed squares of the window, Griffin & Lim 1984
    (doi:10.1109/TASSP.1984.1164317), equation 6; equal to ``librosa.istft`` without ``length``.
    Perfect reconstruction wherever at least one window covers a sample.

    Parameters
    ----------
    n_fft, hop_length, win_length, window, center
        Those of the `STFT` that is inverted.

    Notes
    -----
    Input: ``(batch, frames, n_fft // 2 + 1, 2)``. Output: waveform ``(batch, samples)`` with
    ``hop_length * (frames - 1)`` samples if centred, else ``n_fft`` more. Only even ``n_fft``.

    The inverse of a real transform is itself one real transform of ``Re X + Im X``, the Hartley
    transform, which TensorFlow Lite has (it lacks IRFFT).

    Examples
    --------
    >>> import numpy as np
    >>> waveform = np.sin(np.arange(4096, dtype="float32"))[None]
    >>> spectrum = STFT(n_fft=512, hop_length=128)(waveform)
    >>> back = InverseSTFT(n_fft=512, hop_length=128)(spectrum)
    >>> bool(np.abs(back - waveform).max() < 1e-5)
    True
    """

    def __init__(self, n_fft, hop_length, win_length=None, window="hann", center=True, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if n_fft % 2:
            raise ValueError(f"n_fft is {n_fft}; allowed are even numbers")
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.win_length = n_fft if win_length is None else win_length
        self.window = window
        self.center = center
        self.frame_window = centered_window(window, self.win_length, n_fft)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={2: n_fft // 2 + 1, 3: 2})

    def _frames(self, spectrum):
        half = spectrum[..., 0] + spectrum[..., 1]
        mirrored = tf.reverse((spectrum[..., 0] - spectrum[..., 1])[..., 1:-1], axis=[-1])
        hartley = tf.signal.rfft(tf.concat([half, mirrored], axis=-1))
        even, odd = tf.math.real(hartley), tf.math.imag(hartley)
        first_half = even + odd
        second_half = tf.reverse((even - odd)[..., 1:-1], axis=[-1])
        return tf.concat([first_half, second_half], axis=-1) / self.n_fft

    def call(self, spectrum):
        frames = self._frames(spectrum) * self.frame_window
        squares = tf.ones_like(frames[:1]) * self.frame_window**2
        waveform = tf.signal.overlap_and_add(frames, self.hop_length)
        weight = tf.signal.overlap_and_add(squares, self.hop_length)
        if self.center:
            waveform = waveform[:, self.n_fft // 2 : -(self.n_fft // 2)]
            weight = weight[:, self.n_fft // 2 : -(self.n_fft // 2)]
        return waveform / tf.where(weight > 1e-10, weight, 1.0)

    def compute_output_shape(self, input_shape):
        batch, frames = input_shape[:2]
        if frames is None:
            return (batch, None)
        return (batch, self.hop_length * (frames - 1) + (0 if self.center else self.n_fft))

    def get_config(self):
        return {
            **super().get_config(),
            "n_fft": self.n_fft,
            "hop_length": self.hop_length,
            "win_length": self.win_length,
            "window": self.window,
            "center": self.center,
        }
