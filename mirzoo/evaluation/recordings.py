"""Models on recordings whose labels are known; what is scored is what `annotate` gives."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mirzoo import audio
from mirzoo.annotate import LoadedModel, annotate, annotate_together, find_recordings
from mirzoo.card import Contract
from mirzoo.data import labelled
from mirzoo.data.folder import LabelledClips
from mirzoo.data.labelled import labelled_recordings
from mirzoo.data.recordings import Recording
from mirzoo.errors import AnnotationError, DataError, MirzooError, TooShortError
from mirzoo.evaluation.bootstrap import RESAMPLES
from mirzoo.evaluation.results import Evaluation, Evaluations, Failure, RecordingResult
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS


class LabelledRecording(NamedTuple):
    """A recording, as `mirzoo.annotate` takes it, and what is known to sound in it.

    ``source_rate`` (Hz) goes with an array as ``source``; by default it is the model's own.
    ``name`` is by default that of the file; recordings of one ``group`` (an artist, an album) are
    drawn together where intervals are computed, and by default each is a group of its own.
    """

    source: audio.Source
    truth: Annotation
    source_rate: int | None = None
    name: str | None = None
    group: str | None = None


Items = Iterable[LabelledRecording | Failure]
"""Recordings, and those whose labels could not be read, with the reason."""


def find_labelled_recordings(folder: str | os.PathLike, task: str) -> list[LabelledRecording]:
    """Find the recordings in a folder that have their labels next to them.

    The labels of ``song.mp3`` lie in ``song.lab``, ``song.jams``, ``song.csv`` or ``song.json``,
    whichever of these the task has.

    Raises
    ------
    DataError
        If no recording has labels.
    AnnotationError
        If labels cannot be read.
    """
    return [_required(item) for item in labelled_in(folder, task)]


def _required(item: LabelledRecording | Failure) -> LabelledRecording:
    if isinstance(item, Failure):
        raise AnnotationError(item.reason)
    return item


class Unlabelled(DataError):
    """A folder in which no recording has labels that annotations are written as."""


def labelled_in(folder: str | os.PathLike, task: str) -> list[LabelledRecording | Failure]:
    """Find what `find_labelled_recordings` does; what has labels that cannot be read has failed.

    Raises
    ------
    Unlabelled
        If no recording has labels.
    """
    kind = TASKS[task].annotation
    found: list[LabelledRecording | Failure] = []
    for recording in find_recordings([folder]):
        candidates = (recording.path.with_suffix(suffix) for suffix in kind.readable)
        labels = next(filter(Path.exists, candidates), None)
        if labels is None:
            continue
        name = _name_within(recording.path, Path(folder))
        try:
            found.append(LabelledRecording(recording.path, kind.read(labels), name=name))
        except AnnotationError as error:
            found.append(Failure(name, str(error)))
    if not found:
        raise Unlabelled(
            f"no recording in {folder} has {kind.kind} next to it; song.mp3 needs one of "
            f"{', '.join(f'song{suffix}' for suffix in kind.readable)}"
        )
    return found


def recordings_of_data_set(
    source: str | os.PathLike, task: str, split: str | None = None
) -> Iterator[LabelledRecording]:
    """Give the recordings of a known data set that have what the task is to find.

    Parameters
    ----------
    source : str or path
        ``mirdata:<name>``, ``tfds:<name>`` or a prepared corpus; see `mirzoo.data.labelled`.
    task : str
        "chords" or "melody".
    split : str, optional
        Only this one, where the source has splits.

    Raises
    ------
    DataError
        If the source cannot be opened, has nothing for the task, or is asked for another task.
    """
    known = TASKS[task]
    if known.label_kind is None:
        others = [other.name for other in TASKS.values() if other.label_kind is not None]
        raise DataError(f"'{source}' has labels for {' and '.join(others)}, not for {task}")
    return _with_truth(source, task, split)


def _with_truth(
    source: str | os.PathLike, task: str, split: str | None
) -> Iterator[LabelledRecording]:
    known = TASKS[task]
    for recording in labelled_recordings(source, need=known.label_kind, split=split):
        found = _of_recording(recording, task)
        if found is not None:
            yield found


def _of_recording(recording: Recording, task: str) -> LabelledRecording | None:
    truth = TASKS[task].truth(recording.labels)
    if truth is None:
        return None
    return LabelledRecording(
        recording.source, truth, recording.source_rate, recording.name, recording.group
    )


def _name_within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def open_recordings(
    data: str | os.PathLike | Iterable[LabelledRecording], task: str, split: str | None = None
) -> Iterable[LabelledRecording]:
    """Open recordings labelled over time: a known data set, a folder, or recordings themselves.

    ``split`` is of a data set that has splits.
    """
    if not isinstance(data, str | os.PathLike):
        return data
    if labelled.is_known(data):
        return recordings_of_data_set(data, task, split)
    return find_labelled_recordings(data, task)


def recordings_of_clips(clips: LabelledClips, task: str) -> list[LabelledRecording]:
    """Give clips that are labelled with words as recordings with their truth."""
    return recordings_of(clips.clips, task)


def recordings_of(recordings: Iterable[Recording], task: str) -> list[LabelledRecording]:
    """Give recordings with their truth; those that a task has none for are left out."""
    found = (_of_recording(recording, task) for recording in recordings)
    return [recording for recording in found if recording is not None]


def evaluate_recordings(
    runner: LoadedModel,
    recordings: Items,
    *,
    dataset: str,
    split: str = "all recordings",
    rendered: bool = False,
    progress: Callable[[int], None] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Annotate recordings and score what comes out.

    Parameters
    ----------
    runner : mirzoo.models.model.Model or mirzoo.runtimes.litert.LiteRTModel
        The model.
    recordings : iterable of LabelledRecording
    dataset, split, rendered
        As `Metric` states them.
    progress : callable, optional
        Called with the number of recordings done, after each.
    resamples : int
        Of the bootstrap that intervals come from; 0 for no intervals.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evaluation
        A list of `Metric`: every score of the task, the recordings weighted by the seconds that it
        is computed on; ``n`` counts recordings. A score that is computed on nothing is left out.

    Raises
    ------
    DataError
        If there is no recording, the model has another task, or lacks labels of the recordings.
    MirzooError
        Of the first recording, if none can be processed. Else those are in `Evaluation.failed`.
    """
    [found] = evaluate_together(
        [runner], recordings, dataset=dataset, split=split, rendered=rendered, progress=progress,
        resamples=resamples, seed=seed,
    )  # fmt: skip
    return found


