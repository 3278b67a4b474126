"""Exports: the same numbers as the Keras model in every form, builtin operators only, labels."""

import os
import subprocess
import sys
import zipfile
import zlib

import ai_edge_litert.schema_py_generated as schema
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from mirzoo.errors import ArtefactError, ExportError
from mirzoo.export import export, metadata, parity, real_windows
from mirzoo.export import litert as litert_export
from mirzoo.export import saved_model as saved_model_export
from mirzoo.models.model import Model
from mirzoo.runtimes import saved_model_file, tflite_file
from mirzoo.runtimes.litert import LiteRTModel


@pytest.fixture(scope="module")
def windows(small_tagger, made_up_music):
    return real_windows(small_tagger.card.input, made_up_music)


@pytest.fixture(scope="module")
def litert(small_tagger, made_up_music, tmp_path_factory):
    path = tmp_path_factory.mktemp("litert") / "small.tflite"
    return export(small_tagger, path, source=made_up_music, outputs="all")


@pytest.fixture(scope="module")
def saved_model(small_tagger, made_up_music, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved_model") / "small"
    return export(small_tagger, folder, source=made_up_music)


def assert_close(received, expected, atol=1e-5):
    assert sorted(received) == sorted(expected)
    for name in expected:
        np.testing.assert_allclose(received[name], expected[name], atol=atol, err_msg=name)


def test_litert_gives_the_numbers_of_keras(litert, small_tagger, windows):
    expected = small_tagger.predict_windows(windows)
    assert np.ptp(expected["tags"], axis=0).max() > 1e-3
    assert_close(LiteRTModel(litert, small_tagger.card).predict_windows(windows), expected)


def test_litert_uses_builtin_operators_alone(litert):
    assert tflite_file.custom_operators(litert) == []
    operators = set(tflite_file.operators(litert))
    assert "WHILE" not in operators
    assert "RFFT2D" not in operators


def test_litert_has_a_fixed_input_and_named_outputs(litert, small_tagger):
    runner = Interpreter(str(litert)).get_signature_runner("serving_default")
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    window_samples = small_tagger.card.input.window_samples
    assert inputs["waveform"]["shape"].tolist() == [1, window_samples]
    assert outputs["tags"]["shape"].tolist() == [1, 3]
    assert outputs["embedding"]["shape"].tolist() == [1, 6]


def test_files_whose_names_are_not_utf8_are_run(litert, small_tagger, windows):
    named = litert.with_name(os.fsdecode(b"f\xfcr.tflite"))
    try:
        named.write_bytes(litert.read_bytes())
    except OSError:
        pytest.skip("this disk has names in UTF-8 alone")
    assert_close(LiteRTModel(named).predict_windows(windows), small_tagger.predict_windows(windows))


def test_litert_weights_are_aligned(litert):
    content = litert.read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    offsets = [
        buffer._tab.Vector(buffer._tab.Offset(4))
        for buffer in map(model.Buffers, range(model.BuffersLength()))
        if buffer.DataLength()
    ]
    assert len(offsets) > 10
    assert all(offset % 16 == 0 for offset in offsets)


@pytest.mark.slow
def test_float16_is_smaller_and_close(litert, small_tagger, made_up_music, windows, tmp_path):
    half = export(
        small_tagger,
        tmp_path / "h.tflite",
        quantize="float16",
        outputs="all",
        source=made_up_music,
    )
    received = LiteRTModel(half, small_tagger.card).predict_windows(windows)
    assert_close(received, small_tagger.predict_windows(windows), atol=2e-3)
    assert half.stat().st_size < litert.stat().st_size


def test_other_precisions_are_refused(small_tagger, made_up_music, tmp_path):
    message = "quantize = 'int4': Input should be 'float16', 'dynamic' or 'int8'"
    with pytest.raises(ExportError, match=message):
        export(small_tagger, tmp_path / "x.tflite", quantize="int4", source=made_up_music)
    assert list(tmp_path.iterdir()) == []


def test_litert_carries_its_card(litert, small_tagger):
    assert tflite_file.read_card(litert).contract == small_tagger.card.contract


def test_a_damaged_card_is_named(litert, small_tagger, tmp_path):
    content = litert.read_bytes()
    packed = zlib.compress(small_tagger.card.contract.to_json().encode("utf-8"))
    assert content.count(packed) == 1
    path = tmp_path / "damaged.tflite"
    path.write_bytes(content.replace(packed, packed[:20] + bytes(len(packed) - 20)))
    with pytest.raises(ArtefactError, match=r"damaged\.tflite: its card cannot be unpacked"):
        tflite_file.read_card(path)


def test_labels_are_packed_as_other_tools_expect(litert):
    assert tflite_file.read_labels(litert) == ["low", "middle", "high"]
    with zipfile.ZipFile(litert) as archive:
        assert archive.testzip() is None


def test_standard_metadata_says_rate_and_units(litert):
    content = litert.read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    entries = list(map(model.Metadata, range(model.MetadataLength())))
    entry = next(entry for entry in entries if entry.Name() == b"TFLITE_METADATA")
    standard = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    assert standard[4:8] == b"M001"
    root = Table.root(standard)
    subgraph = root.tables(3)[0]
    waveform, first, second = *subgraph.tables(2), *subgraph.tables(3)
    content = waveform.table(3)
    assert content.uint8(0) == 4
    assert content.table(1).uint32(0) == 16000
    assert "[-1, 1]" in waveform.text(1)
    order = [detail["name"] for detail in Interpreter(str(litert)).get_output_details()]
    outputs = {tensor.text(0): tensor for tensor in (first, second)}
    assert [first.text(0), second.text(0)] == _names_in_order(litert, order)
    assert "probability" in outputs["tags"].text(1)
    assert outputs["tags"].tables(6)[0].text(0) == "labels.txt"


def _names_in_order(path, tensors):
    interpreter = Interpreter(str(path))
    details = interpreter.get_signature_runner("serving_default").get_output_details()
    names = {detail["name"]: name for name, detail in details.items()}
    return [names[tensor] for tensor in tensors]


class Table:
    """Reads a flatbuffer table by field numbers, independently of the code that wrote it."""

    def __init__(self, data, position):
        self.data, self.position = data, position

    @classmethod
    def root(cls, data):
        return cls(data, int.from_bytes(data[:4], "little"))

    def _int(self, at, size=4, signed=False):
        return int.from_bytes(self.data[at : at + size], "little", signed=signed)

    def _field(self, number):
        vtable = self.position - self._int(self.position, signed=True)
        offset = self._int(vtable + 4 + 2 * number, 2)
        assert offset, f"field {number} is absent"
        return self.position + offset

    def _target(self, number):
        at = self._field(number)
        return at + self._int(at)

    def uint8(self, number):
        return self._int(self._field(number), 1)

    def uint32(self, number):
        return self._int(self._field(number))

    def text(self, number):
        at = self._target(number)
        return self.data[at + 4 : at + 4 + self._int(at)].decode()

    def table(self, number):
        return Table(self.data, self._target(number))

    def tables(self, number):
        at = self._target(number)
        elements = [at + 4 + 4 * k for k in range(self._int(at))]
        return [Table(self.data, element + self._int(element)) for element in elements]


def test_a_file_without_card_says_so(tmp_path):
    function = tf.function(lambda x: x + 1.0, input_signature=[tf.TensorSpec((1,), tf.float32)])
    concrete = function.get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert()
    path = tmp_path / "foreign.tflite"
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"foreign\.tflite carries no card"):
        tflite_file.read_card(path)
    with pytest.raises(ArtefactError, match=r"has no labels\.txt"):
        tflite_file.read_labels(path)


