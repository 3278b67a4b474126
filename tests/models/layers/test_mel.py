"""Mel spectrogram and MFCC: librosa's numbers."""

import keras
import librosa
import numpy as np
import pytest
import scipy.fft
from frontend_checks import excerpts, noise, relative_error
from tolerances import TOLERANCES

from mirzoo.dsp.mel import dct_matrix, hz_to_mel, mel_filterbank, mel_to_hz
from mirzoo.models.frontends import build_frontend
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.frontends.mfcc import MFCCConfig
from mirzoo.models.layers.mel import MelFilterbank
from mirzoo.models.layers.mfcc import MFCC
from mirzoo.recipe import NoScaling

CONFIGS = [
    MelConfig(scaling=NoScaling()),
    MelConfig(scaling=NoScaling(), power=2, htk=True, norm="none", n_mels=40, fmin=100.0),
    MelConfig(scaling=NoScaling(), n_fft=1024, n_mels=128, win_length=400, fmax=7000.0),
    MelConfig(scaling=NoScaling(), sample_rate=22050, n_fft=2048, hop_length=512, center=False),
]


def librosa_mel(waveform: np.ndarray, config) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=waveform,
        sr=config.sample_rate,
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        win_length=config.win_length,
        window=config.window,
        center=config.center,
        power=config.power,
        n_mels=config.n_mels,
        fmin=config.fmin,
        fmax=config.fmax,
        htk=config.htk,
        norm=None if config.norm == "none" else config.norm,
    ).T


@pytest.mark.parametrize("htk", [False, True])
def test_mel_scale_is_librosas(htk):
    hz = np.array([0.0, 20.0, 440.0, 999.9, 1000.0, 1000.1, 8000.0, 22050.0])
    np.testing.assert_allclose(hz_to_mel(hz, htk=htk), librosa.hz_to_mel(hz, htk=htk))
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz, htk=htk), htk=htk), hz, atol=1e-9)


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("norm", ["slaney", "none"])
def test_filterbank_is_librosas(htk, norm):
    shape = {"n_fft": 2048, "n_mels": 64, "fmin": 30.0, "fmax": 9000.0, "htk": htk}
    expected = librosa.filters.mel(sr=22050, norm=None if norm == "none" else norm, **shape).T
    received = mel_filterbank(sample_rate=22050, norm=norm, **shape)
    np.testing.assert_allclose(received, expected, atol=1e-7 * expected.max())


def test_filters_without_a_frequency_are_refused():
    with pytest.raises(ValueError, match=r"mel filters hold no frequency bin.*take fewer mels"):
        mel_filterbank(sample_rate=16000, n_fft=256, n_mels=96)


def test_unknown_norms_are_refused():
    with pytest.raises(ValueError, match="unknown norm 'l2'; allowed are"):
        mel_filterbank(sample_rate=16000, n_fft=512, n_mels=40, norm="l2")


@pytest.mark.parametrize("config", CONFIGS)
def test_mel_equals_librosa(made_up_music, config):
    received = build_frontend(config)(made_up_music[np.newaxis])[0, ..., 0].numpy()
    assert relative_error(received, librosa_mel(made_up_music, config)) < TOLERANCES["mel"]


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS)
def test_mel_equals_librosa_on_real_music(real_music, config):
    frontend = build_frontend(config)
    for name, waveform in excerpts(real_music, config.sample_rate).items():
        received = frontend(waveform[np.newaxis])[0, ..., 0].numpy()
        error = relative_error(received, librosa_mel(waveform, config))
        assert error < TOLERANCES["mel"], name


def test_learnt_filterbank_starts_as_mel_and_stays_non_negative():
    shape = {"sample_rate": 16000, "n_fft": 256, "n_mels": 20}
    fixed, learnt = MelFilterbank(**shape), MelFilterbank(**shape, learnable=True)
    spectrogram = np.abs(noise(8, 4, 129, 1))
    np.testing.assert_allclose(fixed(spectrogram), learnt(spectrogram), rtol=1e-5)
    assert not fixed.weights
    model = keras.Sequential([learnt])
    model.compile(keras.optimizers.SGD(1e6), "mse")
    model.fit(spectrogram, np.zeros((8, 4, 20, 1)), epochs=2, verbose=0)
    filterbank = learnt.filterbank.numpy() * learnt.peaks
    assert filterbank.min() == 0.0
    assert relative_error(filterbank, mel_filterbank(**shape)) > 0.1


def test_channels_are_filtered_apart():
    layer = MelFilterbank(sample_rate=16000, n_fft=256, n_mels=20)
    spectrogram = np.abs(noise(2, 4, 129, 3))
    together = layer(spectrogram).numpy()
    for channel in range(3):
        alone = layer(spectrogram[..., channel : channel + 1]).numpy()
        np.testing.assert_allclose(together[..., channel : channel + 1], alone, rtol=1e-5)


def test_cosines_are_scipys():
    values = noise(5, 40).astype(np.float64)
    expected = scipy.fft.dct(values, type=2, norm="ortho")[:, :13]
    np.testing.assert_allclose(values @ dct_matrix(40, 13), expected, atol=1e-6)


@pytest.mark.parametrize("n_mfcc", [13, 40])
def test_mfcc_equals_librosa(made_up_music, n_mfcc):
    config = MFCCConfig(n_mels=40, n_mfcc=n_mfcc, floor_db=-100.0)
    received = build_frontend(config)(made_up_music[np.newaxis])[0, ..., 0].numpy()
    assert relative_error(received, librosa_mfcc(made_up_music, config)) < TOLERANCES["mfcc"]


@pytest.mark.slow
def test_mfcc_equals_librosa_on_real_music(real_music):
    config = MFCCConfig(floor_db=-100.0)
    frontend = build_frontend(config)
    for name, waveform in excerpts(real_music, config.sample_rate).items():
        received = frontend(waveform[np.newaxis])[0, ..., 0].numpy()
        error = relative_error(received, librosa_mfcc(waveform, config))
        assert error < TOLERANCES["mfcc"], name


def librosa_mfcc(waveform: np.ndarray, config: MFCCConfig) -> np.ndarray:
    """librosa's, without its clipping at 80 dB below the clip's own maximum."""
    mel_db = librosa.power_to_db(librosa_mel(waveform, config).T, top_db=None)
    return librosa.feature.mfcc(S=mel_db, n_mfcc=config.n_mfcc).T


def test_more_coefficients_than_bands_are_refused():
    with pytest.raises(ValueError, match="n_mfcc 41 is more than the 40 mel bands"):
        MFCC(n_mfcc=41)(np.zeros((1, 3, 40, 1), "float32"))
