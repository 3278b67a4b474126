"""Fitting a pretrained model to a user's own labels: hundreds of clips, or a few songs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from mirzoo.card import Licences, Metric
from mirzoo.data import folder, labelled
from mirzoo.data.folder import LabelledClips, LabelledWindows
from mirzoo.errors import DataError
from mirzoo.evaluation.recordings import (
    LabelledRecording,
    evaluate_recordings,
    open_recordings,
    recordings_of_clips,
)
from mirzoo.models.model import Model
from mirzoo.tasks.base import TASKS, FramewiseTask
from mirzoo.training.own_clips import (
    STRATEGIES,
    UNTRAINED,
    Fitted,
    Settings,
    Strategy,
    fit_clips,
)
from mirzoo.training.own_recordings import fit_recordings
from mirzoo.training.report import Report

LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}
FEWEST_HELD_OUT = 10


def fine_tune(
    model: Model | str | os.PathLike,
    data: str | os.PathLike | LabelledClips | LabelledWindows | Iterable[LabelledRecording],
    *,
    strategy: Strategy | None = None,
    exclusive: bool | None = None,
    extend: bool = False,
    held_out: float = 0.2,
    epochs: int = 20,
    batch_size: int = 16,
    learning_rate: float | None = None,
    balanced: bool = False,
    seed: int = 0,
    train_head: bool | None = None,
    train_trunk: bool | None = None,
) -> Model:
    """Fit a model to labelled clips, or one whose results are frames to labelled recordings.

    A tagger is given new labels, those of the data. With the strategy "auto" a logistic regression
    on its embeddings becomes the output layer, on the last embedding or on that of all depths,
    whichever does better on clips left out; where there are two hundred clips or more, the head is
    then trained a little further if that helps clips left out, too. So the result is never worse
    than such a probe but for chance. A frame-wise model (chords, melody) is trained on each
    recording in every epoch in other keys, levels and noise, as its recipe has it; only what is
    labelled counts, and its labels stay the same ones.

    Parameters
    ----------
    model : Model, str or path
        A model, its name or its folder; it stays as it is. A recipe's model with fresh weights
        (`mirzoo.models.build.build_model`) is trained from scratch.
    data : str, path, LabelledClips or iterable of LabelledRecording
        For a tagger: a folder with a folder for each class, a CSV file, ``tfds:<name>`` or
        ``mirdata:<name>`` (see `mirzoo.data.folder`), or clips already found. Else as for
        `mirzoo.evaluate`: a folder of recordings with their labels (``song.mp3`` and
        ``song.lab``), or such recordings; ``mirdata:<name>``, ``tfds:<name>`` or
        the folder of a prepared corpus, of which only the split "train" counts where there is one.
    strategy : {"auto", "probe", "head", "full"}, optional
        "probe" fits the output layers alone, "head" trains the head too, "full" the front-end as
        well (where it learns); by default "auto", which for a frame-wise model is "full".
    exclusive : bool, optional
        Whether exactly one of a tagger's labels holds; by default whether each clip has one.
    extend : bool
        Whether a tagger keeps its own labels, and their outputs as they are, and gets the new ones
        behind them; any number of labels may hold then.
    held_out : float
        The share of clips, whole groups, that is not learnt from and measures the result; 0 for
        none. What has fewer than `FEWEST_HELD_OUT` clips to spare is learnt from whole.
    epochs, batch_size : int
        At most so many passes; and windows, or stretches of recordings, for a step.
    learning_rate : float, optional
        The highest of those steps; by default the task's own, `mirzoo.tasks.base.Task.rates`, of
        taggers 1e-4.
    balanced : bool
        Whether a tagger's rare labels count as much as frequent ones.
    seed : int
        Decides folds, order and alterations: two runs give the same model.
    train_head, train_trunk : bool, optional
        Deprecated: ``strategy="full"`` and ``strategy="probe"`` take their place. With one of them,
        or without ``strategy`` for a tagger from `mirzoo.create` that has the labels of the data,
        the model itself is trained and the history is returned, as in version 0.2.

    Returns
    -------
    Model
        A new one, with a card that states what it was fitted to, and how; ``report`` has what was
        tried, the losses and the scores on what was held out: see
        `mirzoo.training.report.Report`.

    Raises
    ------
    DataError
        If the data cannot be read, has labels that the model hasn't, or none for its task.
    RecipeError
        If a frame-wise model was converted from another package.

    Examples
    --------
    >>> import mirzoo
    >>> model = mirzoo.fine_tune("mel_cnn_tagger", "clips/")  # doctest: +SKIP
    >>> model.report.chosen  # doctest: +SKIP
    'a probe of all depths'
    >>> mirzoo.save(model, "my_models/instruments")  # doctest: +SKIP
    >>> chords = mirzoo.fine_tune("cqt_crnn_chords", "songs/", epochs=10)  # doctest: +SKIP
    """
    options: dict[str, Any] = {
        "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed,
    }  # fmt: skip
    if isinstance(model, Model):
        former = _former_use(model, data, strategy, train_head, train_trunk)
        if former is not None:
            return _fit_in_place(model, data, train_head=former, **options)
        base = model
    else:
        from mirzoo import hub

        base = hub.load(model)
    chosen: Strategy = "auto" if strategy is None else strategy
    if chosen not in STRATEGIES:
        allowed = ", ".join(map(repr, STRATEGIES))
        raise DataError(f"strategy is {strategy!r}; allowed are {allowed}")
    if not 0 <= held_out < 1:
        raise DataError(f"held_out is {held_out}; allowed are shares from 0 to below 1")
    if isinstance(TASKS[base.card.task], FramewiseTask):
        if extend:
            raise DataError(f"extend is for taggers; what {base.card.task} are is fixed")
        return _fine_tuned_on_recordings(base, data, chosen, options)
    clips = _clips(base, data)
    one_each = clips.exclusive if exclusive is None else exclusive
    if extend:
        if exclusive:
            raise DataError("extend keeps labels of which any number may hold; leave exclusive out")
        if twice := sorted(set(base.card.labels) & set(clips.labels)):
            raise DataError(
                f"{base.card.name} has the labels {twice} already; name yours otherwise"
            )
        if base.card.activation != "sigmoid":
            raise DataError(
                f"exactly one label of {base.card.name} holds, so that none can be added; leave "
                "extend out, or take a model of which any number may hold"
            )
        one_each = False
    settings = Settings(
        strategy=chosen, exclusive=one_each, extend=extend, balanced=balanced, **options
    )
    return _fine_tuned_on_clips(base, clips, settings, held_out, _name_of(data))


def _fine_tuned_on_clips(
    base: Model, clips: LabelledClips, settings: Settings, held_out: float, source: str
) -> Model:
    train, test = _divided(clips, held_out, settings.seed)
    fitted = fit_clips(base, clips.of(train), settings)
    metrics = _scores(base, fitted, clips, train, test, settings, source)
    counts = dict(zip(clips.labels, clips.of(train).targets.sum(axis=0).astype(int).tolist()))
    model, card = fitted.model, base.card
    of_each = ", ".join(f"{label} {count}" for label, count in counts.items())
    model.card = model.card.updated(
        description=(
            f"Tells {len(clips.labels)} labels apart: {card.name}, fine-tuned."
            if not settings.extend
            else f"{card.name} with {len(clips.labels)} labels more, fine-tuned."
        ),
        metrics=metrics,
        files={},
        licences=_licences(card.licences, source),
        provenance=(
            f"Fine-tuned from {card.name} on {len(train)} clips in "
            f"{len(np.unique(clips.groups[train]))} groups of {source} ({of_each}), strategy "
            f"{settings.strategy}: {fitted.chosen}; seed {settings.seed}"
            f"{', labels balanced' if settings.balanced else ''}; {len(test)} clips held out. "
            f"{card.name}: {card.provenance}"
        ),
    )
    model.report = Report(
        strategy=settings.strategy,
        chosen=fitted.chosen,
        tried=fitted.tried,
        history=fitted.history,
        metrics=tuple(metrics),
        learnt_from=len(train),
        held_out=len(test),
        clips_of_labels=counts,
    )
    return model


def _divided(clips: LabelledClips, held_out: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the clips to learn from, and of those held out: none where there are too few."""
    everything = np.arange(len(clips.clips))
    none = everything[:0]
    if held_out == 0 or held_out * len(everything) < FEWEST_HELD_OUT:
        return everything, none
    groups = len(np.unique(clips.groups))
    folds = min(max(2, round(1 / held_out)), groups)
    if folds < 2:
        return everything, none
    train, test = next(clips.folds(folds, seed=seed))
    learnable = clips.targets[train].sum(axis=0) > 0
    return (train, test) if learnable.all() else (everything, none)


