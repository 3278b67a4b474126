"""Options of an export: what is refused and why, and what a file then states of itself."""

import os

import numpy as np
import pytest
from fake_models import make_card, make_frame_card

from mirzoo.card import Card, InputContract
from mirzoo.errors import ExportError
from mirzoo.export import export
from mirzoo.export.base import FORMATS, format_of
from mirzoo.export.contract import file_contract, shortest_window
from mirzoo.export.options import ExportOptions
from mirzoo.export.rules import Case, refusals, require_allowed
from mirzoo.hub import shipped_folder, shipped_models
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.tasks.melody import MelodyDecoding


def case(format="litert", card=None, **options):
    return Case(FORMATS[format], card or make_card(), ExportOptions.of(options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantize": "int4"}, "quantize = 'int4': Input should be 'float16'"),
        ({"outputs": []}, r"outputs = \[\]: allowed are a list of names"),
        ({"outputs": "tags"}, r"outputs = 'tags': .*as \['tags'\], and 'all'"),
        ({"batch": 0}, r"batch = 0: .*whole numbers from 1 to 4096 and 'any'"),
        ({"batch": "some"}, "batch = 'some': .*'any'"),
        ({"batch": True}, "batch = True: .*'any'"),
        ({"window_s": 0.0}, r"window_s = 0\.0: .*seconds above 0"),
        ({"window_s": float("nan")}, "window_s = nan"),
        ({"window_s": "long"}, "window_s = 'long': .*seconds and 'any'"),
        ({"input_rate": -1}, "input_rate = -1"),
        ({"input_type": "int8"}, "input_type = 'int8'"),
        ({"dft": "gpu"}, "dft = 'gpu'"),
        ({"colour": "red"}, "colour = 'red' is not a known key"),
    ],
)
def test_values_that_no_export_has(options, message):
    with pytest.raises(ExportError, match=message):
        ExportOptions.of(options)


def test_numbers_of_numpy_are_numbers():
    options = {"batch": np.int64(2), "window_s": np.float32(1.5), "input_rate": np.int32(44100)}
    given = ExportOptions.of(options).given()
    assert given == {"window_s": 1.5, "batch": 2, "input_rate": 44100}
    assert all(type(value) in (int, float) for value in given.values())
    for wrong in ({"input_rate": 44100.0}, {"input_rate": True}, {"batch": np.float32(2)}):
        with pytest.raises(ExportError, match="= "):
            ExportOptions.of(wrong)


def test_only_what_is_not_usual_counts_as_given():
    assert ExportOptions().given() == {}
    clip = np.zeros(9, np.float32)
    given = ExportOptions(calibration=clip, outputs=["tags"], input_type="int16").given()
    assert list(given) == ["calibration", "outputs", "input_type"]
    assert ExportOptions(input_type="float32", decode=False).given() == {}


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("onnx", {"quantize": "float16"}, "ONNX model is refused with quantize='float16': it is "),
        ("saved_model", {"calibration": "x.wav"}, "calibration='x.wav': it is for a LiteRT model"),
        ("litert", {"calibration": "x.wav"}, "calibration='x.wav': only int8 .*or take quantize="),
        ("litert", {"outputs": ["tag"]}, r"outputs=\('tag',\): .*no such output; it has tags, emb"),
        ("litert", {"window_s": 0.009}, "at 16000 Hz has 160 samples; give window_s=0.010 or more"),
        ("onnx", {"dft": "fft"}, "dft='fft': .*or take 'conv'"),
        ("litert", {"input_rate": 7999}, "rates from 8000 to 192000 Hz are resampled; below"),
        ("litert", {"input_rate": 44101}, "44101 and 16000 Hz have no simple ratio.* 44100, 48000"),
        ("onnx", {"batch": 4096, "window_s": 2.0}, "batch=4096: .*last 8192 s, and 3600 s at"),
    ],
)
def test_what_is_refused_and_what_to_use(format, options, message):
    with pytest.raises(ExportError, match=message):
        require_allowed(case(format, **options))


