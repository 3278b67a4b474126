"""Mel-frequency cepstral coefficients."""

from __future__ import annotations

import keras
import tensorflow as tf

from mirzoo.dsp.mel import dct_matrix


@keras.saving.register_keras_serializable(package="mirzoo")
class MFCC(keras.layers.Layer):
    """Transform a mel spectrogram in decibels to cepstral coefficients (orthonormal DCT-II).

    ``c[t, k] = sum_m x[t, m] * D[m, k]`` with ``D`` from `mirzoo.dsp.mel.dct_matrix`; equal to
    ``librosa.feature.mfcc(S=x.T, n_mfcc=…).T``. ``kapre.LogmelToMFCC`` follows HTK instead,
    which scales the first coefficient differently.

    Parameters
    ----------
    n_mfcc : int
        Coefficients kept, at most the number of mel bands.

    Notes
    -----
    Input: ``(batch, frames, mels, channels)`` in dB. Output:
    ``(batch, frames, n_mfcc, channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> MFCC(n_mfcc=20)(np.zeros((1, 63, 96, 1), "float32")).shape
    TensorShape([1, 63, 20, 1])
    """

    def __init__(self, n_mfcc, **kwargs):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.n_mfcc = n_mfcc
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        n_mels = input_shape[2]
        if self.n_mfcc > n_mels:
            raise ValueError(
                f"n_mfcc {self.n_mfcc} is more than the {n_mels} mel bands; "
                "allowed is n_mfcc <= n_mels"
            )
        self.cosines = dct_matrix(n_mels, self.n_mfcc)

    def call(self, mel_db):
        coefficients = tf.tensordot(mel_db, self.cosines, axes=(2, 0))
        return tf.transpose(coefficients, (0, 1, 3, 2))

    def compute_output_shape(self, input_shape):
        batch, frames, _, channels = input_shape
        return (batch, frames, self.n_mfcc, channels)

    def get_config(self):
        return {**super().get_config(), "n_mfcc": self.n_mfcc}