def _scores(
    base: Model,
    fitted: Fitted,
    clips: LabelledClips,
    train: np.ndarray,
    test: np.ndarray,
    settings: Settings,
    source: str,
) -> list[Metric]:
    """The scores on the clips held out, next to those of a plain probe where that is another."""
    if not len(test):
        return []
    task = TASKS[base.card.task]
    recordings = recordings_of_clips(clips.of(test), task.name)

    def scored(model: Model) -> list[Metric]:
        groups = len(np.unique(clips.groups[test]))
        split = f"{len(test)} clips in {groups} groups held out"
        try:
            return evaluate_recordings(model, recordings, dataset=source, split=split)
        except DataError:  # of one class alone nothing can be ranked
            return []

    metrics = scored(fitted.model)
    plain = Settings(
        strategy="probe",
        exclusive=settings.exclusive,
        extend=settings.extend,
        balanced=settings.balanced,
        seed=settings.seed,
    )
    if base.card.provenance.startswith(UNTRAINED):
        return metrics
    probe = fit_clips(base, clips.of(train), plain).model
    others = {metric.metric: metric for metric in scored(probe)}
    name = f"linear probe of {base.card.name}"
    return [
        metric.model_copy(update={"baseline": {name: others[metric.metric].value}})
        for metric in metrics
        if metric.metric in others
    ]


