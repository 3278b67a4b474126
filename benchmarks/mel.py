"""Time the log-mel of a minute in our graph, in a `tf.function` and in LiteRT, beside librosa's.

All run on one thread, in turn, so that other work on the machine slows them alike. Of wall time
and processor time the least of all repeats is given, the run that was disturbed least.

    OMP_NUM_THREADS=1 python benchmarks/mel.py [recording] [--repeats 15]
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import librosa
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mirzoo import audio
from mirzoo.export.litert import LONGEST_TRANSFORM_BY_MATRICES
from mirzoo.models.frontends import build_frontend
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.recipe import LogScaling

DURATION_S = 60
C = 10000.0
CONFIGS = [
    MelConfig(scaling=LogScaling(c=C)),
    MelConfig(sample_rate=22050, n_fft=2048, hop_length=512, n_mels=128, scaling=LogScaling(c=C)),
]


def minute_of(recording: str | None, sample_rate: int) -> np.ndarray:
    """A minute of the recording, repeated if it is shorter, or of noise: shape (samples,)."""
    n_samples = sample_rate * DURATION_S
    if recording is None:
        return np.random.default_rng(0).uniform(-0.3, 0.3, n_samples).astype(np.float32)
    return np.resize(audio.read(recording, sample_rate), n_samples)


def interpreter_of(frontend, n_samples: int) -> Interpreter:
    """Convert the front-end as `mirzoo.export` does, for one length, and load it, on one thread."""
    with transforms_by_matrices(LONGEST_TRANSFORM_BY_MATRICES):
        graph = tf.function(frontend).get_concrete_function(tf.TensorSpec((1, n_samples)))
    frozen = convert_variables_to_constants_v2(graph)
    content = tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def contestants(config: MelConfig, waveform: np.ndarray) -> dict:
    """Name to a function that returns the log-mel, shape (frames, mels)."""
    frontend = build_frontend(config)
    traced = tf.function(frontend, input_signature=[tf.TensorSpec((None, None))])
    interpreter = interpreter_of(frontend, len(waveform))
    input_index = interpreter.get_input_details()[0]["index"]
    output_index = interpreter.get_output_details()[0]["index"]

    def with_librosa():
        mel = librosa.feature.melspectrogram(
            y=waveform,
            sr=config.sample_rate,
            n_fft=config.n_fft,
            hop_length=config.hop_length,
            n_mels=config.n_mels,
            power=config.power,
        )
        return np.log10(1.0 + C * mel).T

    def with_tensorflow():
        return traced(waveform[np.newaxis]).numpy()[0, :, :, 0]

    def with_litert():
        interpreter.set_tensor(input_index, waveform[np.newaxis])
        interpreter.invoke()
        return interpreter.get_tensor(output_index)[0, :, :, 0]

    return {
        "librosa": with_librosa,
        "mirzoo in a tf.function": with_tensorflow,
        "mirzoo in LiteRT": with_litert,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", nargs="?", help="default: noise")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    for config in CONFIGS:
        runs = contestants(config, minute_of(options.recording, config.sample_rate))
        results = {name: run() for name, run in runs.items()}
        wall_ms = dict.fromkeys(runs, np.inf)
        processor_ms = dict.fromkeys(runs, np.inf)
        for _ in range(options.repeats):
            for name, run in runs.items():
                wall, processor = time.perf_counter(), time.process_time()
                run()
                processor_ms[name] = min(
                    processor_ms[name], 1000 * (time.process_time() - processor)
                )
                wall_ms[name] = min(wall_ms[name], 1000 * (time.perf_counter() - wall))
        print(
            f"{DURATION_S} s at {config.sample_rate} Hz, n_fft {config.n_fft}, "
            f"hop {config.hop_length}, {config.n_mels} mels, one thread"
        )
        print(f"{'':26}{'wall ms':>10}{'CPU ms':>10}{'error':>10}")
        exact = results["librosa"]
        for name, result in results.items():
            error = np.linalg.norm(result - exact) / np.linalg.norm(exact)
            print(f"{name:26}{wall_ms[name]:10.1f}{processor_ms[name]:10.1f}{error:10.1e}")


if __name__ == "__main__":
    main()
