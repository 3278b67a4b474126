"""Commands that score and check models: `evaluate`, `measure`, `verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirzoo.cli._shared import FAILED, DataHome, LabelledData, ModelName, complain
from mirzoo.errors import MirzooError, UnknownNameError


def evaluate(name: ModelName, data: LabelledData) -> None:
    """Score a model on labelled recordings."""
    from mirzoo.evaluation import evaluate

    for metric in evaluate(name, data):
        typer.echo(f"{metric.value:.3f}  {metric.metric} (n = {metric.n})")


def measure(name: ModelName, home: DataHome = None) -> None:
    """Measure a trained model's card again on prepared corpora; only card.json is written."""
    from mirzoo._support.files import data_home
    from mirzoo.training import measure

    for metric in measure(name, (home or data_home()) / "corpus"):
        typer.echo(f"{metric.value:.3f}  {metric.metric}, {metric.dataset} (n = {metric.n})")


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Which; without any, all that are here.", metavar="MODEL..."),
    ] = None,
) -> None:
    """Recompute what saved models claim: hashes, outputs, operations, parameters."""
    from mirzoo import hub

    failed = False
    for name in names or hub.local_models():
        try:
            differences = hub.verify(name)
        except UnknownNameError:
            raise
        except MirzooError as error:
            failed = True
            complain(error)
        else:
            forms = ", ".join(f"{form} {value:.0e}" for form, value in differences.items())
            typer.echo(f"{name}: all as its card states (largest differences: {forms})")
    if failed:
        raise typer.Exit(FAILED)
