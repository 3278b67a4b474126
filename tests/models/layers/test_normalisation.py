"""Batch normalisation by the fused kernel: what Keras' own gives, in training and after it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mirzoo.models.layers import BatchNormalization

SHAPE = (3, 5, 4, 6)


def drawn(seed: int, shape=SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).normal(1.5, 2.0, shape).astype(np.float32)


def trained(layer: keras.Layer, shape=SHAPE) -> tuple[np.ndarray, list[np.ndarray]]:
    """Outputs, gradients and weights after two steps of training."""
    layer.build(shape)
    for number, weight in enumerate(layer.trainable_weights):
        weight.assign(drawn(number, weight.shape))
    found = []
    for step in range(2):
        inputs = tf.Variable(drawn(10 + step, shape))
        with tf.GradientTape() as tape:
            outputs = layer(inputs, training=True)
            loss = tf.reduce_sum(outputs * drawn(20, shape))
        found += [outputs, *tape.gradient(loss, [inputs, *layer.trainable_weights])]
    after = layer(drawn(30, shape), training=False)
    return [np.asarray(value) for value in [*found, after, *layer.get_weights()]]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"scale": False},
        {"center": False, "axis": 3},
        {"momentum": 0.5, "epsilon": 0.1},
        {"axis": 2},
    ],
)
def test_it_trains_and_predicts_as_keras_does(settings):
    theirs = trained(keras.layers.BatchNormalization(**settings))
    for ours, expected in zip(trained(BatchNormalization(**settings)), theirs, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-5)


def test_frames_without_bins_go_the_same_way():
    theirs = trained(keras.layers.BatchNormalization(), (3, 5, 6))
    for ours, expected in zip(trained(BatchNormalization(), (3, 5, 6)), theirs, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-5)


def test_the_kernel_is_what_trains_it():
    layer = BatchNormalization()
    layer.build(SHAPE)
    graph = (
        tf.function(lambda x: layer(x, training=True))
        .get_concrete_function(tf.TensorSpec(SHAPE))
        .graph
    )
    assert "FusedBatchNormV3" in {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize("settings", [{"dtype": "float64"}, {"synchronized": True}])
def test_what_the_kernel_cannot_do_is_left_to_keras(settings, monkeypatch):
    monkeypatch.setattr(tf.compat.v1.nn, "fused_batch_norm", lambda *_, **__: pytest.fail("fused"))
    assert BatchNormalization(**settings)(drawn(0), training=True).shape == SHAPE


def test_frozen_statistics_stay():
    layer = BatchNormalization()
    layer.build(SHAPE)
    layer.trainable = False
    layer(drawn(0), training=True)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(6))


def test_in_bfloat16_the_statistics_are_float32():
    layer = BatchNormalization(dtype="mixed_bfloat16")
    outputs = layer(drawn(0), training=True)
    assert outputs.dtype == tf.bfloat16
    mean = 0.01 * tf.cast(tf.cast(drawn(0), tf.bfloat16), tf.float32).numpy().mean((0, 1, 2))
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-5)
