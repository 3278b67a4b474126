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
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from mirzoo.data.folder import LabelledClips, LabelledWindows
from mirzoo.errors import ArtefactError, DataError
from mirzoo.models.build import with_new_labels
from mirzoo.models.model import Model
from mirzoo.recipe import Augmentation
from mirzoo.training.batches import alter
from mirzoo.training.fitting import EpochData, SeededEpochs
from mirzoo.training.probing import Embedded, Probe, fit_probe

logger = logging.getLogger(__name__)

Strategy = Literal["auto", "probe", "head", "full"]
Depths = Literal["last", "all"]
STRATEGIES: tuple[Strategy, ...] = ("auto", "probe", "head", "full")

COPIES = 3
MOST_EMBEDDED = 20000
MOST_WINDOWS = 20
EMBEDDED_AT_ONCE = 32
ALTERED = Augmentation(
    gain_db=(-9.0, 3.0),
    noise_probability=0.5,
    noise_db=(-75.0, -45.0),
    equaliser_probability=0.8,
)
SHIFT = 0.1
TRIAL_FOLDS = 4
TRIAL_EPOCHS = 6
FEWEST_FOR_A_TRIAL = 200
WORTHWHILE = 0.98
HEAD_RATE = 1e-4
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
    """

    model: Model
    chosen: str
    tried: tuple[Tried, ...]
    history: dict[str, list[float]]


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
    seed: int = 0


def fit_clips(base: Model, clips: LabelledClips, settings: Settings) -> Fitted:
    """Fit a copy of a tagger to clips: see `mirzoo.fine_tune`.

    Parameters
    ----------
    base : Model
        It stays as it is.
    clips : LabelledClips
        All of them are learnt from.
    settings : Settings

    Raises
    ------
    DataError
        If the clips cannot be read, or cannot be told apart (one label, one group).
    ArtefactError
        If the strategy needs layers that the model has not.
    """
    keras.utils.set_random_seed(settings.seed)
    contract = base.card.input
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
        windows = clips.windows(
            contract.sample_rate,
            contract.window_samples,
            contract.hop_samples,
            most=MOST_WINDOWS,
            file=Path(folder) / "windows.f32",
        )
        if base.card.provenance.startswith(UNTRAINED):
            return _from_scratch(base, clips, windows, settings)
        return _from_pretrained(base, clips, windows, settings)


def _from_scratch(
    base: Model, clips: LabelledClips, windows: LabelledWindows, settings: Settings
) -> Fitted:
    if settings.strategy not in ("auto", "full"):
        raise ArtefactError(
            f"{base.card.name} has fresh weights, so there is no embedding to put a probe on; "
            f"strategy is {settings.strategy!r}, allowed are 'auto' and 'full'"
        )
    model = with_new_labels(base.copy(), clips.labels, _activation(settings))
    rate = settings.learning_rate or 2e-3
    history = _train(
        model, windows, np.arange(len(clips.clips)), settings, rate=rate, whole=True, fresh=True
    )
    return Fitted(model, f"trained from fresh weights for {settings.epochs} epochs", (), history)


def _from_pretrained(
    base: Model, clips: LabelledClips, windows: LabelledWindows, settings: Settings
) -> Fitted:
    embedded, depths = _embed(base, clips, windows, settings)
    size = base.head.output_shape[-1]
    views = {"last": embedded.columns(size)}
    if depths:
        views["all"] = embedded
    fitted = {
        view: fit_probe(
            of_view,
            exclusive=settings.exclusive,
            balanced=settings.balanced,
            seed=settings.seed,
        )
        for view, of_view in views.items()
    }
    names = {"last": "a probe of the embedding", "all": "a probe of all depths"}
    tried = [Tried(names[view], probe.loss) for view, probe in fitted.items()]
    chosen: Depths = "last"
    if settings.strategy == "auto" and "all" in fitted and fitted["all"].loss < fitted["last"].loss:
        chosen = "all"
    model = _probed(base, clips, fitted[chosen], chosen, settings)
    if settings.strategy == "probe" or settings.extend:
        return Fitted(model, names[chosen], tuple(tried), {})
    rate = settings.learning_rate or HEAD_RATE
    whole = settings.strategy == "full"
    epochs = settings.epochs
    if settings.strategy == "auto":
        if len(clips.clips) < FEWEST_FOR_A_TRIAL:
            return Fitted(model, names[chosen], tuple(tried), {})
        before, after, epochs = _trial(
            base, clips, windows, views[chosen], fitted[chosen], chosen, settings
        )
        tried += [
            Tried(f"{names[chosen]}, on the clips of the trial", before),
            Tried("the same with the head trained further", after),
        ]
        if not after < WORTHWHILE * before:
            return Fitted(model, names[chosen], tuple(tried), {})
    history = _train(
        model,
        windows,
        np.arange(len(clips.clips)),
        replace(settings, epochs=epochs),
        rate=rate,
        whole=whole,
    )
    what = "the whole model" if whole else "the head"
    return Fitted(
        model,
        f"{names[chosen]}, then {what} trained for {epochs} epochs",
        tuple(tried),
        history,
    )


def _activation(settings: Settings) -> Literal["sigmoid", "softmax"]:
    return "softmax" if settings.exclusive else "sigmoid"


def _embed(
    base: Model, clips: LabelledClips, windows: LabelledWindows, settings: Settings
) -> tuple[Embedded, bool]:
    """Embed windows and altered copies of them; and whether what blocks give is in it too."""
    wants_depths = settings.strategy == "auto"
    depths: Depths = "all" if wants_depths else "last"
    rng = np.random.default_rng(settings.seed)
    count = len(windows.clips)
    copies = min(COPIES, max(0, MOST_EMBEDDED // count - 1))
    rows, numbers = [], []
    for copy in range(1 + copies):
        for start in range(0, count, EMBEDDED_AT_ONCE):
            some = np.array(windows.waveforms[start : start + EMBEDDED_AT_ONCE])
            if copy:
                some = _altered(some, rng)
            try:
                rows.append(base.embed(some, layers=depths))
            except ArtefactError:
                if depths == "last":
                    raise
                depths = "last"  # published models whose head is one layer
                rows.append(base.embed(some))
        numbers.append(windows.clips)
    embeddings = np.concatenate(rows)
    altered = np.repeat(np.arange(1 + copies) > 0, count)
    return (
        Embedded(embeddings, np.concatenate(numbers), altered, clips.targets, clips.groups),
        depths == "all",
    )


def _altered(waveforms: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change level, tilt and noise, and begin earlier or later: `SHIFT` of a window at most."""
    altered = alter(waveforms, ALTERED, rng)
    furthest = int(SHIFT * waveforms.shape[1])
    for row in altered:
        by = int(rng.integers(-furthest, furthest + 1))
        row[:] = np.roll(row, by)
        if by > 0:
            row[:by] = 0.0
        elif by < 0:
            row[by:] = 0.0
    return altered


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
    model = with_new_labels(base.copy(), labels, _activation(settings), depths=depths)
    model.get_layer(model.card.outputs[0].name).set_weights([kernel, bias])
    return model


