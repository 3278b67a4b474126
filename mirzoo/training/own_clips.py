"""Fitting a tagger to a user's own labelled clips, beginning with a linear probe.

The embeddings of all clips are computed once, of the clips as they are and of altered copies. A
logistic regression on them (`mirzoo.training.probing`) becomes the output layer, so that the model
is at least as good as that probe; after that the head, or all of the model, is trained a little
further where clips that were held out say that it helps. Batch normalisation goes on with the
statistics of the pretraining: those of some hundreds of clips are no measure of music.

References
----------
Choi, Fazekas, Sandler & Cho, "Transfer learning for music classification and regression tasks",
ISMIR 2017, arXiv:1703.09179: features of every depth. Kumar et al., "Fine-tuning can distort
pretrained features and underperform out-of-distribution", ICLR 2022, arXiv:2202.10054: the probe
first.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from mirzoo._support.words import counted
from mirzoo.annotate import of_windows
from mirzoo.data.folder import LabelledClips, LabelledWindows
from mirzoo.errors import ArtefactError
from mirzoo.models.build import with_new_labels
from mirzoo.models.model import Model
from mirzoo.recipe import Augmentation, Recipe
from mirzoo.training.alterations import AlteredWaveforms, alter, masked, mix_up
from mirzoo.training.fitting import EpochData, build_optimizer, convolve_in_bfloat16, fit_stage
from mirzoo.training.own_run import RunFolder
from mirzoo.training.probing import (
    CurvePoint,
    Embedded,
    Probe,
    best_thresholds,
    crossentropy,
    fit_probe,
    learning_curve,
    mean_by_clip,
)
from mirzoo.training.progress import stage

logger = logging.getLogger(__name__)

Strategy = Literal["auto", "probe", "head", "full"]
Depths = Literal["last", "all"]
Precision = Literal["float32", "bfloat16"]
STRATEGIES: tuple[Strategy, ...] = ("auto", "probe", "head", "full")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")

COPIES = 3
MOST_EMBEDDED = 20000
MOST_WINDOWS = 20
EMBEDDED_AT_ONCE = 32
ALTERED = Augmentation(
    gain_db=(-9.0, 3.0),
    noise_probability=0.5,
    noise_db=(-75.0, -45.0),
    equaliser_probability=0.8,
    shift=0.1,
)
TRIAL_FOLDS = 4
TRIAL_EPOCHS = 6
FEWEST_FOR_A_TRIAL = 200
FEWEST_TO_STOP_EARLY = 40
PATIENCE = 2
WORTHWHILE = 0.98
HEAD_RATE = 1e-4
SCRATCH_RATE = 2e-3
UNTRAINED = "Fresh weights"
LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}


@dataclass(frozen=True)
class Tried:
    """A way to fit the model that was tried, with its cross-entropy on clips held out (nat)."""

    name: str
    loss: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that was fitted to clips, and how it came to be.

    Parameters
    ----------
    model : Model
    chosen : str
        What was done, in words.
    tried : tuple of Tried
        What was compared, within the clips that were given.
    history : dict of str to list of float
        Losses of the epochs, where there were any.
    trial : dict of str to list of float
        Losses of the epochs on a part of the clips, and before and after each "val_loss" on the
        others, where head or more was tried.
    probe : Model, optional
        The same model with a plain probe of its embedding, to compare with.
    curve : tuple of CurvePoint
        What fewer clips would have given, by a probe.
    thresholds : np.ndarray, optional
        ``(labels,)``: above which probability each label holds, where any number may.
    """

    model: Model
    chosen: str
    tried: tuple[Tried, ...] = ()
    history: dict[str, list[float]] = field(default_factory=dict)
    trial: dict[str, list[float]] = field(default_factory=dict)
    probe: Model | None = None
    curve: tuple[CurvePoint, ...] = ()
    thresholds: np.ndarray | None = None


