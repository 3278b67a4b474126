"""TensorFlow's converter to LiteRT, as the exports of the zoo need it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mirzoo.export.flatbuffer import renamed


class ConversionError(Exception):
    """A function that cannot be converted; the message is a clause that tells why."""


def convert(
    compute: Callable[[Sequence[tf.Tensor]], dict[str, tf.Tensor]],
    taken: Sequence[tf.TensorSpec],
    *,
    quantize: str | None = None,
    calibration: Sequence[Sequence[tf.Tensor]] = (),
) -> bytes:
    """Convert a function to a `.tflite` file of builtin operators, without metadata.

    The variables are frozen first: the converter loses those that Keras 3 makes inside loops.

    Parameters
    ----------
    compute : callable
        From the tensors in a list to others by name.
    taken : sequence of tf.TensorSpec
        Of what it takes, with names, which are those of the signature.
    quantize : {None, "dynamic", "int8"}
        Quantise all of it. Inputs and outputs stay float32.
    calibration : sequence of sequence of tf.Tensor
        For int8: what it is given, some times over.

    Raises
    ------
    ConversionError
        If it takes operators that LiteRT lacks.
    """
    specs = [tf.TensorSpec(s.shape, s.dtype, f"taken{n}") for n, s in enumerate(taken)]
    names: list[str] = []

    @tf.function(input_signature=specs, autograph=False)
    def infer(*given: tf.Tensor) -> list[tf.Tensor]:
        results = compute(given)
        names[:] = sorted(results)
        return [results[name] for name in names]

    frozen = convert_variables_to_constants_v2(infer.get_concrete_function())

    @tf.function(input_signature=specs, autograph=False)
    def serve(*given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {f"given{n}": value for n, value in enumerate(frozen(*given))}

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [serve.get_concrete_function()], tf.Module()
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "int8":
        keys = [spec.name for spec in specs]
        converter.representative_dataset = lambda: (
            dict(zip(keys, given, strict=True)) for given in calibration
        )
    try:
        with warnings.catch_warnings():  # the calibrator's own interpreter
            warnings.filterwarnings("ignore", r"(?s).*tf\.lite\.Interpreter is deprecated")
            content = converter.convert()
    except Exception as error:
        foreign = re.search(r"(?:TF Select|Custom) ops: (.+)", str(error))
        reason = foreign.group(0) if foreign else str(error).strip().splitlines()[0]
        raise ConversionError(reason) from error
    return renamed(content, [spec.name for spec in taken], names)
