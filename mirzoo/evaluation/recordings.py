"""Models for chords and melody on recordings whose labels are known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mirzoo import audio
from mirzoo.annotate import find_recordings
from mirzoo.card import Metric
from mirzoo.data import labelled
from mirzoo.data.labelled import labelled_recordings
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.errors import DataError
from mirzoo.evaluation.chords import chord_scores
from mirzoo.evaluation.melody import melody_scores
from mirzoo.evaluation.scores import overall
from mirzoo.tasks.annotation import ANNOTATIONS, Annotation, Chords, Melody

SCORES = {"chords": chord_scores, "melody": melody_scores}
LABELS = {"chords": "chords", "melody": "f0"}


class LabelledRecording(NamedTuple):
    """A recording, as `mirzoo.annotate` takes it, and what is known to sound in it.

    ``source_rate`` (Hz) goes with an array as ``source``; by default it is the model's own.
    """

    source: audio.Source
    truth: Annotation
    source_rate: int | None = None


def find_labelled_recordings(folder: str | os.PathLike, task: str) -> list[LabelledRecording]:
    """Find the recordings in a folder that have their labels beside them.

    The labels of ``song.mp3`` lie in ``song.lab``, ``song.jams``, ``song.csv`` or ``song.json``,
    whichever of these the task has.

    Raises
    ------
    DataError
        If no recording has labels.
    """
    kind = ANNOTATIONS[task]
    found = []
    for recording in find_recordings([folder]):
        candidates = (recording.path.with_suffix(suffix) for suffix in kind.readable)
        labels = next(filter(Path.exists, candidates), None)
        if labels is not None:
            found.append(LabelledRecording(recording.path, kind.read(labels)))
    if not found:
        raise DataError(
            f"no recording in {folder} has {kind.kind} beside it; song.mp3 needs one of "
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
    if task not in LABELS:
        raise DataError(f"'{source}' has labels for {' and '.join(LABELS)}, not for {task}")
    return (
        LabelledRecording(recording.source, TRUTHS[task](recording.labels), recording.source_rate)
        for recording in labelled_recordings(source, need=LABELS[task], split=split)
    )


def open_recordings(
    data: str | os.PathLike | Iterable[LabelledRecording], task: str, split: str | None = None
) -> Iterable[LabelledRecording]:
    """Open whatever holds recordings labelled for a task: a known data set, a folder, themselves.

    ``split`` is of a data set that has splits.
    """
    if labelled.is_known(data):
        return recordings_of_data_set(data, task, split)
    if isinstance(data, str | os.PathLike):
        return find_labelled_recordings(data, task)
    return data


def _true_chords(labels: Labels) -> Chords:
    return Chords([(span.start_s, span.end_s, span.label) for span in labels.chords])


def _true_melody(labels: Labels) -> Melody:
    known = np.flatnonzero(~np.isnan(labels.f0))
    return Melody(known / F0_RATE, labels.f0[known])


TRUTHS = {"chords": _true_chords, "melody": _true_melody}


def evaluate_recordings(
    runner,
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
        A model for chords or melody.
    recordings : iterable of LabelledRecording
    dataset, split, rendered
        As `Metric` states them.
    progress : callable, optional
        Called with the number of recordings done, after each.

    Returns
    -------
    list of Metric
        Every score of the task, the recordings weighted by the seconds that it judges; ``n``
        counts recordings. A score that judges nothing is left out.

    Raises
    ------
    DataError
        If there is no recording, or the model has another task.
    """
    task = runner.card.task
    if task not in SCORES:
        raise DataError(
            f"{runner.card.name} is a model for {task}; recordings with labels over time score "
            f"models for {' and '.join(SCORES)}"
        )
    scored = []
    for recording in recordings:
        if recording.truth.task != task:
            raise DataError(
                f"the truth is {recording.truth.kind}, but {runner.card.name} is a model for {task}"
            )
        heard = runner.annotate(recording.source, source_rate=recording.source_rate)
        scored.append(SCORES[task](recording.truth, heard))
        if progress is not None:
            progress(len(scored))
    if not scored:
        raise DataError("there is no recording to score; is the data set empty?")
    return [
        Metric(
            dataset=dataset,
            split=split,
            metric=name,
            value=score.value,
            n=len(scored),
            method=(
                f"mir_eval, weighted by duration: {score.seconds:.0f} s judged, "
                f"{ANNOTATIONS[task].__name__} as the card decodes them"
            ),
            rendered=rendered,
        )
        for name, score in overall(scored).items()
        if score.seconds > 0
    ]
