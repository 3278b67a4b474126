"""Commands that score and check models: `evaluate`, `measure`, `verify`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mirzoo.cli._shared import (
    DATA_HOME,
    FAILED,
    LABELLED_DATA,
    MISUSED,
    MODEL,
    argument,
    complain,
    quiet_libraries,
)
from mirzoo.errors import MirzooError, UnknownNameError


@click.command()
@MODEL
@LABELLED_DATA
def evaluate(name: str, data: str) -> None:
    """Score a model on labelled recordings."""
    from mirzoo.evaluation import evaluate

    quiet_libraries()
    for metric in evaluate(name, data):
        click.echo(f"{metric.value:.3f}  {metric.metric} (n = {metric.n})")


@click.command()
@MODEL
@DATA_HOME
def measure(name: str, home: Path | None) -> None:
    """Measure a trained model's card again on prepared corpora; only card.json is written."""
    from mirzoo._support.files import data_home
    from mirzoo.training import measure

    quiet_libraries()
    for metric in measure(name, (home or data_home()) / "corpus"):
        click.echo(f"{metric.value:.3f}  {metric.metric}, {metric.dataset} (n = {metric.n})")


@click.command()
@argument("names", "[MODEL]...", "Which; without any, all that are here.", nargs=-1)
def verify(names: Sequence[str]) -> None:
    """Recompute what saved models claim: hashes, outputs, operations, parameters."""
    from mirzoo import hub

    quiet_libraries()
    status = 0
    for name in names or hub.local_models():
        try:
            differences = hub.verify(name)
        except MirzooError as error:
            status = max(status, MISUSED if isinstance(error, UnknownNameError) else FAILED)
            complain(error)
        else:
            forms = ", ".join(f"{form} {value:.0e}" for form, value in differences.items())
            click.echo(f"{name}: all as its card states (largest differences: {forms})")
    if status:
        raise click.exceptions.Exit(status)
