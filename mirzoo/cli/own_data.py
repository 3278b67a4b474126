"""`check-data`, and what all commands that take labelled data have in common: options and a check.

A command takes the options with `source_options`, and opens its source with `open_source`::

    @click.command()
    @MODEL
    @LABELLED_DATA
    @source_options
    def fine_tune(name, data, reading, **options):
        own = open_source(data, reading, kind="tags", sample_rate=16000)
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from mirzoo._support.words import counted
from mirzoo.cli._shared import (
    AS_JSON,
    FAILED,
    LABELLED_DATA,
    PATH,
    OneOf,
    complain,
    quiet_libraries,
)

if TYPE_CHECKING:
    from mirzoo.data.own import OwnData

COLUMNS = {
    "path": "files",
    "label": "labels",
    "group": "groups, which are never divided, such as artists",
    "split": "splits: train, validation, test",
    "start": "the start of each label",
    "end": "the end of each label",
}

OPTIONS: tuple[Callable[[Any], Any], ...] = (
    *(
        click.option(f"--{role}-column", metavar="NAME", help=f"Of a table: the column of {what}.")
        for role, what in COLUMNS.items()
    ),
    click.option(
        "--one-hot",
        multiple=True,
        metavar="NAME",
        help="Of a table: a column that is a label, 1 where it holds; may be repeated.",
    ),
    click.option(
        "--delimiter", metavar="CHARACTER", help="Between a table's columns; by default seen."
    ),
    click.option(
        "--label-separator", metavar="CHARACTER", help="Between several labels; by default ;."
    ),
    click.option(
        "--time-unit",
        type=click.Choice(["s", "ms"]),
        default="s",
        help="Of times in tables and label files.",
    ),
    click.option("--download", is_flag=True, help="Let tfds:NAME be downloaded."),
    click.option("--splits", type=PATH, metavar="FILE", help="Take the splits of this file."),
    click.option("--skip-bad", is_flag=True, help="Leave out what the check calls bad."),
)
CHECK = click.option("--check", "check_only", is_flag=True, help="Only check the data.")
NAMES = (
    *(f"{role}_column" for role in COLUMNS),
    *("one_hot", "delimiter", "label_separator", "time_unit", "download", "splits", "skip_bad"),
)

UNSAID: tuple[Any, ...] = (None, (), False, "s")
"""What options of a source are where nothing is said."""


def said(reading: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a source that were given."""
    return {name: value for name, value in reading.items() if value not in UNSAID}


def source_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of its source, as the dictionary ``reading``.

    Its names are those of the parameters of `mirzoo.data.load`.
    """

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> Any:
        reading = {name: kwargs.pop(name) for name in NAMES}
        if reading["delimiter"] == "\\t":
            reading["delimiter"] = "\t"
        return function(*args, reading=reading, **kwargs)

    for option in reversed(OPTIONS):
        command = option(command)
    return command


def open_source(
    data: str,
    reading: Mapping[str, Any],
    *,
    check_only: bool = False,
    as_json: bool = False,
    **options: Any,
) -> OwnData:
    """Load labelled data, with progress, and show what the check found.

    Parameters
    ----------
    data : str
    reading : mapping
        As `source_options` gives it.
    check_only : bool
        Whether the command ends after the check, with status 1 if there are errors.
    as_json : bool
        Whether what is found is printed as JSON then.
    **options
        Others of `mirzoo.data.load`: ``kind``, ``labels``, ``purpose``, ``sample_rate``,
        ``window_s``.

    Raises
    ------
    click.exceptions.Exit
        After ``check_only``, and with status 1 where there are errors or nothing is left.
    """
    from mirzoo.data.own import examine

    quiet_libraries()
    with _counting("checking") as progress:
        own = examine(data, progress=progress, **reading, **options)
    if as_json:
        import json

        click.echo(json.dumps({**own.summary(), **own.findings.to_dict()}, indent=1))
    elif own.findings:
        _show(own)
    bad = bool(own.findings.errors) or not own.recordings
    if check_only and not as_json:
        _summarise(own)
    if bad:
        count = own.findings.count_bad()
        remedy = f"; --skip-bad leaves out {counted(count, 'recording')}" if count else ""
        errors = len(own.findings.errors)
        what = counted(errors, "error") if errors else "no recording that is left"
        complain(f"the check of {own.name} found {what}{remedy}")
    if check_only or bad:
        raise click.exceptions.Exit(FAILED if bad else 0)
    return own


def _show(own: OwnData) -> None:
    from rich.console import Console

    Console(stderr=True).print(own.findings.table())


def _summarise(own: OwnData) -> None:
    summary = own.summary()
    click.echo(
        f"{counted(summary['recordings'], 'recording')} in {counted(summary['groups'], 'group')}, "
        f"{summary['duration_s'] / 60:.1f} min, {own.kind}"
    )
    for name, counts in ((what, summary.get(what)) for what in ("labels", "splits")):
        if counts:
            click.echo(f"{name}: " + ", ".join(f"{word} {n}" for word, n in counts.items()))
    if not own.findings:
        click.echo("nothing is wrong with them")


@contextmanager
def _counting(doing: str) -> Iterator[Callable[[int], None]]:
    """Show how many recordings are done, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console

    with Console(stderr=True).status(doing) as status:
        yield lambda count: status.update(f"{doing}: {counted(count, 'recording')} done")


def _kinds() -> Container[str]:
    from mirzoo.data.readers import KINDS

    return KINDS


@click.command()
@LABELLED_DATA
@click.option(
    "--kind",
    type=OneOf(_kinds),
    help="Of labels, tags or others; by default what is there.",
)
@source_options
@AS_JSON
def check_data(data: str, kind: str | None, reading: dict[str, Any], as_json: bool) -> None:
    """Check labelled data of your own: all that is wrong, at once."""
    open_source(data, reading, check_only=True, as_json=as_json, kind=kind)
