"""Annotate a recording with an exported file: ai-edge-litert and NumPy alone, without mirzoo.

    mirzoo export cqt_crnn_chords chords.tflite --decode --input-rate 44100 --input-type int16
    python annotate.py chords.tflite song.wav

The file decides inside: what is left is to cut the recording into windows, to leave out the frames
at their edges, which are only context, and to name what comes out. All that is needed for it stands
in the file, as JSON.
"""

import json
import math
import sys
import wave
import zlib

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter


def read_contract(path):
    """What the file takes and gives."""
    with open(path, "rb") as file:
        model = schema.Model.GetRootAs(file.read(), 0)
    for number in range(model.MetadataLength()):
        entry = model.Metadata(number)
        if entry.Name() == b"MIRZOO_CARD":
            packed = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
            return json.loads(zlib.decompress(packed))
    raise SystemExit(f"{path} has no contract: was it written by mirzoo?")


def read_wav(path, rate, dtype):
    """Samples of a 16-bit WAV file, its channels averaged."""
    with wave.open(path) as file:
        if file.getframerate() != rate or file.getsampwidth() != 2:
            raise SystemExit(
                f"{path} has {file.getframerate()} Hz and {8 * file.getsampwidth()} bits; this "
                f"takes 16 bits at {rate} Hz: convert the file, or export with --input-rate"
            )
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        mono = samples.reshape(-1, file.getnchannels()).mean(axis=1)
    return np.round(mono).astype(np.int16) if dtype == "int16" else (mono / 32768).astype("float32")


def cut(samples, window, hop):
    """Windows that overlap by what is only context, with silence around the recording."""
    context = (window - hop) // 2
    count = math.ceil(len(samples) / hop)
    padded = np.zeros(count * hop + 2 * context, samples.dtype)
    padded[context : context + len(samples)] = samples
    return [padded[number * hop : number * hop + window] for number in range(count)]


def middle(contract, output):
    """Which frames of a window count, and the time of the first (s)."""
    taken, rate = contract["input"], contract["input"]["sample_rate"]
    context = (taken["window_samples"] - taken["hop_samples"]) / 2 / rate
    until = (context - output["first_frame_s"]) * output["frame_rate"]
    first = max(0, math.ceil(until - 1e-6))
    kept = round(taken["hop_samples"] / rate * output["frame_rate"])
    return slice(first, first + kept), (first - until) / output["frame_rate"]


def main(model, recording):
    contract = read_contract(model)
    taken, exported, labels = contract["input"], contract.get("exported"), contract["labels"]
    if not exported or not exported.get("decisions"):
        raise SystemExit(f"{model} gives probabilities; export it with --decode")
    if exported["batch"] != 1:
        raise SystemExit(f"{model} takes several windows at once; this example gives it one")
    samples = read_wav(recording, taken["sample_rate"], exported["input_type"])
    run = Interpreter(model).get_signature_runner("serving_default")
    windows = cut(samples, taken["window_samples"], taken["hop_samples"])
    results = [run(waveform=window[np.newaxis]) for window in windows]
    duration_s = len(samples) / taken["sample_rate"]

    if contract["task"] == "tagging":
        for number, result in enumerate(results):
            top = zip(result["top"][0], result["scores"][0])
            named = "  ".join(f"{labels[tag]} {score:.3f}" for tag, score in top)
            print(f"{number * taken['hop_samples'] / taken['sample_rate']:.3f}  {named}")
        return

    kept, offset_s = middle(contract, exported["decisions"][0])
    joined = {name: np.concatenate([r[name][0, kept] for r in results]) for name in results[0]}
    rate = exported["decisions"][0]["frame_rate"]
    count = max(1, math.ceil((duration_s - offset_s) * rate - 1e-6))
    times = offset_s + np.arange(count) / rate
    if contract["task"] == "melody":
        for time_s, f0, voiced in zip(times, joined["f0"], joined["voiced"]):
            print(f"{time_s:.4f}  {f0 if voiced else -f0:.3f}")
        return

    chord = joined["chord"][:count]
    changes = np.flatnonzero(np.diff(chord)) + 1
    starts = [0.0, *((times[changes] + times[changes - 1]) / 2)]
    for first, start, end in zip([0, *changes], starts, [*starts[1:], duration_s]):
        print(f"{start:.3f}  {end:.3f}  {labels[chord[first]]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
