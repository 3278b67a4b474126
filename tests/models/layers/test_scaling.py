"""Logarithm, decibels and PCEN."""

import librosa
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
from frontend_checks import excerpts, relative_error
from tolerances import TOLERANCES

from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.layers.pcen import PCEN, smooth, smoothing_coefficient
from mirzoo.models.layers.scaling import Decibel, Logarithm, build_scaling
from mirzoo.recipe import DecibelScaling, LogScaling, NoScaling, PCENScaling


def energies(frames: int, bins: int = 3) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (10.0 ** rng.uniform(-8, 2, (2, frames, bins, 1))).astype(np.float32)


def test_logarithm_is_its_formula():
    features = energies(50)
    expected = np.log10(1.0 + 10000.0 * features.astype(np.float64))
    np.testing.assert_allclose(Logarithm(c=10000.0)(features), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reference", [1.0, 0.25])
def test_decibels_are_librosas(reference):
    features = energies(50)
    power_db = librosa.power_to_db(features, ref=reference, amin=reference * 1e-8, top_db=None)
    received = Decibel(power=2, reference=reference)(features)
    np.testing.assert_allclose(received, power_db, atol=1e-4)
    amplitude_db = librosa.amplitude_to_db(
        features, ref=reference, amin=reference * 1e-4, top_db=None
    )
    received = Decibel(power=1, reference=reference)(features)
    np.testing.assert_allclose(received, amplitude_db, atol=1e-4)


@pytest.mark.parametrize("scaling", [Logarithm(), Decibel(power=1)])
def test_a_loud_frame_does_not_change_another(scaling):
    features = energies(50)
    quiet = scaling(features[:, :49]).numpy()
    features[:, 49] *= 1e6
    np.testing.assert_allclose(scaling(features).numpy()[:, :49], quiet, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("time_constant_s", [0.06, 0.4, 1.0])
def test_smoothing_coefficient_is_librosas(time_constant_s):
    features = energies(80)[0, :, :, 0].T.astype(np.float64)
    arguments = {"sr": 16000, "hop_length": 256}
    coefficient = smoothing_coefficient(time_constant_s, 62.5)
    np.testing.assert_allclose(
        librosa.pcen(features, time_constant=time_constant_s, **arguments),
        librosa.pcen(features, b=coefficient, **arguments),
    )


@pytest.mark.slow(quick=["True-0.04-65", "True-1.0-1000", "False-0.01-5000", "False-0.5-1"])
@pytest.mark.parametrize("frames", [1, 2, 3, 64, 65, 1000, 5000])
@pytest.mark.parametrize("coefficient", [0.01, 0.04, 0.5, 1.0])
@pytest.mark.parametrize("length_known", [True, False])
def test_smoother_is_the_recursion(frames, coefficient, length_known):
    features = energies(frames)
    signature = [tf.TensorSpec((None, frames if length_known else None, 3, 1), tf.float32)]
    smoother = tf.function(
        lambda x: smooth(x, tf.constant([[coefficient]])), input_signature=signature
    )
    start = (1.0 - coefficient) * features[:, :1].astype(np.float64)
    expected, _ = scipy.signal.lfilter(
        [coefficient], [1.0, coefficient - 1.0], features, axis=1, zi=start
    )
    np.testing.assert_allclose(smoother(features), expected, rtol=2e-5)


def librosa_pcen(features: np.ndarray, smoothing: float, **arguments) -> np.ndarray:
    start = (1.0 - smoothing) * features[:1]
    return librosa.pcen(features, b=smoothing, axis=0, zi=start, **arguments)


@pytest.mark.slow
def test_pcen_equals_librosa_on_real_music(real_music):
    arguments = {"gain": 0.9, "bias": 1.5, "power": 0.4, "eps": 1e-5}
    for name, waveform in excerpts(real_music, 16000).items():
        mel = librosa.feature.melspectrogram(y=waveform, sr=16000, power=1.0, n_mels=40).T
        received = PCEN(smoothing=0.03, **arguments)(mel[np.newaxis, :, :, np.newaxis])
        error = relative_error(received[0, ..., 0].numpy(), librosa_pcen(mel, 0.03, **arguments))
        assert error < TOLERANCES["pcen"], name


def test_pcen_equals_librosa():
    features = energies(300)
    arguments = {"gain": 0.98, "bias": 2.0, "power": 0.5, "eps": 1e-6}
    received = PCEN(smoothing=0.04, **arguments)(features)
    expected = librosa_pcen(features[0, :, :, 0].astype(np.float64), 0.04, **arguments)
    assert relative_error(received[0, ..., 0].numpy(), expected) < TOLERANCES["pcen"]


def test_pcen_hears_the_past_alone():
    layer = PCEN(smoothing=0.04)
    features = energies(60)
    np.testing.assert_allclose(
        layer(features).numpy()[:, :40], layer(features[:, :40]).numpy(), rtol=1e-4, atol=1e-6
    )


def test_learnt_pcen_starts_as_the_fixed_one():
    features = energies(60)
    fixed, learnt = PCEN(smoothing=0.04), PCEN(smoothing=0.04, learnable=True)
    np.testing.assert_allclose(fixed(features), learnt(features), rtol=1e-5, atol=1e-6)
    assert not fixed.weights
    assert [weight.shape for weight in learnt.trainable_weights] == [(3,)] * 4


def test_learnt_pcen_stays_in_its_ranges():
    layer = PCEN(smoothing=0.04, learnable=True)
    features = energies(60)
    layer(features)
    for weight in layer.trainable_weights:
        for extreme in (-1e3, 1e3):
            weight.assign(tf.fill(weight.shape, extreme))
            weight.assign(weight.constraint(weight))
            assert np.isfinite(layer(features)).all(), weight.path


@pytest.mark.parametrize("smoothing", [0.0, 0.009, 1.1])
def test_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match=r"smoothing is .*; allowed is 0.01 to 1"):
        PCEN(smoothing=smoothing)


def test_decibels_of_what_is_refused():
    with pytest.raises(ValueError, match="power is 0; allowed are 1"):
        Decibel(power=0)


def test_recipes_choose_the_scaling():
    frontend = MelConfig()
    assert build_scaling(NoScaling(), frontend, power=1) == []
    (logarithm,) = build_scaling(LogScaling(c=5.0), frontend, power=1)
    assert logarithm.c == 5.0
    (decibel,) = build_scaling(DecibelScaling(reference=2.0, floor_db=-60.0), frontend, power=2)
    assert (decibel.power, decibel.reference, decibel.floor_db) == (2, 2.0, -60.0)
    (pcen,) = build_scaling(PCENScaling(time_constant_s=0.2, trainable=True), frontend, power=1)
    assert pcen.smoothing == pytest.approx(smoothing_coefficient(0.2, 62.5))
    assert pcen.learnable
