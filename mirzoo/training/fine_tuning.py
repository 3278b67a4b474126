"""Fitting a pretrained model to a user's own labels: hundreds of clips, or a few songs."""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from importlib import metadata
from numbers import Integral, Real
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np

from mirzoo._support.switches import require_switches
from mirzoo._support.words import counted
from mirzoo.artefact import require_free
from mirzoo.card import Fitting, Licences, Metric, OwnData, commercial_of_all
from mirzoo.data import folder, labelled, own
from mirzoo.data.decoded import clocked
from mirzoo.data.folder import LabelledClips, LabelledWindows
from mirzoo.data.readers import KINDS
from mirzoo.errors import DataError
from mirzoo.evaluation.recordings import (
    LabelledRecording,
    evaluate_together,
    open_recordings,
    recordings_of,
    recordings_of_clips,
)
from mirzoo.evaluation.results import Evaluations
from mirzoo.models.build import build_model
from mirzoo.models.model import Model
from mirzoo.recipe import Augmentation, Recipe
from mirzoo.tasks.base import TASKS, FramewiseTask
from mirzoo.training.alterations import chosen_changes
from mirzoo.training.own_clips import (
    ALTERED,
    HEAD_RATE,
    PRECISIONS,
    SCRATCH_RATE,
    STRATEGIES,
    UNTRAINED,
    Fitted,
    Precision,
    Settings,
    Strategy,
    Tried,
    fit_clips,
)
from mirzoo.training.own_recordings import RecordingSettings, fit_recordings
from mirzoo.training.own_run import (
    RunFolder,
    fingerprint,
    fingerprint_of_source,
    require_room,
    run_folder_of,
)
from mirzoo.training.progress import shown, stage
from mirzoo.training.report import Report

LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}
FEWEST_HELD_OUT = 10
FEWEST_RECORDINGS_HELD_OUT = 3
NONE_HELD_OUT = "none held out"
FITTED_FORMAT = 3
"""Of a card that tells what its model was fitted to."""


