"""Chroma: the energy in each pitch class, folded from a spectrum."""

from __future__ import annotations

import keras
from keras import ops

from mirzoo.dsp.chroma import chroma_filterbank, chroma_folding


class _Chroma(keras.layers.Layer):
    """Fold bins into pitch classes, then divide each frame by its strongest one.

    ``folded / max(max over pitch classes of folded, SILENCE)``, each channel by itself. Frames
    below ``SILENCE`` are thus not scaled up, where librosa's threshold is the smallest float.
    A subclass gives the folding of ``n_bins`` bins in ``_fold``.
    """

    SILENCE: float

    def __init__(self, *, n_chroma: int = 12, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.n_chroma = n_chroma
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        self._folding = self._fold(n_bins=input_shape[2])
        super().build(input_shape)

    def call(self, inputs):
        by_channel = ops.transpose(inputs, [0, 1, 3, 2])
        folded = ops.transpose(ops.matmul(by_channel, self._folding), [0, 1, 3, 2])
        peak = ops.max(folded, axis=2, keepdims=True)
        return folded / ops.maximum(peak, self.SILENCE)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1], self.n_chroma, input_shape[3])

    def get_config(self):
        return {**super().get_config(), "n_chroma": self.n_chroma}


@keras.saving.register_keras_serializable(package="mirzoo")
class STFTChroma(_Chroma):
    """Fold the power of a short-time Fourier transform into pitch classes.

    Input: power, ``(batch, frames, n_fft // 2 + 1, channels)``. Output
    ``(batch, frames, n_chroma, channels)``, pitch class 0 being C, the strongest of each frame
    and channel 1, unless it is below 1e-20 (silence gives zeros).

    ``librosa.feature.chroma_stft(S=power, sr=sample_rate, n_chroma=n_chroma, tuning=0)``

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_chroma : int
        Pitch classes in an octave.

    References
    ----------
    Ellis 2007. See `mirzoo.dsp.chroma`.

    Examples
    --------
    >>> import numpy as np
    >>> STFTChroma(sample_rate=22050)(np.ones((2, 5, 2049, 1), "float32")).shape
    TensorShape([2, 5, 12, 1])
    """

    SILENCE = 1e-20

    def __init__(self, *, sample_rate: int, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate = sample_rate

    def _fold(self, *, n_bins):
        return chroma_filterbank(
            sample_rate=self.sample_rate, n_fft=2 * (n_bins - 1), n_chroma=self.n_chroma
        )

    def get_config(self):
        return {**super().get_config(), "sample_rate": self.sample_rate}


@keras.saving.register_keras_serializable(package="mirzoo")
class CQTChroma(_Chroma):
    """Fold the magnitude of a constant-Q transform into pitch classes.

    Input: magnitude, ``(batch, frames, bins, channels)``, as `mirzoo.models.layers.cqt.CQT`
    gives it. Output ``(batch, frames, n_chroma, channels)``, pitch class 0 being C, the strongest
    of each frame and channel 1, unless it is below 1e-10 (silence gives zeros, to within 1e-6).

    ``librosa.feature.chroma_cqt(C=magnitude, fmin=fmin, bins_per_octave=bins_per_octave,
    n_chroma=n_chroma)``

    Parameters
    ----------
    bins_per_octave : int
        Of the transform; a multiple of ``n_chroma``.
    fmin : float
        Frequency of the transform's lowest bin (Hz).
    n_chroma : int
        Pitch classes in an octave.

    Raises
    ------
    RecipeError
        When it is built, if ``n_chroma`` doesn't divide ``bins_per_octave``.

    Examples
    --------
    >>> import numpy as np
    >>> CQTChroma(bins_per_octave=36)(np.ones((2, 5, 252, 1), "float32")).shape
    TensorShape([2, 5, 12, 1])
    """

    SILENCE = 1e-10

    def __init__(self, *, bins_per_octave: int = 12, fmin: float = 32.70319566257483, **kwargs):
        super().__init__(**kwargs)
        self.bins_per_octave = bins_per_octave
        self.fmin = fmin

    def _fold(self, *, n_bins):
        return chroma_folding(
            n_bins=n_bins,
            bins_per_octave=self.bins_per_octave,
            fmin=self.fmin,
            n_chroma=self.n_chroma,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "bins_per_octave": self.bins_per_octave,
            "fmin": self.fmin,
        }
