"""Files that decide inside annotate as the model does, with every other option too."""

import subprocess
import sys

import numpy as np
import pytest

import mirzoo
from mirzoo.export import export
from mirzoo.runtimes.tflite_file import custom_operators, read_labels
from mirzoo.tasks.base import TASKS

pytestmark = pytest.mark.slow

CASES = {
    "chords as they are": ("chroma_rnn_chords", ".tflite", {}),
    "chords in int8": ("chroma_rnn_chords", ".tflite", {"quantize": "int8"}),
    "chords in pairs of short windows": (
        "chroma_rnn_chords", ".tflite", {"window_s": 6.0, "batch": 2, "input_type": "int16"},
    ),
    "chords in ONNX": ("chroma_rnn_chords", ".onnx", {}),
    "tags in float16 at 44.1 kHz": (
        "raw_cnn_tagger", ".tflite", {"quantize": "float16", "input_rate": 44100},
    ),
    "a melody in ONNX": ("stft_crnn_melody", ".onnx", {}),
}  # fmt: skip


def agreement(expected, received):
    """Share of the time, or of the windows, in which two annotations say the same."""
    if expected.task == "tagging":
        same = expected.probabilities.argmax(axis=1) == received.probabilities.argmax(axis=1)
    elif expected.task == "melody":
        cents = 1200 * np.abs(np.log2(np.abs(received.f0 / expected.f0)))
        same = (expected.voiced == received.voiced) & (~expected.voiced | (cents <= 25))
    else:
        times = np.arange(0, expected.duration_s, 0.01)
        ours, theirs = (
            [chords.labels[at] for at in np.searchsorted(chords.intervals[:, 1], times, "right")]
            for chords in (expected, received)
        )
        same = np.array(ours) == np.array(theirs)
    return float(np.mean(same))


@pytest.mark.parametrize("case", CASES)
def test_files_that_decide_annotate_as_the_model_does(case, tmp_path, demo_clip):
    name, suffix, options = CASES[case]
    model = mirzoo.load(name, runtime="keras")
    path = export(model, tmp_path / f"decided{suffix}", decode=True, **options)
    loaded = mirzoo.load(path)
    decided, expected = loaded.annotate(demo_clip), model.annotate(demo_clip)
    assert type(decided) is type(expected)
    assert agreement(expected, decided) >= 0.95
    if suffix == ".tflite":
        assert custom_operators(path) == []
        assert read_labels(path) == model.card.labels
    if not options:
        result = tmp_path / "result.json"
        command = [sys.executable, "-m", "mirzoo", "annotate", path, demo_clip, "-o", result]
        subprocess.run(list(map(str, command)), check=True)
        assert agreement(decided, type(decided).read(result)) >= 0.99  # its times are rounded


def test_a_saved_model_decides(tmp_path, demo_clip):
    import tensorflow as tf

    model = mirzoo.load("chroma_rnn_chords", runtime="keras")
    folder = export(model, tmp_path / "chords", decode=True, window_s=10.0)
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    music = mirzoo.audio.read(demo_clip, 16000)[:160000]
    decided = signature(waveform=tf.constant(np.stack([music, music[::-1]])))
    assert decided["chord"].dtype == tf.int32
    outputs = model.predict_windows(np.stack([music, music[::-1]]))
    decisions = TASKS["chords"].decisions(model.card)
    assert decisions.same(outputs, {"chord": decided["chord"].numpy()}, tie=1e-3).mean() >= 0.99