def test_rates_that_are_offered_are_allowed():
    card = make_card()
    taken = card.contract.input.model_copy(update={"sample_rate": 22050})
    other = card.contract.model_copy(update={"input": taken})
    refused = case(card=other, input_rate=44101)
    assert refused.usual_rates == [11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000]
    for rate in refused.usual_rates:
        require_allowed(case(card=other, input_rate=rate))
    assert [option for option, _ in refusals(case(card=card, input_rate=7999))] == ["input_rate"]


@pytest.mark.parametrize("format", ["litert", "onnx", "saved_model"])
def test_frames_are_decided_on_windows_of_one_length(format):
    card = Card.load(shipped_folder("hcqt_cnn_melody"))
    with pytest.raises(ExportError, match=r"decode=True: it decides on windows of one len.* too"):
        require_allowed(case(format, card, decode=True, window_s="any"))


def test_frames_that_seldom_fall_on_samples_need_long_windows():
    card = Card.load(shipped_folder("hcqt_cnn_melody"))
    taken = InputContract(
        sample_rate=22050,
        min_samples=5000,
        window_samples=172 * 256,
        hop_samples=142 * 256,
        pad_left_samples=15 * 256,
    )
    outputs = [o.model_copy(update={"frame_rate": 22050 / 256}) for o in card.outputs]
    contract = card.contract.model_copy(update={"input": taken, "outputs": outputs})
    refused = case(card=contract, input_rate=48000)
    assert refused.shortest == 2 * 81920
    with pytest.raises(ExportError, match=r"give window_s=3\.413 or more too"):
        require_allowed(refused)
    allowed = case(card=contract, input_rate=48000, window_s=4.0)
    require_allowed(allowed)
    taken = file_contract(contract, allowed.options, usual_batch=1).input
    assert (taken.window_samples, taken.hop_samples) == (192000, 163840)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("batch", "batch='any': LiteRT keeps the states .*give a number of windows, as batch=8"),
        ("window_s", "window_s='any': LiteRT's loops .*give the length of a window, as window_s="),
    ],
)
def test_recurrent_layers_have_fixed_sizes_in_litert(option, message):
    options = ExportOptions.of({option: "any"})
    for format, recurrent, refused in (
        ("litert", True, True),
        ("litert", False, False),
        ("onnx", True, False),
        ("saved_model", True, False),
    ):
        asked = Case(FORMATS[format], make_card(), options, recurrent)
        assert [name for name, _ in refusals(asked)] == ([option] if refused else [])
    with pytest.raises(ExportError, match=message):
        require_allowed(Case(FORMATS["litert"], make_card(), options, recurrent=True))


def test_everything_that_is_refused_is_named_at_once():
    refused = case("litert", outputs=["tag"], window_s=0.001)
    assert [option for option, _ in refusals(refused)] == ["outputs", "window_s"]
    assert list(refusals(case("litert", outputs=["embedding"], window_s=0.01, batch=3))) == []


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("x.tflite", "litert"),
        ("my.model.v2.tflite", "litert"),
        ("a.b.onnx", "onnx"),
        ("folder", "saved_model"),
        ("tagger.v2", "saved_model"),
        ("tagger_1.2", "saved_model"),
        ("tagger.phone/", "saved_model"),
    ],
)
def test_names_with_dots(name, format):
    assert format_of(name).name == format


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "'' is no name"),
        ("x\0.tflite", "is no name of a file or folder"),
        (".tflite", "a suffix with no name before it, as in 'model.tflite'"),
        ("folder/.onnx", "as in 'model.onnx'"),
        ("x.TFLITE", "ends in '.TFLITE'; allowed are"),
    ],
)
def test_names_of_no_format(name, message):
    with pytest.raises(ExportError, match=message):
        format_of(name)


def test_a_file_as_usual_has_the_contract_of_the_model():
    card = make_card()
    contract = file_contract(card.contract, ExportOptions(), usual_batch=1)
    assert contract == card.contract
    assert file_contract(card.contract, ExportOptions(outputs="all"), usual_batch=1) == contract
    one = file_contract(card.contract, ExportOptions(batch=1), usual_batch=None)
    assert (one.exported.batch, one.format) == (1, 3)
    assert Card.of_binary(one.to_json(), "x.tflite").contract == one


