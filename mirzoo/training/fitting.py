"""What every training shares: epochs that can be interrupted, best weights saved, the optimizer.

Keras' own callbacks do it: `BackupAndRestore` after each epoch, `ModelCheckpoint` of the least
validation loss, `EarlyStopping`, `CSVLogger`, `TerminateOnNaN` and, where asked for,
`TensorBoard`.
"""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np

from mirzoo._support.files import unfinished, write_whole
from mirzoo.errors import RecipeError, TrainingError
from mirzoo.models.build import build_model
from mirzoo.models.layers import BatchNormalization
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe, TrainingConfig
from mirzoo.training.distribution import Distribution
from mirzoo.training.progress import ShownEpochs, shown, stage

logger = logging.getLogger(__name__)

BEST_WEIGHTS = "best.weights.h5"
HISTORY = "history.csv"
NOT_MEASURED = "NA"
"""What Keras writes as a validation loss where nothing is held out."""

_EARLIER_CHECKPOINTS = "checkpoints"


class EpochBatches(Protocol):
    """Batches of inputs and named targets, an epoch at a time."""

    def __len__(self) -> int: ...

    def batch(self, epoch: int, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Batch ``number`` of an epoch."""


def build_optimizer(
    student: keras.Model, settings: TrainingConfig, *, steps: int
) -> keras.optimizers.Optimizer:
    """Build AdamW with a warm-up and a cosine decay to 0 over ``steps`` batches."""
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=settings.learning_rate / 100,
        decay_steps=steps,
        warmup_target=settings.learning_rate,
        warmup_steps=math.ceil(settings.warmup_fraction * steps),
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay)
    optimizer.exclude_from_weight_decay(
        [weight for weight in student.trainable_weights if len(weight.shape) < 2]
    )
    optimizer.build(student.trainable_variables)
    return optimizer


def convolve_in_bfloat16(model: Model) -> None:
    """Have the convolutions of a model's head, and what normalises them, compute in bfloat16."""
    kinds = (keras.layers.Conv1D, keras.layers.Conv2D, BatchNormalization)
    for layer in model.head.layers:
        if isinstance(layer, kinds):
            layer.dtype_policy = "mixed_bfloat16"


def copy_weights(model: Model, trained: Model) -> None:
    """Copy what the head and the outputs of a trained model share, by name and shape.

    A front-end's weights are copied where both models have the same front-end, whatever level it
    brings windows to. A recurrent layer that goes forwards alone takes the weights of the forward
    half of one that goes both ways. Outputs for other labels keep their own weights. Where one
    embedding holds more depths than the other (`mirzoo.models.heads.with_temporal_depths`), or a
    network more counts for an output (`mirzoo.tasks.melody.VoicingNet`), outputs take what the
    other knows, and 0 for the rest.
    """
    own, other = ((m.card.recipe or {}).get("frontend") for m in (model, trained))
    if own and other and {**own, "level": None} == {**other, "level": None}:
        model.frontend.set_weights(trained.frontend.get_weights())
    theirs = {layer.name: layer for layer in _after_frontend(trained)}
    for layer in list(theirs.values()):
        if isinstance(layer, keras.layers.Bidirectional):
            theirs.setdefault(_forward_name(layer), layer.forward_layer)
    same_labels = model.card.labels == trained.card.labels
    for layer in _after_frontend(model) if same_labels else model.head.layers:
        if layer.name in theirs:
            for weight, value in zip(layer.weights, theirs[layer.name].weights):
                if weight.shape == value.shape:
                    weight.assign(value)
                elif (
                    layer not in model.head.layers
                    and isinstance(layer, keras.layers.Dense)
                    and weight.shape[1:] == value.shape[1:] != ()
                    and _begins_alike(model, trained)
                ):
                    rows = min(weight.shape[0], value.shape[0])
                    known = np.zeros(weight.shape, np.float32)
                    known[:rows] = value[:rows]
                    weight.assign(known)


def _begins_alike(model: Model, trained: Model) -> bool:
    """Whether two embeddings begin alike, and hold more or fewer depths behind that."""
    heads = [(m.card.recipe or {}).get("head") or {} for m in (model, trained)]
    own, other = ({**head, "depths": None, "dropout": None} for head in heads)
    return own == other


def freeze_all_but(outputs: Sequence[str], model: Model) -> None:
    """Freeze the front-end, the head, and the layers behind it that any other output needs.

    What is frozen keeps its weights and the statistics of its normalisation.

    Raises
    ------
    RecipeError
        If nothing is left that could learn.
    """
    every = model.output if isinstance(model.output, dict) else {}
    others = [tensor for name, tensor in every.items() if name not in outputs]
    needed = keras.Model(model.head_input, others).layers if others else [model.head]
    for layer in (model.frontend, *needed):
        layer.trainable = False
    if not any(layer.trainable_weights for layer in model.layers):
        raise RecipeError(
            f"training.only_outputs is {list(outputs)}, whose layers other outputs need too: "
            "nothing is left to learn"
        )


def _forward_name(layer: keras.layers.Bidirectional) -> str:
    """What a head calls the recurrent layer in this place where it goes forwards alone."""
    cell = type(layer.forward_layer).__name__.lower()
    return cell + layer.name.removeprefix("bidirectional")


def average_weights(model: Model, start: Model, share: float) -> None:
    """Take the mean of a model's weights and those it started from, these counting ``share``."""
    learnt = model.get_weights()
    copy_weights(model, start)
    model.set_weights(
        [(1 - share) * new + share * old for new, old in zip(learnt, model.get_weights())]
    )


def _after_frontend(model: Model) -> list[keras.layers.Layer]:
    nested = (model.frontend, model.head)
    return [
        *model.head.layers,
        *(layer for layer in model.layers if layer not in nested),
    ]


def fit_epochs(
    student: keras.Model,
    settings: TrainingConfig,
    out: Path,
    *,
    name: str,
    training: EpochBatches,
    held_out: EpochBatches,
    saved: keras.Model,
    tensorboard: bool = False,
) -> None:
    """Fit a compiled student, going on with the epoch in which the run in ``out`` was interrupted.

    Parameters
    ----------
    student : keras.Model
        Compiled with `build_optimizer`.
    settings : TrainingConfig
    out : Path
        The run's folder: a backup after every epoch, ``history.csv`` and the best weights.
    name : str
        What is trained, for messages.
    training, held_out : EpochBatches
        What it learns from, and what the validation loss is measured on.
    saved : keras.Model
        The model whose weights are saved whenever the validation loss is the least so far.
    tensorboard : bool
        Whether to write ``out/tensorboard`` too.

    Raises
    ------
    TrainingError
        If the loss is not finite, or the run was interrupted under an earlier version of mirzoo.
    """
    data = EpochData(training)
    backup = _Backup(out / "backup", steps=len(data))
    done = backup.restore(student)
    if done == 0 and (out / _EARLIER_CHECKPOINTS).exists():
        past = _read_history(out / HISTORY)
        if not _Patience(settings.patience, past).is_over and len(past) < settings.epochs:
            raise TrainingError(
                f"{name}: the run in '{out}' was interrupted under an earlier version of mirzoo, "
                "whose checkpoints this one cannot read; start in another folder"
            )
        return
    past = _shorten_history(out / HISTORY, done)
    patience = _Patience(settings.patience, past)
    if done >= settings.epochs or patience.is_over:
        return
    best = min((row["val_loss"] for row in past), default=None)
    history = _History(str(out / HISTORY), append=True)
    callbacks = [
        data.callback(),
        SeededEpochs(settings.seed),
        keras.callbacks.TerminateOnNaN(),
        _FiniteLoss(name),
        _BestWeights(saved, out / BEST_WEIGHTS, threshold=best),
        history,
        patience,
        backup,
    ]
    if tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(out / "tensorboard"))
    try:
        with shown(None), stage(name, settings.epochs, done) as advance:
            student.fit(
                data,
                validation_data=EpochData(held_out),
                epochs=settings.epochs,
                initial_epoch=done,
                shuffle=False,
                callbacks=[*callbacks, ShownEpochs(advance, settings.epochs)],
                verbose=0,
            )
    finally:
        history.on_train_end()
    if patience.stopped_epoch:
        logger.info("%s: no progress for %d epochs, stopped early", name, settings.patience)


