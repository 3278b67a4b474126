"""Keras model to `.tflite`: builtin operators only, a window of a fixed length in."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mirzoo._support.files import unfinished
from mirzoo.errors import ExportError
from mirzoo.export.base import EVERY_OPTION, FORMATS, Format
from mirzoo.export.checks import BOUNDS
from mirzoo.export.graph import Graph, compose
from mirzoo.export.metadata import describe
from mirzoo.export.options import ExportOptions
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.models.model import Model
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.runtimes.tflite_file import custom_operators

USUAL_BATCH = 1
LONGEST_TRANSFORM_BY_MATRICES = 512


def write_litert(
    model: Model,
    path: Path,
    windows: np.ndarray,
    quantize: str | None = None,
    **options: Any,
) -> None:
    """Write a `.tflite` file that gives the same numbers as the model, or none at all.

    Parameters
    ----------
    model : Model
        Its card has the length of the window.
    path : Path
        Where to.
    windows : np.ndarray, float32, shape (windows, samples)
        Real audio to compare on, in [-1, 1], of the length and at the rate that the file takes.
    quantize : {None, "float16"}
        Precision of the stored weights; the arithmetic stays float32.
    **options
        Others of `mirzoo.export.ExportOptions`.

    Raises
    ------
    ExportError
        If the model cannot be written with builtin operators, or the file differs from it.
    """
    asked = ExportOptions.of({"quantize": quantize, **options})
    graph = compose(model, asked, usual_batch=USUAL_BATCH)
    card = model.card.with_contract(graph.contract)
    content = describe(_quantised(_frozen(graph, asked), model, asked), card)
    with unfinished(path) as new:
        new.write_bytes(content)
        foreign = custom_operators(new)
        if foreign:
            raise ExportError(
                f"'{model.card.name}' cannot be written with LiteRT's builtin operators "
                f"({', '.join(foreign)}); replace the layer that made them"
            )
        graph.require_same(
            f"'{model.card.name}' as LiteRT ({quantize or 'float32'})",
            model,
            LiteRTModel(new, card).predict_windows,
            windows,
            BOUNDS[quantize],
        )


def _frozen(graph: Graph, options: ExportOptions) -> tf.types.experimental.ConcreteFunction:
    """Freeze the variables: the converter loses those that Keras 3 makes inside loops."""

    @tf.function(input_signature=[graph.signature])
    def infer(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return graph.compute(waveform)

    longest = math.inf if options.dft == "conv" else LONGEST_TRANSFORM_BY_MATRICES
    with transforms_by_matrices(longest):
        frozen = convert_variables_to_constants_v2(infer.get_concrete_function())
    names = sorted(graph.outputs)  # as TensorFlow flattens a dict

    @tf.function(input_signature=[graph.signature])
    def serve(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, frozen(waveform), strict=True))

    return serve.get_concrete_function()


def _quantised(
    frozen: tf.types.experimental.ConcreteFunction, model: Model, options: ExportOptions
) -> bytes:
    """The `.tflite` file of a frozen function, in the precision that is asked for."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if options.quantize == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    except Exception as error:
        foreign = re.search(r"(?:TF Select|Custom) ops: (.+)", str(error))
        reason = foreign.group(0) if foreign else str(error).strip().splitlines()[0]
        raise ExportError(
            f"'{model.card.name}' cannot be written with LiteRT's builtin operators ({reason}); "
            "replace the layer that made them"
        ) from error


FORMATS.register(Format("litert", "a LiteRT model", ".tflite", write_litert, EVERY_OPTION))