def fine_tune(
    model: Model | Recipe | str | os.PathLike,
    data: Any,
    *,
    strategy: Strategy | None = None,
    exclusive: bool | None = None,
    extend: bool = False,
    held_out: float = 0.2,
    epochs: int = 20,
    batch_size: int = 16,
    learning_rate: float | None = None,
    balanced: bool = False,
    augmentation: str | Sequence[str] | Augmentation | None = None,
    precision: Precision = "float32",
    seed: int = 0,
    out: str | os.PathLike | None = None,
    overwrite: bool = False,
    excerpts: bool = True,
    tensorboard: str | os.PathLike | None = None,
    progress: bool | None = None,
    train_head: bool | None = None,
    train_trunk: bool | None = None,
    **options: Any,
) -> Model:
    """Fit a model to labelled clips, or one whose results are frames to labelled recordings.

    A tagger is given new labels, those of the data. With the strategy "auto" a logistic regression
    on its embeddings becomes the output layer, on that of all depths unless the last one alone is
    clearly better for clips left out; where there are two hundred clips or more, the head is
    then trained a little further if that helps clips left out, too. So the result is never worse
    than such a probe but for chance. A frame-wise model (chords, melody) is trained on each
    recording in every epoch in other keys, levels and noise, as its recipe has it; only what is
    labelled counts, and its labels stay the same ones.

    Whatever is chosen, the number of epochs too, is chosen within the data to learn from; then the
    model learns from all of them, and what was held out is measured once. Batch normalisation goes
    on with the statistics of the pretraining.

    Parameters
    ----------
    model : Model, Recipe, str or path
        A model, its name or its folder; it stays as it is. A recipe, its name or its file is
        trained from fresh weights.
    data : str, path, OwnData, LabelledClips, iterable of LabelledRecording, or others
        For a tagger what `mirzoo.data.load` takes: a folder with a folder for each class, a table,
        ``tfds:<name>``, ``mirdata:<name>``, arrays. Else as for `mirzoo.evaluate`: a folder of
        recordings with their labels (``song.mp3`` and ``song.lab``), or such recordings;
        ``mirdata:<name>``, ``tfds:<name>`` or the folder of a prepared corpus, of which only the
        split "train" counts where there is one.
    strategy : {"auto", "probe", "head", "full"}, optional
        "probe" fits the output layers alone, "head" trains the head too, "full" the front-end as
        well (where it learns); by default "auto", which for a frame-wise model is "full" where an
        epoch of it is better for recordings left out.
    exclusive : bool, optional
        Whether exactly one of a tagger's labels holds; by default whether each clip has one. Where
        any number may, the card has for each label above which probability it does: see
        `mirzoo.tasks.tagging.Tags.holding`.
    extend : bool
        Whether a tagger keeps its own labels, and their outputs as they are, and gets the new ones
        behind them; any number of labels may hold then.
    held_out : float
        The share of clips or recordings, whole groups, that is not learnt from and measures the
        result; 0 for none. Data that name a split "test" are divided by it, and it is never learnt
        from. What has fewer than `FEWEST_HELD_OUT` clips, or `FEWEST_RECORDINGS_HELD_OUT`
        recordings, to spare is learnt from whole.
    epochs, batch_size : int
        At most so many passes; and windows, or stretches of recordings, for a step.
    learning_rate : float, optional
        The highest of those steps; by default the task's own, `mirzoo.tasks.base.Task.rates`, of
        taggers 1e-4, from fresh weights 2e-3.
    balanced : bool
        Whether a tagger's rare labels count as much as frequent ones.
    augmentation : str, sequence of str or Augmentation, optional
        How examples are changed at random while the model learns: names of
        `mirzoo.training.alterations.CHANGES` (``"gain,noise,mixup"``), ``"none"``, or settings. By
        default taggers learn with gain, noise, filter and shift, others as their recipe has it.
    precision : {"float32", "bfloat16"}
        In which convolutions are trained; what is saved is float32 always.
    seed : int
        Decides fresh weights, folds, order and alterations: two runs give the same model.
    out : path, optional
        A folder that the model is saved in, with its report as a page and as JSON. Whether it can
        be is checked first of all. If the process is killed, the same call goes on where it was.
    overwrite : bool
        Whether a saved model in ``out`` is replaced.
    excerpts : bool
        Whether the page in ``out`` holds excerpts of the worst mistakes to listen to.
    tensorboard : path, optional
        A folder of logs for TensorBoard.
    progress : bool, optional
        Whether progress is shown; by default where the standard error is a terminal. Else the
        logger ``mirzoo`` gets the same.
    train_head, train_trunk : bool, optional
        Deprecated: ``strategy="full"`` and ``strategy="probe"`` take their place. With one of them,
        or without ``strategy`` for a tagger from `mirzoo.create` that has the labels of the data,
        the model itself is trained and the history is returned, as in version 0.2.
    **options
        How the data are read: see `mirzoo.data.load`.

    Returns
    -------
    Model
        A new one, with a card that states what it was fitted to, and how; ``report`` has what was
        tried, the losses and the scores on what was held out: see
        `mirzoo.training.report.Report`.

    Raises
    ------
    DataError
        If the data cannot be read, have labels that the model hasn't, or none for its task.
    RecipeError
        If a frame-wise model was converted from another package.
    ArtefactError
        If the model cannot be saved in ``out``.
    TrainingError
        If a loss is not finite.

    Examples
    --------
    >>> import mirzoo
    >>> model = mirzoo.fine_tune("mel_cnn_tagger", "clips/")  # doctest: +SKIP
    >>> model.report.chosen  # doctest: +SKIP
    'a probe of all depths'
    >>> mirzoo.save(model, "my_models/instruments")  # doctest: +SKIP
    >>> chords = mirzoo.fine_tune("cqt_crnn_chords", "songs/", epochs=10)  # doctest: +SKIP
    """
    require_switches(
        DataError,
        optional={
            "exclusive": exclusive,
            "progress": progress,
            "train_head": train_head,
            "train_trunk": train_trunk,
        },
        extend=extend,
        balanced=balanced,
        overwrite=overwrite,
        excerpts=excerpts,
    )
    if isinstance(model, Model):
        is_new = extend or out is not None
        former = _former_use(model, data, strategy, train_head, train_trunk, is_new)
        if former is not None:
            return _fit_in_place(
                model, data, train_head=former, epochs=epochs, batch_size=batch_size,
                learning_rate=learning_rate, seed=seed,
            )  # fmt: skip
    wanted = Wanted(
        strategy="auto" if strategy is None else strategy,
        exclusive=exclusive,
        extend=extend,
        held_out=held_out,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        balanced=balanced,
        augmentation=augmentation,
        precision=precision,
        seed=seed,
    )
    wanted.check()
    if out is not None:
        require_free(out, overwrite=overwrite)
    keras.utils.set_random_seed(seed)
    base = _base(model)
    if out is not None:
        require_room(out, overwrite=overwrite, parameters=base.card.parameters)
    fit = _Framewise if isinstance(TASKS[base.card.task], FramewiseTask) else _Clips
    with shown(progress), clocked() as clock:
        fitted = fit(base, data, wanted, options)
        run = RunFolder(None if out is None else run_folder_of(out), fitted.about)
        result = fitted.fit(run, None if tensorboard is None else Path(tensorboard))
        result.report = replace(result.report, decoding_share=clock.share)
        if out is not None:
            from mirzoo import hub

            with stage("saving"):
                hub.save(result, out, overwrite=overwrite)
                result.report.write_next_to(out, excerpts=excerpts)
            run.remove()
    return result


