"""Keras model to `.onnx`: any number of windows in, standard operators alone."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from mirzoo._support.files import unfinished
from mirzoo.card import Card
from mirzoo.errors import ExportError
from mirzoo.export._settled_onnx import settle
from mirzoo.export.base import EVERY_OPTION, FORMATS, Format
from mirzoo.export.checks import BOUNDS
from mirzoo.export.graph import Graph, compose
from mirzoo.export.options import ExportOptions
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.models.model import Model
from mirzoo.runtimes.onnx import CARD_PROPERTY, ONNXModel, need

OPSET = 17
STANDARD_DOMAINS = ("", "ai.onnx")


def write_onnx(model: Model, path: Path, windows: np.ndarray, **options: Any) -> None:
    """Write a `.onnx` file that gives the same numbers as the model, or none at all.

    Parameters
    ----------
    model : Model
        The contract of its card goes into the file.
    path : Path
        Where to.
    windows : np.ndarray, float32, shape (windows, samples)
        Real audio to compare on, in [-1, 1], of the length and at the rate that the file takes.
    **options
        Of `mirzoo.export.ExportOptions`.

    Raises
    ------
    ExportError
        If the model cannot be written with standard ONNX operators, or the file differs from it.
    """
    for package in ("onnxruntime", "tf2onnx"):
        need(package)
    graph = compose(model, ExportOptions.of(options), usual_batch=None)
    content = _convert(graph, model)
    with unfinished(path) as new:
        new.write_bytes(content)
        graph.require_same(
            f"'{model.card.name}' as ONNX",
            model,
            ONNXModel(new).predict_windows,
            windows,
            BOUNDS[None],
        )


def _convert(graph: Graph, model: Model) -> bytes:
    import tf2onnx

    @tf.function(input_signature=[graph.signature])
    def infer(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return graph.compute(waveform)

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    # ONNX has an FFT that tf2onnx does not reach at a batch of any size.
    with transforms_by_matrices(longest=math.inf):
        written, _ = tf2onnx.convert.from_function(
            infer, input_signature=[graph.signature], opset=OPSET
        )
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
        if graph.signature.shape[0] is None:
            value.type.tensor_type.shape.dim[0].dim_param = "windows"
    _describe(written, model.card.with_contract(graph.contract))
    return written.SerializeToString()


def _describe(written: Any, card: Card) -> None:
    written.producer_name = "mirzoo"
    properties = {
        CARD_PROPERTY: card.contract.model_dump_json(),
        "sample_rate": str(card.input.sample_rate),
        "labels": "\n".join(card.labels),
    }
    for key, value in properties.items():
        entry = written.metadata_props.add()
        entry.key, entry.value = key, value


FORMATS.register(
    Format(
        "onnx",
        "an ONNX model",
        ".onnx",
        write_onnx,
        tuple(
            option
            for option in EVERY_OPTION
            if option not in ("quantize", "calibration", "streaming")
        ),
    )
)
