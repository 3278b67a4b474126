"""Commands that write a model's files: `export`, `pull`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mirzoo.cli._shared import ModelName


class Quantize(StrEnum):
    """How a LiteRT file stores the weights of its network, and what it computes with."""

    float16 = "float16"
    dynamic = "dynamic"
    int8 = "int8"


class InputType(StrEnum):
    """What samples are."""

    float32 = "float32"
    int16 = "int16"


class DFT(StrEnum):
    """How spectra are computed."""

    fft = "fft"
    conv = "conv"


def _batch(value: str) -> int | str:
    if value.isdecimal():
        return int(value)
    return value


def export(
    name: ModelName,
    out: Annotated[
        Path,
        typer.Argument(
            help="A .tflite or .onnx file, or a folder for a SavedModel.", metavar="OUT"
        ),
    ],
    quantize: Annotated[
        Quantize | None,
        typer.Option(help="Store the weights of a .tflite file smaller, or compute in integers."),
    ] = None,
    calibration: Annotated[
        list[Path] | None,
        typer.Option(help="A recording that int8 is fitted to; may be given several times."),
    ] = None,
    outputs: Annotated[
        str | None,
        typer.Option(
            help="The outputs to keep, with commas between them, or 'all'; by default all but the "
            "embedding."
        ),
    ] = None,
    window_s: Annotated[
        float | None, typer.Option(help="Length of a window (s); by default the card's.")
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(help="How many windows go in at once, or 'any'.", metavar="NUMBER"),
    ] = None,
    input_rate: Annotated[
        int | None,
        typer.Option(help="Sample rate of what goes in (Hz), which is resampled inside."),
    ] = None,
    input_type: Annotated[
        InputType | None, typer.Option(help="What samples are; by default float32.")
    ] = None,
    decode: Annotated[
        bool, typer.Option("--decode", help="Give decisions in the place of probabilities.")
    ] = False,
    dft: Annotated[
        DFT | None,
        typer.Option(help="'conv' computes spectra by products of matrices, for accelerators."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is at OUT already.")
    ] = False,
) -> None:
    """Write a LiteRT or ONNX file or a SavedModel, checked against Keras."""
    from mirzoo import hub
    from mirzoo.export import export

    options = {
        "quantize": quantize and quantize.value,
        "calibration": calibration,
        "outputs": outputs if outputs in (None, "all") else outputs.split(","),
        "window_s": window_s,
        "batch": batch and _batch(batch),
        "input_rate": input_rate,
        "input_type": input_type and input_type.value,
        "decode": decode or None,
        "dft": dft and dft.value,
        "overwrite": overwrite or None,
    }
    given: dict[str, Any] = {
        option: value for option, value in options.items() if value is not None
    }
    path = export(hub.load(name), out, **given)
    typer.echo(f"wrote {path}")


def pull(
    name: Annotated[str, typer.Argument(help="A published model's name.", metavar="MODEL")],
) -> None:
    """Download a published model and convert it."""
    from mirzoo import hub

    typer.echo(f"{name} is in {hub.pull(name)}")