def test_something_else_is_no_tflite_file(tmp_path):
    path = tmp_path / "song.tflite"
    path.write_bytes(b"RIFF....WAVE")
    with pytest.raises(ArtefactError, match=r"song\.tflite is no \.tflite file"):
        tflite_file.operators(path)


def test_flex_operators_are_named(tmp_path):
    model = schema.ModelT()
    code = schema.OperatorCodeT()
    code.builtinCode, code.customCode = schema.BuiltinOperator.CUSTOM, b"FlexTranspose"
    model.operatorCodes = [code]
    builder = metadata.flatbuffers.Builder()
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path = tmp_path / "flex.tflite"
    path.write_bytes(bytes(builder.Output()))
    assert tflite_file.custom_operators(path) == ["CUSTOM:FlexTranspose"]


@pytest.mark.slow(quick=["shape0"])
@pytest.mark.parametrize("shape", [(1, 16000), (2, 9000), (3, 20001)])
def test_saved_model_takes_any_batch_and_length(saved_model, small_tagger, made_up_music, shape):
    signatures = tf.saved_model.load(str(saved_model)).signatures
    assert sorted(signatures) == ["embed", "frontend", "serving_default"]
    batch, samples = shape
    clips = np.stack([made_up_music[k * 5000 : k * 5000 + samples] for k in range(batch)])
    waveform = tf.constant(clips)
    expected = small_tagger.predict_windows(clips)
    assert_close(
        {
            "tags": signatures["serving_default"](waveform=waveform)["tags"],
            "embedding": signatures["embed"](waveform=waveform)["embedding"],
        },
        expected,
    )
    features = signatures["frontend"](waveform=waveform)["features"]
    np.testing.assert_allclose(features, small_tagger.get_layer("frontend")(clips), atol=1e-5)


