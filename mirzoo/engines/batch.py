"""A batch: which recordings there are, where their results go, what is there already."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mirzoo._support.files import printable, remove_leftovers
from mirzoo._support.switches import require_switches
from mirzoo.annotate import AudioFile, find_recordings, name_results
from mirzoo.annotate.settings import decoding_settings, require_settings
from mirzoo.audio import Channel
from mirzoo.card import Card
from mirzoo.engines.one_file import Failure, Job, OneFile, Outcome, Setup, model_of_beats
from mirzoo.engines.processes import Processes, default_workers
from mirzoo.engines.record import Made, Records, made_with
from mirzoo.errors import AnnotationError
from mirzoo.tasks.base import TASKS

Results = Mapping[tuple[AudioFile, str], Path]


@dataclass
class Batch:
    """Recordings, and the files that are to be made of each.

    Parameters
    ----------
    recordings : sequence of AudioFile
    models : sequence of str
        The names of the models, as in the keys of ``results`` and ``sounds``.
    results : sequence of mapping
        For each format, the file of each recording and model that has one.
    sounds : mapping
        The sound file of each recording and model that has one.
    pictures : mapping of AudioFile to Path
    overwrite : bool
        Whether what is there is made anew; by default only what is missing is made.
    names : mapping of Path to str
        What recordings are called in reports, where that is not their path.
    named : collection of Path
        Files that were asked for by their own names, rather than named in a folder after their
        recordings.
    made : sequence of mapping
        For each model what makes its results, as `mirzoo.engines.record.made_with` describes it.
    """

    recordings: Sequence[AudioFile]
    models: Sequence[str]
    results: Sequence[Results] = ()
    sounds: Results = field(default_factory=dict)
    pictures: Mapping[AudioFile, Path] = field(default_factory=dict)
    overwrite: bool = False
    names: Mapping[Path, str] = field(default_factory=dict)
    named: Collection[Path] = ()
    made: Sequence[Made] = ()
    _records: Records = field(default_factory=Records)

    def require_inputs_kept(self) -> None:
        """Raise an AnnotationError where a file that would be written is one of the recordings."""
        targets = {}
        for recording in self.recordings:
            for target in self._files(recording):
                if (identity := _identity(target)) is not None:
                    targets[identity] = target
        if not targets:
            return
        for recording in self.recordings:
            taken = targets.get(_identity(recording.path) or (0, 0))
            if taken is not None:
                raise AnnotationError(
                    f"{printable(taken)} is one of the recordings: a result never takes the "
                    "place of what it is made of; choose another name or folder"
                )

    def require_free_names(self) -> None:
        """Raise an AnnotationError where a file that was asked for by its own name is there.

        So is what the standard input would be written to. Nothing is known of what made either;
        of results that are named after their recordings in a folder their record tells (`jobs`).
        """
        for recording in self.recordings:
            unknown = recording.path in self.names
            for target in self._files(recording):
                if (unknown or target in self.named) and self._is_there(target):
                    raise AnnotationError(
                        f"{printable(target)} is there already, maybe of another recording, model "
                        "or setting; nothing was written: choose another name, or --overwrite "
                        "(overwrite=True in Python)"
                    )

    def make_folders(self) -> None:
        """Make the folders that results go to.

        Raises
        ------
        AnnotationError
            If one cannot be made or written to.
        """
        of_each = (target.parent for target in self._files(*self.recordings[:1]))
        for folder in dict.fromkeys(of_each):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise AnnotationError(
                    f"the folder {printable(folder)} cannot be made ({error.strerror})"
                ) from error
            if not os.access(folder, os.W_OK | os.X_OK):
                raise AnnotationError(
                    f"the folder {printable(folder)} cannot be written to; whose is it?"
                )

    def jobs(self) -> Iterator[Job]:
        """The job of each recording, as it is when it is asked for.

        What killed processes left unfinished in a folder is removed when the first job of that
        folder is asked for.
        """
        cleaned: set[Path] = set()
        for recording in self.recordings:
            for folder in {target.parent for target in self._files(recording)} - cleaned:
                cleaned.add(folder)
                remove_leftovers(folder)
            yield self._job(recording)

    def _job(self, recording: AudioFile) -> Job:
        others: list[str] = []

        def missing(path: Path | None, made: Sequence[Made]) -> str | None:
            """The file, where it is to be made."""
            if path is None or (
                self._is_there(path) and self._is_own(path, recording, made, others)
            ):
                return None
            return os.fspath(path)

        results = tuple(
            tuple(
                file
                for path in self._results_of(recording, model)
                if (file := missing(path, self.made[n : n + 1])) is not None
            )
            for n, model in enumerate(self.models)
        )
        sounds = tuple(
            missing(self.sounds.get((recording, model)), self.made[n : n + 1])
            for n, model in enumerate(self.models)
        )
        picture = missing(self.pictures.get(recording), self.made)
        makes_files = bool(self.results or self.sounds or self.pictures)
        name = self.names.get(recording.path)
        return Job(
            source=os.fspath(recording.path),
            results=results,
            sounds=sounds,
            picture=picture,
            wanted=tuple(
                not makes_files or picture is not None or bool(paths) or sound is not None
                for paths, sound in zip(results, sounds, strict=True)
            ),
            name=name,
            made=tuple(self.made),
            named=tuple(os.fspath(path) for path in self.named),
            refused=_refusal(name or os.fspath(recording.path), others),
        )

    def _is_own(
        self, path: Path, recording: AudioFile, made: Sequence[Made], others: list[str]
    ) -> bool:
        """Whether a file that is there is what would be made; what it is else goes to a list."""
        try:
            found = self._records.look_at(path, recording.path, made)
        except OSError:
            return False  # of the recording, which is told where it is decoded
        if found.problem:
            others.append(found.problem)
        return found.is_own

    def _results_of(self, recording: AudioFile, model: str) -> Iterator[Path]:
        """The files of a result; a model may have no file in some format."""
        for by_key in self.results:
            if (recording, model) in by_key:
                yield by_key[recording, model]

    def _is_there(self, path: Path) -> bool:
        """Whether a file is there; as files are written whole or not at all, it is whole then."""
        try:
            return not self.overwrite and path.stat().st_size > 0
        except (OSError, ValueError):
            return False

    def _files(self, *recordings: AudioFile) -> Iterator[Path]:
        for recording in recordings:
            for model in self.models:
                yield from self._results_of(recording, model)
                if (recording, model) in self.sounds:
                    yield self.sounds[recording, model]
            if recording in self.pictures:
                yield self.pictures[recording]


@dataclass
class Summary:
    """How many recordings went which way, and why some failed.

    Parameters
    ----------
    files : int
        How many there are.
    verb : str
        What happens to them: ``"written"`` where there are files of results, or ``"annotated"``.
    """

    files: int
    verb: str = "written"
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        """How many have been reached."""
        return self.counts.total()

    def add(self, outcome: Outcome) -> None:
        """Count a recording."""
        self.counts[outcome.status] += 1
        reasons = {reason(failure, outcome.source) for failure in outcome.failures}
        self.reasons.update(reasons)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        counts = {status: self.counts[status] for status in ("written", "annotated", "skipped")}
        return {
            "files": self.files,
            **counts,
            "failed": self.counts["failed"],
            "not_reached": self.files - self.done,
            "reasons": dict(self.reasons.most_common()),
        }

    def __str__(self) -> str:
        """One line: ``1,980 of 2,000 written, 20 failed: 18 × is empty, 2 × …``."""
        counts = self.counts
        done = counts["written"] + counts["annotated"]
        parts = [f"{done:,} of {self.files:,} {self.verb}"]
        if counts["skipped"]:
            were, them = ("was", "it") if counts["skipped"] == 1 else ("were", "them")
            parts.append(
                f"{counts['skipped']:,} {were} there already (--overwrite makes {them} anew)"
            )
        if self.files > self.done:
            parts.append(f"{self.files - self.done:,} not reached")
        if not counts["failed"]:
            return ", ".join(parts)
        most = self.reasons.most_common(MOST_REASONS)
        reasons = [f"{count:,} × {text}" for text, count in most]
        if len(self.reasons) > len(most):
            reasons.append(f"and {len(self.reasons) - len(most)} more")
        return f"{', '.join(parts)}, {counts['failed']:,} failed: {', '.join(reasons)}"


MOST_REASONS = 8
MOST_OTHERS = 3
"""How many results that are of something else a message names."""


def reason(failure: Failure, source: str) -> str:
    """What went wrong, without what differs from file to file: its name, numbers, details.

    Examples
    --------
    >>> reason(Failure("AudioError", "'a.wav' is empty (0 bytes); did its download fail?"), "a.wav")
    'is empty'
    """
    text = failure.message.replace(printable(source), "").lstrip("': ")
    text = re.split(r"[:;(]|, ", text, maxsplit=1)[0]
    return " ".join(re.sub(r"\d[\d,.]*", "…", text).split()) or failure.kind


def decodings(cards: Sequence[Card], settings: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """For each model, the settings that its decoding has; each must fit one model.

    Raises
    ------
    CardError
        If a setting fits none, or its value is not allowed.
    """
    require_settings(cards, settings)
    chosen = tuple(
        {name: value for name, value in settings.items() if hasattr(card.decoding, name)}
        for card in cards
    )
    for card, of_card in zip(cards, chosen, strict=True):
        card.decoded_with(of_card)
    return chosen


def writers_of(cards: Sequence[Card], suffix: str, *, snap: bool = False) -> list[str]:
    """The names of the models whose results are written to files of a format.

    These are all models. Only where results are put on beats (``snap``) a format may be one that
    some of them alone have: a lead sheet is of chords, not of the beats they are on.

    Raises
    ------
    AnnotationError
        If a model has no such files, or has them for results on beats alone.
    """
    kinds = {card.name: TASKS[card.task].annotation for card in cards}
    writers = [name for name, kind in kinds.items() if suffix in kind.formats]
    for name, kind in kinds.items():
        if name not in writers and not (snap and writers):
            raise AnnotationError(
                f"{suffix} is no format for {kind.kind}, which {name} gives; allowed are "
                f"{', '.join(kind.formats)}"
            )
        if suffix in kind.beat_formats and not snap:
            raise AnnotationError(
                f"{suffix} is a format for {kind.kind} on beats: add a model that finds them, such "
                f"as {name},mel_cnn_beats, and --snap (snap=True in Python)"
            )
    return writers


def named_files(
    recordings: Sequence[AudioFile],
    cards: Sequence[Card],
    folder: Path,
    suffix: str,
    *,
    snap: bool = False,
) -> Results:
    """The files in a format of all results, as `mirzoo.annotate.name_results` names them.

    Raises
    ------
    AnnotationError
        As `writers_of` does, or if two results would be one file.
    """
    named = name_results(recordings, [card.name for card in cards], folder, suffix)
    writers = writers_of(cards, suffix, snap=snap)
    return {key: path for key, path in named.items() if key[1] in writers}


def annotate_many(
    models: str | os.PathLike | Sequence[str | os.PathLike],
    paths: str | os.PathLike | Iterable[str | os.PathLike],
    folder: str | os.PathLike | None = None,
    *,
    formats: str | Sequence[str] = ("json",),
    runtime: str = "litert",
    decoding: Mapping[str, Any] | None = None,
    channel: Channel = "mean",
    allow_damaged: bool = False,
    careful: bool = False,
    snap: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    timeout_s: float | None = None,
    imports: str | Sequence[str] = (),
    **settings: Any,
) -> Iterator[Outcome]:
    """Annotate many recordings in worker processes; no file's fault ends it.

    A worker that dies or takes too long costs the file that it had and is replaced. Whoever stops
    iterating stops the workers. Files are written whole or not at all, so a run that was stopped
    goes on where it was when it is called again.

    Parameters
    ----------
    models : name, path or sequence of these
        As `mirzoo.load` takes them.
    paths : path or iterable of paths
        Audio files, and folders of them.
    folder : path, optional
        Where results are written, each named after its recording (and its model, where there are
        several); by default nowhere.
    formats : str or sequence of str
        The files of each result: ``("json", "lab")``.
    runtime : str
        What computes the models.
    decoding, channel, allow_damaged, careful
        As `mirzoo.annotate.annotate` takes them.
    snap : bool
        Whether results are put on the beats that one of the models finds: chords change on them,
        and MIDI files have the song's tempi and bars.
    overwrite : bool
        Whether results that are there are made anew; by default they are left. Those of another
        recording, model or setting, as the folder's record tells (`mirzoo.engines.record`), are
        left too, and a failure of their recording.
    workers : int, optional
        How many processes; by default one for each core, as far as memory goes. 0 works in this
        process, which a crash of a decoder would end.
    timeout_s : float, optional
        How long a recording may take (s).
    imports : str or sequence of str
        Modules with front-ends, heads and tasks of your own, which workers import first.
    **settings
        The settings of ``decoding`` as keywords; each goes to the models that have it.

    Yields
    ------
    Outcome
        Of each recording, in the order in which they end: `Outcome.status` is ``"written"``,
        ``"annotated"`` (without a folder), ``"skipped"`` or ``"failed"``; ``reports`` holds an
        annotation for each model, ``failures`` what went wrong.

    Raises
    ------
    MirzooError
        If a model cannot be loaded, a setting is not allowed, two recordings would have the same
        result, or a result would replace a recording.

    Examples
    --------
    >>> for outcome in annotate_many("mel_cnn_tagger", ["album/"], "tags/"):  # doctest: +SKIP
    ...     print(outcome.source, outcome.status)
    album/song.mp3 written
    """
    from mirzoo import hub
    from mirzoo.annotate.careful import require_careful

    require_switches(
        AnnotationError,
        allow_damaged=allow_damaged,
        careful=careful,
        snap=snap,
        overwrite=overwrite,
    )
    if workers == 0 and timeout_s is not None:
        raise ValueError("timeout_s needs a worker process that can be ended: workers=1 or more")
    if isinstance(models, str | os.PathLike):
        models = [models]
    if isinstance(paths, str | os.PathLike):  # not its characters: one of them is the root folder
        paths = [paths]
    formats = [formats] if isinstance(formats, str) else formats
    imports = [imports] if isinstance(imports, str) else imports
    cards = [hub.card(model) for model in models]
    if settings:
        decoding = decoding_settings(cards, decoding, settings, call=annotate_many)
    beats = model_of_beats(cards) if snap else None
    if careful:
        require_careful([card.task for card in cards])
    chosen = decodings(cards, decoding or {})
    problems: list[Outcome] = []
    recordings = find_recordings(paths, lambda path, error: problems.append(problem(path, error)))
    recordings = list(dict.fromkeys(recordings))
    names = [card.name for card in cards]
    suffixes = [] if folder is None else [f".{known.removeprefix('.')}" for known in formats]
    batch = Batch(
        recordings,
        names,
        [
            named_files(recordings, cards, Path(folder or ""), suffix, snap=snap)
            for suffix in suffixes
        ],
        overwrite=overwrite,
        made=made_with(models, cards, chosen, channel=channel, careful=careful, beats=beats),
    )
    batch.require_inputs_kept()
    batch.require_free_names()
    batch.make_folders()
    setup = Setup(
        models=tuple(os.fspath(model) for model in models),
        decodings=chosen,
        runtime=runtime,
        imports=tuple(imports),
        channel=channel,
        allow_damaged=allow_damaged,
        report="annotation",
        snap=snap,
        careful=careful,
    )
    if workers is None:
        workers = default_workers(runtime, len(recordings))
    return _outcomes(problems, setup, batch, workers, timeout_s)


def _outcomes(
    problems: Sequence[Outcome],
    setup: Setup,
    batch: Batch,
    workers: int,
    timeout_s: float | None,
) -> Iterator[Outcome]:
    yield from problems
    if workers:
        processes = Processes(setup, batch.jobs(), workers=workers, timeout_s=timeout_s)
        with closing(iter(processes)) as done:
            yield from done
        return
    one_file = OneFile(setup)
    for job in batch.jobs():
        known = job.without_work
        yield one_file(job) if known is None else known


def problem(path: str | os.PathLike, error: Exception) -> Outcome:
    """The record of what could not even be looked at."""
    return Outcome(os.fspath(path), failures=[Failure(type(error).__name__, str(error))])


def _refusal(called: str, others: Sequence[str]) -> str:
    """Why nothing is made of a recording, by what its results are that are there."""
    if not others:
        return ""
    return (
        f"'{printable(called)}' has other results already: {'; '.join(others[:MOST_OTHERS])}; they "
        "are left: choose another folder, or --overwrite (overwrite=True in Python) makes them anew"
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
