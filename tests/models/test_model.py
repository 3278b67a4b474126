"""The parts of a model by name, as they are called now and as version 0.1 called them."""

import keras
import numpy as np
import pytest

import mirzoo
from mirzoo.errors import ArtefactError
from mirzoo.models import heads
from mirzoo.models.heads.rnn import RNNConfig


def test_a_model_has_a_frontend_and_a_head(small_tagger):
    assert small_tagger.frontend is small_tagger.get_layer("frontend")
    assert small_tagger.head is small_tagger.get_layer("head")
    assert small_tagger.head_input.shape == small_tagger.frontend.output_shape
    embedding = small_tagger.head(small_tagger.frontend(small_tagger.input))
    assert embedding.shape[-1] == small_tagger.card.embedding_size


def test_every_depth_can_be_embedded(small_tagger):
    waveforms = np.random.default_rng(0).normal(0, 0.1, (2, 16000)).astype(np.float32)
    last, every = small_tagger.embed(waveforms), small_tagger.embed(waveforms, layers="all")
    np.testing.assert_allclose(every[:, : last.shape[1]], last, atol=1e-6)
    assert every.shape[1] > last.shape[1] and np.isfinite(every).all()
    assert np.isfinite(small_tagger.embed(0 * waveforms, layers="all")).all()
    with pytest.raises(ArtefactError, match="layers is 'some'; allowed are 'last' and 'all'"):
        small_tagger.embed(waveforms, layers="some")


def test_other_runtimes_say_that_they_have_the_last_embedding_alone(saved_tagger):
    with pytest.raises(ArtefactError, match='a file of LiteRT has no other .* runtime="keras"'):
        mirzoo.load(saved_tagger, runtime="litert").embed(
            np.zeros((1, 16000), np.float32), layers="all"
        )


def test_what_a_head_was_called_is_found_with_a_warning(small_tagger):
    with pytest.warns(DeprecationWarning, match=r'get_layer\("trunk"\) is now model\.head'):
        assert small_tagger.get_layer("trunk") is small_tagger.head
    with pytest.warns(DeprecationWarning, match=r"trunk_input is now model\.head_input"):
        assert small_tagger.trunk_input is small_tagger.head_input


def test_layers_are_found_as_keras_finds_them(small_tagger):
    assert small_tagger.get_layer("tags").name == "tags"
    assert small_tagger.get_layer(index=1) is small_tagger.layers[1]
    with pytest.raises(ValueError, match="No such layer: body"):
        small_tagger.get_layer("body")


def test_a_copy_has_its_own_parts(small_tagger):
    copy = keras.models.clone_model(small_tagger)
    assert copy.head is not small_tagger.head
    assert copy.head.name == "head"


def test_functions_for_heads_are_found_by_their_old_names():
    config = RNNConfig(embedding=4)
    with pytest.warns(DeprecationWarning, match="build_trunk is now build_head"):
        head = heads.build_trunk(config, 6, 1)
    assert (head.name, head.output_shape) == ("head", (None, 4))
    with pytest.warns(DeprecationWarning, match="embedded_pitches"):
        assert heads.embedded_pitches(head, config) == 1
    with pytest.raises(AttributeError, match="no attribute 'build_neck'"):
        _ = heads.build_neck
