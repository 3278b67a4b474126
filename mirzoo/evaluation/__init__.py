"""How good a model is: compared with labels, with another model, and as a representation.

The metrics of a task stand with the task (`mirzoo.tasks.chords.scores`); `recordings` lets a model
annotate recordings and scores what it gives, `corpora` and `probes` measure what the cards of the
zoo's own models state. Scoring needs neither TensorFlow nor the model.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

from mirzoo._support.moved import moved_names
from mirzoo._support.words import counted
from mirzoo.annotate import LoadedModel
from mirzoo.data.folder import LabelledClips
from mirzoo.errors import DataError
from mirzoo.evaluation.bootstrap import RESAMPLES
from mirzoo.evaluation.recordings import (
    LabelledRecording,
    evaluate_recordings,
    evaluate_together,
    find_labelled_recordings,
    open_recordings,
    recordings_of_clips,
    recordings_of_data_set,
)
from mirzoo.evaluation.representations import linear_probe
from mirzoo.evaluation.results import Comparison, Evaluation, Evaluations, EvaluationWarning
from mirzoo.evaluation.sources import opened
from mirzoo.tasks.scores import Score, overall

__all__ = [
    "Comparison",
    "Evaluation",
    "EvaluationWarning",
    "Evaluations",
    "LabelledRecording",
    "Score",
    "evaluate",
    "evaluate_recordings",
    "evaluate_tagger",
    "evaluate_together",
    "find_labelled_recordings",
    "linear_probe",
    "open_recordings",
    "overall",
    "recordings_of_clips",
    "recordings_of_data_set",
]


@overload
def evaluate(
    runner: LoadedModel | str | os.PathLike,
    data: Any,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    split: str | None = None,
    **options: Any,
) -> Evaluation: ...
@overload
def evaluate(
    runner: Sequence[LoadedModel | str | os.PathLike],
    data: Any,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    split: str | None = None,
    **options: Any,
) -> Evaluations: ...
def evaluate(
    runner: Any,
    data: Any,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    split: str | None = None,
    **options: Any,
) -> Any:
    """Score what `mirzoo.annotate.annotate` gives for labelled recordings.

    Parameters
    ----------
    runner : mirzoo.models.model.Model, mirzoo.runtimes.litert.LiteRTModel, or a name or folder
        The model; or a sequence of models of the same task, to be compared.
    data : str, path, arrays, tf.data.Dataset, OwnData, or iterable of LabelledRecording
        For a tagger whatever `mirzoo.data.load` takes: a folder with a folder for each class, a
        table, ``tfds:<name>``, ``mirdata:<name>``, arrays, or clips already loaded; their labels
        are among the tagger's. For chords and melody: a folder of recordings with their labels next
        to them (``song.mp3`` and ``song.lab``), or such recordings (`LabelledRecording`); a table;
        ``mirdata:<name>``, ``tfds:<name>`` or the folder of a prepared corpus (see
        `mirzoo.data.labelled`).
    resamples : int
        Of the bootstrap over groups that intervals come from; 0 for no intervals.
    seed : int
        Of the bootstrap.
    progress : callable, optional
        Called with the number of recordings done, after each.
    split : str, optional
        The only split that counts; by default "test" where the data name one. Clips of data sets by
        name count all.
    **options
        How the data are read: see `mirzoo.data.load`. With ``skip_bad=True`` the data are checked
        first, and what the check calls bad is left out.

    Returns
    -------
    Evaluation or Evaluations
        Of one model a list of `mirzoo.card.Metric`: for a tagger macro ROC-AUC, PR-AUC and F1, and
        the accuracy where exactly one label holds; for chords and melody all of mir_eval's scores,
        each weighted by the seconds it is computed on. Its attributes tell the rest: each
        recording, each class, the worst, what failed; ``write`` makes JSON and HTML. Of several
        models one such list each, and ``comparisons``.

    Raises
    ------
    DataError
        If there is no recording, or the models lack labels of the recordings.

    Warns
    -----
    EvaluationWarning
        When some recordings could not be scored: `Evaluation.failed`. If none could, the first
        error is raised.

    Examples
    --------
    >>> import mirzoo
    >>> mirzoo.evaluate("my_models/instruments", "clips/")  # doctest: +SKIP
    >>> mirzoo.evaluate("cqt_crnn_chords", "mirdata:guitarset")  # doctest: +SKIP
    >>> both = mirzoo.evaluate(["cqt_crnn_chords", "crema_chords"], "songs/")  # doctest: +SKIP
    >>> both.comparisons[0].test.p  # doctest: +SKIP
    0.03
    """
    several = isinstance(runner, Sequence) and not isinstance(runner, str)
    runners = [_loaded(one) for one in (runner if several else [runner])]
    if not runners:
        raise DataError("no model was given; evaluate takes one, or a list of them")
    source = opened(runners, data, split, options)
    found = evaluate_together(
        runners, source.items, dataset=source.dataset, split=source.split, resamples=resamples,
        seed=seed, progress=progress,
    )  # fmt: skip
    _warn_of_failures(found)
    return found if several else found[0]


def _loaded(runner: LoadedModel | str | os.PathLike) -> LoadedModel:
    if isinstance(runner, str | os.PathLike):
        from mirzoo import hub

        return hub.load(runner, runtime="litert")
    return runner


def _warn_of_failures(found: Evaluations) -> None:
    for of_model in found:
        if not of_model.failed:
            continue
        count, first = len(of_model.failed), of_model.failed[0]
        warnings.warn(
            f"{count} of {counted(count + len(of_model.per_file), 'recording')} could not be "
            "scored with "
            f"{of_model.model}, for one {first.name}: {first.reason}",
            EvaluationWarning,
            stacklevel=3,
        )


def evaluate_tagger(
    runner: LoadedModel, data: str | os.PathLike | LabelledClips | Iterable[LabelledRecording]
) -> Evaluation:
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
