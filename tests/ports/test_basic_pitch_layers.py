"""nnAudio's constant-Q transform, scaled decibels and stacked harmonics."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from mirzoo.errors import RecipeError
from mirzoo.ports.basic_pitch.layers import HalvingCQT, ScaledDecibel, StackedHarmonics
from mirzoo.ports.basic_pitch.wavelets import halving_filter, top_octave_wavelets

RATE, HOP = 22050, 256


@pytest.fixture(scope="module")
def layer():
    return HalvingCQT(RATE, HOP, fmin=27.5, n_bins=309, bins_per_octave=36)


def tone(f0, samples=43844):
    return np.sin(2 * np.pi * f0 * np.arange(samples) / RATE).astype(np.float32)[None]


class TestKernels:
    def test_the_halving_filter_is_that_of_scipy(self):
        edges = [0.0, 0.5 / 1.001, 0.5 * 1.001, 1.0]
        expected = scipy.signal.firwin2(256, edges, [1, 1, 0, 0])
        np.testing.assert_allclose(halving_filter(), expected, atol=1e-12)

    def test_wavelets_hear_their_own_frequency_alone(self):
        wavelets = top_octave_wavelets(sample_rate=RATE, fmin=27.5, n_bins=309, bins_per_octave=36)
        frequencies = 27.5 * 2 ** (np.arange(273, 309) / 36)
        np.testing.assert_allclose(np.abs(wavelets).sum(axis=1), 1.0, atol=1e-6)
        spectra = np.abs(np.fft.fft(wavelets, 16384))
        strongest = spectra.argmax(axis=1) * RATE / 16384
        np.testing.assert_allclose(strongest, frequencies, rtol=2e-3)

    def test_bins_above_half_the_rate_are_refused(self):
        with pytest.raises(RecipeError, match=r"309 bins is at 103\d\d Hz.*16000"):
            top_octave_wavelets(sample_rate=16000, fmin=27.5, n_bins=309, bins_per_octave=36)


class TestHalvingCQT:
    @pytest.mark.parametrize("bin", [36, 120, 200, 300])
    def test_a_tone_is_strongest_at_its_bin(self, layer, bin):
        power = layer(tone(27.5 * 2 ** (bin / 36)))[0, 86, :, 0].numpy()
        assert abs(int(power.argmax()) - bin) <= 1

    def test_the_octaves_are_filtered_and_halved_one_after_the_other(self, layer):
        waveform = np.random.default_rng(0).standard_normal(43844)
        power = layer(waveform[None].astype(np.float32))[0, :, :, 0].numpy()
        wavelets = top_octave_wavelets(
            sample_rate=RATE, fmin=27.5, n_bins=309, bins_per_octave=36
        ).astype(np.complex128)
        level, hop = waveform, HOP
        for octave in range(9):
            padded = np.pad(level, 128, mode="reflect")
            frames = np.lib.stride_tricks.sliding_window_view(padded, 256)[::hop]
            expected = np.abs(frames @ wavelets.conj().T) ** 2
            top = 309 - 36 * octave
            shown = slice(max(0, top - 36), top)
            lengths = np.ceil(RATE / (2 ** (1 / 36) - 1) / (27.5 * 2 ** (np.arange(309) / 36)))
            expected = (expected * lengths[top - 36 : top] if top >= 36 else
                        expected[:, 36 - top :] * lengths[:top])  # fmt: skip
            scale = expected.max()
            np.testing.assert_allclose(power[:, shown] / scale, expected / scale, atol=2e-5)
            level = np.convolve(np.pad(level, 127), halving_filter()[::-1], "valid")[::2]
            hop //= 2

    @pytest.mark.slow
    @pytest.mark.parametrize("samples", [300, 33000, 33025, 43844, 50001])
    def test_shapes_are_known_beforehand_and_any_length_is_heard(self, layer, samples):
        waveform = tone(440.0, samples)
        expected = (1, 1 + samples // HOP, 309, 1)
        assert layer.compute_output_shape((1, samples)) == expected
        any_length = tf.function(layer, input_signature=[tf.TensorSpec((None, None))])
        assert layer(waveform).shape == expected
        np.testing.assert_allclose(any_length(waveform), layer(waveform), atol=1e-4, rtol=1e-4)

    def test_a_hop_that_cannot_be_halved_often_enough_is_refused(self):
        with pytest.raises(ValueError, match="hop_length is 100; with 9 octaves.*of 256"):
            HalvingCQT(RATE, 100, fmin=27.5, n_bins=309, bins_per_octave=36)

    def test_everything_comes_back_from_a_file(self, layer, tmp_path):
        waveform = keras.Input((None,))
        x = StackedHarmonics([0.5, 1, 3], 36, 264)(ScaledDecibel()(layer(waveform)))
        model = keras.Model(waveform, x)
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        assert model.output_shape == (None, None, 264, 3)
        np.testing.assert_array_equal(reloaded(tone(440.0)), model(tone(440.0)))


class TestScaledDecibel:
    def test_each_clip_has_its_own_extremes(self):
        power = np.random.default_rng(0).random((2, 5, 7, 1)).astype(np.float32) ** 4
        power[1] *= 1e-3
        scaled = ScaledDecibel()(power).numpy()
        for clip, result in zip(power, scaled, strict=True):
            level = 10 * np.log10(clip + 1e-10)
            expected = (level - level.min()) / np.ptp(level)
            np.testing.assert_allclose(result, expected, atol=1e-5)

    def test_silence_is_zero_and_its_gradient_finite(self):
        silence = tf.zeros((1, 4, 5, 1))
        with tf.GradientTape() as tape:
            tape.watch(silence)
            scaled = ScaledDecibel()(silence)
        np.testing.assert_array_equal(scaled, 0.0)
        assert np.isfinite(tape.gradient(scaled, silence)).all()


def test_harmonics_lie_beside_their_bin():
    spectrum = np.random.default_rng(0).random((1, 2, 100, 1)).astype(np.float32)
    stack = StackedHarmonics([0.5, 1, 2, 3], bins_per_octave=36, n_bins=90)(spectrum).numpy()
    assert stack.shape == (1, 2, 90, 4)
    for channel, shift in enumerate([-36, 0, 36, 57]):
        for bin in range(90):
            inside = 0 <= bin + shift < 100
            expected = spectrum[0, :, bin + shift, 0] if inside else 0.0
            np.testing.assert_array_equal(stack[0, :, bin, channel], expected)
