"""How good a model is: compared with labels, with another model, and as a representation.

The metrics of a task stand with the task (`mirzoo.tasks.chords.scores`); `recordings` lets a model
annotate recordings and scores what it gives, `corpora` and `probes` measure what the cards of the
zoo's own models state. Scoring needs neither TensorFlow nor the model.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, cast, overload

from mirzoo._support.moved import moved_names
from mirzoo.annotate import LoadedModel
from mirzoo.data import labelled, own
from mirzoo.data.folder import LabelledClips
from mirzoo.data.own import OwnData
from mirzoo.data.readers import Kind
from mirzoo.errors import DataError
from mirzoo.evaluation.bootstrap import RESAMPLES
from mirzoo.evaluation.recordings import (
    Items,
    LabelledRecording,
    evaluate_recordings,
    evaluate_together,
    find_labelled_recordings,
    items_of,
    open_recordings,
    recordings_of,
    recordings_of_clips,
    recordings_of_data_set,
)
from mirzoo.evaluation.representations import linear_probe
from mirzoo.evaluation.results import Comparison, Evaluation, Evaluations, EvaluationWarning
from mirzoo.tasks.base import TASKS, Task
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

Data: TypeAlias = str | os.PathLike | OwnData | LabelledClips | Iterable[LabelledRecording]


@overload
def evaluate(
    runner: LoadedModel | str | os.PathLike,
    data: Data,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Evaluation: ...
@overload
def evaluate(
    runner: Sequence[LoadedModel | str | os.PathLike],
    data: Data,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Evaluations: ...
def evaluate(
    runner: Any,
    data: Data,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Any:
    """Score what `mirzoo.annotate.annotate` gives for labelled recordings.

    Parameters
    ----------
    runner : mirzoo.models.model.Model, mirzoo.runtimes.litert.LiteRTModel, or a name or folder
        The model; or a sequence of models of the same task, to be compared.
    data : str, path, OwnData, LabelledClips or iterable of LabelledRecording
        What `mirzoo.data.load` gave, of which only the split "test" counts where there is one. For
        a tagger also whatever that takes: a folder with a folder for each class, a table,
        ``tfds:<name>`` or ``mirdata:<name>``; or clips already loaded; their labels are among the
        tagger's. For chords and melody: a folder of recordings with their labels next to
        them (``song.mp3`` and ``song.lab``; see `find_labelled_recordings`), or such recordings;
        ``mirdata:<name>``, ``tfds:<name>`` or the folder of a prepared corpus (see
        `mirzoo.data.labelled`), of which only the split "test" counts where there is one.
    resamples : int
        Of the bootstrap over groups that intervals come from; 0 for no intervals.
    seed : int
        Of the bootstrap.
    progress : callable, optional
        Called with the number of recordings done, after each.
    **options
        How the data are read: see `mirzoo.data.load`. With them the data are checked first.

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
    task = TASKS[runners[0].card.task]
    items, about = _opened(runners, data, task, options)
    found = evaluate_together(
        runners, items, resamples=resamples, seed=seed, progress=progress, **about
    )
    _warn_of_failures(found)
    return found if several else found[0]


def _loaded(runner: LoadedModel | str | os.PathLike) -> LoadedModel:
    if isinstance(runner, str | os.PathLike):
        from mirzoo import hub

        return hub.load(runner, runtime="litert")
    return runner


def _opened(
    runners: Sequence[LoadedModel], data: Any, task: Task, options: dict[str, Any]
) -> tuple[Items, dict[str, Any]]:
    """The recordings of some data, and what `Metric` states of where they are from."""
    card = runners[0].card
    dataset = os.fspath(data) if isinstance(data, str | os.PathLike) else None
    if options or (task.free_labels and dataset is not None):
        data = own.load(
            data,
            _kind_for(task),
            labels=card.labels if task.free_labels else None,
            purpose="evaluate",
            sample_rate=card.input.sample_rate,
            **(options or {"check": False}),
        )
    if isinstance(data, OwnData):
        dataset = dataset or data.name
        split = labelled.HELD_OUT if labelled.HELD_OUT in data.splits else None
        return _of_own(data if split is None else data.of(split), task, card.name), {
            "dataset": dataset,
            "split": split or ("all clips" if task.free_labels else "all recordings"),
        }
    if task.free_labels:
        if isinstance(data, LabelledClips):
            data = recordings_of_clips(data, task.name)
        return data, {"dataset": "clips", "split": "all clips"}
    if isinstance(data, LabelledClips):
        raise DataError(
            f"clips with words as labels cannot score {card.name}, a model for {task.name}"
        )
    if dataset is None:
        return data, {"dataset": "recordings"}
    split = labelled.held_out_split(data) if labelled.is_known(data) else None
    about = {"dataset": dataset, "split": split or "all recordings"}
    return items_of(data, task.name, split), about


def _kind_for(task: Task) -> Kind | None:
    return "tags" if task.free_labels else cast("Kind | None", task.label_kind)


def _of_own(data: OwnData, task: Task, model: str) -> Items:
    if task.free_labels:
        return recordings_of_clips(data.clips, task.name)
    if data.kind != task.label_kind:
        raise DataError(f"{data.name} has {data.kind}, but {model} is a model for {task.name}")
    return recordings_of(data.recordings, task.name)


def _warn_of_failures(found: Evaluations) -> None:
    for of_model in found:
        if not of_model.failed:
            continue
        count, first = len(of_model.failed), of_model.failed[0]
        warnings.warn(
            f"{count} of {count + len(of_model.per_file)} recordings could not be scored with "
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
