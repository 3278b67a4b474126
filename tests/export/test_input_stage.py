"""The input stage: rates are changed as soxr does, without aliases, and integers are scaled."""

import numpy as np
import pytest
import soxr
import tensorflow as tf

from mirzoo import audio, load
from mirzoo.dsp.resampling import PASSED, polyphase
from mirzoo.export import export
from mirzoo.export.input_stage import resample

RATES = [(44100, 16000), (48000, 16000), (44100, 22050), (48000, 22050), (22050, 16000),
         (8000, 16000), (11025, 16000), (48000, 44100), (96000, 16000)]  # fmt: skip
SLOW = pytest.mark.slow(quick=["44100-16000"])


def tones(rate, target, frequencies_hz):
    """What is left of sines of amplitude 1, away from the ends: ``(tones, samples)``."""
    time_s = np.arange(rate) / rate
    sines = np.sin(2 * np.pi * np.outer(frequencies_hz, time_s) + 0.3)
    changed = resample(tf.constant(sines, tf.float32), polyphase(rate, target)).numpy()
    assert changed.shape[1] == target
    middle = slice(target // 4, 3 * target // 4)
    return np.arange(target)[middle] / target, changed[:, middle]


@SLOW
@pytest.mark.parametrize(("rate", "target"), RATES)
def test_the_pass_band_keeps_level_and_phase(rate, target):
    nyquist = min(rate, target) / 2
    frequencies = nyquist * np.array([0.001, 0.1, 0.5, 0.8, PASSED])
    time_s, changed = tones(rate, target, frequencies)
    expected = np.sin(2 * np.pi * np.outer(frequencies, time_s) + 0.3)
    np.testing.assert_allclose(changed, expected, atol=1.2e-4)  # 0.001 dB


@SLOW
@pytest.mark.parametrize(("rate", "target"), [pair for pair in RATES if pair[0] > pair[1]])
def test_what_would_fold_back_is_80_db_down(rate, target):
    nyquist, highest = target / 2, rate / 2
    edges = np.linspace(nyquist + 2, min(highest - 5, 1.2 * nyquist), 25)
    beyond = np.linspace(min(highest - 5, 1.2 * nyquist), highest - 5, 10)
    _, changed = tones(rate, target, np.concatenate([edges, beyond]))
    level_db = 20 * np.log10(np.abs(changed).max(axis=1))
    assert level_db.max() < -80


@SLOW
@pytest.mark.parametrize(("rate", "target"), RATES)
def test_a_constant_stays_what_it_is(rate, target):
    _, changed = tones(rate, target, [0.0])
    np.testing.assert_allclose(changed, np.sin(0.3), atol=1e-6)


def test_any_length_gives_what_a_fixed_one_gives():
    resampler = polyphase(44100, 16000)
    noise = np.random.default_rng(0).standard_normal((2, 20011)).astype(np.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.float32)])
    def any_length(waveform):
        return resample(waveform, resampler)

    for samples in (7, 441, 20011):
        expected = resample(tf.constant(noise[:, :samples]), resampler)
        received = any_length(tf.constant(noise[:, :samples]))
        assert received.shape[1] == samples * 160 // 441
        np.testing.assert_allclose(received, expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [44100, 48000, 22050])
def test_real_music_is_resampled_as_soxr_does(real_music, rate):
    for path in real_music[:6]:
        waveform = audio.read(path, rate)[: 8 * rate]
        expected = soxr.resample(waveform, rate, 16000, quality="VHQ")
        received = resample(tf.constant(waveform[np.newaxis]), polyphase(rate, 16000)).numpy()[0]
        shared = slice(200, min(len(expected), len(received)) - 200)
        spectra = [
            np.abs(np.fft.rfft(x[shared] * np.hanning(shared.stop - 200)))
            for x in (expected, received)
        ]
        passed = slice(0, int(PASSED * len(spectra[0])))
        error = np.linalg.norm(spectra[0][passed] - spectra[1][passed])
        assert error < 3e-4 * np.linalg.norm(spectra[0][passed])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.tflite", "x.onnx"])
def test_a_file_for_another_rate_takes_integers_at_it(small_tagger, made_up_music, tmp_path, name):
    loud = soxr.resample(made_up_music, 16000, 44100)
    path = export(
        small_tagger, tmp_path / name, input_rate=44100, input_type="int16", source=made_up_music
    )
    model = load(path)
    assert model.card.input.window_samples == model.card.sample_rate == 44100
    pcm = np.round(loud * 32768).astype(np.int16)
    expected = small_tagger.annotate(made_up_music).probabilities
    received = model.annotate(pcm / np.float32(32768), source_rate=44100).probabilities
    np.testing.assert_allclose(received, expected, atol=2e-3)
