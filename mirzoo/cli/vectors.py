"""`mirzoo embed` and `mirzoo similar`: the vectors of a collection, and what is alike in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from mirzoo._support.words import counted
from mirzoo.cli._shared import (
    ALLOW_DAMAGED,
    AS_JSON,
    CHANNEL,
    FAILED,
    LAYERS,
    OVER,
    PATH,
    RUNTIME_OF_VECTORS,
    TIMEOUT,
    WORKERS,
    argument,
    check_workers,
    complain,
    progress,
    quiet_libraries,
)
from mirzoo.cli.annotate import interrupted, interruptible

if TYPE_CHECKING:
    from mirzoo.audio import Channel
    from mirzoo.engines.one_file import Outcome

VECTORS = argument(
    "vectors", "FILE", "What `mirzoo embed` or `mirzoo catalogue embed` wrote.", type=PATH
)
EPILOG = """
Exit status: 0 all is embedded; 1 some recordings failed; 2 the command was not understood; 130
stopped by Ctrl-C, 143 by SIGTERM. A run that was stopped goes on where it was.
"""


@click.command(epilog=EPILOG)
@argument("model", "MODEL", "A model's name, the folder of a saved model, or a file of one.")
@argument(
    "paths", "FILE...", "Audio files, and folders of them.", type=PATH, nargs=-1, required=True
)
@click.option(
    "-o",
    "--output",
    type=PATH,
    required=True,
    help="A .parquet file (needs the extra `catalogue`) or a .npz file. What is there is brought "
    "in step with the recordings: new ones are embedded, moved ones found by their content, and "
    "those that are no more in these folders removed.",
)
@OVER
@LAYERS
@RUNTIME_OF_VECTORS
@CHANNEL
@ALLOW_DAMAGED
@click.option("--overwrite", is_flag=True, help="Make the file anew.")
@WORKERS
@TIMEOUT
@AS_JSON
@click.pass_context
def embed(
    context: click.Context,
    model: str,
    paths: Sequence[Path],
    output: Path,
    over: str,
    layers: str,
    runtime: str | None,
    channel: str,
    allow_damaged: bool,
    overwrite: bool,
    workers: int | None,
    timeout_s: float | None,
    as_json: bool,
) -> None:
    """Embed recordings into one file, or bring it in step with them."""
    from mirzoo.engines.embedding import embed

    check_workers(workers, timeout_s)
    quiet_libraries()
    with interruptible():
        reached: list[Outcome] = []
        try:
            with _counted() as count:

                def show(outcome: Outcome, left: int) -> None:
                    reached.append(outcome)
                    _complain_of(outcome)
                    count(len(reached), left)

                done = embed(
                    model,
                    paths,
                    output,
                    over=over,  # type: ignore[arg-type]
                    layers=layers,  # type: ignore[arg-type]
                    runtime=runtime,
                    channel=cast("Channel", channel),
                    allow_damaged=allow_damaged,
                    overwrite=overwrite,
                    workers=workers,
                    timeout_s=timeout_s,
                    imports=tuple(context.find_root().params.get("imports") or ()),
                    on_outcome=show,
                )
        except KeyboardInterrupt as interrupt:
            status, stopped = interrupted(interrupt)
            complain(
                f"{stopped} after {counted(len(reached), 'recording')}; the next run goes on "
                "from there"
            )
            raise click.exceptions.Exit(status) from None
    if as_json:
        click.echo(json.dumps(done.to_dict()))
    else:
        complain(done)
    raise click.exceptions.Exit(FAILED if done.failures else 0)


def _complain_of(outcome: Outcome) -> None:
    from mirzoo._support.files import printable

    for warning in outcome.warnings:
        complain(f"{printable(outcome.source)}: {warning}")
    for failure in outcome.failures:
        complain(failure.message)
        if failure.details.strip():
            complain("\n  ".join(["written meanwhile:", *failure.details.splitlines()]))


@contextmanager
def _counted() -> Iterator[Callable[[int, int], None]]:
    """Show how many recordings are done and left, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, left: None
        return
    from rich.console import Console

    with Console(stderr=True).status("looking at what there is") as status:
        yield lambda done, left: status.update(f"{done:,} done, {left:,} left")


@click.command()
@VECTORS
@argument(
    "recording",
    "RECORDING",
    "The recording whose nearest are listed; it need not be in the file.",
    type=PATH,
    required=False,
)
@click.option("--count", type=click.IntRange(min=1), default=10, help="How many to list.")
@click.option(
    "--duplicates",
    is_flag=True,
    help="List groups of recordings that are nearly the same, and copies of files.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(min=0.0, max=1.0, min_open=True),
    default=0.995,
    help="From which similarity on two recordings are duplicates.",
)
@click.option(
    "--standardise",
    is_flag=True,
    help="Take each number relative to the collection's mean and spread.",
)
@click.option(
    "--index",
    is_flag=True,
    help="Search by an index, for large collections (needs the extra `search`); it is built on "
    "first use and kept next to the file.",
)
@click.option("--model", help="Where the model is now, if no more where it was.")
@AS_JSON
@click.pass_context
def similar(
    context: click.Context,
    vectors: Path,
    recording: Path | None,
    count: int,
    duplicates: bool,
    threshold: float,
    standardise: bool,
    index: bool,
    model: str | None,
    as_json: bool,
) -> None:
    """List the recordings most like one, or all near-duplicates."""
    from mirzoo._support.files import printable
    from mirzoo.engines.similar import Collection
    from mirzoo.engines.similar import similar as nearest

    if duplicates == (recording is not None):
        raise click.UsageError("give a RECORDING, or else --duplicates")
    quiet_libraries()
    if recording is not None:
        with progress(f"looking for what is like {recording.name}"):
            neighbours = nearest(
                vectors,
                recording,
                count,
                standardise=standardise,
                index=index,
                model=model,
                imports=tuple(context.find_root().params.get("imports") or ()),
            )
        for neighbour in neighbours:
            if as_json:
                click.echo(json.dumps(neighbour._asdict()))
            else:
                click.echo(f"{neighbour.similarity:.4f}  {printable(neighbour.path)}")
        return
    with progress("comparing all recordings"):
        collection = Collection.read(vectors, standardise=standardise, index=index)
        groups = collection.duplicates(threshold)
    for group in groups:
        if as_json:
            click.echo(json.dumps(group._asdict()))
        else:
            click.echo(f"{group.similarity:.4f}")
            for path in group.paths:
                click.echo(f"  {printable(path)}")
    if not groups:
        complain(f"no two of {len(collection.entries):,} are as similar as {threshold:g}")
