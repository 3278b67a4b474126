"""How good a model is: against what people say, against another model, and as a representation.

One module a task: `tagging`, `chords` and `melody`, the latter two with all of mir_eval's scores
for one recording; `scores` makes one figure of many recordings, and `recordings` lets a model
annotate them first. Scoring needs neither TensorFlow nor the model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from mirzoo.card import Metric
from mirzoo.data import labelled
from mirzoo.data.folder import LabelledClips
from mirzoo.evaluation.chords import chord_agreement, chord_scores
from mirzoo.evaluation.melody import melody_scores
from mirzoo.evaluation.recordings import (
    LabelledRecording,
    evaluate_recordings,
    find_labelled_recordings,
    open_recordings,
    recordings_of_data_set,
)
from mirzoo.evaluation.scores import Score, overall
from mirzoo.evaluation.tagging import (
    Agreement,
    TaggingScores,
    agreement,
    evaluate_tagger,
    linear_probe,
    tagging_scores,
)

__all__ = [
    "Agreement",
    "LabelledRecording",
    "Score",
    "TaggingScores",
    "agreement",
    "chord_agreement",
    "chord_scores",
    "evaluate",
    "evaluate_recordings",
    "evaluate_tagger",
    "find_labelled_recordings",
    "linear_probe",
    "melody_scores",
    "open_recordings",
    "overall",
    "recordings_of_data_set",
    "tagging_scores",
]


def evaluate(
    runner, data: str | os.PathLike | LabelledClips | Iterable[LabelledRecording]
) -> list[Metric]:
    """Score a model on labelled recordings.

    Parameters
    ----------
    runner : mirzoo.models.model.Model, mirzoo.runtimes.litert.LiteRTModel, or a name or folder
        The model.
    data : str, path, LabelledClips or iterable of LabelledRecording
        For a tagger: a folder with a folder for each class, a CSV file, ``tfds:<name>`` or
        ``mirdata:<name>`` (see `mirzoo.data.folder`), or clips already loaded; their labels are
        among the tagger's. For chords and melody: a folder of recordings with their labels beside
        them (``song.mp3`` and ``song.lab``; see `find_labelled_recordings`), or such recordings;
        ``mirdata:<name>``, ``tfds:<name>`` or the folder of a prepared corpus (see
        `mirzoo.data.labelled`), of which only the split "test" counts where there is one.

    Returns
    -------
    list of Metric
        For a tagger macro ROC-AUC and PR-AUC, and the accuracy where exactly one label holds; for
        chords and melody all of mir_eval's scores, each weighted by the seconds it judges.

    Examples
    --------
    >>> import mirzoo
    >>> mirzoo.evaluate("my_models/instruments", "clips/")  # doctest: +SKIP
    >>> mirzoo.evaluate("cqt_crnn_chords", "mirdata:guitarset")  # doctest: +SKIP
    """
    if isinstance(runner, str | os.PathLike):
        from mirzoo import hub

        runner = hub.load(runner, runtime="litert")
    if runner.card.task == "tagging":
        return evaluate_tagger(runner, data)
    split = labelled.held_out_split(data) if labelled.is_known(data) else None
    named = isinstance(data, str | os.PathLike)
    return evaluate_recordings(
        runner,
        open_recordings(data, runner.card.task, split),
        dataset=os.fspath(data) if named else "recordings",
        split=split or "all recordings",
    )
