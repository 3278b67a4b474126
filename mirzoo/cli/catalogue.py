"""`mirzoo catalogue annotate` and `mirzoo catalogue embed`: a whole catalogue, on an engine."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mirzoo._support.words import counted
from mirzoo.cli._shared import (
    ALLOW_DAMAGED,
    AS_JSON,
    CHANNEL,
    DECODING,
    FAILED,
    LAYERS,
    OVER,
    PATH,
    RUNTIME,
    RUNTIME_OF_VECTORS,
    TIMEOUT,
    argument,
    complain,
)
from mirzoo.cli.annotate import decodings_of, interrupted, interruptible, settings_given

if TYPE_CHECKING:
    from mirzoo.engines.shards import Catalogue

MOST_REASONS = 8
EPILOG = """
Exit status: 0 all is done; 1 some recordings failed, or the run did; 2 the command was not
understood; 130 stopped by Ctrl-C, 143 by SIGTERM. A run that was stopped or killed goes on from
what is in the folder when it is started again.
"""
MODEL_OF_VECTORS = argument(
    "model", "MODEL", "A model's name, the folder of a saved model, or a file of one."
)
MODELS = argument("models", "MODEL", "A model, or several: mel_cnn_tagger,cqt_crnn_chords")
PATTERNS = argument(
    "patterns",
    "PATTERN...",
    "Audio files, folders of them, and patterns in quotes: 'music/**/*.flac'.",
    nargs=-1,
    required=True,
)
OPTIONS = [
    click.option(
        "-o",
        "--output",
        type=PATH,
        required=True,
        help="A folder that every worker sees: output/ has the results, dead_letters/ what failed.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["beam", "ray"]),
        required=True,
        help="Apache Beam (extra `beam`) or Ray (extra `ray`), which joins the cluster that "
        "RAY_ADDRESS states and replaces workers that are killed.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        help="How many, of one core each; by default as many as there are cores.",
    ),
    click.option(
        "--option",
        "engine_options",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option of Beam's pipelines, such as runner=FlinkRunner. May be repeated.",
    ),
    click.option(
        "--format",
        "format_",
        type=click.Choice(["parquet", "jsonl"]),
        default="parquet",
        help="Of the results.",
    ),
    click.option(
        "--shard-files",
        type=click.IntRange(min=1),
        help="How many recordings a worker does at most before it writes them, which is what a "
        "kill costs; by default 200.",
    ),
    click.option(
        "--retry-failed", is_flag=True, help="Do recordings that have a dead letter again."
    ),
    CHANNEL,
    ALLOW_DAMAGED,
    TIMEOUT,
    AS_JSON,
]


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.group()
def catalogue() -> None:
    """Annotate or embed a whole catalogue, on Apache Beam or Ray.

    Each recording ends in exactly one of results and dead letters, after a kill too.
    """


@catalogue.command(epilog=EPILOG)
@MODELS
@PATTERNS
@DECODING
@RUNTIME
@_with_options
@click.pass_context
def annotate(
    context: click.Context,
    models: str,
    patterns: Sequence[str],
    decoding: Sequence[str],
    **options: Any,
) -> None:
    """Annotate a catalogue with a model, or with several."""
    from mirzoo import hub

    names = list(dict.fromkeys(models.split(",")))
    decodings_of([hub.card(name) for name in names], decoding)  # its errors are of the option
    _run(context, "annotate", names, patterns, decoding=settings_given(decoding), **options)


@catalogue.command(epilog=EPILOG)
@MODEL_OF_VECTORS
@PATTERNS
@OVER
@LAYERS
@RUNTIME_OF_VECTORS
@_with_options
@click.pass_context
def embed(context: click.Context, model: str, patterns: Sequence[str], **options: Any) -> None:
    """Embed a catalogue: files of vectors, as `mirzoo embed` writes them."""
    _run(context, "embed", model, patterns, **options)


def _run(
    context: click.Context,
    what: str,
    models: str | list[str],
    patterns: Sequence[str],
    *,
    output: Path,
    engine: str,
    workers: int | None,
    engine_options: Sequence[str],
    format_: str,
    as_json: bool,
    shard_files: int | None,
    **settings: Any,
) -> None:
    """Run a catalogue on an engine, and sum up."""
    from mirzoo.engines.shards import SHARD_FILES, Catalogue

    chosen = _named(engine_options)
    if chosen and engine != "beam":
        raise click.BadParameter("only Beam has such options", param_hint="--option")
    settings |= {
        "format": format_,
        "imports": tuple(context.find_root().params.get("imports") or ()),
    }
    of_engine = {"shard_files": shard_files or SHARD_FILES, **settings}
    began = time.monotonic()
    with interruptible():
        try:
            if engine == "beam":
                from mirzoo.engines import beam

                transform: Any = beam.Annotate if what == "annotate" else beam.Embed
                counts = beam.run(
                    transform(models, list(patterns), output, **of_engine),
                    workers=workers,
                    options=chosen,
                )
            else:
                from mirzoo.engines import ray

                run: Any = ray.annotate if what == "annotate" else ray.embed
                counts = run(models, list(patterns), output, workers=workers, **of_engine)
        except KeyboardInterrupt as interrupt:
            status, stopped = interrupted(interrupt)
            complain(f"{stopped}: the same command goes on from what is in {output}")
            raise click.exceptions.Exit(status) from None
    of: Any = Catalogue.of_annotations if what == "annotate" else Catalogue.of_embeddings
    _sum_up(of(models, output, **settings), counts, time.monotonic() - began, as_json)


def _named(given: Sequence[str]) -> dict[str, str]:
    options = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not equals:
            raise click.BadParameter(f"'{entry}' is not NAME=VALUE", param_hint="--option")
        options[name.lstrip("-")] = value
    return options


def _sum_up(catalogue: Catalogue, counts: dict[str, int], seconds: float, as_json: bool) -> None:
    """Print what was done, and of what failed the reasons; end with the exit status."""
    from mirzoo._support.files import printable
    from mirzoo.engines.batch import reason
    from mirzoo.engines.one_file import Failure

    failed = counts["files_failed"]
    if as_json:
        click.echo(json.dumps({**counts, "seconds": round(seconds, 3)}))
    else:
        hours = counts["audio_ms"] / 3_600_000
        complain(
            f"{printable(catalogue.folder)}: {counts['files_done']:,} done ({hours:,.1f} hours of "
            f"audio in {seconds:,.0f} s), {failed:,} failed, "
            f"{counted(counts['files_there'], 'was there', 'were there')}"
        )
        if failed:
            reasons = Counter(
                reason(Failure(letter["kind"], letter["message"]), letter["path"])
                for letter in catalogue.dead_letters()
            )
            listed = [f"{count:,} × {text}" for text, count in reasons.most_common(MOST_REASONS)]
            complain(f"dead letters: {', '.join(listed)}; --retry-failed does them again")
    raise click.exceptions.Exit(FAILED if failed else 0)
