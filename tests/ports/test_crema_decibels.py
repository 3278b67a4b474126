"""Decibels below the peak are librosa's, clip by clip; the hard sigmoid is Keras 2's."""

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

from mirzoo.ports.crema.layers import DecibelsBelowPeak, keras2_hard_sigmoid


@pytest.fixture
def magnitudes():
    rng = np.random.default_rng(3)
    values = rng.random((3, 7, 5, 2)) ** 8
    values[0, :2] = 0
    return values.astype(np.float32)


def test_each_clip_and_channel_is_librosas(magnitudes):
    received = DecibelsBelowPeak(60.0)(magnitudes)
    for clip, decibels in zip(magnitudes, received, strict=True):
        for channel in range(2):
            expected = librosa.amplitude_to_db(clip[..., channel], ref=np.max, top_db=60.0)
            np.testing.assert_allclose(decibels[..., channel], expected, atol=1e-4)


def test_loudness_does_not_matter_and_silence_is_0_db(magnitudes):
    layer = DecibelsBelowPeak()
    np.testing.assert_allclose(layer(4 * magnitudes), layer(magnitudes), atol=2e-2)
    np.testing.assert_allclose(layer(0 * magnitudes), 0, atol=1e-4)


def test_gradients_are_finite_on_silence_too(magnitudes):
    for values in (magnitudes, 0 * magnitudes):
        inputs = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(DecibelsBelowPeak()(inputs) ** 2)
        assert np.isfinite(tape.gradient(loss, inputs)).all()


def test_both_come_back_from_a_file(magnitudes, tmp_path):
    inputs = keras.Input((None, 5, 2))
    outputs = keras.layers.Activation(keras2_hard_sigmoid)(DecibelsBelowPeak(50.0, 1e-4)(inputs))
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded(magnitudes), model(magnitudes))


def test_the_hard_sigmoid_is_steeper_than_that_of_keras_3():
    x = np.float32([-3, -2.5, -1, 0, 1, 2.5, 3])
    np.testing.assert_allclose(keras2_hard_sigmoid(x), [0, 0, 0.3, 0.5, 0.7, 1, 1], atol=1e-6)
