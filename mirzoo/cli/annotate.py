"""`mirzoo annotate`: models over recordings, and where their results go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from mirzoo.cli._shared import (
    ALLOW_DAMAGED,
    CHANNEL,
    DECODING,
    FAILED,
    OVERWRITE,
    PATH,
    RUNTIME,
    TIMEOUT,
    WORKERS,
    argument,
    check_workers,
    complain,
    progress,
    quiet_libraries,
)
from mirzoo.errors import AnnotationError, CardError

if TYPE_CHECKING:
    from mirzoo.annotate import AudioFile
    from mirzoo.audio import Channel
    from mirzoo.card import Card
    from mirzoo.engines.batch import Batch, Results, Summary
    from mirzoo.engines.one_file import Outcome, Setup

DEFAULT_FORMAT = "json"
STANDARD_INPUT = "stdin"
DISK_FULL, INTERRUPTED, TERMINATED = 3, 130, 143
SECONDS_BETWEEN_LINES = 30.0
"""Of progress, where it does not go to a terminal."""

EPILOG = """
Exit status: 0 all is written or was there; 1 some recordings failed, or what is there would have to
be replaced; 2 the command was not understood; 3 stopped by a full disk; 130 stopped by Ctrl-C, 143
by SIGTERM. A run that was stopped goes on where it was: results that are there in a folder are left
unless --overwrite is given; those of another recording, model or setting, as the folder's record
.mirzoo_results.jsonl tells, are an error. A file that -o, --picture or --sonify names is replaced
with --overwrite alone.
"""


class Terminated(KeyboardInterrupt):
    """SIGTERM, handled as Ctrl-C is."""


@click.command(epilog=EPILOG)
@argument("models", "MODEL", "A model, or several: mel_cnn_tagger,cqt_crnn_chords")
@argument(
    "paths",
    "FILE...",
    "Audio files, and folders of them; - is the standard input.",
    type=PATH,
    nargs=-1,
    required=True,
)
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="Where results go: a folder, or a file whose suffix is one of the model's formats "
    "(.jams, .json, .csv and more; `mirzoo info MODEL` lists them).",
)
@click.option(
    "--format",
    "format_",
    multiple=True,
    metavar="SUFFIX",
    help="Of the files in a folder, json by default; several at once: json,lab,mid.",
)
@OVERWRITE
@click.option(
    "--picture",
    type=PATH,
    help="Draw the results of all models into one .png, .pdf or .svg; of several recordings, a "
    ".png each into this folder.",
)
@click.option(
    "--sonify",
    type=PATH,
    help="Play chords, melody, notes or beats over the recording, to check it by ear: a .wav, "
    ".flac or .ogg; of several recordings or models, a .wav each into this folder.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=5,
    help="How many of the strongest or longest labels to print.",
)
@DECODING
@click.option(
    "--careful",
    is_flag=True,
    help="Process a recording five times, each time tuned a little higher or lower, and take the "
    "mean: by models of chords alone, which are five times as slow; other models next to them "
    "process it once, and without one of chords it is an error.",
)
@click.option(
    "--snap",
    is_flag=True,
    help="Put results on the beats that one of the models finds: chords change on them and can be "
    "written as a lead sheet (.txt), MIDI files have the song's tempi and bars.",
)
@RUNTIME
@CHANNEL
@ALLOW_DAMAGED
@WORKERS
@TIMEOUT
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print a line of JSON for each result, and for each recording that was skipped or "
    "failed; with -o the last line is the summary.",
)
@click.pass_context
def annotate(
    context: click.Context,
    models: str,
    paths: Sequence[Path],
    output: Path | None,
    format_: Sequence[str],
    overwrite: bool,
    picture: Path | None,
    sonify: Path | None,
    top: int,
    decoding: Sequence[str],
    careful: bool,
    snap: bool,
    runtime: str,
    channel: str,
    allow_damaged: bool,
    workers: int | None,
    timeout_s: float | None,
    as_json: bool,
) -> None:
    """Annotate recordings with a model, or with several.

    Several recordings are shared among worker processes; what goes wrong with one of them is
    reported and the others go on.
    """
    from mirzoo.annotate import find_recordings
    from mirzoo.engines.batch import Batch, Summary, problem
    from mirzoo.engines.one_file import Setup
    from mirzoo.engines.processes import default_workers
    from mirzoo.engines.record import made_with

    check_workers(workers, timeout_s)
    names = list(dict.fromkeys(models.split(",")))
    with ExitStack() as stack:
        stack.enter_context(interruptible())
        given, piped = _with_standard_input(paths, stack)
        problems: list[Outcome] = []
        recordings = find_recordings(given, lambda *args: problems.append(problem(*args)))
        recordings = [
            recording._replace(name=Path(STANDARD_INPUT)) if recording.path in piped else recording
            for recording in dict.fromkeys(recordings)
        ]
        if workers is None:
            alone = len(recordings) <= 1 and timeout_s is None
            workers = 0 if alone else default_workers(runtime, len(recordings))
        cards, loaded = _load(names, runtime, in_process=workers == 0)
        settings = decodings_of(cards, decoding)
        beats = _model_of_beats(cards) if snap else None
        if careful:
            _require_careful(cards)
        try:
            batch = Batch(
                recordings,
                [card.name for card in cards],
                _results(recordings, cards, output, _formats(format_), snap),
                _sounds(recordings, cards, sonify),
                _pictures(recordings, picture),
                overwrite=overwrite,
                names=piped,
                named=[path for path in (output, picture, sonify) if path is not None],
                made=made_with(
                    names, cards, settings, channel=channel, careful=careful, beats=beats
                ),
            )
            batch.require_inputs_kept()
        except AnnotationError as error:
            raise click.BadParameter(str(error)) from error
        batch.require_free_names()
        batch.make_folders()
        setup = Setup(
            models=tuple(names),
            decodings=settings,
            runtime=runtime,
            imports=tuple(context.find_root().params.get("imports") or ()),
            channel=cast("Channel", channel),
            allow_damaged=allow_damaged,
            report="json" if as_json else "summary",
            top=top,
            snap=snap,
            careful=careful,
        )
        makes_files = any(target is not None for target in (output, picture, sonify))
        summary = Summary(
            len(recordings) + len(problems), "written" if makes_files else "annotated"
        )
        show = _Reporter(summary, as_json=as_json, to_files=output is not None)
        for outcome in problems:
            show(outcome)
        status = _run(setup, batch, loaded, show, workers, timeout_s)
    raise click.exceptions.Exit(status or (FAILED if summary.counts["failed"] else 0))


def _require_careful(cards: Sequence[Card]) -> None:
    from mirzoo.annotate.careful import require_careful

    try:
        require_careful([card.task for card in cards])
    except AnnotationError as error:
        raise click.BadParameter(str(error), param_hint="--careful") from error


def _load(names: Sequence[str], runtime: str, *, in_process: bool) -> tuple[list[Card], list[Any]]:
    """The cards of models, and where they run in this process the models."""
    from mirzoo import hub

    quiet_libraries()
    cards, loaded = [], []
    for name in names:
        with progress(f"loading {name}; a published model is fetched and converted once"):
            if in_process:
                loaded.append(hub.load(name, runtime=runtime))
                cards.append(loaded[-1].card)
            else:
                cards.append(hub.card(name))
    return cards, loaded


def _run(
    setup: Setup,
    batch: Batch,
    loaded: list[Any],
    show: _Reporter,
    workers: int,
    timeout_s: float | None,
) -> int:
    """Do the jobs of a batch; the exit status where it was stopped, otherwise 0."""
    from mirzoo.engines.processes import Processes

    status, stopped = 0, ""
    processes = None
    try:
        outcomes: Generator[Outcome, None, None]
        if workers == 0:
            outcomes = _in_this_process(setup, batch, loaded, show)
            at_hand: Any = list
        else:
            processes = Processes(setup, batch.jobs(), workers=workers, timeout_s=timeout_s)
            outcomes, at_hand = iter(processes), lambda: processes.at_hand
        with closing(outcomes), show.progress(at_hand, bar=workers > 0):
            for outcome in outcomes:
                show(outcome)
                if outcome.disk_is_full:
                    status, stopped = DISK_FULL, "the disk is full"
                    break
    except KeyboardInterrupt as interrupt:
        status, stopped = interrupted(interrupt)
    for outcome in processes.rest if processes is not None else []:
        show(outcome)
    show.end(stopped)
    return status


def _in_this_process(
    setup: Setup, batch: Batch, loaded: list[Any], show: _Reporter
) -> Generator[Outcome, None, None]:
    from mirzoo.engines.one_file import OneFile

    one_file, printed = OneFile(setup, loaded), quiet_libraries()
    for job in batch.jobs():
        if (known := job.without_work) is not None:
            yield known
            continue
        printed.take()
        number = f"{show.summary.done + 1}/{show.summary.files}"
        with progress(f"{number} {Path(job.called).name}") as done:
            outcome = one_file(job, done)
        yield outcome.with_details(printed.take())


class _Reporter:
    """Tells of one recording after another, and in the end of all."""

    def __init__(self, summary: Summary, *, as_json: bool, to_files: bool) -> None:
        self.summary = summary
        self._as_json = as_json
        self._to_files = to_files
        self._began = self._told = time.monotonic()
        self._bar: Any = None

    def __call__(self, outcome: Outcome) -> None:
        from mirzoo._support.files import printable

        self.summary.add(outcome)
        for text in outcome.reports:
            click.echo(text)
        for warning in outcome.warnings:
            complain(f"{printable(outcome.source)}: {warning}")
        for failure in {failure.message: failure for failure in outcome.failures}.values():
            complain(failure.message)
            if failure.details.strip():
                complain("\n  ".join(["written meanwhile:", *failure.details.splitlines()]))
        if self._as_json and (outcome.failures or outcome.skipped):
            click.echo(json.dumps(_record(outcome)))
        if outcome.skipped and self.summary.files == 1:
            complain(
                f"what is asked for of {printable(outcome.source)} is there and was left; "
                "--overwrite makes it anew"
            )
        self._advance()

    @contextmanager
    def progress(self, at_hand: Callable[[], Sequence[str]], *, bar: bool) -> Iterator[None]:
        """Show how far the batch is, the time left and the files at hand, on a terminal.

        Elsewhere there is a line now and then.
        """
        if not bar or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            Task,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class AtHand(ProgressColumn):
            def render(column, task: Task) -> Text:
                return Text(self._now(at_hand()), overflow="ellipsis", no_wrap=True)

        # What goes to stdout must not come out on stderr, unless both are the terminal.
        with Progress(
            *(BarColumn(bar_width=20), MofNCompleteColumn(), TimeRemainingColumn(), AtHand()),
            console=Console(stderr=True),
            redirect_stdout=sys.stdout.isatty(),
            refresh_per_second=4,
        ) as shown:
            summary = self.summary
            task = shown.add_task("", total=summary.files, completed=summary.done)
            self._bar = lambda: shown.update(task, completed=summary.done)
            try:
                yield
            finally:
                self._bar = None

    def _advance(self) -> None:
        if self._bar is not None:
            self._bar()
            return
        now, summary = time.monotonic(), self.summary
        if now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            left = (now - self._began) / summary.done * (summary.files - summary.done)
            complain(
                f"{summary.done:,} of {summary.files:,} done, {summary.counts['failed']:,} failed, "
                f"about {_clock(left)} left"
            )

    def _now(self, at_hand: Sequence[str]) -> str:
        from mirzoo._support.files import printable

        failed = self.summary.counts["failed"]
        names = ", ".join(printable(Path(name).name)[-40:] for name in at_hand)
        return f"{failed:,} failed  {names}" if failed else names

    def end(self, stopped: str) -> None:
        """Sum up, where there is more than one recording or not all were reached."""
        if self.summary.files > 1 or stopped:
            complain(f"{stopped}: {self.summary}" if stopped else self.summary)
        if self._as_json and self._to_files:
            seconds = round(time.monotonic() - self._began, 3)
            summary = {**self.summary.to_dict(), "stopped": stopped or None, "seconds": seconds}
            click.echo(json.dumps({"summary": summary}))


def _record(outcome: Outcome) -> dict[str, Any]:
    """A line of the report for a recording that was skipped or failed."""
    import base64

    from mirzoo._support.files import is_utf8

    record: dict[str, Any] = {"source": outcome.source, "status": outcome.status}
    if not is_utf8(outcome.source):
        # Other programs than Python cannot read the name's odd bytes from the escapes of JSON.
        record["source_base64"] = base64.b64encode(os.fsencode(outcome.source)).decode()
    if outcome.failures:
        record["failures"] = [
            {"kind": failure.kind, "message": failure.message, "model": failure.model}
            for failure in outcome.failures
        ]
    return {**record, "seconds": round(outcome.seconds, 3)}


def _with_standard_input(
    paths: Sequence[Path], stack: ExitStack
) -> tuple[list[Path], dict[Path, str]]:
    """The paths, a copy of the standard input in the place of ``-``, and what copies are called."""
    if Path("-") not in paths:
        return list(paths), {}
    if sys.stdin is None or sys.stdin.isatty():
        raise click.BadParameter(
            "- is the standard input, which is a terminal: pipe a sound file into it, as in "
            "`cat song.mp3 | mirzoo annotate MODEL -`",
            param_hint="FILE...",
        )
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="mirzoo_"))  # noqa: SIM115
    shutil.copyfileobj(sys.stdin.buffer, copy)
    copy.flush()
    path = Path(copy.name)
    given = [path if one == Path("-") else one for one in dict.fromkeys(paths)]
    return given, {path: STANDARD_INPUT}


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM raise Terminated, and an interrupt before the first recording have its status."""

    def terminate(*_: object) -> None:
        raise Terminated

    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, terminate) if in_main_thread else None
    try:
        yield
    except KeyboardInterrupt as interrupt:
        status, stopped = interrupted(interrupt)
        complain(f"{stopped}: nothing was begun")
        raise click.exceptions.Exit(status) from None
    finally:
        if in_main_thread:
            signal.signal(signal.SIGTERM, before)