@pytest.mark.slow(quick=["serving_default"])
@pytest.mark.parametrize("signature", ["serving_default", "embed", "frontend"])
def test_saved_model_names_what_is_too_short(saved_model, small_tagger, signature):
    compute = tf.saved_model.load(str(saved_model)).signatures[signature]
    least = small_tagger.card.input.min_samples
    message = rf"the waveform has.*{least - 1}.*small_tagger takes at least {least} at 16000 Hz"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        compute(waveform=tf.zeros((2, least - 1)))
    assert all(np.isfinite(v).all() for v in compute(waveform=tf.zeros((2, least))).values())
    saved_model_file.require_pure(saved_model)


SERVER = """
import sys

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

sys.modules.update(dict.fromkeys(["mirzoo", "keras", "kapre", "librosa"]))
folder, waveform, written = sys.argv[1:]


def answer(message, loaded):
    request = PredictRequest.FromString(message)
    compute = loaded.signatures[request.model_spec.signature_name]
    given = {name: tf.constant(tf.make_ndarray(t)) for name, t in request.inputs.items()}
    response = PredictResponse()
    for name, values in compute(**given).items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(values.numpy()))
    return response.SerializeToString()


request = PredictRequest()
request.model_spec.name = "small"
request.model_spec.signature_name = "serving_default"
request.inputs["waveform"].CopyFrom(tf.make_tensor_proto(np.load(waveform)))
response = answer(request.SerializeToString(), tf.saved_model.load(folder))
outputs = PredictResponse.FromString(response).outputs
np.savez(written, **{name: tf.make_ndarray(values) for name, values in outputs.items()})
"""


