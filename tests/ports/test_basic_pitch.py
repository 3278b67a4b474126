"""basic-pitch gives the outputs of its authors' package."""

from __future__ import annotations

from functools import cache, partial

import keras
import mir_eval
import numpy as np
import pytest
from node import node_runs_onnx, predict_in_node
from places import ROOT
from processors import on_another_processor

from mirzoo import ports
from mirzoo.annotate import frame_outputs
from mirzoo.errors import PullError
from mirzoo.export import export, real_windows
from mirzoo.export.litert import write_litert
from mirzoo.export.metadata import custom_operators
from mirzoo.export.parity import excess, rounding_sensitivity
from mirzoo.ports.basic_pitch import network as basic_pitch
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.runtimes.onnx import ONNXModel

GOLDEN = ROOT / "tests" / "golden" / "ports"
PARAMETERS = 16_864
TOLERANCE = 1e-4  # 1e-3 is asked for
LONGEST_DEVIATION_S = 0.0125


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "basic_pitch.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def music():
    with np.load(GOLDEN / "musicnn.npz") as arrays:
        return arrays["waveform"]


@pytest.fixture(scope="module")
def wheel():
    try:
        return ports.fetch_wheel(ports.find("basic_pitch"))
    except PullError as error:
        pytest.skip(f"the weights cannot be had: {error}")


@pytest.fixture(scope="module")
def model(wheel):
    return ports.build("basic_pitch", wheel)