@dataclass(frozen=True)
class Wanted:
    """What was asked for: the parameters of `fine_tune`."""

    strategy: Strategy
    exclusive: bool | None
    extend: bool
    held_out: float
    epochs: int
    batch_size: int
    learning_rate: float | None
    balanced: bool
    augmentation: str | Sequence[str] | Augmentation | None
    precision: Precision
    seed: int

    def check(self) -> None:
        """Raise a DataError where a value is not allowed."""
        for name, allowed in (("strategy", STRATEGIES), ("precision", PRECISIONS)):
            value = getattr(self, name)
            if value not in allowed:
                raise DataError(f"{name} is {value!r}; allowed are {', '.join(map(repr, allowed))}")
        if not (isinstance(self.held_out, Real) and 0 <= self.held_out < 1):
            raise DataError(f"held_out is {self.held_out!r}; allowed are shares from 0 to below 1")
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and value >= 1) or isinstance(value, bool):
                raise DataError(f"{name} is {value!r}; allowed are whole numbers from 1 on")
        rate = self.learning_rate
        if rate is not None and not (isinstance(rate, Real) and 0 < rate < math.inf):
            raise DataError(f"learning_rate is {rate!r}; allowed are finite numbers above 0")
        own.require_seed(self.seed)

    def stated(self, **as_it_ran: Any) -> dict[str, Any]:
        """All of it as JSON has it, with what became of what was left open."""
        values = {field.name: getattr(self, field.name) for field in fields(self)} | as_it_ran
        changes = values["augmentation"]
        if isinstance(changes, Augmentation):
            values["augmentation"] = changes.model_dump(mode="json")
        return values


def _base(model: Model | Recipe | str | os.PathLike) -> Model:
    """The model to begin with: trained, or a recipe's with fresh weights."""
    from mirzoo import hub

    if isinstance(model, Model):
        return model
    if isinstance(model, Recipe):
        return build_model(model, "own_model")
    words = os.fspath(model)
    if words in hub.list_models(pretrained=True) or os.path.isdir(words):
        return hub.load(words)
    if words.partition("@")[0].endswith((".yaml", ".yml")) or words in hub.list_models(
        pretrained=False
    ):
        return build_model(hub.load_recipe(words), hub.recipe_name(words))
    return hub.load(words)


def _is_fresh(model: Model) -> bool:
    return model.card.provenance.startswith(UNTRAINED)


