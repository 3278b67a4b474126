"""Keras model to `.onnx`: any number of windows in, every output and the embedding out."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from mirzoo._support.files import unfinished
from mirzoo.errors import ExportError
from mirzoo.export._settled_onnx import settle
from mirzoo.export.base import FORMATS, Format
from mirzoo.export.parity import require_parity
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.models.model import Model
from mirzoo.runtimes.onnx import CARD_PROPERTY, WAVEFORM, ONNXModel, need

OPSET = 17
STANDARD_DOMAINS = ("", "ai.onnx")
TOLERANCE = 1e-4


def write_onnx(model: Model, path: Path, windows: np.ndarray) -> None:
    """Write a `.onnx` file that gives the same numbers as the model, or none at all.

    Parameters
    ----------
    model : Model
        The contract of its card goes into the file.
    path : Path
        Where to.
    windows : np.ndarray, float32, shape (windows, window_samples)
        Real audio to compare on.

    Raises
    ------
    ExportError
        If the model cannot be written with standard ONNX operators, or the file differs from it.
    """
    for package in ("onnxruntime", "tf2onnx"):
        need(package)
    content = _convert(model)
    with unfinished(path) as new:
        new.write_bytes(content)
        require_parity(
            what=f"'{model.card.name}' as ONNX",
            expected=model.predict_windows(windows),
            received=ONNXModel(new).predict_windows(windows),
            tolerance=TOLERANCE,
        )


def _convert(model: Model) -> bytes:
    import tf2onnx

    contract = model.card.input
    length = None if contract.whole else contract.window_samples
    signature = [tf.TensorSpec((None, length), tf.float32, name=WAVEFORM)]
    every_output = model.every_output

    @tf.function(input_signature=signature)
    def infer(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = every_output(waveform, training=False)
        return {name: tf.identity(values, name=name) for name, values in outputs.items()}

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    # ONNX has an FFT that tf2onnx does not reach at a batch of any size.
    with transforms_by_matrices(longest=math.inf):
        written, _ = tf2onnx.convert.from_function(infer, input_signature=signature, opset=OPSET)
    foreign = sorted(
        {f"{n.domain}:{n.op_type}" for n in written.graph.node if n.domain not in STANDARD_DOMAINS}
    )
    if foreign:
        raise ExportError(
            f"'{model.card.name}' cannot be written with standard ONNX operators "
            f"({', '.join(foreign)}); replace the layer that made them"
        )
    settle(written.graph)
    for value in (*written.graph.input, *written.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "windows"
    _describe(written, model)
    return written.SerializeToString()


def _describe(written: Any, model: Model) -> None:
    card = model.card
    written.producer_name = "mirzoo"
    properties = {
        CARD_PROPERTY: card.contract.model_dump_json(),
        "sample_rate": str(card.input.sample_rate),
        "labels": "\n".join(card.labels),
    }
    for key, value in properties.items():
        entry = written.metadata_props.add()
        entry.key, entry.value = key, value


FORMATS.register(Format("onnx", "an ONNX model", ".onnx", write_onnx))