@dataclass(frozen=True)
class Settings:
    """How a tagger is fitted; the fields are the parameters of `mirzoo.fine_tune`."""

    strategy: Strategy = "auto"
    exclusive: bool = False
    extend: bool = False
    epochs: int = 20
    batch_size: int = 16
    learning_rate: float | None = None
    balanced: bool = False
    augmentation: Augmentation = ALTERED
    precision: Precision = "float32"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class _Task:
    """What is fitted to what, and where its state is."""

    base: Model
    clips: LabelledClips
    windows: LabelledWindows
    settings: Settings
    run: RunFolder
    unseen: LabelledWindows | None
    tensorboard: Path | None

    @property
    def activation(self) -> Literal["sigmoid", "softmax"]:
        return "softmax" if self.settings.exclusive else "sigmoid"

    @property
    def everything(self) -> np.ndarray:
        return np.arange(len(self.clips.clips))


def fit_clips(
    base: Model,
    clips: LabelledClips,
    settings: Settings,
    *,
    unseen: LabelledClips | None = None,
    run: RunFolder | None = None,
    tensorboard: Path | None = None,
) -> Fitted:
    """Fit a copy of a tagger to clips: see `mirzoo.fine_tune`.

    Parameters
    ----------
    base : Model
        It stays as it is.
    clips : LabelledClips
        All of them are learnt from.
    settings : Settings
    unseen : LabelledClips, optional
        Others, whose loss is shown after every epoch; it decides on nothing.
    run : RunFolder, optional
        Where embeddings and backups lie.
    tensorboard : Path, optional
        A folder of logs for TensorBoard.

    Raises
    ------
    DataError
        If the clips cannot be read, or cannot be told apart (one label, one group).
    ArtefactError
        If the strategy needs layers that the model has not.
    """
    keras.utils.set_random_seed(settings.seed)
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:

        def cut(some: LabelledClips, name: str) -> LabelledWindows:
            contract = base.card.input
            with stage(f"reading {counted(len(some.clips), 'clip')}"):
                return some.windows(
                    contract.sample_rate,
                    contract.window_samples,
                    contract.hop_samples,
                    most=MOST_WINDOWS,
                    file=Path(folder) / f"{name}.f32",
                )

        has_unseen = unseen is not None and len(unseen.clips) > 0
        task = _Task(
            base,
            clips,
            cut(clips, "windows"),
            settings,
            run or RunFolder(None, {}),
            cut(unseen, "unseen") if unseen is not None and has_unseen else None,
            tensorboard,
        )
        if base.card.provenance.startswith(UNTRAINED):
            return _from_scratch(task)
        return _from_pretrained(task)


def _from_scratch(task: _Task) -> Fitted:
    base, settings = task.base, task.settings
    if settings.strategy not in ("auto", "full"):
        raise ArtefactError(
            f"{base.card.name} has fresh weights, so there is no embedding to put a probe on; "
            f"strategy is {settings.strategy!r}, allowed are 'auto' and 'full'"
        )
    if settings.extend:
        raise ArtefactError(
            f"{base.card.name} has fresh weights, so it has no labels of its own to keep; leave "
            "extend out"
        )
    model = with_new_labels(base.copy(), task.clips.labels, task.activation)
    rate = settings.learning_rate or SCRATCH_RATE
    history = _train(model, task, task.everything, "training", rate=rate, whole=True, fresh=True)
    return Fitted(
        model,
        f"trained from fresh weights for {counted(settings.epochs, 'epoch')}",
        history=history,
    )