class _Clips:
    """Clips with tags, and the tagger to be fitted to them."""

    def __init__(self, base: Model, data: Any, wanted: Wanted, options: dict[str, Any]) -> None:
        self.base, self.wanted = base, wanted
        clips, self.source, self.checksum, self.skipped = _clips(base, data, options)
        self.clips = clips
        changes, _ = (
            (ALTERED, None)
            if wanted.augmentation is None
            else chosen_changes(wanted.augmentation, ALTERED, framewise=False)
        )
        self.settings = Settings(
            strategy=wanted.strategy,
            exclusive=self._one_each(),
            extend=wanted.extend,
            epochs=wanted.epochs,
            batch_size=wanted.batch_size,
            learning_rate=wanted.learning_rate,
            balanced=wanted.balanced,
            augmentation=changes,
            precision=wanted.precision,
            seed=wanted.seed,
        )
        self.train, self.test, self.split = _divided(clips, wanted.held_out, wanted.seed)

    def _one_each(self) -> bool:
        card, wanted = self.base.card, self.wanted
        if not wanted.extend:
            return self.clips.exclusive if wanted.exclusive is None else wanted.exclusive
        if wanted.exclusive:
            raise DataError("extend keeps labels of which any number may hold; leave exclusive out")
        if twice := sorted(set(card.labels) & set(self.clips.labels)):
            raise DataError(f"{card.name} has the labels {twice} already; name yours otherwise")
        if card.activation != "sigmoid":
            raise DataError(
                f"exactly one label of {card.name} holds, so that none can be added; leave "
                "extend out, or take a model of which any number may hold"
            )
        return False

    @property
    def stated(self) -> dict[str, Any]:
        settings = self.settings
        usual = SCRATCH_RATE if _is_fresh(self.base) else HEAD_RATE
        return self.wanted.stated(
            exclusive=settings.exclusive,
            augmentation=settings.augmentation,
            learning_rate=settings.learning_rate or usual,
        )

    @property
    def about(self) -> dict[str, Any]:
        """What decides on the result."""
        recordings = [
            (clip.name, clip.group, list(clip.labels.tags or ()), clip.split,
             fingerprint_of_source(clip.source))
            for clip in self.clips.clips
        ]  # fmt: skip
        return _about(self.base, self.stated, recordings)

    def fit(self, run: RunFolder, tensorboard: Path | None) -> Model:
        """Give the fitted model."""
        base, clips, settings = self.base, self.clips, self.settings
        train, test = clips.of(self.train), clips.of(self.test)
        fitted = fit_clips(base, train, settings, unseen=test, run=run, tensorboard=tensorboard)
        evaluations = self._evaluated(fitted, test)
        model, card = fitted.model, base.card
        counts = _counts(train)
        of_each = ", ".join(f"{label} {count}" for label, count in counts.items())
        epochs = len(fitted.history.get("loss", ()))
        is_fresh = _is_fresh(base)
        decoding = None
        if fitted.thresholds is not None:
            thresholds = [round(float(value), 6) for value in fitted.thresholds]
            decoding = {"type": card.task, "thresholds": thresholds}
        groups = len(np.unique(train.groups))
        model.card = model.card.updated(
            description=self._description(),
            metrics=_with_baselines(evaluations),
            files={},
            decoding=decoding,
            format=max(card.format, FITTED_FORMAT),
            licences=_licences(card.licences, self.source, is_fresh),
            fitting=_fitting(
                self.base,
                OwnData(
                    name=self.source,
                    checksum=self.checksum,
                    recordings=len(self.train),
                    groups=groups,
                    labels=counts,
                    held_out=len(self.test),
                    held_out_labels=_counts(test),
                    split=self.split,
                    skipped=self.skipped,
                ),
                self.stated,
                fitted.chosen,
                epochs,
            ),
            provenance=(
                f"{_began(base)} on {counted(len(self.train), 'clip')} in "
                f"{counted(groups, 'group')} of {self.source} "
                f"({of_each}), strategy {settings.strategy}: {fitted.chosen}; seed {settings.seed}"
                f"{', labels balanced' if settings.balanced else ''}; "
                f"{counted(len(self.test), 'clip')} held "
                f"out.{_before(base)}"
            ),
        )
        model.report = Report(
            strategy=settings.strategy,
            chosen=fitted.chosen,
            tried=fitted.tried,
            history=fitted.history,
            trial=fitted.trial,
            curve=fitted.curve,
            metrics=tuple(model.card.metrics),
            evaluations=evaluations,
            learnt_from=len(self.train),
            held_out=len(self.test),
            clips_of_labels=counts,
            settings=self.stated,
            card=model.card,
        )
        return model

    def _description(self) -> str:
        count, name = len(self.clips.labels), self.base.card.name
        if self.settings.extend:
            return f"{name} with {counted(count, 'label')} more, fine-tuned."
        how = "trained from fresh weights" if _is_fresh(self.base) else "fine-tuned"
        return f"Tells {counted(count, 'label')} apart: {name}, {how}."

    def _evaluated(self, fitted: Fitted, test: LabelledClips) -> Evaluations | None:
        """What the model, and a plain probe of the one before, give for the clips held out."""
        if not test.clips:
            return None
        models, names = [fitted.model], [_fitted_name(self.base)]
        if fitted.probe is not None:
            models.append(fitted.probe)
            names.append(f"linear probe of {self.base.card.name}")
        return _evaluated(models, names, recordings_of_clips(test, self.base.card.task),
                          self.source, f"{len(test.clips)} clips")  # fmt: skip


