"""Commands that write a model's files: `export`, `pull`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mirzoo.cli._shared import ModelName


class Quantize(StrEnum):
    """How a LiteRT file stores its weights."""

    float16 = "float16"


def export(
    name: ModelName,
    out: Annotated[
        Path,
        typer.Argument(
            help="A .tflite or .onnx file, or a folder for a SavedModel.", metavar="OUT"
        ),
    ],
    quantize: Annotated[
        Quantize | None, typer.Option(help="Store the weights of a .tflite file smaller.")
    ] = None,
) -> None:
    """Write a LiteRT or ONNX file or a SavedModel, checked against Keras."""
    from mirzoo import hub
    from mirzoo.export import export

    path = export(hub.load(name), out, quantize=quantize and quantize.value)
    typer.echo(f"wrote {path}")


def pull(
    name: Annotated[str, typer.Argument(help="A published model's name.", metavar="MODEL")],
) -> None:
    """Download a published model and convert it."""
    from mirzoo import hub

    typer.echo(f"{name} is in {hub.pull(name)}")