def _trial(
    base: Model,
    clips: LabelledClips,
    windows: LabelledWindows,
    embedded: Embedded,
    probe: Probe,
    depths: Depths,
    settings: Settings,
) -> tuple[float, float, int]:
    """Train the head on a part of the clips and compare on the others.

    Returns the loss of the probe, the least loss after an epoch, and the number of that epoch.
    """
    folds = min(TRIAL_FOLDS, len(np.unique(embedded.groups)))
    train, test = next(embedded.folds(folds, settings.seed))
    part = fit_probe(
        embedded.of_clips(train),
        exclusive=settings.exclusive,
        strengths=(probe.strength,),
        balanced=settings.balanced,
        seed=settings.seed,
    )
    model = _probed(base, clips, part, depths, settings)
    history = _train(
        model,
        windows,
        train,
        replace(settings, epochs=min(TRIAL_EPOCHS, settings.epochs)),
        rate=settings.learning_rate or HEAD_RATE,
        whole=False,
        held_out=test,
    )
    before, *after = history["val_loss"]
    return before, min(after), 1 + int(np.argmin(after))


class _ClipBatches:
    """Windows of some of the clips, altered and in another order in every epoch."""

    def __init__(
        self,
        windows: LabelledWindows,
        clips: np.ndarray,
        settings: Settings,
        *,
        output: str,
        for_training: bool = True,
    ) -> None:
        self._windows = windows
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
        if self._for_training:
            waveforms = _altered(waveforms, np.random.default_rng([seed, epoch, number]))
        return waveforms, {self._output: self._windows.targets[rows]}


def _train(
    model: Model,
    windows: LabelledWindows,
    clips: np.ndarray,
    settings: Settings,
    *,
    rate: float,
    whole: bool,
    fresh: bool = False,
    held_out: np.ndarray | None = None,
) -> dict[str, list[float]]:
    """Train a model by gradient; with ``held_out``, until those clips' loss rises.

    Returns the losses of each epoch, before which stands that of the model as it came.
    """
    output = model.card.outputs[0].name
    batches = _ClipBatches(windows, clips, settings, output=output)
    data = EpochData(batches)
    with _learning(model, whole=whole, statistics=fresh):
        schedule = keras.optimizers.schedules.CosineDecay(rate, len(batches) * settings.epochs)
        student = keras.Model(model.input, {output: model.output}, name="student")
        student.compile(
            keras.optimizers.Adam(schedule, global_clipnorm=1.0),
            {output: LOSSES[model.card.activation]},
        )
        callbacks = [data.callback(), SeededEpochs(settings.seed)]
        options, before = {}, {}
        if held_out is not None:
            unseen = EpochData(
                _ClipBatches(windows, held_out, settings, output=output, for_training=False)
            )
            options["validation_data"] = unseen
            callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=2))
            before["val_loss"] = [float(student.evaluate(unseen, verbose=0))]
        fitted = student.fit(
            data,
            epochs=settings.epochs,
            shuffle=False,
            callbacks=callbacks,
            verbose=2 if sys.stderr.isatty() else 0,
            **options,
        )
    history = {name: [float(value) for value in row] for name, row in fitted.history.items()}
    if not np.isfinite(history["loss"][-1]):
        raise DataError(
            f"the loss is {history['loss'][-1]} after {len(history['loss'])} epochs; give a lower "
            "learning_rate"
        )
    return {name: before.get(name, []) + row for name, row in history.items()}


@contextmanager
def _learning(model: Model, *, whole: bool, statistics: bool) -> Iterator[None]:
    """Let the head learn, or the whole model, with or without its statistics."""
    held = [model.frontend] if not whole else []
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