class _Framewise:
    """Recordings with labels over time, and the model to be fitted to them."""

    def __init__(self, base: Model, data: Any, wanted: Wanted, options: dict[str, Any]) -> None:
        self.base, self.wanted = base, wanted
        task = base.card.task
        if wanted.extend:
            raise DataError(f"extend is for taggers; what {task} are is fixed")
        if wanted.exclusive is not None:
            raise DataError(f"exclusive is for taggers; what {task} are is fixed")
        if wanted.balanced:
            raise DataError(
                f"balanced is for taggers; how often {task} occur is part of what a model of them "
                "learns, and transposing them balances keys already: leave it out"
            )
        changes, transposed = None, None
        if wanted.augmentation is not None:
            usual = Augmentation()
            if base.card.recipe is not None:
                usual = Recipe.model_validate(base.card.recipe).training.augmentation
            changes, transposed = chosen_changes(wanted.augmentation, usual, framewise=True)
        rate = wanted.learning_rate
        if rate is None and not _is_fresh(base):
            rates = TASKS[task].rates
            rate = rates.outputs if wanted.strategy == "probe" else rates.whole
        if _is_fresh(base) and wanted.strategy not in ("auto", "full"):
            raise DataError(
                f"{base.card.name} has fresh weights, all of which must learn; strategy is "
                f"{wanted.strategy!r}, allowed are 'auto' and 'full'"
            )
        self.settings = RecordingSettings(
            strategy=wanted.strategy,
            epochs=wanted.epochs,
            batch_size=wanted.batch_size,
            learning_rate=rate,
            augmentation=changes,
            transposed=transposed,
            precision=wanted.precision,
            seed=wanted.seed,
        )
        found = _recordings(base, data, options)
        self.recordings, splits, self.source, self.checksum, self.skipped = found
        self.train, self.test, self.split = _divided_recordings(
            self.recordings, splits, wanted.held_out, wanted.seed
        )

    @property
    def stated(self) -> dict[str, Any]:
        settings = self.settings
        return {
            **self.wanted.stated(learning_rate=settings.learning_rate),
            "augmentation": "as in the recipe"
            if settings.augmentation is None
            else settings.augmentation.model_dump(mode="json"),
        }

    @property
    def about(self) -> dict[str, Any]:
        """What decides on the result."""
        recordings = [
            (one.name, one.group, repr(one.truth.to_dict()), fingerprint_of_source(one.source))
            for one in self.recordings
        ]
        return _about(self.base, self.stated | {"moved": self.settings.transposed}, recordings)

    def fit(self, run: RunFolder, tensorboard: Path | None) -> Model:
        """Give the fitted model."""
        base, wanted, settings = self.base, self.wanted, self.settings
        train = [self.recordings[number] for number in self.train]
        test = [self.recordings[number] for number in self.test]
        groups = [_group(one, number) for number, one in enumerate(train)]
        model = base.copy()
        model.frontend.trainable = wanted.strategy in ("auto", "full")
        model.head.trainable = wanted.strategy != "probe"
        fitted = fit_recordings(
            model, train, settings, groups=groups, unseen=test, run=run, tensorboard=tensorboard
        )
        model.frontend.trainable = model.head.trainable = True
        is_fresh = _is_fresh(base)
        what = {"probe": "the output layers alone", "head": "head and output layers"}.get(
            wanted.strategy, "the whole model"
        )
        chosen = f"{what} trained for {counted(fitted.epochs, 'epoch')}"
        if fitted.epochs == 0:
            chosen = "the model as it was: no epoch was better on recordings left out"
        evaluations = None
        if test:
            models = [model] if is_fresh else [model, base]
            names = [_fitted_name(base), base.card.name][: len(models)]
            evaluations = _evaluated(
                models, names, test, self.source, counted(len(test), "recording")
            )
        held_out = f"; {len(test)} held out" if test else ""
        model.card = base.card.updated(
            description=f"{base.card.description} "
            f"{'Trained from fresh weights' if is_fresh else 'Fine-tuned'}.",
            metrics=_with_baselines(evaluations),
            files={},
            format=max(base.card.format, FITTED_FORMAT),
            licences=_licences(base.card.licences, self.source, is_fresh),
            fitting=_fitting(
                base,
                OwnData(
                    name=self.source,
                    checksum=self.checksum,
                    recordings=len(train),
                    groups=len(set(groups)),
                    held_out=len(test),
                    split=self.split,
                    skipped=self.skipped,
                ),
                self.stated,
                chosen,
                fitted.epochs,
            ),
            provenance=f"{_began(base)} for {counted(fitted.epochs, 'epoch')} on "
            f"{counted(len(train), 'recording')} of {self.source}, {what}; seed {wanted.seed}"
            f"{held_out}.{_before(base)}",
        )
        model.report = Report(
            strategy=wanted.strategy,
            chosen=chosen,
            tried=_tried(fitted.trial),
            history=fitted.history,
            trial=fitted.trial,
            metrics=tuple(model.card.metrics),
            evaluations=evaluations,
            learnt_from=len(train),
            held_out=len(test),
            settings=self.stated,
            card=model.card,
        )
        return model


