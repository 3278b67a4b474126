"""What tests of several front-ends share: clips, errors and conversion."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mirzoo import audio
from mirzoo.errors import AudioError


def noise(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(-0.3, 0.3, shape).astype(np.float32)


def excerpts(recordings: list[Path], sample_rate: int) -> dict[str, np.ndarray]:
    """Four seconds from the middle of each recording that can be decoded, by name."""
    found = {path.name: _middle(path, sample_rate) for path in recordings}
    return {name: waveform for name, waveform in found.items() if waveform is not None}


@cache
def _middle(path: Path, sample_rate: int, duration_s: float = 4.0) -> np.ndarray | None:
    try:
        waveform = audio.read(path, sample_rate)
    except AudioError:
        return None
    length = min(len(waveform), int(duration_s * sample_rate))
    start = (len(waveform) - length) // 2
    return waveform[start : start + length]


def relative_error(received: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(received - expected) / np.linalg.norm(expected))


def run_in_litert(model, waveform: np.ndarray) -> tuple[np.ndarray, set[str]]:
    """Convert for the waveform's shape; the output, and the operators of the file."""
    graph = tf.function(model).get_concrete_function(tf.TensorSpec(waveform.shape))
    frozen = convert_variables_to_constants_v2(graph)
    content = tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    interpreter = Interpreter(model_content=content, num_threads=1)
    operators = {operator["op_name"] for operator in interpreter._get_ops_details()}
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], waveform)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), operators
