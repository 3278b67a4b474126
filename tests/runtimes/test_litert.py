"""The LiteRT runtime: the same answers as the model it was made from, without TensorFlow."""

import os
import subprocess
import sys

import numpy as np
import pytest
from fake_models import TFLITE, TFLITE_TAGS_ONLY, FakeRunner, make_card

from mirzoo import hub
from mirzoo.annotate import annotate
from mirzoo.errors import ArtefactError, AudioError
from mirzoo.runtimes import litert
from mirzoo.runtimes.litert import LiteRTModel


@pytest.fixture
def model():
    return LiteRTModel(TFLITE, make_card())


@pytest.fixture
def windows():
    return np.random.default_rng(0).uniform(-0.7, 0.7, (5, 1600)).astype(np.float32)


def test_each_window_gets_its_own_answer(model, windows):
    outputs = model.predict_windows(windows)
    expected = FakeRunner().predict_windows(windows)
    assert sorted(outputs) == ["embedding", "tags"]
    for name in outputs:
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-6)


def test_annotate_is_that_of_any_runner(model):
    waveform = np.random.default_rng(1).uniform(-0.7, 0.7, 9000).astype(np.float32)
    tags = model.annotate(waveform, source_rate=16000)
    expected = annotate(FakeRunner(), waveform)
    np.testing.assert_allclose(tags.probabilities, expected.probabilities, atol=1e-6)
    assert tags.model == "fake_tagger"


def test_embed_gives_a_vector_per_window(model, windows):
    np.testing.assert_allclose(
        model.embed(windows), FakeRunner().predict_windows(windows)["embedding"], atol=1e-6
    )


def test_embed_says_when_the_file_has_no_embedding(windows):
    with pytest.raises(ArtefactError, match='runtime="keras"'):
        LiteRTModel(TFLITE_TAGS_ONLY, make_card()).embed(windows)


def test_threads_do_not_change_the_answer(windows):
    one = LiteRTModel(TFLITE, make_card(), threads=1).predict_windows(windows)
    two = LiteRTModel(TFLITE, make_card(), threads=2).predict_windows(windows)
    np.testing.assert_allclose(one["tags"], two["tags"], atol=1e-6)


@pytest.mark.parametrize("shape", [(1600,), (1, 1599), (0, 1600), (1, 1600, 1)])
def test_windows_of_another_shape_are_refused(model, shape):
    with pytest.raises(AudioError, match=r"\(windows, 1600\)"):
        model.predict_windows(np.zeros(shape, np.float32))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArtefactError, match=r"absent\.tflite does not exist"):
        LiteRTModel(tmp_path / "absent.tflite", make_card())


def test_a_file_that_is_no_model_is_named(tmp_path):
    path = tmp_path / "song.tflite"
    path.write_bytes(b"no model" * 100)
    with pytest.raises(ArtefactError, match=r"song\.tflite is no \.tflite file"):
        LiteRTModel(path, make_card())


def test_the_card_of_another_model_is_noticed():
    with pytest.raises(ArtefactError, match="another model"):
        LiteRTModel(TFLITE, make_card(window_samples=3200, hop_samples=3200))
    card = make_card()
    other = card.model_copy(
        update={"outputs": [card.outputs[0].model_copy(update={"name": "salience"})]}
    )
    with pytest.raises(ArtefactError, match=r"lacks the outputs \['salience'\]"):
        LiteRTModel(TFLITE, other)


def test_annotating_never_imports_tensorflow(tmp_path):
    card = tmp_path / "card.json"
    card.write_text(make_card().to_json())
    program = (
        "import sys, numpy as np\n"
        "from mirzoo.card import Card\n"
        "from mirzoo.runtimes.litert import LiteRTModel\n"
        f"model = LiteRTModel({str(TFLITE)!r}, Card.load({str(card)!r}))\n"
        "print(model.annotate(np.zeros(4000, np.float32)).top(1))\n"
        "print(sorted({'tensorflow', 'keras', 'librosa', 'jams', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_large_models_have_few_interpreters_by_default(monkeypatch):
    monkeypatch.delenv("MIRZOO_THREADS", raising=False)
    monkeypatch.setattr(litert, "cores", lambda: 8)
    threads = {
        name: litert._usual_threads(hub.folder(name) / "model.tflite")
        for name in ("mel_cnn_tagger", "cqt_crnn_chords", "hcqt_cnn_melody")
    }
    assert threads == {"mel_cnn_tagger": 4, "cqt_crnn_chords": 4, "hcqt_cnn_melody": 2}
    monkeypatch.setattr(litert, "cores", lambda: 1)
    assert litert._usual_threads(hub.folder("mel_cnn_tagger") / "model.tflite") == 1