def _tried(trial: dict[str, list[float]]) -> tuple[Tried, ...]:
    if not trial:
        return ()
    before, *after = trial["val_loss"]
    return (
        Tried("the model as it was, on recordings left out", before),
        Tried("the same trained further", min(after)),
    )


def _fitted_name(base: Model) -> str:
    """What the new model is called next to others, before it has a name of its own."""
    return f"{base.card.name}, {'trained' if _is_fresh(base) else 'fine-tuned'}"


def _began(base: Model) -> str:
    name = base.card.name
    return f"Trained from fresh weights, as {name}," if _is_fresh(base) else (
        f"Fine-tuned from {name}"
    )  # fmt: skip


def _before(base: Model) -> str:
    return "" if _is_fresh(base) else f" {base.card.name}: {base.card.provenance}"


def _about(base: Model, settings: dict[str, Any], recordings: list[Any]) -> dict[str, Any]:
    digest = hashlib.sha256(json.dumps(recordings, default=str).encode()).hexdigest()
    return {
        "mirzoo": metadata.version("mirzoo"),
        "base": [base.card.name, fingerprint(base.get_weights())],
        "data": digest,
        "settings": settings,
    }


def _fitting(
    base: Model, data: OwnData, settings: dict[str, Any], chosen: str, epochs: int
) -> Fitting:
    is_fresh = _is_fresh(base)
    return Fitting(
        data=data,
        base=None if is_fresh else base.card.name,
        base_licence=None if is_fresh else base.card.licences.weights,
        strategy=settings["strategy"],
        chosen=chosen,
        epochs=epochs,
        settings=json.loads(json.dumps(settings)),
    )


def _counts(clips: LabelledClips) -> dict[str, int]:
    if not clips.clips:
        return {}
    return dict(zip(clips.labels, clips.targets.sum(axis=0).astype(int).tolist()))


def _evaluated(
    models: Sequence[Model],
    names: Sequence[str],
    recordings: Sequence[LabelledRecording],
    source: str,
    what: str,
) -> Evaluations | None:
    groups = len({_group(one, number) for number, one in enumerate(recordings)})
    try:
        with stage("scores on what was held out", len(recordings)) as advance:
            found = evaluate_together(
                models,
                recordings,
                dataset=source,
                split=f"{what} in {counted(groups, 'group')} held out",
                progress=lambda done: advance(""),
            )
    except DataError:  # there may be nothing that can be scored
        return None
    for evaluation, name in zip(found, names, strict=True):
        evaluation.model = name
    return found