def interrupted(interrupt: KeyboardInterrupt) -> tuple[int, str]:
    """The exit status and the word for an interrupt."""
    if isinstance(interrupt, Terminated):
        return TERMINATED, "terminated"
    return INTERRUPTED, "interrupted"


def _formats(given: Sequence[str]) -> list[str]:
    """The formats that --format names, apart by commas or repeated."""
    names = (name.strip().removeprefix(".") for entry in given for name in entry.split(","))
    return list(dict.fromkeys(names))


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


PYTHONS = {"True": True, "False": False, "None": None}
"""How Python spells what JSON calls true, false and null."""


def settings_given(given: Sequence[str]) -> dict[str, Any]:
    """The settings NAME=VALUE, values as JSON or Python spells them, or as text."""
    settings: dict[str, Any] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not equals:
            raise click.BadParameter(f"'{entry}' is not NAME=VALUE", param_hint="--decoding")
        try:
            settings[name] = PYTHONS[value] if value in PYTHONS else json.loads(value)
        except ValueError:
            settings[name] = value
    return settings


def decodings_of(cards: Sequence[Card], given: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """For each model, the settings NAME=VALUE that its decoding has; each must fit one model."""
    from mirzoo.engines.batch import decodings

    try:
        return decodings(cards, settings_given(given))
    except CardError as error:
        raise click.BadParameter(str(error), param_hint="--decoding") from error


def _model_of_beats(cards: Sequence[Card]) -> int:
    from mirzoo.engines.one_file import model_of_beats

    try:
        return model_of_beats(cards)
    except AnnotationError as error:
        raise click.BadParameter(str(error), param_hint="--snap") from error


def _results(
    recordings: Sequence[AudioFile],
    cards: Sequence[Card],
    output: Path | None,
    asked: Sequence[str],
    snap: bool,
) -> list[Results]:
    """For each format, where the result of each model on each recording goes."""
    from mirzoo.engines.batch import named_files, writers_of
    from mirzoo.tasks.base import TASKS

    if output is None:
        if asked:
            raise click.BadParameter("needs -o, where the files go", param_hint="--format")
        return []
    tasks = [card.task for card in cards]
    is_file = _is_file(output, _formats_of(tasks), "-o", of_others=_formats_of(TASKS))
    suffixes = [output.suffix.lower()] if is_file else [f".{one}" for one in asked]
    suffixes = suffixes or [f".{DEFAULT_FORMAT}"]
    example = f"-o {output.with_suffix('')}/ --format {suffixes[0].removeprefix('.')}"
    folder = f"give a folder and the format, as in {example}"
    try:
        for suffix in suffixes:
            writers_of(cards, suffix, snap=snap)
    except AnnotationError as error:
        option = "-o" if is_file else "--format"
        # What it takes to have lead sheets is several models, and so several results.
        of_several = is_file and suffixes[0] in _formats_of(tasks, on_beats=True)
        told = f"{error}; and as that makes several results, {folder}" if of_several else str(error)
        raise click.BadParameter(told, param_hint=option) from error
    if not is_file:
        return [named_files(recordings, cards, output, suffix, snap=snap) for suffix in suffixes]
    for other in asked:
        if suffixes != [f".{other}"]:
            raise click.BadParameter(f"{output} is no .{other} file", param_hint="--format")
    if len(recordings) * len(cards) > 1:
        raise click.BadParameter(
            f"{output} is one file, but there are {len(recordings) * len(cards)} results "
            f"(recordings: {len(recordings)}, models: {len(cards)}): {folder}",
            param_hint="-o",
        )
    return [{(recording, card.name): output for recording in recordings for card in cards}]


def _pictures(recordings: Sequence[AudioFile], picture: Path | None) -> dict[AudioFile, Path]:
    """Where the picture of each recording goes."""
    from mirzoo.annotate import name_results
    from mirzoo.tasks.annotation.pictures import FORMATS

    if picture is None:
        return {}
    if not _is_file(picture, FORMATS, "--picture"):
        return {
            recording: path
            for (recording, _), path in name_results(recordings, [""], picture, ".png").items()
        }
    if len(recordings) > 1:
        raise click.BadParameter(
            f"{picture} is one file, but there are {len(recordings)} recordings: give a folder",
            param_hint="--picture",
        )
    return dict.fromkeys(recordings, picture)


def _sounds(
    recordings: Sequence[AudioFile], cards: Sequence[Card], sonify: Path | None
) -> dict[tuple[AudioFile, str], Path]:
    """Where the sound of each result goes, for models whose results have pitches."""
    from mirzoo.annotate import name_results
    from mirzoo.tasks.annotation import Playable
    from mirzoo.tasks.annotation.sound import FORMATS
    from mirzoo.tasks.base import TASKS

    if sonify is None:
        return {}
    playable = [task.name for task in TASKS.values() if issubclass(task.annotation, Playable)]
    names = [card.name for card in cards if card.task in playable]
    if not names:
        kinds = dict.fromkeys(TASKS[card.task].annotation.kind for card in cards)
        raise click.BadParameter(
            f"{', '.join(card.name for card in cards)} gives only {' and '.join(kinds)}, which "
            f"cannot be played; allowed are models for {', '.join(playable)}",
            param_hint="--sonify",
        )
    if not _is_file(sonify, FORMATS, "--sonify"):
        return name_results(recordings, names, sonify, ".wav")
    if len(recordings) * len(names) > 1:
        raise click.BadParameter(
            f"{sonify} is one file, but there are {len(recordings) * len(names)} results to play "
            f"(recordings: {len(recordings)}, models: {len(names)}): give a folder",
            param_hint="--sonify",
        )
    return {(recording, name): sonify for recording in recordings for name in names}


def _formats_of(tasks: Iterable[str], *, on_beats: bool = False) -> tuple[str, ...]:
    """The formats that results of any of the tasks have, or have where they are on beats alone."""
    from mirzoo.tasks.base import TASKS

    kinds = [TASKS[task].annotation for task in tasks]
    suffixes = (one for kind in kinds for one in (kind.beat_formats if on_beats else kind.formats))
    return tuple(dict.fromkeys(suffixes))


def _is_file(
    path: Path, formats: tuple[str, ...], option: str, *, of_others: tuple[str, ...] = ()
) -> bool:
    """Whether a path is a file of one of the formats, or else a folder, there or new.

    Formats of other models are left to what tells of the model and its formats.
    """
    if path.is_dir() or not path.suffix:
        return False
    if path.suffix.lower() not in (*formats, *of_others):
        raise click.BadParameter(
            f"{path} is neither a folder that exists nor a file of a known format; allowed are "
            f"{', '.join(formats)}, or a folder's name without a dot",
            param_hint=option,
        )
    return True