@pytest.mark.network
class TestPublishedWeights:
    def test_frames_are_those_of_the_package(self, model, music, golden):
        _, outputs = frame_outputs(model, music)
        count, every = golden["n_frames"], golden["every"]
        for name, size in (("note", 88), ("onset", 88), ("contour", 264)):
            assert outputs[name].shape[1] == size
            heard = outputs[name][:count:every]
            assert heard.shape == golden[name].shape
            assert np.abs(heard - golden[name]).max() <= TOLERANCE

    def test_notes_are_those_of_the_package(self, model, music, golden):
        heard = model.annotate(music).notes
        theirs = golden["notes"]
        f_measure = mir_eval.transcription.precision_recall_f1_overlap(
            theirs[:, :2],
            mir_eval.util.midi_to_hz(theirs[:, 2]),
            np.array([note[:2] for note in heard]),
            mir_eval.util.midi_to_hz(np.array([note.pitch for note in heard])),
        )[2]
        assert len(theirs) > 20
        assert f_measure >= 0.98

    def test_bends_and_times_are_those_of_the_package(self, model, music, golden):
        heard = model.annotate(music).notes
        ends = np.cumsum(golden["n_bends"])
        same = 0
        for (start, end, pitch, amplitude), last, count in zip(
            golden["notes"], ends, golden["n_bends"], strict=True
        ):
            bends = golden["bends"][last - count : last] / 3
            for note in heard:
                if note.pitch == pitch and abs(note.start_s - start) <= LONGEST_DEVIATION_S:
                    if len(note.bends) != count:
                        continue
                    assert abs(note.end_s - end) <= LONGEST_DEVIATION_S
                    assert note.amplitude == pytest.approx(amplitude, abs=1e-3)
                    same += np.mean(np.abs(np.array(note.bends) - bends) < 1e-6) > 0.98
        assert same >= 0.95 * len(ends)

    def test_the_card_says_what_the_model_does(self, model, music):
        card = model.card
        assert model.count_params() == card.parameters == PARAMETERS
        window = music[None, : card.input.window_samples].astype(np.float32) / 2**15
        outputs = model.predict_windows(window)
        for output in card.outputs:
            assert outputs[output.name].shape == (1, 172, output.axes[-1].size)
        assert outputs["embedding"].shape == (1, 172, card.embedding_size)
        assert card.task == "notes"
        assert card.licences.weights == "Apache-2.0"

    def test_frames_are_dated_well_however_long_the_recording_is(self, model):
        contract, output = model.card.input, model.card.outputs[0]
        in_window = np.arange(15, 157)
        true_s = (in_window * 256 - contract.pad_left_samples) / 22050
        stated_s = (
            output.first_frame_s + in_window / output.frame_rate - contract.pad_left_samples / 22050
        )
        assert np.abs(true_s - stated_s).max() < 0.005

    def test_clips_do_not_change_each_other_and_silence_is_finite(self, model, music):
        window = music[None, :43844].astype(np.float32) / 2**15
        alone = model(window)["note"]
        together = model(np.concatenate([np.sign(window), window, 0 * window]))["note"]
        assert np.isfinite(together).all()
        np.testing.assert_allclose(together[1], alone[0], atol=1e-5)

    def test_litert_has_builtin_operators_alone_and_says_the_same(self, model, music, tmp_path):
        window = music[None, :43844].astype(np.float32) / 2**15
        write_litert(model, tmp_path / "notes.tflite", window, None)
        assert custom_operators(tmp_path / "notes.tflite") == []
        heard = LiteRTModel(tmp_path / "notes.tflite", model.card).predict_windows(window)
        expected = model.predict_windows(window)
        for name in ("note", "onset", "contour"):
            np.testing.assert_allclose(heard[name], expected[name], atol=1e-4)

    def test_onnx_says_the_same_of_any_number_of_windows(self, model, tmp_path):
        path = export(model, tmp_path / "notes.onnx")
        windows = real_windows(model.card.input)
        windows = np.concatenate([windows, windows[:1] / 2])
        expected = model.predict_windows(windows)
        rounding = cache(partial(rounding_sensitivity, model.predict_windows, windows))
        predictions = [ONNXModel(path).predict_windows(windows)]
        if node_runs_onnx():
            predictions.append(predict_in_node(path, windows, tmp_path))
        for received in predictions:
            assert sorted(received) == ["contour", "note", "onset"]
            ours = {name: expected[name] for name in received}
            assert excess(ours, received, TOLERANCE, rounding) is None

    def test_a_keras_file_gives_the_same_again(self, model, music, tmp_path):
        window = music[None, :43844].astype(np.float32) / 2**15
        model.save(tmp_path / "model.keras")
        reloaded = keras.models.load_model(tmp_path / "model.keras")
        for name, expected in model(window).items():
            np.testing.assert_array_equal(reloaded(window)[name], expected)
        assert reloaded.card.contract == model.card.contract

    def test_processors_without_avx512_pull_and_verify_it(self, wheel, tmp_path):
        (tmp_path / "wheels").mkdir()
        (tmp_path / "wheels" / wheel.name).symlink_to(wheel)
        run = on_another_processor(
            "from mirzoo import hub; hub.pull('basic_pitch'); print(hub.verify('basic_pitch'))",
            {"MIRZOO_HOME": str(tmp_path)},
        )
        assert run.returncode == 0, run.stderr[-2000:]
        assert "saved_model" in run.stdout

    def test_a_weight_off_by_one_percent_is_more_than_rounding(self, model):
        windows = real_windows(model.card.input)
        expected, weights = model.predict_windows(windows), model.get_weights()
        rounding = cache(partial(rounding_sensitivity, model.predict_windows, windows))
        rounding()
        try:
            for number, weight in enumerate(model.weights):
                if weight.name != "kernel":
                    continue
                other = [w * 1.01 if i == number else w for i, w in enumerate(weights)]
                model.set_weights(other)
                assert excess(expected, model.predict_windows(windows), TOLERANCE, rounding)
        finally:
            model.set_weights(weights)

    def test_other_weights_are_refused(self, wheel, monkeypatch):
        swapped = {**basic_pitch.CHECKPOINT_LAYERS, "contour_map": 4}
        monkeypatch.setattr(basic_pitch, "CHECKPOINT_LAYERS", swapped)
        with pytest.raises(PullError, match=r"'layer_with_weights-4/kernel.*\(7, 7, 1, 32\), exp"):
            ports.build("basic_pitch", wheel)
