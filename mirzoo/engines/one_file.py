"""What is done with one recording, whichever engine calls it: `OneFile`.

It never raises for what is wrong with a file: a record tells what happened, and a batch goes on.
"""

from __future__ import annotations

import errno
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mirzoo._support.files import printable
from mirzoo.engines.record import Made, Source, recorded
from mirzoo.errors import AnnotationError, MirzooError
from mirzoo.tasks.base import TASKS

if TYPE_CHECKING:
    from mirzoo.annotate import LoadedModel
    from mirzoo.audio import Channel
    from mirzoo.card import Card
    from mirzoo.tasks.annotation import Annotation

Report = Literal["json", "summary", "annotation"]

FULL = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "DiskFull"
NO_REASONS = ("INFO:", "Extension modules:")
"""How lines begin that tell nothing of a failure."""


@dataclass(frozen=True)
class Setup:
    """What holds for every file of a batch.

    Parameters
    ----------
    models : tuple of str
        Names of the zoo, folders or files, as `mirzoo.load` takes them.
    decodings : tuple of mapping
        For each model, settings that take the place of the card's.
    runtime : str
        ``"litert"``, ``"keras"`` or ``"onnx"``.
    imports : tuple of str
        Modules that are imported first: those with the user's own front-ends, heads and tasks.
    channel, allow_damaged
        As `mirzoo.annotate.annotate` takes them.
    report : {"json", "summary", "annotation"}
        What of each result is in the record: a line of JSON, some lines for a terminal, or all.
    top : int
        How many labels a summary has.
    snap : bool
        Whether the results of the other models are put on the beats of the one that finds beats.
    careful : bool
        As `mirzoo.annotate.annotate` takes it.
    """

    models: tuple[str, ...]
    decodings: tuple[Mapping[str, Any], ...] = ()
    runtime: str = "litert"
    imports: tuple[str, ...] = ()
    channel: Channel = "mean"
    allow_damaged: bool = False
    report: Report = "summary"
    top: int = 5
    snap: bool = False
    careful: bool = False

    def start(self, models: list[LoadedModel] | None = None) -> OneFile:
        """Give the function of one file; models that are not given are loaded.

        Raises
        ------
        MirzooError
            If a model cannot be loaded.
        """
        return OneFile(self, models)


@dataclass(frozen=True)
class Job:
    """A recording, and the files that are to be made of it.

    Parameters
    ----------
    source : str
        Path of the recording.
    results : tuple of tuple of str
        For each model, the files that its result is written to.
    sounds : tuple of (str or None)
        For each model, the sound file of its result's pitches.
    picture : str or None
        The picture of all results.
    wanted : tuple of bool
        For each model, whether it is to run; with none the recording is skipped.
    name : str or None
        What the recording is called, where that is not its path.
    made : tuple of mapping
        For each model what makes its results, as `mirzoo.engines.record.made_with` describes it.
    named : tuple of str
        Those of the files that were asked for by their own names.
    refused : str
        Why nothing is made, where what is there is of something else.
    """

    source: str
    results: tuple[tuple[str, ...], ...] = ()
    sounds: tuple[str | None, ...] = ()
    picture: str | None = None
    wanted: tuple[bool, ...] = ()
    name: str | None = None
    made: tuple[Made, ...] = ()
    named: tuple[str, ...] = ()
    refused: str = ""

    @property
    def called(self) -> str:
        """The recording's name in reports."""
        return self.source if self.name is None else self.name

    @property
    def files(self) -> tuple[str, ...]:
        """All files that are made of it."""
        sounds = (path for path in self.sounds if path is not None)
        picture = () if self.picture is None else (self.picture,)
        return (*(path for paths in self.results for path in paths), *sounds, *picture)

    @property
    def without_work(self) -> Outcome | None:
        """The outcome where nothing is to be done: all is there, or is of something else."""
        if self.refused:
            failure = Failure(AnnotationError.__name__, self.refused)
            return Outcome(self.called, failures=[failure])
        if self.wanted and not any(self.wanted):
            return Outcome(self.called, skipped=True)
        return None


@dataclass(frozen=True)
class Failure:
    """What went wrong with a recording.

    Parameters
    ----------
    kind : str
        Class of the error, such as ``"AudioError"``; ``"Timeout"``, ``"WorkerDied"`` and
        ``"DiskFull"`` are kinds of their own.
    message : str
    model : str or None
        With which model, where it is not for all.
    details : str
        A traceback of an error that mirzoo does not know, and what libraries wrote.
    """

    kind: str
    message: str
    model: str | None = None
    details: str = ""