def _from_pretrained(task: _Task) -> Fitted:
    base, clips, settings = task.base, task.clips, task.settings
    embedded, depths = _embed(task)
    size = base.head.output_shape[-1]
    views = {"last": embedded.columns(size)}
    if depths:
        views["all"] = embedded
    names = {"last": "a probe of the embedding", "all": "a probe of all depths"}
    fitted = {}
    for view, of_view in views.items():
        with stage(names[view]):
            fitted[view] = fit_probe(
                of_view,
                exclusive=settings.exclusive,
                balanced=settings.balanced,
                seed=settings.seed,
            )
    tried = [Tried(names[view], probe.loss) for view, probe in fitted.items()]
    chosen: Depths = "last"
    if (
        settings.strategy == "auto"
        and "all" in fitted
        and not is_clearly_worse(fitted["all"], fitted["last"], clips.targets)
    ):
        chosen = "all"
    probe = fitted[chosen]
    model = _probed(base, clips, probe, chosen, settings)
    result = Fitted(
        model,
        names[chosen],
        tuple(tried),
        probe=_probed(base, clips, fitted["last"], "last", settings),
        curve=learning_curve(
            views["last"],
            exclusive=settings.exclusive,
            strength=fitted["last"].strength,
            balanced=settings.balanced,
            seed=settings.seed,
        ),
        thresholds=_thresholds(clips.targets, probe.unseen, base, settings),
    )
    if settings.strategy == "probe" or settings.extend:
        return result
    rate = settings.learning_rate or HEAD_RATE
    whole = settings.strategy == "full"
    what = "the whole model" if whole else "the head"
    is_asked_for = settings.strategy != "auto"
    epochs = settings.epochs
    groups = len(np.unique(clips.groups))
    if len(clips.clips) >= (FEWEST_TO_STOP_EARLY if is_asked_for else FEWEST_FOR_A_TRIAL) and (
        groups >= 2
    ):
        trial = _trial(task, views[chosen], probe, chosen, rate=rate, whole=whole)
        before, *after = trial.history["val_loss"]
        epochs = 1 + int(np.argmin(after))
        tried += [
            Tried(f"{names[chosen]}, on the clips of the trial", before),
            Tried(f"the same with {what} trained further", min(after)),
        ]
        result = replace(result, tried=tuple(tried), trial=trial.history)
        if not is_asked_for and not min(after) < WORTHWHILE * before:
            return result
        result = replace(
            result, thresholds=_thresholds(trial.targets, trial.estimates, base, settings)
        )
    elif not is_asked_for:
        return result
    history = _train(
        model,
        replace(task, settings=replace(settings, epochs=epochs)),
        task.everything,
        f"training {what}",
        rate=rate,
        whole=whole,
    )
    return replace(
        result,
        model=model,
        chosen=f"{names[chosen]}, then {what} trained for {counted(epochs, 'epoch')}",
        history=history,
    )


def is_clearly_worse(probe: Probe, other: Probe, targets: np.ndarray) -> bool:
    """Whether a probe does worse than another on clips held out, by more than chance would have it.

    That is, its cross-entropy is higher by more than one standard error of the difference of
    clips. The other way round nothing need be shown: all depths are known to tell more (Choi et
    al.), and of a hundred clips the lower of two losses is often the lower by chance.
    """
    if probe.unseen is None or other.unseen is None:
        return probe.loss > other.loss
    known = np.isfinite(probe.unseen).all(axis=1) & np.isfinite(other.unseen).all(axis=1)
    if known.sum() < 2:
        return False
    mine, theirs = (
        crossentropy(each.unseen[known], targets[known], each.exclusive)
        for each in (probe, other)
        if each.unseen is not None
    )
    difference = mine - theirs
    return bool(difference.mean() > difference.std(ddof=1) / np.sqrt(len(difference)))


def _thresholds(
    targets: np.ndarray, estimates: np.ndarray | None, base: Model, settings: Settings
) -> np.ndarray | None:
    """Above which probability each label of the model holds, where any number of them may."""
    if settings.exclusive or estimates is None:
        return None
    own = best_thresholds(targets, estimates)
    if not settings.extend:
        return own
    before = getattr(base.card.decoding, "thresholds", None) or [0.5] * len(base.card.labels)
    return np.concatenate([before, own])


