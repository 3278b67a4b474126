"""Mel filters and the cosine transform are librosa's and SciPy's."""

import librosa
import numpy as np
import pytest
import tensorflow as tf
from scipy import fft

from mirzoo.dsp.mel import dct_matrix, hz_to_mel, mel_filterbank, mel_frequencies, mel_to_hz


@pytest.mark.parametrize(("n_input", "n_output"), [(4, 2), (40, 13), (128, 128)])
def test_the_cosine_transform_equals_that_of_scipy(n_input, n_output):
    values = np.random.default_rng(0).normal(size=(3, n_input))
    expected = fft.dct(values, type=2, norm="ortho")[..., :n_output]
    np.testing.assert_allclose(values @ dct_matrix(n_input, n_output), expected, atol=1e-5)


@pytest.mark.parametrize("htk", [False, True])
def test_mels_equal_those_of_librosa(htk):
    hertz = np.array([0.0, 60.0, 999.0, 1000.0, 1001.0, 8000.0])
    mels = librosa.hz_to_mel(hertz, htk=htk)
    np.testing.assert_allclose(hz_to_mel(hertz, htk=htk), mels)
    np.testing.assert_allclose(mel_to_hz(mels, htk=htk), hertz, atol=1e-9)
    np.testing.assert_allclose(
        mel_frequencies(40, fmin=60, fmax=8000, htk=htk),
        librosa.mel_frequencies(40, fmin=60, fmax=8000, htk=htk),
    )


@pytest.mark.parametrize("norm", ["slaney", "none"])
def test_mel_filters_equal_those_of_librosa(norm):
    ours = mel_filterbank(
        sample_rate=16000, n_fft=512, n_mels=40, fmin=60.0, fmax=7600.0, norm=norm
    )
    theirs = librosa.filters.mel(
        sr=16000, n_fft=512, n_mels=40, fmin=60, fmax=7600, norm=None if norm == "none" else norm
    )
    np.testing.assert_allclose(ours, theirs.T, atol=1e-7)


def test_filters_straight_in_mels_equal_those_of_tensorflow():
    ours = mel_filterbank(
        sample_rate=16000, n_fft=512, n_mels=64, fmin=125.0, fmax=7500.0, htk=True, norm="none",
        slopes="mel",
    )  # fmt: skip
    theirs = tf.signal.linear_to_mel_weight_matrix(64, 257, 16000, 125.0, 7500.0)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    with pytest.raises(ValueError, match="unknown slopes 'bark'; allowed are 'hz' and 'mel'"):
        mel_filterbank(sample_rate=16000, n_fft=512, n_mels=40, slopes="bark")