def finished(model: Model, recipe: Recipe, out: Path, distribution: Distribution) -> Model:
    """Give the model with the weights of least validation loss, on one device.

    Parameters
    ----------
    model : Model
        What was trained.
    recipe : Recipe
        Its recipe.
    out : Path
        The run's folder.
    distribution : Distribution
        Weights that several devices have are not what is saved: the model is built anew.
    """
    if distribution.devices > 1:
        model = build_model(recipe, model.name)
    model.load_weights(out / BEST_WEIGHTS)
    return model


def fit_stage(
    student: keras.Model,
    batches: EpochBatches,
    *,
    name: str,
    epochs: int,
    seed: int,
    unseen: EpochBatches | None = None,
    patience: int | None = None,
    folder: Path | None = None,
    tensorboard: Path | None = None,
) -> dict[str, list[float]]:
    """Fit a compiled student for a stage of a fine-tuning.

    Parameters
    ----------
    student : keras.Model
        Its optimizer is built.
    batches : EpochBatches
    name : str
        What is trained, as it is shown.
    epochs : int
        At most so many passes.
    seed : int
        Of dropout and of what is altered in the graph.
    unseen : EpochBatches, optional
        What a validation loss is measured on after every epoch.
    patience : int, optional
        The stage ends after so many epochs without a lower validation loss.
    folder : Path, optional
        Where a backup is made after every epoch; a stage that was interrupted goes on from it.
    tensorboard : Path, optional
        A folder of logs for TensorBoard.

    Returns
    -------
    dict of str to list of float
        Losses and scores of all epochs, also of those before an interruption.

    Raises
    ------
    TrainingError
        If a loss is not finite.
    """
    data = EpochData(batches)
    done, past = 0, []
    kept: list[keras.callbacks.Callback] = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        backup = _Backup(folder / "backup", steps=len(data))
        done = backup.restore(student)
        past = _shorten_history(folder / HISTORY, done)
        kept = [_History(str(folder / HISTORY), append=True), backup]
    callbacks = [
        data.callback(),
        SeededEpochs(seed),
        keras.callbacks.TerminateOnNaN(),
        _FiniteLoss(name, "give a lower learning_rate"),
    ]
    is_over = done >= epochs
    if patience is not None:
        waiting = _Patience(patience, past)
        is_over = is_over or waiting.is_over
        kept.insert(0, waiting)
    if tensorboard is not None:
        kept.append(keras.callbacks.TensorBoard(tensorboard))
    losses: dict[str, list[float]] = {}
    with stage(name, epochs, done) as advance:
        if not is_over:
            try:
                fitted = student.fit(
                    data,
                    validation_data=None if unseen is None else EpochData(unseen),
                    epochs=epochs,
                    initial_epoch=done,
                    shuffle=False,
                    callbacks=[*callbacks, *kept, ShownEpochs(advance, epochs)],
                    verbose=0,
                )
            finally:
                for history in (one for one in kept if isinstance(one, _History)):
                    history.on_train_end()
            losses = {key: [float(value) for value in row] for key, row in fitted.history.items()}
    if folder is None:
        return losses
    rows = _read_history(folder / HISTORY)
    return {key: [row[key] for row in rows] for key in rows[0] if key != "epoch"} if rows else {}


