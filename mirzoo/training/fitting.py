"""The loop that every training shares: epochs that can be interrupted, best weights kept."""

from __future__ import annotations

import csv
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from mirzoo.errors import TrainingError
from mirzoo.models.layers import BatchNormalization
from mirzoo.models.model import Model
from mirzoo.recipe import TrainingConfig

BEST_WEIGHTS = "best.weights.h5"
HISTORY = "history.csv"


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

    A front-end's weights are copied where both models have the same front-end.
    """
    if model.card.recipe["frontend"] == (trained.card.recipe or {}).get("frontend"):
        model.frontend.set_weights(trained.frontend.get_weights())
    theirs = {layer.name: layer for layer in _after_frontend(trained)}
    for layer in _after_frontend(model):
        if layer.name in theirs:
            for weight, value in zip(layer.weights, theirs[layer.name].weights):
                if weight.shape == value.shape:
                    weight.assign(value)


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
    batches: Callable[[int], tf.data.Dataset],
    held_out: tf.data.Dataset,
    keep: Callable[[Path], None],
    report: Callable[[str], None],
) -> None:
    """Fit a compiled student, going on where the run in ``out`` was interrupted.

    Parameters
    ----------
    student : keras.Model
        Compiled with `build_optimizer`.
    settings : TrainingConfig
    out : Path
        The run's folder: checkpoints, ``history.csv`` and the best weights.
    name : str
        What is trained, for the reports.
    batches : callable
        Epoch → its training data.
    held_out : tf.data.Dataset
        What the validation loss is measured on.
    keep : callable
        Writes the weights to a path; called whenever they are the best so far.
    report : callable
        Told one line at a time how far things are.

    Raises
    ------
    TrainingError
        If the loss stops being a number.
    """
    run = _Run(student, out)
    for epoch in range(run.epochs_done, settings.epochs):
        if run.epochs_without_progress >= settings.patience:
            report(f"{name}: no progress for {settings.patience} epochs, stopping early")
            break
        history = student.fit(
            batches(epoch), validation_data=held_out, verbose=int(sys.stdout.isatty())
        ).history
        losses = {key: values[0] for key, values in history.items()}
        if not np.isfinite(losses["val_loss"]):
            raise TrainingError(
                f"{name}: the loss is {losses['val_loss']} after epoch {epoch + 1}; "
                "lower training.learning_rate and start in another folder"
            )
        if losses["val_loss"] < run.least_loss:
            _write_whole(keep, out / BEST_WEIGHTS)
        run.finish_epoch(losses)
        report(f"{name}: epoch {epoch + 1} of {settings.epochs}: " + _readable(losses))


class _Run:
    """What an interrupted run needs to go on: weights, optimizer state and progress."""

    def __init__(self, student: keras.Model, out: Path):
        self._history = out / HISTORY
        self._epochs_done = tf.Variable(0, dtype=tf.int64)
        self._least_loss = tf.Variable(np.inf, dtype=tf.float64)
        self._best_epoch = tf.Variable(0, dtype=tf.int64)
        checkpoint = tf.train.Checkpoint(
            student=student,
            optimizer=student.optimizer,
            epochs_done=self._epochs_done,
            least_loss=self._least_loss,
            best_epoch=self._best_epoch,
        )
        self._manager = tf.train.CheckpointManager(checkpoint, out / "checkpoints", max_to_keep=1)
        self._manager.restore_or_initialize()

    @property
    def epochs_done(self) -> int:
        return int(self._epochs_done)

    @property
    def least_loss(self) -> float:
        return float(self._least_loss)

    @property
    def epochs_without_progress(self) -> int:
        return self.epochs_done - int(self._best_epoch)

    def finish_epoch(self, losses: dict[str, float]) -> None:
        self._epochs_done.assign_add(1)
        if losses["val_loss"] < self.least_loss:
            self._least_loss.assign(losses["val_loss"])
            self._best_epoch.assign(self._epochs_done)
        self._log(losses)
        self._manager.save()

    def _log(self, losses: dict[str, float]) -> None:
        is_new = not self._history.exists()
        with self._history.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["epoch", *sorted(losses)])
            if is_new:
                writer.writeheader()
            writer.writerow({"epoch": self.epochs_done, **losses})


def crossentropy_where_named(one_hot, probabilities):
    """Categorical cross-entropy that is 0, gradient included, where a row names no class.

    Keras' own takes the rows to sum to 1 and would push the logits of the others down for ever.
    """
    return -ops.sum(one_hot * ops.log(ops.maximum(probabilities, 1e-7)), axis=-1)


def dataset(batches: EpochBatches, epoch: int) -> tf.data.Dataset:
    """The batches of an epoch as a `tf.data.Dataset` of (inputs, targets by name)."""
    inputs, targets = batches.batch(epoch, 0)

    def spec(values: np.ndarray) -> tf.TensorSpec:
        return tf.TensorSpec((None, *values.shape[1:]), tf.float32)

    signature = (spec(inputs), {name: spec(values) for name, values in targets.items()})
    dataset = tf.data.Dataset.from_generator(
        lambda: (batches.batch(epoch, number) for number in range(len(batches))),
        output_signature=signature,
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(4)


def _write_whole(write: Callable[[Path], None], path: Path) -> None:
    unfinished = path.with_name(f"unfinished_{path.name}")
    write(unfinished)
    os.replace(unfinished, path)


def _readable(losses: dict[str, float]) -> str:
    return ", ".join(f"{key} {value:.4f}" for key, value in sorted(losses.items()))
