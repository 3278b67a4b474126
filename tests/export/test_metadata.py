"""What files tell other tools: labels of every output, rate, licence; MediaPipe takes taggers."""

import zipfile

import ai_edge_litert.schema_py_generated as schema
import numpy as np
import pytest

from mirzoo import load
from mirzoo.card import Card
from mirzoo.export import export
from mirzoo.hub import shipped_folder
from mirzoo.runtimes import tflite_file
from mirzoo.tasks.base import TASKS


def axis_labels(name):
    card = Card.load(shipped_folder(name))
    return card, TASKS[card.task].axis_labels(card)


@pytest.mark.parametrize(
    "name", ["mel_cnn_tagger", "cqt_crnn_chords", "chroma_rnn_chords", "hcqt_cnn_melody"]
)
def test_every_value_of_every_output_has_a_label(name):
    card, labels = axis_labels(name)
    assert {output.name: output.axes[-1].size for output in card.outputs} == {
        output: len(values) for output, values in labels.items()
    }
    assert all(len(set(values)) == len(values) for values in labels.values())


def test_labels_are_those_of_the_field():
    _, melody = axis_labels("hcqt_cnn_melody")
    assert melody["salience"][0] == "28.47 Hz"
    assert melody["salience"][60] == "56.94 Hz"
    assert melody["voicing"] == ["voicing"]
    _, chords = axis_labels("cqt_crnn_chords")
    assert chords["root"][:3] == ["N", "C", "C#"]
    assert chords["bass"][12] == "B"
    assert chords["pitches"][0] == "C"


@pytest.mark.slow
def test_files_carry_the_labels_of_their_outputs(tmp_path):
    model = load("stft_crnn_melody")
    path = export(model, tmp_path / "m.tflite", window_s=2.0, input_rate=48000)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name).decode().splitlines() for name in archive.namelist()}
    assert files["labels.txt"][1] == "28.80 Hz"
    assert files["voicing_labels.txt"] == ["voicing"]
    assert tflite_file.read_labels(path) == files["labels.txt"]
    standard = _standard(path)
    for text in (b"48000 Hz", b"96000 samples", b"MIT", b"voicing_labels.txt", b"31.25 frames per"):
        assert text in standard, text


def _standard(path):
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    entries = list(map(model.Metadata, range(model.MetadataLength())))
    entry = next(entry for entry in entries if entry.Name() == b"TFLITE_METADATA")
    return model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [("small_cnn", {}), ("small_cnn", {"quantize": "int8"}), ("small_tagger", {})],
    ids=str,
)
def test_mediapipe_classifies_with_allow_lists(request, made_up_music, tmp_path, name, options):
    """Its AudioClassifier resamples, cuts windows and names the tags by itself."""
    audio, tasks = mediapipe()
    model = request.getfixturevalue(name)
    path = export(model, tmp_path / "x.tflite", source=made_up_music, **options)
    allowed = audio.AudioClassifierOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(path)),
        category_allowlist=["low", "high"],
    )
    clip = audio_data(made_up_music[:16000])
    with audio.AudioClassifier.create_from_options(allowed) as classifier:
        (result,) = classifier.classify(clip)
    (head,) = result.classifications
    received = {category.category_name: category.score for category in head.categories}
    tags = model.predict_windows(made_up_music[np.newaxis, :16000])["tags"][0]
    assert sorted(received) == ["high", "low"]
    tolerance = 0.05 if options else 1e-4
    assert received["low"] == pytest.approx(tags[0], abs=tolerance)
    assert received["high"] == pytest.approx(tags[2], abs=tolerance)


def mediapipe():
    tasks = pytest.importorskip(
        "mediapipe.tasks.python", reason="mediapipe is not installed (pip install mediapipe)"
    )
    from mediapipe.tasks.python import audio

    return audio, tasks


def audio_data(waveform):
    from mediapipe.tasks.python.components.containers import AudioData

    return AudioData.create_from_array(waveform, 16000)
