"""Keras model to `.tflite`: one window in, every output and the embedding out, builtins only."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mirzoo._support.files import unfinished
from mirzoo.errors import ExportError
from mirzoo.export.base import FORMATS, Format
from mirzoo.export.metadata import describe
from mirzoo.export.parity import require_parity
from mirzoo.models.layers.fourier import transforms_by_matrices
from mirzoo.models.model import Model
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.runtimes.tflite_file import custom_operators

LONGEST_TRANSFORM_BY_MATRICES = 512
TOLERANCES = {None: 1e-4, "float16": 5e-3}


def write_litert(
    model: Model, path: Path, windows: np.ndarray, quantize: str | None = None
) -> None:
    """Write a `.tflite` file that gives the same numbers as the model, or none at all.

    Parameters
    ----------
    model : Model
        Its card has the length of the window.
    path : Path
        Where to.
    windows : np.ndarray, float32, shape (windows, window_samples)
        Real audio to compare on.
    quantize : {None, "float16"}
        Precision of the stored weights; the arithmetic stays float32.

    Raises
    ------
    ExportError
        If the model cannot be written with builtin operators, or the file differs from it.
    """
    _require_known_precision(model, quantize)
    content = describe(_convert(model, quantize), model.card)
    with unfinished(path) as new:
        new.write_bytes(content)
        foreign = custom_operators(new)
        if foreign:
            raise ExportError(
                f"'{model.card.name}' cannot be written with LiteRT's builtin operators "
                f"({', '.join(foreign)}); replace the layer that made them"
            )
        written = LiteRTModel(new, model.card)
        require_parity(
            what=f"'{model.card.name}' as LiteRT ({quantize or 'float32'})",
            expected=model.predict_windows(windows),
            received=written.predict_windows(windows),
            tolerance=TOLERANCES[quantize],
        )


def _require_known_precision(model: Model, quantize: str | None) -> None:
    if quantize in TOLERANCES:
        return
    allowed = "None (float32) and 'float16'"
    recurrent = [
        layer.name
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.layers.RNN)
    ]
    if quantize == "int8" and recurrent:
        raise ExportError(
            f"'{model.card.name}' has recurrent layers ({', '.join(recurrent)}), on which "
            f"TensorFlow's int8 converter crashes the process (tensorflow#62281); allowed are "
            f"{allowed}"
        )
    raise ExportError(f"quantize={quantize!r} is not offered; allowed are {allowed}")


def _convert(model: Model, quantize: str | None) -> bytes:
    """Freeze the variables first: the converter loses those that Keras 3 makes inside loops."""
    contract = model.card.input
    length = None if contract.whole else contract.window_samples
    spec = tf.TensorSpec((1, length), tf.float32, "waveform")
    every_output = model.every_output
    names = sorted(every_output.output)

    @tf.function(input_signature=[spec])
    def infer(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return every_output(waveform, training=False)

    with transforms_by_matrices(LONGEST_TRANSFORM_BY_MATRICES):
        frozen = convert_variables_to_constants_v2(infer.get_concrete_function())

    @tf.function(input_signature=[spec])
    def serve(waveform: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, frozen(waveform), strict=True))

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [serve.get_concrete_function()], tf.Module()
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize == "float16":
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


FORMATS.register(Format("litert", "a LiteRT model", ".tflite", write_litert, ("quantize",)))
