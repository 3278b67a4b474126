"""Time a minute through our CQT, in a `tf.function` and in LiteRT, beside librosa's.

All run on one thread, in turn, so that other work on the machine slows them alike.

    OMP_NUM_THREADS=1 python benchmarks/cqt.py [recording] [--bins-per-octave 12]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import librosa
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mirzoo import audio
from mirzoo.models.layers.cqt import CQT

SAMPLE_RATE = 22050
DURATION_S = 60
OCTAVES = 7


def minute_of(recording: str | None) -> np.ndarray:
    """A minute of the recording, repeated if it is shorter, or of noise: shape (samples,)."""
    n_samples = SAMPLE_RATE * DURATION_S
    if recording is None:
        return np.random.default_rng(0).uniform(-0.3, 0.3, n_samples).astype(np.float32)
    return np.resize(audio.read(recording, SAMPLE_RATE), n_samples)


def litert_bytes(layer: CQT, shape: tuple[int, int]) -> bytes:
    """Convert the layer for one fixed shape."""
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec(shape))
    frozen = convert_variables_to_constants_v2(graph)
    return tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", nargs="?", help="default: noise")
    parser.add_argument("--bins-per-octave", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    waveform = minute_of(options.recording)
    bins = {
        "bins_per_octave": options.bins_per_octave,
        "n_bins": OCTAVES * options.bins_per_octave,
    }
    layer = CQT(sample_rate=SAMPLE_RATE, **bins)
    traced = tf.function(layer, input_signature=[tf.TensorSpec((None, None))])
    content = litert_bytes(layer, (1, len(waveform)))
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    input_index = interpreter.get_input_details()[0]["index"]
    output_index = interpreter.get_output_details()[0]["index"]

    def with_librosa(**arguments):
        return np.abs(librosa.cqt(waveform, sr=SAMPLE_RATE, **bins, **arguments)).T

    def with_tensorflow():
        return traced(waveform[np.newaxis]).numpy()[0, :, :, 0]

    def with_litert():
        interpreter.set_tensor(input_index, waveform[np.newaxis])
        interpreter.invoke()
        return interpreter.get_tensor(output_index)[0, :, :, 0]

    contestants = {
        "librosa": with_librosa,
        "librosa, sparsity=0": lambda: with_librosa(sparsity=0),
        "mirzoo in a tf.function": with_tensorflow,
        "mirzoo in LiteRT": with_litert,
    }
    exact = contestants["librosa, sparsity=0"]()
    times_ms = {name: [] for name in contestants}
    for run in contestants.values():
        run()
    for _ in range(options.repeats):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            times_ms[name].append(1000 * (time.perf_counter() - start))

    print(f"{DURATION_S} s at {SAMPLE_RATE} Hz, {bins['n_bins']} bins, hop 512, one thread")
    print(f"{'':26}{'median ms':>10}{'best ms':>10}{'error':>10}")
    for name, run in contestants.items():
        error = np.linalg.norm(run() - exact) / np.linalg.norm(exact)
        median, best = statistics.median(times_ms[name]), min(times_ms[name])
        print(f"{name:26}{median:10.1f}{best:10.1f}{error:10.1e}")
    print(f"LiteRT file: {len(content) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
