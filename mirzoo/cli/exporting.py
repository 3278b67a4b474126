"""Commands that write a model's files: `export`, `pull`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mirzoo.cli._shared import MODEL, PATH, argument, quiet_libraries


def _seconds(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _batch(value: str) -> int | str:
    if value.isdecimal():
        return int(value)
    return value


@click.command()
@MODEL
@argument("out", "OUT", "A .tflite or .onnx file, or a folder for a SavedModel.", type=PATH)
@click.option(
    "--quantize",
    type=click.Choice(["float16", "dynamic", "int8"]),
    help="Store the weights of a .tflite file smaller, or compute in integers.",
)
@click.option(
    "--calibration",
    type=PATH,
    multiple=True,
    help="A recording that int8 is fitted to; may be given several times.",
)
@click.option(
    "--outputs",
    help="The outputs to keep, with commas between them, or 'all'; by default all but the "
    "embedding.",
)
@click.option(
    "--window-s",
    metavar="SECONDS",
    help="Length of a window (s), or 'any'; by default the card's.",
)
@click.option("--batch", metavar="NUMBER", help="How many windows go in at once, or 'any'.")
@click.option(
    "--input-rate", type=int, help="Sample rate of what goes in (Hz), which is resampled inside."
)
@click.option(
    "--input-type",
    type=click.Choice(["float32", "int16"]),
    help="What samples are; by default float32.",
)
@click.option("--decode", is_flag=True, help="Give decisions in the place of probabilities.")
@click.option(
    "--dft",
    type=click.Choice(["fft", "conv"]),
    help="'conv' computes spectra by products of matrices, for accelerators.",
)
@click.option(
    "--streaming",
    is_flag=True,
    help="Of a live model, one step with its states as in- and outputs.",
)
@click.option("--overwrite", is_flag=True, help="Replace what is at OUT already.")
def export(
    name: str,
    out: Path,
    quantize: str | None,
    calibration: Sequence[Path],
    outputs: str | None,
    window_s: str | None,
    batch: str | None,
    input_rate: int | None,
    input_type: str | None,
    decode: bool,
    dft: str | None,
    streaming: bool,
    overwrite: bool,
) -> None:
    """Write a LiteRT or ONNX file or a SavedModel, checked against Keras."""
    from mirzoo import hub
    from mirzoo.export import export

    quiet_libraries()
    options = {
        "quantize": quantize,
        "calibration": list(calibration) or None,
        "outputs": outputs if outputs in (None, "all") else outputs.split(","),
        "window_s": window_s and _seconds(window_s),
        "batch": batch and _batch(batch),
        "input_rate": input_rate,
        "input_type": input_type,
        "decode": decode or None,
        "dft": dft,
        "streaming": streaming or None,
        "overwrite": overwrite or None,
    }
    given: dict[str, Any] = {
        option: value for option, value in options.items() if value is not None
    }
    path = export(hub.load(name), out, **given)
    click.echo(f"wrote {path}")


@click.command()
@argument("name", "MODEL", "A published model's name.")
def pull(name: str) -> None:
    """Download a published model and convert it."""
    from mirzoo import hub

    quiet_libraries()
    click.echo(f"{name} is in {hub.pull(name)}")