def _embed(task: _Task) -> tuple[Embedded, bool]:
    """Embed windows and altered copies of them; and whether what blocks give is in it too."""
    base, windows, settings = task.base, task.windows, task.settings
    count = len(windows.clips)
    copies = min(COPIES, max(0, MOST_EMBEDDED // count - 1)) if _is_altered(settings) else 0

    def compute() -> np.ndarray:
        has_all = settings.strategy == "auto" and not base.card.live
        depths: Depths = "all" if has_all else "last"
        rng = np.random.default_rng(settings.seed)
        rows = []
        batches = math.ceil(count / EMBEDDED_AT_ONCE)
        with stage("embeddings", (1 + copies) * batches) as advance:
            for copy in range(1 + copies):
                for start in range(0, count, EMBEDDED_AT_ONCE):
                    some = np.array(windows.waveforms[start : start + EMBEDDED_AT_ONCE])
                    if copy:
                        some = alter(some, settings.augmentation, rng)
                    try:
                        rows.append(of_windows(base.embed(some, layers=depths)))
                    except ArtefactError:
                        if depths == "last":
                            raise
                        depths = "last"  # published models whose head is one layer
                        rows.append(of_windows(base.embed(some)))
                    advance("")
        return np.concatenate(rows)

    embeddings = task.run.array("embeddings", compute)
    numbers = np.tile(windows.clips, 1 + copies)
    altered = np.repeat(np.arange(1 + copies) > 0, count)
    return (
        Embedded(embeddings, numbers, altered, task.clips.targets, task.clips.groups),
        embeddings.shape[1] > base.head.output_shape[-1],
    )


def _is_altered(settings: Settings) -> bool:
    """Whether waveforms are changed, so that altered copies tell more."""
    changes = settings.augmentation
    return bool(
        changes.gain_db != (0.0, 0.0)
        or changes.noise_probability
        or changes.equaliser_probability
        or changes.shift
    )


def _probed(
    base: Model, clips: LabelledClips, probe: Probe, depths: Depths, settings: Settings
) -> Model:
    """A copy of the model whose output layer is the probe."""
    labels, kernel, bias = list(clips.labels), probe.kernel, probe.bias
    if settings.extend:
        old_kernel, old_bias = base.get_layer(base.card.outputs[0].name).get_weights()
        missing = len(kernel) - len(old_kernel)
        old_kernel = np.pad(old_kernel, ((0, missing), (0, 0)))
        labels = [*base.card.labels, *labels]
        kernel = np.concatenate([old_kernel, kernel], axis=1)
        bias = np.concatenate([old_bias, bias])
    activation: Literal["sigmoid", "softmax"] = "softmax" if settings.exclusive else "sigmoid"
    model = with_new_labels(base.copy(), labels, activation, depths=depths)
    model.get_layer(model.card.outputs[0].name).set_weights([kernel, bias])
    return model


@dataclass(frozen=True, eq=False)
class _Trial:
    """Losses of a training on a part of the clips, and what it gave for the others."""

    history: dict[str, list[float]]
    targets: np.ndarray
    estimates: np.ndarray


def _trial(
    task: _Task, embedded: Embedded, probe: Probe, depths: Depths, *, rate: float, whole: bool
) -> _Trial:
    """Train on a part of the clips; the others tell after how many epochs it is best.

    The first "val_loss" is that of the probe.
    """
    settings = task.settings
    folds = min(TRIAL_FOLDS, len(np.unique(embedded.groups)))
    train, test = next(embedded.folds(folds, settings.seed))

    def compute() -> dict[str, Any]:
        part = fit_probe(
            embedded.of_clips(train),
            exclusive=settings.exclusive,
            strengths=(probe.strength,),
            balanced=settings.balanced,
            seed=settings.seed,
        )
        model = _probed(task.base, task.clips, part, depths, settings)
        epochs = settings.epochs
        if settings.strategy == "auto":
            epochs = min(TRIAL_EPOCHS, epochs)
        history = _train(
            model,
            replace(task, settings=replace(settings, epochs=epochs), unseen=None),
            train,
            "trial",
            rate=rate,
            whole=whole,
            held_out=test,
        )
        rows = np.flatnonzero(np.isin(task.windows.clips, test))
        outputs = model.predict(
            task.windows.waveforms[rows], batch_size=EMBEDDED_AT_ONCE, verbose=0
        )
        clips = np.searchsorted(test, task.windows.clips[rows])
        estimates = mean_by_clip(of_windows(outputs), clips)
        return {"history": history, "estimates": estimates.tolist()}

    found = task.run.values("trial", compute)
    return _Trial(found["history"], task.clips.targets[test], np.array(found["estimates"]))


class _ClipBatches:
    """Windows of some of the clips, in another order in every epoch."""

    def __init__(
        self,
        windows: LabelledWindows,
        clips: np.ndarray | None,
        settings: Settings,
        *,
        output: str,
        for_training: bool = True,
    ) -> None:
        self._windows = windows
        self._rows = np.arange(len(windows.clips))
        if clips is not None:
            self._rows = np.flatnonzero(np.isin(windows.clips, clips))
        self._settings = settings
        self._output = output
        self._for_training = for_training
        targets = windows.targets[self._rows]
        weights = np.ones(len(self._rows))
        if settings.balanced and for_training:
            frequency = np.maximum(targets.mean(axis=0), 1 / len(targets))
            weights = np.where(targets > 0, 1 / frequency, 0.0).max(axis=1)
            weights = np.where(weights > 0, weights, 1.0)
        self._chances = weights / weights.sum()
        self._even = not settings.balanced

    def __len__(self) -> int:
        return math.ceil(len(self._rows) / self._settings.batch_size)

    def batch(self, epoch: int, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        size, seed = self._settings.batch_size, self._settings.seed
        order = np.arange(len(self._rows))
        if self._for_training:
            rng = np.random.default_rng([seed, epoch])
            order = (
                rng.permutation(len(order))
                if self._even
                else rng.choice(len(order), len(order), p=self._chances)
            )
        rows = np.sort(self._rows[order[number * size : (number + 1) * size]])
        waveforms = np.array(self._windows.waveforms[rows])
        targets = {self._output: self._windows.targets[rows]}
        if not self._for_training:
            return waveforms, targets
        rng = np.random.default_rng([seed, epoch, number])
        return mix_up(waveforms, targets, self._settings.augmentation, rng)


def _train(
    model: Model,
    task: _Task,
    clips: np.ndarray,
    name: str,
    *,
    rate: float,
    whole: bool,
    fresh: bool = False,
    held_out: np.ndarray | None = None,
) -> dict[str, list[float]]:
    """Train a model by gradient; with ``held_out``, until those clips' loss rises.

    Returns the losses of each epoch; before those of ``held_out`` stands that of the model as it
    came.
    """
    settings = task.settings
    output = model.card.outputs[0].name
    batches = _ClipBatches(task.windows, clips, settings, output=output)
    unseen = None
    if held_out is not None:
        unseen = _ClipBatches(task.windows, held_out, settings, output=output, for_training=False)
    elif task.unseen is not None:
        unseen = _ClipBatches(task.unseen, None, settings, output=output, for_training=False)
    trained = model
    if settings.precision == "bfloat16":
        trained = model.copy()
        convolve_in_bfloat16(trained)
    with _learning(trained, whole=whole, statistics=fresh):
        student = _student(trained, settings)
        optimizer = _optimizer(task, student, rate, len(batches) * settings.epochs, fresh)
        student.compile(optimizer, {output: LOSSES[model.card.activation]})
        student.optimizer.build(student.trainable_variables)
        before = {}
        if held_out is not None and unseen is not None:
            before["val_loss"] = [float(student.evaluate(EpochData(unseen), verbose=0))]
        history = fit_stage(
            student,
            batches,
            name=name,
            epochs=settings.epochs,
            seed=settings.seed,
            unseen=unseen,
            patience=None if held_out is None else PATIENCE,
            folder=task.run.stage("trial" if held_out is not None else "training"),
            tensorboard=None if held_out is not None else task.tensorboard,
        )
    if trained is not model:
        model.set_weights(trained.get_weights())
    return {name: before.get(name, []) + row for name, row in history.items()}


def _optimizer(
    task: _Task, student: keras.Model, rate: float, steps: int, fresh: bool
) -> keras.optimizers.Optimizer:
    """What a recipe states of its training is for fresh weights."""
    if fresh and task.base.card.recipe is not None:
        training = Recipe.model_validate(task.base.card.recipe).training
        stated = training.model_copy(update={"learning_rate": rate})
        return build_optimizer(student, stated, steps=steps)
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.Adam(schedule, global_clipnorm=1.0)


def _student(model: Model, settings: Settings) -> keras.Model:
    """The model, with what alters its input in the graph while it learns; it shares the layers."""
    output = model.card.outputs[0].name
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    altered = AlteredWaveforms(settings.augmentation, settings.seed, name="altered")(waveform)
    features = masked(settings.augmentation, model.frontend(altered), settings.seed)
    estimates = of_windows(model.get_layer(output)(model.head(features)))
    return keras.Model(waveform, {output: estimates}, name="student")


@contextmanager
def _learning(model: Model, *, whole: bool, statistics: bool) -> Iterator[None]:
    """Let the head learn, or the whole model, with or without its statistics."""
    held: list[Any] = [model.frontend] if not whole else []
    if not statistics:
        held += [
            layer
            for layer in model.head.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
    held = [layer for layer in held if layer.trainable]
    for layer in held:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in held:
            layer.trainable = True


__all__ = ["STRATEGIES", "Fitted", "Settings", "Strategy", "Tried", "fit_clips"]
