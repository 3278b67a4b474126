"""musicnn gives the outputs of its authors' package."""

from __future__ import annotations

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf
from places import ROOT

from mirzoo import ports
from mirzoo.errors import PullError
from mirzoo.ports.musicnn import network as musicnn
from mirzoo.ports.musicnn.layers import MeanOverPatches

GOLDEN = ROOT / "tests" / "golden" / "ports" / "musicnn.npz"
PARAMETERS = {"musicnn": 792_079, "vgg": 607_030}

# The package computes its features in float16, which we do not: with that lifted (and nothing
# else) it agrees to float32's rounding, as it is to float16's, which the vgg of MagnaTagATune
# feels most.
FLOAT32_TOLERANCE = 1e-5
FLOAT16_TOLERANCE = {
    "musicnn_mtt": 1e-4, "musicnn_mtt_vgg": 1e-3, "musicnn_msd": 1e-4, "musicnn_msd_vgg": 1e-4,
}  # fmt: skip


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def wheel():
    try:
        return ports.fetch_wheel(ports.find("musicnn_mtt"))
    except PullError as error:
        pytest.skip(f"the weights cannot be had: {error}")


@pytest.fixture(
    scope="module",
    params=[name for name, spec in ports.PORTS.items() if spec.module == "musicnn"],
)
def model(request, wheel):
    return ports.build(request.param, wheel)


@pytest.fixture(scope="module")
def waveform(golden):
    return golden["waveform"].astype(np.float32)[None] / 2**15


@pytest.mark.network
class TestPublishedWeights:
    def test_tags_are_those_of_the_package(self, model, golden):
        tags = model.annotate(golden["waveform"]).probabilities
        for suffix, tolerance in (
            ("_float32", FLOAT32_TOLERANCE),
            ("", FLOAT16_TOLERANCE[model.name]),
        ):
            expected = golden[f"{model.name}{suffix}"]
            assert tags.shape == expected.shape == (2, 50)
            assert np.abs(tags - expected).max() <= tolerance

    def test_the_card_says_what_the_model_does(self, model, waveform):
        card = model.card
        assert model.count_params() == card.parameters
        assert model.embed(waveform).shape == (1, card.embedding_size)
        assert model(waveform).shape == (1, len(card.labels))
        assert card.recipe is None

    def test_clips_do_not_change_each_other_and_loud_ones_stay_finite(self, model, waveform):
        patch = waveform[:, : musicnn.PATCH_SAMPLES]
        loud = np.sign(patch)
        alone, together = model(patch), model(np.concatenate([loud, patch, 0 * patch]))
        assert np.isfinite(together).all()
        np.testing.assert_allclose(together[1], alone[0], atol=1e-6)

    def test_a_longer_waveform_gives_the_mean_embedding_of_its_patches(self, model, waveform):
        starts = (0, musicnn.PATCH_HOP_SAMPLES)
        patches = [waveform[:, start : start + musicnn.PATCH_SAMPLES] for start in starts]
        expected = np.mean([model.embed(patch) for patch in patches], axis=0)
        np.testing.assert_allclose(model.embed(waveform), expected, atol=1e-5)

    def test_the_weights_of_another_network_are_refused(self, wheel):
        spec = ports.find("musicnn_mtt")
        with pytest.raises(PullError, match="checkpoint"):
            ports.build(_altered(spec, family="vgg"), wheel)
        with pytest.raises(PullError, match=r"holds no musicnn/MTT_big/\.data.*index"):
            ports.build(_altered(spec, checkpoint="musicnn/MTT_big"), wheel)


@pytest.mark.network
def test_a_keras_file_gives_the_same_tags_again(wheel, waveform, tmp_path):
    model = ports.build("musicnn_mtt", wheel)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded(waveform), model(waveform))
    assert reloaded.card.contract == model.card.contract


@pytest.mark.parametrize("family", PARAMETERS)
def test_networks_have_as_many_parameters_as_published(family):
    head = musicnn.build_head(family)
    embedding_size = head.output_shape[-1]
    assert head.count_params() + 50 * (embedding_size + 1) == PARAMETERS[family]


@pytest.mark.slow
def test_windows_of_a_file_have_the_frames_of_the_whole_file(waveform):
    frontend = musicnn.build_musicnn_frontend()
    mel = librosa.feature.melspectrogram(
        y=waveform[0], sr=16000, n_fft=512, hop_length=256, n_mels=96
    )
    whole_file = np.log10(10000 * mel + 1).T
    padded = np.pad(waveform, ((0, 0), (musicnn.PAD_LEFT_SAMPLES, 0)))
    for patch in (0, 1):
        start = patch * musicnn.PATCH_HOP_SAMPLES
        frames = frontend(padded[:, start : start + musicnn.PATCH_SAMPLES])[0, :, :, 0]
        expected = whole_file[patch * 187 : (patch + 1) * 187]
        np.testing.assert_allclose(frames, expected, atol=2e-5)


class TestMeanOverPatches:
    @pytest.fixture
    def layer(self):
        patch = keras.Input((4, 3, 2))
        network = keras.Model(patch, keras.layers.Dense(5)(keras.layers.Flatten()(patch)))
        return MeanOverPatches(network, patch_frames=4)

    @pytest.fixture
    def features(self):
        return np.random.default_rng(0).standard_normal((2, 11, 3, 2)).astype(np.float32)

    def test_whole_patches_count_and_the_rest_does_not(self, layer, features):
        expected = (layer.layer(features[:, :4]) + layer.layer(features[:, 4:8])) / 2
        np.testing.assert_allclose(layer(features), expected, atol=1e-6)

    def test_short_features_are_filled_up_with_zeros(self, layer, features):
        filled = np.pad(features[:, :3], ((0, 0), (0, 1), (0, 0), (0, 0)))
        np.testing.assert_allclose(layer(features[:, :3]), layer.layer(filled), atol=1e-6)

    @pytest.mark.parametrize("frames", [1, 3, 4, 7, 8, 11])
    def test_unknown_lengths_give_the_same_as_known_ones(self, layer, features, frames):
        signature = [tf.TensorSpec((None, None, 3, 2), tf.float32)]
        any_length = tf.function(layer, input_signature=signature)
        given = features[:, :frames]
        np.testing.assert_allclose(any_length(given), layer(given), atol=1e-6)

    def test_the_shape_is_known_before_the_length(self, layer):
        assert layer.compute_output_shape((None, None, 3, 2)) == (None, 5)
        assert layer(keras.Input((None, 3, 2))).shape == (None, 5)

    def test_it_comes_back_from_its_configuration_with_its_weights(self, layer, features, tmp_path):
        inputs = keras.Input((None, 3, 2))
        model = keras.Model(inputs, layer(inputs))
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(reloaded(features), model(features))

    def test_training_reaches_the_network(self, features):
        patch = keras.Input((4, 3, 2))
        network = keras.Model(patch, keras.layers.Flatten()(keras.layers.Dropout(0.9)(patch)))
        layer = MeanOverPatches(network, patch_frames=4)
        plain = layer(features)
        np.testing.assert_array_equal(layer(features, training=False), plain)
        assert np.abs(layer(features, training=True) - plain).max() > 0.1


def _altered(spec, **changes):
    return ports.PortSpec(**{**vars(spec), **changes})