class EpochData(keras.utils.PyDataset):
    """Batches as Keras takes them; those of epoch ``e`` depend on ``e`` alone.

    Pass `callback` to `fit` too, so that the data know which epoch it is, also where a run goes
    on, and ``shuffle=False``, since the order of the batches is theirs.

    Parameters
    ----------
    batches : EpochBatches
    """

    def __init__(self, batches: EpochBatches) -> None:
        super().__init__()
        self.epoch = 0
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        inputs, targets = self._batches.batch(self.epoch, number)
        return inputs.astype(np.float32, copy=False), {
            name: values.astype(np.float32, copy=False) for name, values in targets.items()
        }

    def callback(self) -> keras.callbacks.Callback:
        """What tells the data the epoch."""
        return keras.callbacks.LambdaCallback(on_epoch_begin=self._begin)

    def _begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch = epoch


class SeededEpochs(keras.callbacks.Callback):
    """Makes dropout depend on the seed and the epoch alone, as the batches do.

    Files of weights hold no random state, so a run that resumes would draw other masks.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the state of every generator by the number of the epoch."""
        states = [v for v in self.model.variables if v.name == "seed_generator_state"]
        for number, state in enumerate(states):
            state.assign(np.array([self._seed + number, epoch * 2**20], state.dtype))


