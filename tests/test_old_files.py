"""Models saved with version 0.1: one that came with it, and one that a user fine-tuned with it."""

import tarfile
from pathlib import Path

import keras
import numpy as np
import pytest

import mirzoo
from mirzoo import artefact
from mirzoo.card import Card
from mirzoo.evaluation import LabelledRecording
from mirzoo.export.parity import largest_difference
from mirzoo.models.model import Model
from mirzoo.tasks.chords import Chords

ARCHIVE = Path(__file__).parent / "fixtures" / "models_of_version_0_1.tar.xz"
SHIPPED, FINE_TUNED = "chroma_rnn_chords", "fine_tuned_chroma_rnn"
MODELS = (SHIPPED, FINE_TUNED)
FILES = {"keras": "model.keras", "litert": "model.tflite"}
RATE = 16000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("version_0_1")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


def golden(folder):
    with np.load(folder / "golden.npz") as arrays:
        waveform = (arrays["waveform"] / 32767).astype(np.float32)
        return waveform, {name: arrays[name] for name in arrays.files if name != "waveform"}


def triads():
    """Twelve seconds of A major, D major, A major and E major, three seconds each."""
    time_s = np.arange(3 * RATE) / RATE
    pieces = [
        sum(
            np.sin(2 * np.pi * 220 * 2 ** ((root + above) / 12) * k * time_s) / k
            for above in (0, 4, 7)
            for k in (1, 2, 3)
        )
        for root in (0, 5, 0, 7)
    ]
    chords = [(3.0 * k, 3.0 * k + 3, label) for k, label in enumerate(["A", "D", "A", "E"])]
    return (0.1 * np.concatenate(pieces)).astype(np.float32), Chords(chords)


@pytest.mark.slow(quick=["chroma_rnn_chords-keras", "chroma_rnn_chords-litert"])
@pytest.mark.parametrize("runtime", FILES)
@pytest.mark.parametrize("name", MODELS)
def test_they_load_and_give_the_same_numbers(folder, name, runtime):
    waveform, expected = golden(folder / name)
    for path in (folder / name, folder / name / FILES[runtime]):
        model = mirzoo.load(path, runtime=runtime)
        assert largest_difference(expected, model.predict_windows(waveform)) < 1e-4
        assert model.card.labels == Card.load(folder / name).labels
    frames = expected["chords"].shape[1]
    assert model.embed(waveform).shape == (1, frames, model.card.embedding_size)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_runtimes_annotate_alike(folder, name):
    waveform, _ = triads()
    keras_chords, litert_chords = (
        mirzoo.load(folder / name, runtime=runtime).annotate(waveform, source_rate=RATE)
        for runtime in FILES
    )
    assert keras_chords.duration_s == litert_chords.duration_s == 12.0
    assert [chord[2] for chord in keras_chords.segments] == [
        chord[2] for chord in litert_chords.segments
    ]
    if name == FINE_TUNED:
        assert [chord[2] for chord in keras_chords.segments] == ["A:maj", "D:maj", "A:maj", "E:maj"]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_they_are_as_their_cards_claim(folder, name):
    assert max(artefact.verify(folder / name).values()) < 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_keras_alone_loads_them_and_the_head_is_found(folder, name):
    model = keras.models.load_model(folder / name / "model.keras", compile=False)
    assert isinstance(model, Model)
    assert model.head is model.get_layer("trunk")
    assert model.frontend is model.get_layer("frontend")
    assert model.card.task == "chords"


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_they_are_trained_on_and_saved_anew(folder, name, tmp_path):
    model = mirzoo.load(folder / name)
    model = mirzoo.fine_tune(model, [LabelledRecording(*triads(), RATE)] * 2, epochs=1)
    waveform, before = golden(folder / name)
    saved = artefact.save(model, tmp_path / "trained_on")
    after = mirzoo.load(saved).predict_windows(waveform)
    assert largest_difference(before, after) > 1e-6
    assert max(artefact.verify(saved).values()) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_they_are_exported_and_saved_anew(folder, name, tmp_path):
    waveform, expected = golden(folder / name)
    model = mirzoo.load(folder / name)
    saved = artefact.save(model, tmp_path / name)
    for runtime in FILES:
        again = mirzoo.load(saved, runtime=runtime).predict_windows(waveform)
        assert largest_difference(expected, again) < 1e-4
    mirzoo.export(model, tmp_path / "model.onnx")
    onnx = mirzoo.load(tmp_path / "model.onnx")
    assert largest_difference(expected, onnx.predict_windows(waveform)) < 1e-4
    assert onnx.card.labels == model.card.labels