def _with_baselines(evaluations: Evaluations | None) -> list[Metric]:
    """The scores of the first, next to those of the others."""
    if evaluations is None:
        return []
    first, *others = evaluations
    return [
        metric.model_copy(
            update={
                "baseline": {
                    other.model: theirs.value
                    for other in others
                    for theirs in other
                    if theirs.metric == metric.metric
                }
            }
        )
        for metric in first
    ]


def _group(recording: LabelledRecording, number: int) -> str:
    return recording.group or recording.name or f"recording {number}"


def _divided(
    clips: LabelledClips, held_out: float, seed: int
) -> tuple[np.ndarray, np.ndarray, str]:
    """Numbers of the clips to learn from and of those held out, and how they were divided."""
    everything = np.arange(len(clips.clips))

    def whole(reason: str) -> tuple[np.ndarray, np.ndarray, str]:
        return everything, everything[:0], f"{NONE_HELD_OUT}{reason}"

    named = _named([clip.split for clip in clips.clips], held_out)
    if named is not None:
        return named
    if held_out == 0:
        return whole("")
    if held_out * len(everything) < FEWEST_HELD_OUT:
        return whole(_too_few(held_out, counted(len(everything), "clip"), FEWEST_HELD_OUT))
    groups = len(np.unique(clips.groups))
    folds = min(max(2, round(1 / held_out)), groups)
    if folds < 2:
        return whole(", since all clips are of one group")
    train, test = next(clips.folds(folds, seed=seed))
    learnable = clips.targets[train].sum(axis=0) > 0
    if not learnable.all():
        return whole(", since a label would have no clip to learn from")
    return train, test, _by_groups(len(test) / len(everything), seed)


def _named(
    splits: Sequence[str | None], held_out: float
) -> tuple[np.ndarray, np.ndarray, str] | None:
    """How the data divide themselves, where they name a split "test"."""
    names = np.array(splits, object)
    learnt, tested = np.isin(names, ["train", "validation"]), names == "test"
    if not learnt.any() or not tested.any():
        return None
    if not held_out:
        how = f"{NONE_HELD_OUT}; what the data call test was left out"
        return np.flatnonzero(learnt), np.flatnonzero(learnt)[:0], how
    return np.flatnonzero(learnt), np.flatnonzero(tested), "as the data name them"


def _divided_recordings(
    recordings: Sequence[LabelledRecording],
    splits: Sequence[str | None],
    held_out: float,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, str]:
    named = _named(splits, held_out)
    if named is not None:
        return named
    everything = np.arange(len(recordings))
    groups = [_group(one, number) for number, one in enumerate(recordings)]
    names = np.unique(groups)
    count = round(held_out * len(names))
    if held_out == 0:
        return everything, everything[:0], NONE_HELD_OUT
    if held_out * len(recordings) < FEWEST_RECORDINGS_HELD_OUT:
        reason = _too_few(
            held_out, counted(len(recordings), "recording"), FEWEST_RECORDINGS_HELD_OUT
        )
        return everything, everything[:0], f"{NONE_HELD_OUT}{reason}"
    if not 0 < count < len(names):
        reason = f", since there are too few groups: {len(names)}"
        return everything, everything[:0], f"{NONE_HELD_OUT}{reason}"
    chosen = np.random.default_rng(seed).permutation(names)[:count]
    tested = np.isin(groups, chosen)
    return everything[~tested], everything[tested], _by_groups(tested.mean(), seed)


def _too_few(held_out: float, of: str, fewest: int) -> str:
    return f", since {held_out:g} of {of} is fewer than {fewest}"


def _by_groups(share: float | np.floating, seed: int) -> str:
    return f"{share:.2g} of the recordings, whole groups, by seed {seed}"


def _licences(base: Licences, source: str, is_fresh: bool) -> Licences:
    if is_fresh:
        return Licences(
            code=base.code,
            weights="what the data they were trained on allow",
            data=f"{source} (the user's own terms)",
        )
    return Licences(
        code=base.code,
        weights=f"{base.weights}, and what the data they were fine-tuned on allow",
        data=f"{source} (the user's own terms); before it {base.data}",
        commercial=commercial_of_all([base.commercial, "unstated"]),
    )