def test_outputs_come_in_the_order_of_the_card():
    outputs = {"salience": 5, "voicing": 1}
    card = make_frame_card("melody", outputs=outputs, decoding=MelodyDecoding(fmin=55.0))
    asked = ExportOptions(outputs=["embedding", "voicing"])
    contract = file_contract(card.contract, asked, usual_batch=1)
    assert contract.exported.outputs == ["voicing", "embedding"]
    assert [output.name for output in contract.available_outputs] == ["voicing"]
    assert contract.outputs == card.outputs


@pytest.mark.parametrize("name", shipped_models())
@pytest.mark.parametrize("window_s", [0.25, 1.0, 2.345, 12.0, 60.0])
def test_windows_of_any_length_join(name, window_s):
    card = Card.load(shipped_folder(name))
    shortest = shortest_window(card.contract, card.sample_rate)
    window_s = max(window_s, shortest / card.sample_rate)
    contract = file_contract(card.contract, ExportOptions(window_s=window_s), usual_batch=1)
    TASKS[card.task].check_card(contract)
    taken = contract.input
    assert 0 <= round(window_s * card.sample_rate) - taken.window_samples <= 1
    frame_rate = card.outputs[0].frame_rate
    if frame_rate is not None:
        frame = max(taken.sample_rate / frame_rate, taken.sample_rate // 10)
        assert taken.hop_samples >= taken.window_samples // 2 - frame
        FrameJoiner(contract)
    else:
        assert taken.hop_samples == taken.window_samples


def test_nothing_is_replaced_unasked(small_tagger, tmp_path):
    there = tmp_path / "there.tflite"
    there.write_text("mine")
    with pytest.raises(ExportError, match=r"there\.tflite exists; nothing was written: .*--overw"):
        export(small_tagger, there)
    (tmp_path / "plain").write_text("mine")
    (tmp_path / "folder.tflite").mkdir()
    with pytest.raises(ExportError, match="is a file; a SavedModel is a folder"):
        export(small_tagger, tmp_path / "plain")
    with pytest.raises(ExportError, match="is a folder; a LiteRT model is a file"):
        export(small_tagger, tmp_path / "folder.tflite")
    assert there.read_text() == "mine"
    dangling = tmp_path / "link.tflite"
    dangling.symlink_to("nowhere.tflite")
    with pytest.raises(ExportError, match=r"link\.tflite exists"):
        export(small_tagger, dangling)


def test_places_that_cannot_be_written(small_tagger, made_up_music, tmp_path):
    for name in ("a" * 250 + ".tflite", "a" * 256):
        with pytest.raises(ExportError, match=r"cannot be written \(File name too long\)"):
            export(small_tagger, tmp_path / name, source=made_up_music)
    with pytest.raises(ExportError, match="is not UTF-8, and TensorFlow writes to no other names"):
        export(small_tagger, tmp_path / os.fsdecode(b"f\xfcr"), source=made_up_music)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_windows_batches_and_integers(small_tagger, made_up_music, tmp_path, suffix):
    from mirzoo import load

    path = export(
        small_tagger,
        tmp_path / f"small.2{suffix}",
        window_s=0.7,
        batch=2,
        input_type="int16",
        source=made_up_music,
    )
    model = load(path)
    assert model.card.exported.model_dump() == {
        "outputs": ["tags"], "batch": 2, "input_type": "int16", "any_length": False,
        "model_rate": 16000, "decisions": None, "streaming": None,
    }  # fmt: skip
    windows = np.stack([made_up_music[k * 9000 : k * 9000 + 11200] for k in range(5)])
    expected = small_tagger.predict_windows(windows)["tags"]
    received = model.predict_windows(windows)
    assert list(received) == ["tags"]
    np.testing.assert_allclose(received["tags"], expected, atol=1e-4)
    assert len(model.annotate(made_up_music).times) == 4


@pytest.mark.slow
def test_a_file_without_what_annotations_need_says_so(small_tagger, made_up_music, tmp_path):
    path = export(small_tagger, tmp_path / "e.tflite", outputs=["embedding"], source=made_up_music)
    model = LiteRTModel(path)
    window = made_up_music[np.newaxis, :16000]
    np.testing.assert_allclose(model.embed(window), small_tagger.embed(window), atol=1e-4)
    with pytest.raises(Exception, match="exported without the outputs tags"):
        model.annotate(made_up_music)
