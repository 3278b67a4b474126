"""What plain TensorFlow and LiteRT do with models and files, without mirzoo."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from mirzoo.export import export

pytestmark = pytest.mark.slow
SAMPLES = 16000


def outputs(content, waveform):
    """What LiteRT computes for a waveform of any shape."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    (taken,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(taken["index"], waveform.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(taken["index"], waveform)
    interpreter.invoke()
    given = interpreter.get_output_details()
    return {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in given}


def assert_tags(content, model, music, shape=(1, SAMPLES)):
    waveform = np.resize(music, shape)
    expected = model.predict_windows(waveform)["tags"]
    received = next(v for v in outputs(content, waveform).values() if v.shape == expected.shape)
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_a_keras_model_converts_as_it_is(small_cnn, made_up_music):
    content = tf.lite.TFLiteConverter.from_keras_model(small_cnn).convert()
    for shape in ((1, SAMPLES), (3, 9001)):
        assert_tags(content, small_cnn, made_up_music, shape)


def test_a_keras_model_of_recurrent_layers_converts_at_a_fixed_shape(small_tagger, made_up_music):
    waveform = keras.Input(batch_shape=(1, SAMPLES))
    fixed = keras.Model(waveform, small_tagger(waveform))
    content = tf.lite.TFLiteConverter.from_keras_model(fixed).convert()
    assert_tags(content, small_tagger, made_up_music)


def test_a_saved_model_converts_as_it_is(small_cnn, made_up_music, tmp_path):
    folder = export(small_cnn, tmp_path / "cnn", source=made_up_music)
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder), signature_keys=["serving_default"]
    )
    assert_tags(converter.convert(), small_cnn, made_up_music, (2, 9001))


def test_a_saved_model_of_recurrent_layers_converts_where_it_has_a_fixed_shape(
    small_tagger, made_up_music, tmp_path
):
    folder = export(small_tagger, tmp_path / "x", batch=1, window_s=1.0, source=made_up_music)
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder), signature_keys=["serving_default"]
    )
    assert_tags(converter.convert(), small_tagger, made_up_music)


@pytest.mark.parametrize(
    ("options", "shapes"),
    [
        ({"batch": "any", "window_s": "any"}, [(1, SAMPLES), (3, 9001), (2, 4000)]),
        ({"batch": "any"}, [(1, SAMPLES), (4, SAMPLES)]),
        ({"window_s": "any"}, [(1, SAMPLES), (1, 20011)]),
    ],
)
def test_exported_files_really_resize(small_cnn, made_up_music, tmp_path, options, shapes):
    path = export(small_cnn, tmp_path / "x.tflite", source=made_up_music, **options)
    for shape in shapes:
        waveform = np.resize(made_up_music, shape)
        received = outputs(path.read_bytes(), waveform)
        expected = small_cnn.predict_windows(waveform)["tags"]
        np.testing.assert_allclose(received["tags"], expected, atol=1e-5)