@dataclass
class Outcome:
    """What happened to one recording.

    Parameters
    ----------
    source : str
        The recording, as it was given; `os.fsencode` gives the bytes of a name that is not UTF-8.
    files : list of str
        What was written.
    failures : list of Failure
        What went wrong, at most one for each model and file.
    warnings : list of str
        What is odd about the recording.
    seconds : float
        How long it took (s).
    reports : list
        For each model that gave a result, what `Setup.report` asks for: a mapping, lines of text,
        or an `mirzoo.tasks.annotation.Annotation`.
    skipped : bool
        Whether everything was there before.
    """

    source: str
    files: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    reports: list[Any] = field(default_factory=list)
    skipped: bool = False

    @property
    def status(self) -> Literal["written", "annotated", "skipped", "failed"]:
        """``"annotated"`` is done without files."""
        if self.failures:
            return "failed"
        if self.skipped:
            return "skipped"
        return "written" if self.files else "annotated"

    def with_details(self, text: str) -> Outcome:
        """Keep what libraries wrote with the last failure, where there is one."""
        lines = text.splitlines(keepends=True)
        text = "".join(line for line in lines if not line.startswith(NO_REASONS))
        if self.failures and text.strip():
            last = self.failures[-1]
            self.failures[-1] = replace(last, details=last.details + text)
        return self

    @property
    def disk_is_full(self) -> bool:
        """Whether nothing can be written any more, so that a batch has to stop."""
        return any(failure.kind == DISK_FULL for failure in self.failures)


class OneFile:
    """The function of one file: models loaded once, then called with one `Job` after another.

    Parameters
    ----------
    setup : Setup
    models : sequence of LoadedModel, optional
        Those of the setup, where they are loaded already.

    Raises
    ------
    MirzooError
        If a model cannot be loaded.
    """

    def __init__(self, setup: Setup, models: list[LoadedModel] | None = None) -> None:
        self._setup = setup
        self.models = load(setup) if models is None else models
        self._decodings = setup.decodings or ({},) * len(self.models)
        self._beats: int | None = None
        if setup.snap:
            self._beats = model_of_beats([model.card for model in self.models])

    def __call__(self, job: Job, progress: Callable[[float], None] | None = None) -> Outcome:
        """Annotate a recording and write its files.

        Parameters
        ----------
        job : Job
        progress : callable, optional
            Called now and then with the end of what has been processed (s).
        """
        began = time.monotonic()
        outcome = Outcome(job.called)
        drawn = []
        wanted = [n for n in range(len(self.models)) if not job.wanted or job.wanted[n]]
        needed = sorted({*wanted, *([self._beats] if wanted and self._beats is not None else [])})
        results: list[Any]
        try:
            source = Source.of(job.source, job.name) if job.files else None
        except OSError:
            source = None  # what is wrong with it is told where it is decoded
        try:
            results = self._results(needed, job, progress)
        except Exception as error:
            results = [error] * len(needed)
        for number, result in zip(needed, self._on_beats(needed, results), strict=True):
            if number not in wanted:
                continue
            try:
                if isinstance(result, Exception):
                    raise result
                self._keep(number, result, job, outcome, source)
                drawn.append(result)
            except Exception as error:
                outcome.failures.append(_failure(error, job, self.models[number].card.name))
                if outcome.disk_is_full:
                    break
        if job.picture is not None and drawn and not outcome.disk_is_full:
            from mirzoo.tasks.annotation import draw_together

            complete = len(drawn) == len(wanted)
            try:
                with _recorded(job.picture, job, source, job.made, complete=complete) as file:
                    draw_together(drawn, file)
                outcome.files.append(job.picture)
            except Exception as error:
                outcome.failures.append(_failure(error, job))
        outcome.seconds = time.monotonic() - began
        return outcome

    def _on_beats(self, numbers: list[int], results: list[Any]) -> list[Any]:
        """The results on beats, where that is asked for; without beats the others fail too."""
        if self._beats is None or self._beats not in numbers:
            return results
        beats = results[numbers.index(self._beats)]
        if isinstance(beats, Exception):
            return [beats] * len(results)
        return [
            result if result is beats or isinstance(result, Exception) else result.on_beats(beats)
            for result in results
        ]

    def _results(
        self, numbers: list[int], job: Job, progress: Callable[[float], None] | None
    ) -> list[Any]:
        """What the models of these numbers find, or what went wrong; it is decoded once."""
        from mirzoo.annotate import annotate_together

        tasks = [TASKS[self.models[number].card.task] for number in numbers]
        with ExitStack() as stack:
            source: Any = Path(job.source)
            if job.name is not None:
                source = stack.enter_context(_Named(job.source, job.name))
            return annotate_together(
                [self.models[number] for number in numbers],
                source,
                decodings=[self._decodings[number] for number in numbers],
                progress=progress,
                channel=self._setup.channel,
                allow_damaged=self._setup.allow_damaged,
                # Where the results of those that have it are there, the others have none of it.
                careful=self._setup.careful and any(task.detunings_cents for task in tasks),
                return_errors=True,
            )

    def _keep(
        self, number: int, result: Any, job: Job, outcome: Outcome, source: Source | None
    ) -> None:
        """Write a result, and report it."""
        outcome.warnings += [text for text in result.warnings if text not in outcome.warnings]
        written = []
        made = job.made[number : number + 1]
        for path in job.results[number] if job.results else ():
            with _recorded(path, job, source, made) as file:
                result.write(file)
            written.append(path)
        sound = job.sounds[number] if job.sounds else None
        if sound is not None:
            with _recorded(sound, job, source, made) as file:
                result.write_sound(file, original=job.source)
            written.append(sound)
        outcome.files += written
        outcome.reports.append(self._reported(result, written, job.called))

    def _reported(self, result: Annotation, written: list[str], called: str) -> Any:
        if self._setup.report == "annotation":
            return result
        if self._setup.report == "json":
            status = {"status": "written", "files": written} if written else {"status": "annotated"}
            return "".join(result.json_pieces(source=called, **status))
        from mirzoo.tasks.annotation.pictures import clock

        first = f"{printable(called)}  ({clock(result.duration_s)}, {result.model})"
        return "\n".join([first, *(f"  {line}" for line in result.summary(self._setup.top))])


