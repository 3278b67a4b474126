"""How good a model is: compared with labels, with another model, and as a representation.

The metrics of a task stand with the task (`mirzoo.tasks.chords.scores`); `recordings` lets a model
annotate recordings and scores what it gives, `corpora` and `probes` measure what the cards of the
zoo's own models state. Scoring needs neither TensorFlow nor the model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from mirzoo._support.moved import moved_names
from mirzoo.annotate import LoadedModel
from mirzoo.card import Metric
from mirzoo.data import folder, labelled
from mirzoo.data.folder import LabelledClips
from mirzoo.errors import DataError
from mirzoo.evaluation.recordings import (
    LabelledRecording,
    evaluate_recordings,
    find_labelled_recordings,
    open_recordings,
    recordings_of_clips,
    recordings_of_data_set,
)
from mirzoo.evaluation.representations import linear_probe
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.scores import Score, overall

__all__ = [
    "LabelledRecording",
    "Score",
    "evaluate",
    "evaluate_recordings",
    "evaluate_tagger",
    "find_labelled_recordings",
    "linear_probe",
    "open_recordings",
    "overall",
    "recordings_of_clips",
    "recordings_of_data_set",
]


def evaluate(
    runner: LoadedModel | str | os.PathLike,
    data: str | os.PathLike | LabelledClips | Iterable[LabelledRecording],
) -> list[Metric]:
    """Score what `mirzoo.annotate.annotate` gives for labelled recordings.

    Parameters
    ----------
    runner : mirzoo.models.model.Model, mirzoo.runtimes.litert.LiteRTModel, or a name or folder
        The model.
    data : str, path, LabelledClips or iterable of LabelledRecording
        For a tagger: a folder with a folder for each class, a CSV file, ``tfds:<name>`` or
        ``mirdata:<name>`` (see `mirzoo.data.folder`), or clips already loaded; their labels are
        among the tagger's. For chords and melody: a folder of recordings with their labels next to
        them (``song.mp3`` and ``song.lab``; see `find_labelled_recordings`), or such recordings;
        ``mirdata:<name>``, ``tfds:<name>`` or the folder of a prepared corpus (see
        `mirzoo.data.labelled`), of which only the split "test" counts where there is one.

    Returns
    -------
    list of Metric
        For a tagger macro ROC-AUC and PR-AUC, and the accuracy where exactly one label holds; for
        chords and melody all of mir_eval's scores, each weighted by the seconds it is computed on.

    Examples
    --------
    >>> import mirzoo
    >>> mirzoo.evaluate("my_models/instruments", "clips/")  # doctest: +SKIP
    >>> mirzoo.evaluate("cqt_crnn_chords", "mirdata:guitarset")  # doctest: +SKIP
    """
    if isinstance(runner, str | os.PathLike):
        from mirzoo import hub

        runner = hub.load(runner, runtime="litert")
    task = TASKS[runner.card.task]
    if task.free_labels:
        dataset = "clips"
        if isinstance(data, str | os.PathLike):
            dataset, data = os.fspath(data), folder.load(data, labels=runner.card.labels)
        if isinstance(data, LabelledClips):
            data = recordings_of_clips(data, task.name)
        return evaluate_recordings(runner, data, dataset=dataset, split="all clips")
    if isinstance(data, LabelledClips):
        raise DataError(
            f"clips with words as labels cannot score {runner.card.name}, a model for {task.name}"
        )
    if not isinstance(data, str | os.PathLike):
        return evaluate_recordings(runner, data, dataset="recordings")
    split = labelled.held_out_split(data) if labelled.is_known(data) else None
    return evaluate_recordings(
        runner,
        open_recordings(data, task.name, split),
        dataset=os.fspath(data),
        split=split or "all recordings",
    )


def evaluate_tagger(
    runner: LoadedModel, data: str | os.PathLike | LabelledClips | Iterable[LabelledRecording]
) -> list[Metric]:
    """Score a tagger on labelled clips; the same as `evaluate`."""
    return evaluate(runner, data)


__getattr__ = moved_names(
    __name__,
    {
        "Agreement": "mirzoo.tasks.tagging.scores",
        "TaggingScores": "mirzoo.tasks.tagging.scores",
        "agreement": "mirzoo.tasks.tagging.scores",
        "tagging_scores": "mirzoo.tasks.tagging.scores",
        "chord_agreement": "mirzoo.tasks.chords",
        "chord_scores": "mirzoo.tasks.chords",
        "melody_scores": "mirzoo.tasks.melody",
    },
)
