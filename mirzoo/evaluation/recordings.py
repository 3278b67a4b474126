"""Models for chords and melody on recordings whose labels are known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from mirzoo import audio
from mirzoo.annotate import find_recordings
from mirzoo.annotation import ANNOTATIONS, Annotation
from mirzoo.card import Metric
from mirzoo.errors import DataError
from mirzoo.evaluation.chords import chord_scores
from mirzoo.evaluation.melody import melody_scores
from mirzoo.evaluation.scores import overall

SCORES = {"chords": chord_scores, "melody": melody_scores}


class LabelledRecording(NamedTuple):
    """A recording, as `mirzoo.annotate` takes it, and what is known to sound in it."""

    source: audio.Source
    truth: Annotation


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
            f"no recording in {folder} has its {kind.kind} beside it; song.mp3 needs one of "
            f"{', '.join(f'song{suffix}' for suffix in kind.readable)}"
        )
    return found


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
    runner : mirzoo.model.Model or mirzoo.litert.LiteRTModel
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
                f"the truth is {recording.truth.kind}, but {runner.card.name} is a model for "
                f"{task}"
            )
        scored.append(SCORES[task](recording.truth, runner.annotate(recording.source)))
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
