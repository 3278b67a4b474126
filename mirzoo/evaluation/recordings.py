"""Models on recordings whose labels are known; what is scored is what `annotate` gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mirzoo import audio
from mirzoo.annotate import LoadedModel, annotate, find_recordings
from mirzoo.card import Contract, Metric
from mirzoo.data import labelled
from mirzoo.data.folder import LabelledClips
from mirzoo.data.labelled import labelled_recordings
from mirzoo.errors import DataError, TooShortError
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS, Task
from mirzoo.tasks.scores import Score


class LabelledRecording(NamedTuple):
    """A recording, as `mirzoo.annotate` takes it, and what is known to sound in it.

    ``source_rate`` (Hz) goes with an array as ``source``; by default it is the model's own.
    """

    source: audio.Source
    truth: Annotation
    source_rate: int | None = None


def find_labelled_recordings(folder: str | os.PathLike, task: str) -> list[LabelledRecording]:
    """Find the recordings in a folder that have their labels next to them.

    The labels of ``song.mp3`` lie in ``song.lab``, ``song.jams``, ``song.csv`` or ``song.json``,
    whichever of these the task has.

    Raises
    ------
    DataError
        If no recording has labels.
    """
    kind = TASKS[task].annotation
    found = []
    for recording in find_recordings([folder]):
        candidates = (recording.path.with_suffix(suffix) for suffix in kind.readable)
        labels = next(filter(Path.exists, candidates), None)
        if labels is not None:
            found.append(LabelledRecording(recording.path, kind.read(labels)))
    if not found:
        raise DataError(
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
        truth = known.truth(recording.labels)
        if truth is not None:
            yield LabelledRecording(recording.source, truth, recording.source_rate)


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
    found = []
    for clip in clips.clips:
        truth = TASKS[task].truth(clip.labels)
        if truth is not None:
            found.append(LabelledRecording(clip.source, truth, clip.source_rate))
    return found


def evaluate_recordings(
    runner: LoadedModel,
    recordings: Iterable[LabelledRecording],
    *,
    dataset: str,
    split: str = "all recordings",
    rendered: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[Metric]:
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

    Returns
    -------
    list of Metric
        Every score of the task, the recordings weighted by the seconds that it is computed on;
        ``n`` counts recordings. A score that is computed on nothing is left out.

    Raises
    ------
    DataError
        If there is no recording, or the model has another task.
    """
    task = TASKS[runner.card.task]
    count = 0

    def counted() -> Iterator[tuple[Annotation, Annotation]]:
        nonlocal count
        for recording, estimate in judged(runner, recordings):
            yield recording.truth, estimate
            count += 1
            if progress is not None:
                progress(count)

    scores = task.overall_scores(counted(), runner.card)
    return _metrics(task, scores, count, dataset, split, rendered)


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
    """
    task = TASKS[runner.card.task]
    for recording in recordings:
        if recording.truth.task != task.name:
            raise DataError(
                f"the truth is {recording.truth.kind}, but {runner.card.name} is a model for "
                f"{task.name}"
            )
        yield Judged(recording, _annotate(runner, recording))


def metrics_of(
    results: Sequence[Judged], card: Contract, *, dataset: str, split: str, rendered: bool = False
) -> list[Metric]:
    """Score what a model gave: see `evaluate_recordings`, which does both."""
    task = TASKS[card.task]
    pairs = [(recording.truth, estimate) for recording, estimate in results]
    scores = task.overall_scores(pairs, card)
    return _metrics(task, scores, len(pairs), dataset, split, rendered)


def _metrics(
    task: Task, scores: dict[str, Score], count: int, dataset: str, split: str, rendered: bool
) -> list[Metric]:
    return [
        Metric(
            dataset=dataset,
            split=split,
            metric=name,
            value=score.value,
            n=count,
            method=(
                f"{task.scoring}: {score.seconds:.0f} s judged, "
                f"{task.annotation.__name__} as the card decodes them"
            ),
            rendered=rendered,
        )
        for name, score in scores.items()
        if score.seconds > 0
    ]


def _annotate(runner: LoadedModel, recording: LabelledRecording) -> Annotation:
    """What `annotate` gives; a clip that is too short for the model is filled up with zeros."""
    source, source_rate = recording.source, recording.source_rate
    try:
        return annotate(runner, source, source_rate=source_rate)
    except TooShortError:
        if not TASKS[runner.card.task].free_labels:
            raise
    contract = runner.card.input
    waveform = audio.read(source, contract.sample_rate, source_rate=source_rate)
    missing = max(0, contract.min_samples - len(waveform))
    return annotate(runner, np.pad(waveform, (0, missing)))