def model_of_beats(cards: Sequence[Card]) -> int:
    """Which of several models finds the beats that the results of the others are put on.

    Raises
    ------
    AnnotationError
        If none does, several do, or there are no others.
    """
    finding = [number for number, card in enumerate(cards) if TASKS[card.task].gives_beats]
    names = ", ".join(card.name for card in cards)
    if len(cards) < 2 or len(finding) != 1:
        raise AnnotationError(
            f"snap needs one model that finds beats, and others whose results are put on them; "
            f"received {names}, of which {len(finding)} find beats. Take for one "
            "cqt_crnn_chords,mel_cnn_beats"
        )
    return finding[0]


class _Named(FileIO):
    """A file under another name in messages and results."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__(path)
        self.name = name


def load(setup: Setup) -> list[LoadedModel]:
    """Load the models of a setup, and what they need.

    Raises
    ------
    MirzooError
        If one cannot be loaded.
    """
    from mirzoo import hub
    from mirzoo._support.registry import import_plugin

    for module in setup.imports:
        import_plugin(module)
    return [hub.load(name, runtime=setup.runtime) for name in setup.models]


def _failure(error: Exception, job: Job, model: str | None = None) -> Failure:
    name = f"'{printable(job.called)}'"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in FULL:
            return Failure(DISK_FULL, f"the disk is full: {error}", model)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, MirzooError):
        return Failure(type(error).__name__, str(error), model)
    if isinstance(error, OSError):
        if error.filename is not None:
            name = f"'{printable(os.fsdecode(error.filename))}'"
        return Failure(type(error).__name__, f"{name}: {error.strerror or error}", model)
    told = f"{name}: an error inside mirzoo or a library ({type(error).__name__}: {error})"
    return Failure(type(error).__name__, told, model, traceback.format_exc())


@contextmanager
def _recorded(
    path: str, job: Job, source: Source | None, made: Sequence[Made], *, complete: bool = True
) -> Iterator[Path]:
    """Give the file that a result goes to, in a folder that is made; recorded where it can be."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if source is None or not made:
        yield file
        return
    with recorded(file, source, made, complete=complete, named=path in job.named):
        yield file