class _Backup(keras.callbacks.BackupAndRestore):
    """A backup after each epoch, whose number is that of the optimizer's steps.

    Weights and epoch are two files, and a run may be killed between writing them; the steps are
    in the same file as the weights.
    """

    def __init__(self, folder: Path, *, steps: int) -> None:
        super().__init__(str(folder), double_checkpoint=True, delete_checkpoint=False)
        self._steps = steps

    def restore(self, student: keras.Model) -> int:
        """Restore weights and optimizer and give the number of epochs done."""
        self.set_model(student)
        self.on_train_begin()
        return self._epochs_done()

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        self.model._initial_epoch = self._epochs_done()

    def _epochs_done(self) -> int:
        steps = keras.ops.convert_to_tensor(
            self.model.optimizer.iterations
        )  # one value of several devices
        return int(keras.ops.convert_to_numpy(steps)) // self._steps


class _FiniteLoss(keras.callbacks.Callback):
    """Ends a run whose loss is not finite, before anything of the epoch is saved."""

    def __init__(
        self,
        name: str,
        remedy: str = "lower training.learning_rate and start in another folder",
    ) -> None:
        super().__init__()
        self._name = name
        self._remedy = remedy

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        for which in ("loss", "val_loss"):
            loss = (logs or {}).get(which, 0.0)
            if not np.isfinite(loss):
                raise TrainingError(
                    f"{self._name}: the {which} is {loss} after epoch {epoch + 1}; {self._remedy}"
                )


class _BestWeights(keras.callbacks.ModelCheckpoint):
    """Saves the weights of a model, whole, when the student's validation loss is the least."""

    def __init__(self, saved: keras.Model, path: Path, *, threshold: float | None) -> None:
        super().__init__(
            str(path),
            monitor="val_loss",
            save_best_only=True,
            save_weights_only=True,
            initial_value_threshold=threshold,
        )
        self._saved = saved
        self._path = path

    def _save_model(self, epoch: int, batch: int | None, logs: dict | None) -> None:
        if self._should_save_model(epoch, batch, logs, self.filepath):
            with unfinished(self._path) as new:
                self._saved.save_weights(new)


class _History(keras.callbacks.CSVLogger):
    """Writes a row an epoch, the first epoch being 1."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_end(epoch + 1, logs)


class _Patience(keras.callbacks.EarlyStopping):
    """Stops where nothing improves, counting the epochs before an interruption too."""

    def __init__(self, patience: int, past: Sequence[dict[str, float]]) -> None:
        super().__init__(monitor="val_loss", mode="min", patience=patience)
        self._past = past

    @property
    def is_over(self) -> bool:
        """Whether the past epochs alone exhaust it."""
        losses = [row["val_loss"] for row in self._past]
        return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= self.patience

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        for epoch, row in enumerate(self._past):
            self.on_epoch_end(epoch, row)


def _read_history(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {key: float(value) for key, value in row.items() if value != NOT_MEASURED}
            for row in csv.DictReader(file)
        ]


def _shorten_history(path: Path, epochs: int) -> list[dict[str, float]]:
    """Give the rows of the epochs that a backup has, and drop those that come after it."""
    rows = _read_history(path)
    past = [row for row in rows if row["epoch"] <= epochs]
    if len(past) < len(rows):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        write_whole(path, "".join(lines[: 1 + len(past)]))
    return past