def _require_own(options: dict[str, Any]) -> None:
    """Raise DataError where an option is one that the model decides."""
    for name in ("kind", "sample_rate", "window_s"):
        if name in options:
            raise DataError(f"{name} is the model's own; leave it out")


def _clips(
    model: Model, data: Any, options: dict[str, Any]
) -> tuple[LabelledClips, str, str | None, int]:
    """The clips of some data; what they are called, their checksum, and how many were left out."""
    _require_own(options)
    if isinstance(data, LabelledClips):
        if options:
            raise DataError(f"the clips are read already; leave {', '.join(options)} out")
        return data, _name_of(data), None, 0
    if isinstance(data, LabelledWindows):
        raise DataError(
            f"{model.card.name} is trained on labelled clips: a folder, a table, the name of a "
            "data set or LabelledClips; received LabelledWindows"
        )
    contract = model.card.input
    with stage("checking the data"):
        found = own.load(
            data,
            "tags",
            sample_rate=contract.sample_rate,
            window_s=contract.window_samples / contract.sample_rate,
            **options,
        )
    return found.clips, found.name, found.checksum, len(found.skipped)


def _recordings(
    model: Model, data: Any, options: dict[str, Any]
) -> tuple[list[LabelledRecording], tuple[str | None, ...], str, str | None, int]:
    """The recordings of some data, with their splits.

    Then what the data are called, their checksum, and how many were left out.
    """
    _require_own(options)
    if isinstance(data, LabelledWindows | LabelledClips):
        what = "windows of clips" if isinstance(data, LabelledWindows) else "clips"
        raise DataError(
            f"{model.card.name} is trained on recordings with labels over time; received {what}"
        )
    task = TASKS[model.card.task]
    known_set = isinstance(data, str | os.PathLike) and labelled.is_known(data)
    is_read = not known_set and not _are_labelled_recordings(data)
    if is_read and task.label_kind in KINDS:  # labels of other kinds the task alone can read
        contract = model.card.input
        with stage("checking the data"):
            data = own.load(
                data, cast(Any, task.label_kind), sample_rate=contract.sample_rate, **options
            )
        if data.kind != task.label_kind:
            raise DataError(
                f"{data.name} has {data.kind}, but {model.card.name} is a model for {task.name}"
            )
        found = [(recordings_of([one], task.name), one.split) for one in data.recordings]
        splits = tuple(split for some, split in found for _ in some)
        recordings = [one for some, _ in found for one in some]
        return recordings, splits, data.name, data.checksum, len(data.skipped)
    if options:
        raise DataError(
            f"{', '.join(options)} is for folders and tables of your own with "
            f"{', '.join(KINDS)}; leave it out here"
        )
    split = labelled.training_split(data) if known_set else None
    recordings = list(open_recordings(data, task.name, split))
    return recordings, (None,) * len(recordings), _name_of(data), None, 0


def _are_labelled_recordings(data: Any) -> bool:
    return isinstance(data, list | tuple) and all(
        isinstance(one, LabelledRecording) for one in data
    )


# The use of version 0.2: a model is trained as it is, and the history returned.


def _former_use(
    model: Model,
    data: Any,
    strategy: Strategy | None,
    train_head: bool | None,
    train_trunk: bool | None,
    is_new: bool,
) -> bool | None:
    """Whether head and front-end learn, where a model is to be trained in place; else None.

    ``is_new`` tells that there are options which version 0.2 did not have.
    """
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
    if strategy is None and created and isinstance(data, str | os.PathLike) and not is_new:
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
        recordings = _recordings(model, data, {})[0]
        strategy: Strategy = "full" if train_head else "probe"
        history = fit_recordings(
            model, recordings, RecordingSettings(strategy=strategy, **options)
        ).history
        trained_on = counted(len(recordings), "recording")
    else:
        windows = _windows(model, data)
        history = _fit_windows(model, windows, **options)
        trained_on = counted(len(np.unique(windows.clips)), "clip")
    card = model.card
    alone = "" if train_head else ", the output layers alone"
    model.card = card.updated(
        description=f"{card.description} Fine-tuned.",
        metrics=[],
        files={},
        provenance=f"Fine-tuned for {counted(epochs, 'epoch')} on {trained_on} of "
        f"{_name_of(data)}{alone}, from {card.name}. {card.provenance}",
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
