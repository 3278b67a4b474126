"""Mel filterbank, fixed or learnt."""

from __future__ import annotations

import kapre
import keras
import numpy as np

from mirzoo.dsp.mel import mel_filterbank


@keras.saving.register_keras_serializable(package="mirzoo")
class MelFilterbank(kapre.ApplyFilterbank):
    """Gather the frequency bins of a spectrogram into mel bands.

    ``y[t, m] = sum_f x[t, f] * F[f, m]`` with ``F`` from `mirzoo.dsp.mel.mel_filterbank`; after
    a `Spectrogram` equal to ``librosa.feature.melspectrogram(…).T``.

    Parameters
    ----------
    sample_rate : int
        Of the waveform (Hz).
    n_fft : int
        Of the spectrogram (samples).
    n_mels : int
        Bands.
    fmin, fmax : float
        Band covered (Hz); ``fmax`` defaults to half the sample rate.
    htk : bool
        HTK's mel scale instead of Slaney's.
    norm : {"slaney", "none"}
        Constant area, or constant peak.
    learnable : bool
        Make ``F`` a weight, which starts as the mel filterbank and stays non-negative. It is
        stored with peaks of 1, so that steps of an optimiser fit every normalisation.
    slopes : {"hz", "mel"}
        On which scale bands rise and fall in straight lines; librosa has ``hz``, TensorFlow's
        ``tf.signal`` ``mel``.

    Notes
    -----
    Input: ``(batch, frames, n_fft // 2 + 1, channels)``. Output:
    ``(batch, frames, n_mels, channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> layer = MelFilterbank(sample_rate=16000, n_fft=512, n_mels=96)
    >>> layer(np.zeros((1, 63, 257, 1), "float32")).shape
    TensorShape([1, 63, 96, 1])
    """

    def __init__(
        self,
        sample_rate,
        n_fft,
        n_mels,
        fmin=0.0,
        fmax=None,
        htk=False,
        norm="slaney",
        learnable=False,
        slopes="hz",
        **kwargs,
    ):
        kwargs["dtype"] = "float32"
        # kapre makes its 'mel' filterbank with librosa, whose import alone takes seconds; any
        # other type leaves the filterbank to the subclass.
        super().__init__(type="mirzoo", filterbank_kwargs={}, data_format="channels_last", **kwargs)
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.htk = htk
        self.norm = norm
        self.learnable = learnable
        self.slopes = slopes
        self.filterbank = mel_filterbank(
            sample_rate=sample_rate,
            n_fft=n_fft,
            n_mels=n_mels,
            fmin=fmin,
            fmax=fmax,
            htk=htk,
            norm=norm,
            slopes=slopes,
        )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={2: n_fft // 2 + 1})

    def build(self, input_shape):
        if self.learnable:
            self.peaks = self.filterbank.max(axis=0)
            start = self.filterbank / self.peaks
            self.filterbank = self.add_weight(
                shape=start.shape,
                initializer=lambda shape, dtype: start,
                constraint=keras.constraints.NonNeg(),
                name="filterbank",
            )

    def call(self, spectrogram):
        bands = super().call(spectrogram)
        return bands * self.peaks[:, np.newaxis] if self.learnable else bands

    def compute_output_shape(self, input_shape):
        batch, frames, _, channels = input_shape
        return (batch, frames, self.n_mels, channels)

    def get_config(self):
        return {
            **keras.layers.Layer.get_config(self),
            "sample_rate": self.sample_rate,
            "n_fft": self.n_fft,
            "n_mels": self.n_mels,
            "fmin": self.fmin,
            "fmax": self.fmax,
            "htk": self.htk,
            "norm": self.norm,
            "learnable": self.learnable,
            "slopes": self.slopes,
        }