def evaluate_together(
    runners: Sequence[LoadedModel],
    recordings: Items,
    *,
    dataset: str,
    split: str = "all recordings",
    rendered: bool = False,
    progress: Callable[[int], None] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluations:
    """Score several models of a task on the same recordings, each decoded once.

    The parameters and errors are those of `evaluate_recordings`.
    """
    task = TASKS[runners[0].card.task]
    if others := sorted({runner.card.task for runner in runners} - {task.name}):
        raise DataError(
            f"{runners[0].card.name} is a model for {task.name}, others are for "
            f"{' and '.join(others)}; models that are compared have the same task"
        )
    cards = [runner.card for runner in runners]
    collected = [
        _Collected(card, name)
        for card, name in zip(cards, _distinct([card.name for card in cards]), strict=True)
    ]
    errors: list[Exception] = []
    keeps_arrays = isinstance(recordings, Sequence)
    for number, item in enumerate(recordings):
        if isinstance(item, Failure):
            for of_model in collected:
                of_model.failed.append(item)
            errors.append(DataError(item.reason))
            continue
        _require_task(item, cards[0])
        for of_model, annotation in zip(collected, _annotated(runners, item), strict=True):
            if isinstance(annotation, Exception):
                name = item.name or _name_of(item.source, number)
                of_model.failed.append(Failure(name, str(annotation)))
                errors.append(annotation)
            else:
                of_model.add(number, item, annotation, keeps_arrays)
        if progress is not None:
            progress(number + 1)
    if errors and not all(of_model.results for of_model in collected):
        raise errors[0]
    return Evaluations(
        of_model.evaluation(dataset, split, rendered, resamples, seed) for of_model in collected
    )


class Judged(NamedTuple):
    """A labelled recording, and what a model gives for it."""

    recording: LabelledRecording
    estimate: Annotation


def judged(runner: LoadedModel, recordings: Iterable[LabelledRecording]) -> Iterator[Judged]:
    """Annotate labelled recordings, one after the other.

    Raises
    ------
    DataError
        If the labels of one are those of another task than the model's.
    MirzooError
        If one cannot be processed.
    """
    for recording in recordings:
        _require_task(recording, runner.card)
        [annotation] = _annotated([runner], recording)
        if isinstance(annotation, Exception):
            raise annotation
        yield Judged(recording, annotation)


def metrics_of(
    results: Sequence[Judged],
    card: Contract,
    *,
    dataset: str,
    split: str,
    rendered: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Score what a model gave: see `evaluate_recordings`, which does both."""
    collected = _Collected(card, card.name)
    for number, (recording, estimate) in enumerate(results):
        collected.add(number, recording, estimate)
    return collected.evaluation(dataset, split, rendered, resamples, seed)


class _Collected:
    """The results of one model, scored while they come in."""

    def __init__(self, card: Contract, name: str) -> None:
        self._card, self._name = card, name
        self._scorer = TASKS[card.task].scorer(card)
        self.results: list[RecordingResult] = []
        self.failed: list[Failure] = []

    def add(
        self,
        number: int,
        recording: LabelledRecording,
        estimate: Annotation,
        keeps_arrays: bool = True,
    ) -> None:
        name = recording.name or _name_of(recording.source, number)
        source = recording.source
        is_file = isinstance(source, str | os.PathLike)
        of_recording = self._scorer.add(recording.truth, estimate)
        self.results.append(
            RecordingResult(
                name=name,
                group=recording.group or name,
                source=source if is_file or (keeps_arrays and audio.is_array(source)) else None,
                source_rate=None if is_file else recording.source_rate or self._card.sample_rate,
                number=number,
                **of_recording._asdict(),
            )
        )

    def evaluation(
        self, dataset: str, split: str, rendered: bool, resamples: int, seed: int
    ) -> Evaluation:
        if not self.results:
            raise DataError("there is no recording to score; is the data set empty?")
        return Evaluation(
            self._scorer,
            model=self._name,
            task=self._card.task,
            dataset=dataset,
            split=split,
            rendered=rendered,
            per_file=self.results,
            failed=self.failed,
            resamples=resamples,
            seed=seed,
        )


def _require_task(recording: LabelledRecording, card: Contract) -> None:
    if recording.truth.task != card.task:
        raise DataError(
            f"the truth is {recording.truth.kind}, but {card.name} is a model for {card.task}"
        )


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of which none occurs twice: a second one is numbered."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        found.append(name if name not in found else next(n for n in numbered if n not in found))
    return found


def _name_of(source: Any, number: int) -> str:
    if isinstance(source, str | os.PathLike):
        return Path(source).name
    return f"recording {number + 1}"


def _annotated(
    runners: Sequence[LoadedModel], recording: LabelledRecording
) -> list[Annotation | Exception]:
    """What `annotate` gives with each model, or why it gives nothing.

    A clip that is too short for a tagger is filled up with zeros.
    """
    source, source_rate = recording.source, recording.source_rate
    found = annotate_together(runners, source, source_rate=source_rate, return_errors=True)
    for place, (runner, result) in enumerate(zip(runners, found, strict=True)):
        if isinstance(result, TooShortError) and TASKS[runner.card.task].free_labels:
            found[place] = _filled_up(runner, recording)
        elif isinstance(result, Exception) and not isinstance(result, MirzooError | OSError):
            raise result
    return found


def _filled_up(runner: LoadedModel, recording: LabelledRecording) -> Annotation | Exception:
    contract = runner.card.input
    try:
        waveform = audio.read(
            recording.source, contract.sample_rate, source_rate=recording.source_rate
        )
        missing = max(0, contract.min_samples - len(waveform))
        return annotate(runner, np.pad(waveform, (0, missing)))
    except MirzooError as error:
        return error