def _licences(base: Licences, source: str) -> Licences:
    return Licences(
        code=base.code,
        weights=f"{base.weights}, and what the data they were fine-tuned on allow",
        data=f"{source} (the user's own terms); before it {base.data}",
    )


def _clips(model: Model, data: object) -> LabelledClips:
    if isinstance(data, LabelledClips):
        return data
    if isinstance(data, str | os.PathLike):
        return folder.load(data)
    raise DataError(
        f"{model.card.name} is trained on labelled clips: a folder, a CSV file, the name of a data "
        f"set or LabelledClips; received {type(data).__name__}"
    )


def _fine_tuned_on_recordings(
    base: Model, data: Any, strategy: Strategy, options: dict[str, Any]
) -> Model:
    model, task = base.copy(), TASKS[base.card.task]
    recordings = _recordings(base, data)
    whole = strategy in ("auto", "full")
    model.frontend.trainable = whole
    model.head.trainable = strategy != "probe"
    if options["learning_rate"] is None:
        rate = task.rates.outputs if strategy == "probe" else task.rates.whole
        options = {**options, "learning_rate": rate}
    history = fit_recordings(model, recordings, **options)
    model.frontend.trainable = model.head.trainable = True
    what = {"probe": "the output layers alone", "head": "head and output layers"}.get(
        strategy, "the whole model"
    )
    source = _name_of(data)
    model.card = base.card.updated(
        description=f"{base.card.description} Fine-tuned.",
        metrics=[],
        files={},
        licences=_licences(base.card.licences, source),
        provenance=f"Fine-tuned from {base.card.name} for {options['epochs']} epochs on "
        f"{len(recordings)} recordings of {source}, {what}; seed {options['seed']}. "
        f"{base.card.name}: {base.card.provenance}",
    )
    model.report = Report(
        strategy=strategy,
        chosen=f"{what} trained for {options['epochs']} epochs",
        history=history,
        learnt_from=len(recordings),
    )
    return model


def _recordings(model: Model, data: Any) -> list[LabelledRecording]:
    if isinstance(data, LabelledWindows | LabelledClips):
        what = "windows of clips" if isinstance(data, LabelledWindows) else "clips"
        raise DataError(
            f"{model.card.name} is trained on recordings with labels over time; received {what}"
        )
    split = None
    if isinstance(data, str | os.PathLike) and labelled.is_known(data):
        split = labelled.training_split(data)
    return list(open_recordings(data, model.card.task, split))


