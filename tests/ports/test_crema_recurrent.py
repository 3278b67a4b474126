"""Recurrent layers of Keras 2, whatever the number of frames in a round of the loop."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mirzoo.ports.crema.layers import DIRECTIONS, BothWaysGRU, keras2_hard_sigmoid

UNITS, SIZE = 6, 5


@pytest.fixture
def features():
    return np.random.default_rng(2).standard_normal((3, 21, SIZE)).astype(np.float32)


@pytest.fixture
def published(features):
    """Keras' own layers, with a bias that is not zero."""
    cell = keras.layers.GRU(
        UNITS, return_sequences=True, reset_after=False, recurrent_activation=keras2_hard_sigmoid
    )
    layer = keras.layers.Bidirectional(cell)
    layer(features)
    rng = np.random.default_rng(4)
    for weight in layer.weights:
        weight.assign(rng.standard_normal(weight.shape) * 0.5)
    return layer


def same_weights(layer, published, features):
    layer(features)
    halves = dict(zip(DIRECTIONS, (published.forward_layer, published.backward_layer), strict=True))
    for direction, half in halves.items():
        for weight in half.cell.weights:
            getattr(layer, f"{direction}_{weight.name}").assign(weight)
    return layer


@pytest.mark.slow(quick=["16"])
@pytest.mark.parametrize("chunk_frames", [1, 4, 7, 16, 21, 50])
def test_it_is_what_keras_has(published, features, chunk_frames):
    layer = same_weights(BothWaysGRU(UNITS, chunk_frames), published, features)
    np.testing.assert_allclose(layer(features), published(features), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 15, 16, 17, 21])
def test_any_batch_and_length_in_a_graph(published, features, frames):
    layer = same_weights(BothWaysGRU(UNITS), published, features)
    signature = [tf.TensorSpec((None, None, SIZE), tf.float32)]
    any_size = tf.function(layer, input_signature=signature)
    given = features[:2, :frames]
    np.testing.assert_allclose(any_size(given), layer(given), atol=1e-6)
    assert layer(keras.Input((None, SIZE))).shape == (None, None, 2 * UNITS)


@pytest.mark.slow
def test_gradients_are_those_of_keras(published, features):
    layer = same_weights(BothWaysGRU(UNITS, 4), published, features)
    gradients = []
    for either in (layer, published):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(either(features)[..., 0] ** 2 + either(features)[..., -1])
        found = tape.gradient(loss, either.trainable_variables)
        gradients.append(found)
    assert len(gradients[0]) == 6
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_it_comes_back_from_a_file(features, tmp_path):
    inputs = keras.Input((None, SIZE))
    model = keras.Model(inputs, BothWaysGRU(UNITS, 8)(inputs))
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded(features), model(features))
    assert reloaded.layers[-1].chunk_frames == 8
