"""Run every tagger that comes with mirzoo in MediaPipe or the TFLite Task Library.

    python benchmarks/allow_lists.py --python other/bin/python

The interpreter is of an environment that has `mediapipe` or `tflite-support` (which asks for a
protobuf that TensorFlow does not take, so that it needs one of its own). Each tagger is exported as
it is by default, in float32 and in int8, and classifies the first window of the bundled clip there,
with its two likeliest tags as the allow list. Printed is by how much their scores differ from the
Keras model's; an error ends it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from mirzoo import audio, export, hub

ALLOWED = 2
CLASSIFY = """
import json, sys
import numpy as np

path, waveform, rate, allowed = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
try:
    from mediapipe.tasks.python import BaseOptions, audio
    from mediapipe.tasks.python.components.containers import AudioData
    options = audio.AudioClassifierOptions(
        base_options=BaseOptions(model_asset_path=path), category_allowlist=allowed
    )
    with audio.AudioClassifier.create_from_options(options) as classifier:
        result = classifier.classify(AudioData.create_from_array(waveform, rate))[0]
except ImportError:
    from tflite_support.task import audio, core, processor
    options = audio.AudioClassifierOptions(
        base_options=core.BaseOptions(file_name=path),
        classification_options=processor.ClassificationOptions(category_name_allowlist=allowed),
    )
    classifier = audio.AudioClassifier.create_from_options(options)
    given = classifier.create_input_tensor_audio()
    assert given.format.sample_rate == rate and given.buffer_size == len(waveform)
    given.load_from_array(waveform[:, np.newaxis])
    result = classifier.classify(given)
(head,) = result.classifications
print(json.dumps({category.category_name: category.score for category in head.categories}))
"""


def main() -> None:
    """Print a line for each tagger and precision."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", required=True, help="interpreter that has either library")
    options = parser.parse_args()
    for name in hub.shipped_models():
        if hub.card(name).task == "tagging":
            with tempfile.TemporaryDirectory() as folder:
                compare(name, Path(folder), options.python)


def compare(name: str, folder: Path, python: str) -> None:
    """Print the difference of a tagger in the library, in both precisions."""
    model = hub.load(name)
    taken = model.card.input
    waveform = audio.read(audio.demo_clip(), taken.sample_rate)[: taken.window_samples]
    np.save(folder / "waveform.npy", waveform)
    tags = dict(
        zip(model.card.labels, model.predict_windows(waveform[np.newaxis])["tags"][0], strict=True)
    )
    allowed = sorted(tags, key=lambda tag: -tags[tag])[:ALLOWED]
    for quantize in (None, "int8"):
        path = export(model, folder / f"{quantize}.tflite", quantize=quantize)
        command = [python, "-c", CLASSIFY, path, folder / "waveform.npy", taken.sample_rate]
        done = subprocess.run(
            [*map(str, command), *allowed], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{name} in {quantize or 'float32'}: {done.stderr[-500:]}")
        scores = json.loads(done.stdout.splitlines()[-1])
        if set(scores) != set(allowed):
            raise SystemExit(f"{name}: asked for {allowed}, got {sorted(scores)}")
        off = max(abs(scores[tag] - float(tags[tag])) for tag in allowed)
        print(f"{name:16} {quantize or 'float32':8} off by {off:.1e}", flush=True)


if __name__ == "__main__":
    main()