# The use of version 0.2: a model is trained as it is, and the history returned.


def _former_use(
    model: Model,
    data: Any,
    strategy: Strategy | None,
    train_head: bool | None,
    train_trunk: bool | None,
) -> bool | None:
    """Whether head and front-end learn, where a model is to be trained in place; else None."""
    if train_trunk is not None:
        _warn("train_trunk=True is now strategy='full', and False strategy='probe'")
        return train_trunk
    if train_head is not None:
        _warn("train_head=True is now strategy='full', and False strategy='probe'")
        return train_head
    if strategy is None and isinstance(data, LabelledWindows):
        _warn("windows train a model in place; give clips to get a new one")
        return True
    created = model.card.provenance.startswith("New output layer on ")
    if strategy is None and created:
        _warn(
            "a model from mirzoo.create is trained in place, without a probe first; give its "
            "name, or strategy='auto', to get a new model that is better on few clips"
        )
        return True
    return None


def _warn(change: str) -> None:
    warnings.warn(
        f"{change}: fine_tune returns the fitted model and leaves the one that is given as it is. "
        "The former use goes with the next version",
        DeprecationWarning,
        stacklevel=4,
    )


def _fit_in_place(
    model: Model,
    data: Any,
    *,
    train_head: bool,
    epochs: int,
    batch_size: int,
    learning_rate: float | None,
    seed: int,
) -> Any:
    task = TASKS[model.card.task]
    for part in (model.frontend, model.head):
        part.trainable = train_head
    if learning_rate is None:
        learning_rate = task.rates.whole if train_head else task.rates.outputs
    options: dict[str, Any] = {
        "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed,
    }  # fmt: skip
    if isinstance(task, FramewiseTask):
        recordings = _recordings(model, data)
        history = fit_recordings(model, recordings, **options)
        trained_on = f"{len(recordings)} recordings"
    else:
        windows = _windows(model, data)
        history = _fit_windows(model, windows, **options)
        trained_on = f"{len(np.unique(windows.clips))} clips"
    card = model.card
    alone = "" if train_head else ", the output layers alone"
    model.card = card.updated(
        description=f"{card.description} Fine-tuned.",
        metrics=[],
        files={},
        provenance=f"Fine-tuned for {epochs} epochs on {trained_on} of {_name_of(data)}{alone}, "
        f"from {card.name}. {card.provenance}",
    )
    return history


def _windows(model: Model, data: object) -> LabelledWindows:
    if isinstance(data, LabelledWindows):
        return data
    if not isinstance(data, str | os.PathLike):
        raise DataError(
            f"{model.card.name} is trained on labelled clips: a folder, a CSV file, the name of a "
            f"data set or LabelledWindows; received {type(data).__name__}"
        )
    contract = model.card.input
    clips = folder.load(data, labels=model.card.labels)
    return clips.windows(contract.sample_rate, contract.window_samples, contract.hop_samples)


def _fit_windows(
    model: Model,
    data: LabelledWindows,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> dict[str, list[float]]:
    keras.utils.set_random_seed(seed)
    steps = epochs * -(-len(data.waveforms) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    accuracy = "accuracy" if model.card.activation == "softmax" else "binary_accuracy"
    model.compile(
        keras.optimizers.Adam(schedule), LOSSES[model.card.activation], metrics=[accuracy]
    )
    fitted = model.fit(
        data.waveforms, data.targets, batch_size=batch_size, epochs=epochs, verbose=0
    )
    return fitted.history


def _name_of(data: Any) -> str:
    """What a card states of where data came from: no path of a user's machine."""
    if not isinstance(data, str | os.PathLike):
        return "somebody's own"
    words = os.fspath(data)
    if words.startswith(labelled.MIRDATA_PREFIX):
        return labelled.MIRDATA_PREFIX + labelled.parse_mirdata(words)[0]
    return os.path.basename(os.path.abspath(words))
