"""Keras model to `.tflite`: builtin operators only, a window of a fixed length in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo._support.files import unfinished
from mirzoo.annotate import EMBEDDING, as_type
from mirzoo.errors import ExportError
from mirzoo.export.base import EVERY_OPTION, FORMATS, Format
from mirzoo.export.checks import BOUNDS
from mirzoo.export.conversion import ConversionError
from mirzoo.export.graph import WAVEFORM, Graph, compose
from mirzoo.export.metadata import describe
from mirzoo.export.options import ExportOptions
from mirzoo.export.quantization import calibration_windows, convert_divided, convert_whole
from mirzoo.export.sections import SAMPLES, Section, Tensors, divide
from mirzoo.export.streaming import write_streaming
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
    quantize : {None, "float16", "dynamic", "int8"}
        Precision of the network behind the front-end; see `mirzoo.export.quantization`.
    **options
        Others of `mirzoo.export.ExportOptions`.

    Raises
    ------
    ExportError
        If the model cannot be written with builtin operators, or the file differs from it.
    """
    asked = ExportOptions.of({"quantize": quantize, **options})
    if asked.streaming:
        with transforms_by_matrices(_longest_by_matrices(asked)):
            write_streaming(model, path, windows, asked)
        return
    graph = compose(model, asked, usual_batch=USUAL_BATCH)
    card = model.card.with_contract(graph.contract)
    content = describe(_written(model, graph, asked), card)
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


def _written(model: Model, graph: Graph, options: ExportOptions) -> bytes:
    """The `.tflite` file in the precision that is asked for, without metadata."""
    sections = _sections(model, graph)
    outputs = {name: _inside(name) for name in graph.outputs}
    try:
        with transforms_by_matrices(_longest_by_matrices(options)):
            if options.quantize is None:
                return convert_whole(sections, graph.signature, outputs)
            calibration = []
            if options.quantize == "int8":
                windows = calibration_windows(graph.contract.input, options.calibration)
                calibration = [as_type(window, options.input_type) for window in windows]
            return convert_divided(
                sections, graph.signature, outputs, options.quantize, calibration
            )
    except ConversionError as error:
        raise ExportError(
            f"'{model.card.name}' cannot be written with LiteRT's builtin operators ({error}); "
            "replace the layer that made them"
        ) from error


def _longest_by_matrices(options: ExportOptions) -> float:
    return math.inf if options.dft == "conv" else LONGEST_TRANSFORM_BY_MATRICES


def _sections(model: Model, graph: Graph) -> tuple[Section, ...]:
    """All stages of a graph, the network among them divided."""
    network = divide(model)
    given = (*(output.name for output in model.card.outputs), EMBEDDING)

    def prepare(tensors: Tensors) -> Tensors:
        return {SAMPLES: graph.prepare(tensors[WAVEFORM])}

    def finish(tensors: Tensors) -> Tensors:
        return {_inside(name): tensor for name, tensor in graph.finish(tensors).items()}

    # A resampler's filters as float16 would let through what folds back, at -70 dB.
    return (
        Section("input", (WAVEFORM,), (SAMPLES,), prepare, spectral=True, exact=graph.resamples),
        *network,
        Section("finish", given, tuple(map(_inside, graph.outputs)), finish),
    )


def _inside(name: str) -> str:
    """The name of an output before the end: it may be that of one that it is made of."""
    return f"finished {name}"


FORMATS.register(Format("litert", "a LiteRT model", ".tflite", write_litert, EVERY_OPTION))
