"""Commands that score and check models: `evaluate`, `measure`, `verify`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mirzoo._support.files import printable
from mirzoo._support.words import counted
from mirzoo.cli._shared import (
    DATA_HOME,
    FAILED,
    LABELLED_DATA,
    MISUSED,
    MODEL,
    OVERWRITE_FILES,
    PATH,
    argument,
    complain,
    counting,
    quiet_libraries,
    require_free,
    warnings_as_complaints,
)
from mirzoo.cli.own_data import CHECK, open_source, said, source_options
from mirzoo.errors import MirzooError, UnknownNameError

if TYPE_CHECKING:
    from mirzoo.evaluation.results import Evaluation, Evaluations

STANDARD_OUTPUT = Path("-")


@click.command()
@argument(
    "models",
    "MODEL",
    "A model, or several to compare with the first: mel_cnn_tagger,my_models/mine",
)
@LABELLED_DATA
@click.option(
    "--json", "json_file", type=PATH, help="Write everything to a JSON file; - is stdout."
)
@click.option("--html", "html_file", type=PATH, help="Write everything as a page to a file.")
@click.option("--plot", "picture", type=PATH, help="Draw it into a .png, .pdf or .svg file.")
@OVERWRITE_FILES
@click.option("--per-class", is_flag=True, help="Print the scores of each class too.")
@click.option("--per-file", is_flag=True, help="Print the scores of each recording too.")
@click.option(
    "--resamples",
    type=click.IntRange(min=0),
    default=1000,
    help="Of the bootstrap that intervals come from; 0 for no intervals.",
)
@click.option("--seed", type=int, default=0, help="Of the bootstrap.")
@click.option(
    "--split", metavar="NAME", help="The only split that counts; by default test, where there is."
)
@source_options
@CHECK
def evaluate(
    models: str,
    data: str,
    json_file: Path | None,
    html_file: Path | None,
    picture: Path | None,
    overwrite: bool,
    per_class: bool,
    per_file: bool,
    check_only: bool,
    reading: dict[str, Any],
    **options: Any,
) -> None:
    """Score models on labelled recordings: value and 95 % interval of each score."""
    from mirzoo import hub
    from mirzoo.data.own import DataWarning
    from mirzoo.evaluation import EvaluationWarning, evaluate
    from mirzoo.evaluation.results import require_formats
    from mirzoo.evaluation.sources import wanted_of

    quiet_libraries()
    names = [models] if Path(models).exists() else models.split(",")
    if check_only:
        open_source(data, reading, check_only=True, **wanted_of(hub.card(names[0])))
    documents = [path for path in (json_file, html_file) if path not in (None, STANDARD_OUTPUT)]
    require_formats(*documents, picture=picture)
    require_free(*documents, picture, overwrite=overwrite)
    with warnings_as_complaints(), counting("recording") as progress:
        warnings.simplefilter("always", DataWarning)
        warnings.simplefilter("ignore", EvaluationWarning)  # what failed is told below
        found = evaluate(names, data, progress=progress, **options, **said(reading))
    if json_file == STANDARD_OUTPUT:
        click.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False))
    else:
        for line in _lines(found, per_class, per_file):
            click.echo(line)
    for path in documents:
        found.write(path)
    if picture is not None:
        found.plot(picture)
    if any(of_model.failed for of_model in found):
        for of_model in found:
            for name, reason in of_model.failed:
                complain(f"{of_model.model}: {name} could not be scored: {reason}")
        raise click.exceptions.Exit(FAILED)


def _lines(found: Evaluations, per_class: bool, per_file: bool) -> Iterator[str]:
    """What is printed of evaluations: a line a score, for each model, and how they compare."""
    several = len(found) > 1
    for number, of_model in enumerate(found):
        if several:
            yield f"{'' if number == 0 else chr(10)}{of_model.model}"
        for metric in of_model:
            line = f"{metric.value:.3f}  {metric.metric} (n = {metric.n})"
            yield line if metric.interval is None else f"{line}  {_range(*metric.interval)}"
        for note in of_model.notes:
            yield f"note: {note}"
        if per_class:
            yield from _of_classes(of_model)
        if per_file:
            yield from _of_files(of_model)
    for comparison in found.comparisons:
        yield f"\n{comparison.second} less {comparison.first}"
        for each in comparison.differences:
            line = f"{each.difference:+.3f}  {each.metric}"
            if each.interval is not None and each.p is not None:
                line += f"  {_range(*each.interval, sign='+')}, p = {each.p:.3f}"
            yield line
        if comparison.test is not None:
            test = comparison.test
            pairs = counted(test.n, "pair differs", "pairs differ")
            yield f"{test.name} of {test.of}: p = {test.p:.3f} ({pairs})"


def _range(low: float, high: float, *, sign: str = "") -> str:
    return f"{low:{sign}.3f} to {high:{sign}.3f}"


def _of_classes(found: Evaluation) -> Iterator[str]:
    names = list(dict.fromkeys(name for of in found.per_class for name in of.scores))
    rows = [
        [printable(of.label), f"{of.support:.0f}", *(_score(of.scores.get(n)) for n in names)]
        for of in found.per_class
    ]
    if rows:
        yield from _aligned([["class", found.per_class[0].unit, *names], *rows])


def _of_files(found: Evaluation) -> Iterator[str]:
    labelled = any(result.right is not None for result in found.per_file)
    names = list(dict.fromkeys(name for result in found.per_file for name in result.scores))
    rows = []
    for result in found.per_file:
        scores = [_score(result.scores[n].value if n in result.scores else None) for n in names]
        words = [", ".join(map(printable, some)) for some in (result.truth, result.given)]
        rows.append([printable(result.name), *(words if labelled else ()), *scores])
    headings = ["recording", *(("labels", "given") if labelled else ()), *names]
    yield from _aligned([headings, *rows])


def _score(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield ""
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip()


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
