"""Quantisation: of the head alone, with recurrent layers and the front-end in float."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from mirzoo import hub
from mirzoo.dsp.resampling import polyphase
from mirzoo.errors import ExportError
from mirzoo.export import export, flatbuffer, recurrence
from mirzoo.export.conversion import ConversionError, convert
from mirzoo.export.litert import LONGEST_TRANSFORM_BY_MATRICES
from mirzoo.export.quantization import MOST_HELD_WINDOWS, QUIET, _thinned, calibration_windows
from mirzoo.export.sections import SAMPLES, divide, run
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.runtimes import tflite_file

FLOATS = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16)
EIGHT_BITS = schema.TensorType.INT8


# --- Recurrent layers ---


def layers_of(cell, **options):
    return {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[cell](
        5, return_sequences=True, bias_initializer="glorot_normal", **options
    )


def by_frames(layer, sequence, ours=None):
    ours = ours or recurrence.recurrence_of(layer)
    return ours.run(ours.project(sequence) if ours.projects_first else sequence)


@pytest.mark.parametrize("n_channels", [3, 20])
@pytest.mark.parametrize("n_frames", [7, recurrence.MOST_FRAMES_WITHOUT_LOOP + 9])
@pytest.mark.parametrize(
    "layer",
    [
        layers_of("gru"),
        keras.layers.Bidirectional(layers_of("gru", reset_after=False)),
        keras.layers.Bidirectional(layers_of("lstm")),
    ],
    ids=["gru", "gru, reset before, both ways", "lstm, both ways"],
)
def test_recurrent_layers_give_the_numbers_of_keras(layer, n_frames, n_channels):
    layer = type(layer).from_config(layer.get_config())
    sequence = tf.random.stateless_normal((2, n_frames, n_channels), (0, 1))
    expected = layer(sequence)
    np.testing.assert_allclose(by_frames(layer, sequence), expected, atol=1e-5)


@pytest.mark.slow
def test_recurrent_layers_take_any_number_of_frames():
    layer = keras.layers.Bidirectional(layers_of("gru"))
    sequence = tf.random.stateless_normal((2, 100, 3), (0, 1))
    expected = layer(sequence)
    ours = recurrence.recurrence_of(layer)
    any_length = tf.function(
        lambda given: by_frames(layer, given, ours),
        input_signature=[tf.TensorSpec((None, None, 3))],
    )
    np.testing.assert_allclose(any_length(sequence), expected, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.SimpleRNN(3, return_sequences=True),
        layers_of("gru", activation="relu"),
        layers_of("lstm", use_bias=False),
        keras.layers.Bidirectional(layers_of("gru"), merge_mode="sum"),
    ],
)
def test_unusual_recurrent_layers_stay_what_they_are(layer):
    layer(tf.zeros((1, 4, 2)))
    assert recurrence.recurrence_of(layer) is None


# --- Sections ---


def test_the_sections_are_the_model(small_tagger, made_up_windows):
    sections = divide(small_tagger)
    names = [section.name for section in sections]
    quantised = [section.name for section in sections if section.quantised]
    assert quantised == ["bidirectional0 projection", "head 0"]
    assert [n for n in names if n in {"front-end", "conv0_0", "bidirectional0", "outputs"}] == [
        "front-end", "conv0_0", "bidirectional0", "outputs",
    ]  # fmt: skip
    known = run(sections, {SAMPLES: tf.constant(made_up_windows)})
    for name, values in small_tagger.predict_windows(made_up_windows).items():
        np.testing.assert_allclose(known[name], values, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def made_up_windows(small_tagger):
    samples = small_tagger.card.input.window_samples
    return np.random.default_rng(0).normal(0, 0.1, (2, samples)).astype(np.float32)


# --- Files ---


def matrix_file(matrix, offset=0.0):
    """A file that multiplies with a matrix, its constants large enough to be stored as float16."""
    spec = tf.TensorSpec((1, matrix.shape[0]), tf.float32, "given")
    return convert(lambda given: {"product": tf.maximum(given[0] @ matrix, offset)}, [spec])


def constants(content, kinds):
    """The constants of a file of some types, largest first."""
    model = flatbuffer.parse(content)
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    numpy_types = {
        schema.TensorType.FLOAT32: np.float32,
        schema.TensorType.FLOAT16: np.float16,
        schema.TensorType.INT8: np.int8,
    }
    found = {}
    for tensor in tensors:
        data = model.buffers[tensor.buffer].data
        if data is not None and tensor.type in kinds:
            values = np.frombuffer(bytes(data), numpy_types[tensor.type])
            found[tensor.buffer] = values.reshape(tensor.shape)
    return sorted(found.values(), key=lambda values: -values.size)


def test_float16_keeps_what_would_underflow():
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(64, 32)).astype(np.float32)
    content = flatbuffer.store_as_half(matrix_file(plain, offset=1e-12))
    half, *rest = constants(content, FLOATS)
    assert half.dtype == np.float16
    np.testing.assert_allclose(half.T, plain, rtol=1e-3, atol=1e-4)
    assert any(values.size == 1 and 0 < values.item() < 1e-11 for values in rest)
    for matrix in (1e-9 * plain, 1e6 * plain):
        largest, *_ = constants(flatbuffer.store_as_half(matrix_file(matrix)), FLOATS)
        assert largest.dtype == np.float32


def test_parts_are_joined_to_one_graph():
    first, second = np.float32([[1, 2], [3, 4]]), np.float32([[0, 1], [2, 0]])
    spec = tf.TensorSpec((1, 2), tf.float32, "given")
    parts = [
        convert(lambda given: {"inner": given[0] @ first}, [spec]),
        convert(
            lambda given: {"product": given[1] @ second, "sum": given[0] + given[1]},
            [spec, tf.TensorSpec((1, 2), tf.float32, "inner")],
        ),
    ]
    content = flatbuffer.join(parts, {"both": "product", "first": "inner", "sum": "sum"})
    runner = Interpreter(model_content=content).get_signature_runner("serving_default")
    given = np.float32([[1, -1]])
    results = runner(given=given)
    np.testing.assert_allclose(results["first"], given @ first)
    np.testing.assert_allclose(results["both"], given @ first @ second)
    np.testing.assert_allclose(results["sum"], given + given @ first)


def test_what_litert_lacks_is_named():
    spec = tf.TensorSpec((3, 3), tf.float32, "given")
    with pytest.raises(ConversionError, match="MatrixInverse"):
        convert(lambda given: {"inverse": tf.linalg.inv(given[0])}, [spec])


# --- Calibration ---


def test_calibration_has_music_quiet_music_and_silence(small_tagger, made_up_music):
    *music, quiet, silence = calibration_windows(small_tagger.card.input, made_up_music)
    assert all(w.shape == (1, small_tagger.card.input.window_samples) for w in music)
    np.testing.assert_allclose(quiet, QUIET * music[0])
    assert not silence.any()
    several = calibration_windows(small_tagger.card.input, [made_up_music] * 2)
    assert len(several) == 2 * len(music) + 2


def test_calibration_needs_a_recording(small_tagger):
    with pytest.raises(ExportError, match="calibration has no recordings; give one"):
        calibration_windows(small_tagger.card.input, [])


def test_calibration_needs_sound(small_tagger):
    contract = small_tagger.card.input
    with pytest.raises(ExportError, match="calibration is silent.*give recordings of music"):
        calibration_windows(contract, np.zeros(contract.window_samples, np.float32))


def test_of_long_calibration_few_windows_are_held():
    for count in (1, MOST_HELD_WINDOWS, MOST_HELD_WINDOWS + 1, 5 * MOST_HELD_WINDOWS):
        held = [int(window) for window in _thinned(map(np.int64, range(count)))]
        step = held[1] if count > 1 else 1
        assert held == list(range(0, count, step))
        assert MOST_HELD_WINDOWS / 2 < len(held) <= MOST_HELD_WINDOWS or step == 1


# --- Models ---


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["float16", "int8"])
def test_the_filters_of_a_resampler_stay_float32(small_tagger, made_up_music, tmp_path, quantize):
    path = export(
        small_tagger,
        tmp_path / "x.tflite",
        quantize=quantize,
        input_rate=44100,
        source=made_up_music,
    )
    known = {values.size for values in constants(path.read_bytes(), [schema.TensorType.FLOAT32])}
    filters = polyphase(44100, small_tagger.card.sample_rate).matrices
    assert any(size >= len(filters[0]) * filters[0].shape[1] for size in known)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hcqt_cnn_melody", "stft_crnn_melody"])
def test_melodies_are_quantised_with_another_rate(name, tmp_path):
    export(hub.load(name), tmp_path / "x.tflite", quantize="float16", input_rate=44100)


@pytest.mark.slow
@pytest.mark.parametrize("quantize", ["dynamic", "int8"])
@pytest.mark.parametrize("name", ["mel_cnn_tagger", "cqt_crnn_chords", "leaf_cnn_tagger"])
def test_of_a_front_end_nothing_is_quantised(name, quantize, tmp_path):
    model = hub.load(name)
    path = export(model, tmp_path / "x.tflite", quantize=quantize)
    content = path.read_bytes()
    samples = model.card.input.window_samples
    spec = tf.TensorSpec((1, samples), tf.float32, "waveform")
    with transforms_by_matrices(LONGEST_TRANSFORM_BY_MATRICES):
        frontend = convert(lambda given: {"features": model.frontend(given[0])}, [spec])
    floats = constants(content, FLOATS)
    of_frontend = [values for values in constants(frontend, FLOATS) if values.size > 64]
    assert of_frontend
    for values in of_frontend:
        same = [other for other in floats if other.shape == values.shape]
        scale = np.abs(values).max()
        assert any(np.allclose(other, values, rtol=0, atol=1e-3 * scale) for other in same)
    assert len(constants(content, [EIGHT_BITS])) >= 6
    assert tflite_file.custom_operators(path) == []
    assert path.stat().st_size < 0.5 * (hub.folder(name) / "model.tflite").stat().st_size
