"""The examples for other people's programs run, and give what mirzoo gives."""

import json
import re
import subprocess
import sys
import wave

import numpy as np
import pytest
from native import compile_for_arm, compile_here, run_window
from places import ROOT

import mirzoo
from mirzoo import audio
from mirzoo.export import export
from mirzoo.export.checks import BOUNDS
from mirzoo.export.parity import largest_difference
from mirzoo.hub import shipped_folder, shipped_models
from mirzoo.runtimes.litert import LiteRTModel

pytestmark = pytest.mark.slow

ANNOTATE = ROOT / "examples" / "python" / "annotate.py"
QUANTISED = ["mel_cnn_tagger", "chroma_rnn_chords", "stft_crnn_melody"]
"""Of each task the smallest; the others' operations are among theirs."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory, demo_clip):
    """The clip as a WAV file of 44.1 kHz, 16 bits and two channels."""
    path = tmp_path_factory.mktemp("recording") / "clip.wav"
    samples = np.round(np.clip(audio.read(demo_clip, 44100), -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(np.stack([samples, samples], axis=1).tobytes())
    return path


@pytest.fixture(scope="module")
def decided_chords(tmp_path_factory):
    model = mirzoo.load("chroma_rnn_chords", runtime="keras")
    path = tmp_path_factory.mktemp("decided") / "chords.tflite"
    return export(model, path, decode=True, input_rate=44100, input_type="int16")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return compile_here(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def arm(tmp_path_factory, pytestconfig):
    cache = pytestconfig.cache.mkdir("litert_for_arm")
    return compile_for_arm(tmp_path_factory.mktemp("arm"), cache)


def window_of(model):
    """A window of music as the file takes it, and as mirzoo does."""
    contract = model.card.input
    given = audio.read(audio.demo_clip(), model.card.sample_rate)
    samples = np.resize(given, contract.window_samples)[np.newaxis].astype(np.float32)
    exported = model.card.exported
    if exported is not None and exported.input_type == "int16":
        samples = np.round(samples * 32767).astype(np.int16)
        return samples, (samples / 32768).astype(np.float32)
    return samples, samples


def annotated(*arguments):
    command = [sys.executable, "-P", str(ANNOTATE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_python_alone_annotates(decided_chords, recording):
    imported = re.findall(r"^(?:import|from) (\w+)", ANNOTATE.read_text(), re.MULTILINE)
    assert set(imported) - set(sys.stdlib_module_names) == {"ai_edge_litert", "numpy"}
    done = annotated(decided_chords, recording)
    assert done.returncode == 0, done.stderr
    expected = mirzoo.load(decided_chords).annotate(recording)
    printed = [line.split() for line in done.stdout.splitlines()]
    assert [label for *_, label in printed] == list(expected.labels)
    times = np.array([[float(start), float(end)] for start, end, _ in printed])
    np.testing.assert_allclose(times, expected.intervals, atol=0.02)


def test_python_alone_says_what_is_wrong(recording):
    plain = shipped_folder("chroma_rnn_chords") / "model.tflite"
    assert "gives probabilities; export it with --decode" in annotated(plain, recording).stderr


@pytest.mark.parametrize("name", ["raw_cnn_tagger", "decided"])
def test_c_gives_the_numbers_of_python(name, here, decided_chords, tmp_path):
    path = decided_chords if name == "decided" else shipped_folder(name) / "model.tflite"
    model = LiteRTModel(path)
    given, window = window_of(model)
    outputs, expected = run_window(here, path, given, tmp_path), model.predict_windows(window)
    assert outputs.keys() == expected.keys()
    for output, values in expected.items():
        assert outputs[output].dtype == values.dtype
    assert largest_difference(expected, outputs) < 1e-6


@pytest.mark.network
@pytest.mark.parametrize("name", [*shipped_models(), "decided"])
def test_every_file_runs_on_arm(name, arm, decided_chords, tmp_path):
    path = decided_chords if name == "decided" else shipped_folder(name) / "model.tflite"
    model = LiteRTModel(path)
    given, window = window_of(model)
    outputs, expected = run_window(arm, path, given, tmp_path), model.predict_windows(window)
    assert largest_difference(expected, outputs) < BOUNDS[None].difference


@pytest.mark.network
@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_files_run_on_arm(name, arm, tmp_path):
    path = export(mirzoo.load(name, runtime="keras"), tmp_path / "q.tflite", quantize="int8")
    model = LiteRTModel(path)
    given, window = window_of(model)
    outputs, expected = run_window(arm, path, given, tmp_path), model.predict_windows(window)
    for output, values in expected.items():
        assert np.abs(outputs[output] - values).mean() < 0.01
    assert largest_difference(expected, outputs) < BOUNDS["int8"].difference


def test_a_map_of_music_is_one_page(tmp_path, demo_clip):
    """It holds every name, as text, and fetches nothing."""
    music = tmp_path / "</script>" / "music"
    music.mkdir(parents=True)
    samples = audio.read(demo_clip, 16000)
    for number in range(3):
        with wave.open(str(music / f"{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            part = samples[number * 16000 : (number + 4) * 16000]
            file.writeframes(np.round(np.clip(part, -1, 1) * 32767).astype("<i2").tobytes())
    vectors, page = tmp_path / "v.npz", tmp_path / "map.html"
    mirzoo.embed("mel_cnn_tagger", music, vectors, workers=0)
    script = ROOT / "examples" / "python" / "map_of_music.py"
    done = subprocess.run(
        [sys.executable, str(script), str(vectors), str(page)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    assert text.count("</script>") == 1 and "://" not in text
    assert all(f"music/{number}.wav" in text for number in range(3))
    (points,) = re.findall(r'"points": (\[\[.*?\]\])', text)
    assert np.abs(np.array(json.loads(points))).max() == 1.0
