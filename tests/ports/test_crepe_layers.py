"""Frames are standardised one by one, and a network hears them in chunks without a seam."""

from __future__ import annotations

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx

from mirzoo.ports.crepe.layers import EachFrame, StandardisedFrames

ANY_FRAMES = [tf.TensorSpec((None, None, 4, 1), tf.float32)]


@pytest.fixture
def waveform():
    return np.random.default_rng(0).standard_normal((2, 1000)).astype(np.float32)


@pytest.fixture
def layer():
    keras.utils.set_random_seed(0)
    frame = keras.Input((4, 1))
    network = keras.Model(frame, keras.layers.Dense(3)(keras.layers.Flatten()(frame)))
    return EachFrame(network, chunk_frames=5)


class TestStandardisedFrames:
    def test_each_frame_is_centred_and_has_mean_0_and_deviation_1(self, waveform):
        frames = StandardisedFrames(64, 16)(waveform)[..., 0].numpy()
        assert frames.shape == (2, 1 + 1000 // 16, 64)
        padded = np.pad(waveform.astype(np.float64), ((0, 0), (32, 32)))
        for k in (0, 7, 62):
            plain = padded[:, 16 * k : 16 * k + 64]
            expected = (plain - plain.mean(1, keepdims=True)) / plain.std(1, ddof=1, keepdims=True)
            np.testing.assert_allclose(frames[:, k], expected, atol=1e-5)

    def test_loudness_does_not_matter_and_silence_stays_silent(self, waveform):
        layer = StandardisedFrames(64, 16)
        np.testing.assert_allclose(layer(1e-4 * waveform), layer(waveform), atol=1e-4)
        np.testing.assert_array_equal(layer(0 * waveform), 0.0)

    def test_gradients_are_finite_on_silence(self):
        silence = tf.zeros((1, 200))
        with tf.GradientTape() as tape:
            tape.watch(silence)
            energy = tf.reduce_sum(StandardisedFrames(64, 16)(silence) ** 2)
        assert np.isfinite(tape.gradient(energy, silence)).all()

    def test_shapes_are_known_beforehand(self, waveform):
        layer = StandardisedFrames(64, 16)
        assert layer.compute_output_shape(waveform.shape) == layer(waveform).shape
        assert layer(keras.Input((None,))).shape == (None, None, 64, 1)

    def test_a_frame_without_a_middle_is_refused(self):
        with pytest.raises(ValueError, match="frame_length is 63; allowed are even"):
            StandardisedFrames(63, 16)


class TestEachFrame:
    @pytest.mark.parametrize("frames", [1, 4, 5, 6, 23])
    def test_chunks_have_no_seam(self, layer, frames):
        features = np.random.default_rng(1).standard_normal((2, frames, 4, 1)).astype(np.float32)
        expected = layer.layer(features.reshape(-1, 4, 1)).numpy().reshape(2, frames, 3)
        np.testing.assert_allclose(layer(features), expected, atol=1e-6)
        in_a_loop = tf.function(layer, input_signature=ANY_FRAMES)
        np.testing.assert_allclose(in_a_loop(features), expected, atol=1e-6)

    @pytest.mark.slow
    def test_the_loop_is_the_same_in_onnx(self, layer):
        features = np.random.default_rng(1).standard_normal((2, 23, 4, 1)).astype(np.float32)
        written, _ = tf2onnx.convert.from_function(
            tf.function(layer, input_signature=ANY_FRAMES), input_signature=ANY_FRAMES, opset=17
        )
        session = onnxruntime.InferenceSession(written.SerializeToString())
        (received,) = session.run(None, {session.get_inputs()[0].name: features})
        np.testing.assert_allclose(received, layer(features), atol=1e-6)

    def test_no_more_frames_than_a_chunk_are_heard_at_once(self, layer):
        program = tf.function(layer, input_signature=ANY_FRAMES).get_concrete_function()
        product = [
            operation
            for function in program.graph._functions.values()
            for operation in function.graph.get_operations()
            if operation.type == "MatMul"
        ]
        assert [tuple(operation.outputs[0].shape) for operation in product] == [(5, 3)]

    def test_it_comes_back_from_its_configuration(self, layer, tmp_path):
        features = np.ones((1, 7, 4, 1), np.float32)
        inputs = keras.Input((None, 4, 1))
        model = keras.Model(inputs, layer(inputs))
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(reloaded(features), model(features))
        assert model.output_shape == (None, None, 3)

    def test_gradients_reach_the_network_through_the_loop(self, layer):
        features = tf.ones((2, 6, 4, 1))

        @tf.function(input_signature=ANY_FRAMES)
        def gradient(given):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(given) ** 2)
            return tape.gradient(loss, layer.layer.trainable_variables[0].value)

        assert np.abs(gradient(features)).max() > 0