@pytest.mark.slow
def test_a_server_answers_without_mirzoo(saved_model, small_tagger, made_up_music, tmp_path):
    pytest.importorskip("tensorflow_serving", reason="needs tensorflow-serving-api")
    clips = made_up_music[: 2 * 20000].reshape(2, 20000)
    np.save(tmp_path / "waveform.npy", clips)
    arguments = [saved_model, tmp_path / "waveform.npy", tmp_path / "outputs.npz"]
    run = subprocess.run(
        [sys.executable, "-c", SERVER, *arguments], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    expected = small_tagger.predict_windows(clips)
    with np.load(tmp_path / "outputs.npz") as outputs:
        assert_close(dict(outputs), {"tags": expected["tags"]})


@pytest.mark.slow
def test_saved_model_replaces_the_one_before(saved_model, small_tagger, made_up_music):
    keepsake = saved_model / "notes.txt"
    keepsake.write_text("mine")
    with pytest.raises(ExportError, match=r"saved_model\.pb exists; .*overwrite=True"):
        export(small_tagger, saved_model, source=made_up_music)
    export(small_tagger, saved_model, source=made_up_music, overwrite=True)
    assert keepsake.read_text() == "mine"
    assert sorted(path.name for path in saved_model.iterdir()) == [
        "fingerprint.pb",
        "notes.txt",
        "saved_model.pb",
        "variables",
    ]


@keras.saving.register_keras_serializable(package="mirzoo_tests")
class Cholesky(keras.layers.Layer):
    """Needs an operator that LiteRT lacks."""

    def call(self, inputs):
        return inputs + tf.linalg.cholesky(tf.eye(3))[0] * tf.reduce_mean(
            tf.linalg.cholesky(tf.matmul(inputs, inputs, transpose_a=True) + tf.eye(3))
        )

    def compute_output_shape(self, input_shape):
        return input_shape


def with_last_layer(model, layer):
    waveform = keras.Input((None,))
    tags = model.get_layer("tags")(model.head(model.frontend(waveform)))
    return Model(waveform, layer(tags), name="spoilt", card=model.card)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "module", "convert"),
    [("x.tflite", litert_export, "_written"), ("folder", saved_model_export, "_export")],
)
def test_other_numbers_are_not_written(
    small_tagger, made_up_music, tmp_path, monkeypatch, target, module, convert
):
    other = Model.from_config(small_tagger.get_config())
    other.set_weights([1.1 * weight for weight in small_tagger.get_weights()])
    original = getattr(module, convert)
    monkeypatch.setattr(module, convert, lambda model, *a, **k: original(other, *a, **k))
    with pytest.raises(ExportError, match=r"differs from the Keras model by \d\.\d+e[-+]\d+"):
        export(small_tagger, tmp_path / target, source=made_up_music)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_foreign_operators_are_not_written(small_tagger, made_up_music, tmp_path):
    spoilt = with_last_layer(small_tagger, Cholesky())
    with pytest.raises(ExportError, match=r"builtin operators \(TF Select ops: Cholesky\)"):
        export(spoilt, tmp_path / "x.tflite", source=made_up_music)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("x.pb", {}, r"ends in '\.pb'; allowed are .*'\.tflite' .*'\.onnx' .*folder for a SavedM"),
        ("model.onxx", {}, r"ends in '\.onxx'; allowed are"),
        ("absent/folder", {}, r"no folder .*absent to write folder into"),
        ("absent/x.tflite", {}, r"no folder .*absent to write x\.tflite into"),
        ("absent/x.onnx", {}, r"no folder .*absent to write x\.onnx into"),
        (
            "folder",
            {"quantize": "float16"},
            "as a SavedModel is refused with quantize='float16': it is for a LiteRT model",
        ),
    ],
)
def test_unknown_targets(small_tagger, made_up_music, tmp_path, name, options, message):
    with pytest.raises(ExportError, match=message):
        export(small_tagger, tmp_path / name, source=made_up_music, **options)


def test_the_bundled_clip_is_what_exports_are_compared_on(small_tagger, demo_clip):
    windows = real_windows(small_tagger.card.input)
    assert windows.shape == (3, small_tagger.card.input.window_samples)
    np.testing.assert_array_equal(windows, real_windows(small_tagger.card.input, demo_clip))
    assert np.abs(windows).max() > 0.05


def test_differences():
    expected = {"tags": np.array([0.5, 0.25]), "embedding": np.array([200.0, -3.0])}
    assert parity.largest_difference(expected, expected) == 0.0
    off = {"tags": np.array([0.5, 0.35]), "embedding": np.array([201.0, -3.0])}
    assert parity.largest_difference(expected, off) == pytest.approx(0.1)
    broken = {"tags": np.array([0.5, np.nan]), "embedding": expected["embedding"]}
    assert parity.largest_difference(expected, broken) == np.inf
    with pytest.raises(ExportError, match="lacks the outputs embedding"):
        parity.require_parity("x", expected, {"tags": expected["tags"]}, 1.0)
