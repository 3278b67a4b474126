"""Training the models that mirzoo ships: a recipe and prepared corpora in, an artefact out.

The taggers learn from published ones: a teacher hears every training window once
(`mirzoo.distillation`), and the student learns to give the same probabilities. It also learns to
predict the teachers' embeddings, to give the tags of teachers with other vocabularies, and to
name the instrument where a collection says it. Those outputs exist in training alone; they make
the student's own embedding richer.

References
----------
Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

import csv
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from mirzoo import probing, zoo
from mirzoo.build import build_model
from mirzoo.card import Card, Licences
from mirzoo.data.batches import Batches
from mirzoo.data.corpus import SAMPLE_RATE, Corpus, Windows
from mirzoo.data.sources import collection as find_collection
from mirzoo.distillation import Targets, teach
from mirzoo.errors import DataError, RecipeError, TrainingError
from mirzoo.model import Model
from mirzoo.ports import PORTS
from mirzoo.recipe import Recipe

WINDOWS_SEED = 0
BEST_WEIGHTS = "best.weights.h5"
HISTORY = "history.csv"
SMALLEST_SPREAD = 1e-3


def train(
    recipe: str | Path | Recipe,
    data: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    report: Callable[[str], None] = print,
) -> Path:
    """Train the model of a recipe, measure it beside its teachers, and save it with its card.

    An interrupted run goes on with the epoch it was in when called again with the same ``out``.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A recipe's name or file, or the recipe itself (then ``name`` is needed).
    data : path
        The folder of prepared corpora (``mirzoo prepare``), a folder each.
    out : path
        The run's folder: checkpoints, ``history.csv``, the best weights, and the finished model
        in a folder of its name.
    name : str, optional
        The model's name; the recipe's, if not given.
    report : callable
        Told one line at a time how far things are.

    Returns
    -------
    Path
        The finished model, which `mirzoo.load` takes.

    Raises
    ------
    RecipeError
        If the recipe says nothing of data, or names teachers that do not teach its labels.
    DataError
        If a corpus that it names is not prepared.
    TrainingError
        If the loss stops being a number.
    """
    recipe, name = _resolve(recipe, name)
    model = fit(recipe, data, out, name=name, report=report)
    model.card = measured_card(model, recipe, data, report=report)
    folder = zoo.save(model, Path(out) / name)
    report(f"{name}: saved in {folder}")
    return folder


def fit(
    recipe: Recipe,
    data: str | Path,
    out: str | Path,
    *,
    name: str,
    report: Callable[[str], None] = print,
) -> Model:
    """Train the model of a recipe and return it with the weights of least validation loss.

    The parameters are those of `train`.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    corpora = open_corpora(recipe, data)
    training, validation = (
        Lesson.prepare(recipe, corpora, split, report) for split in ("train", "valid")
    )
    report(f"{name}: {len(training)} windows to learn from, {len(validation)} to validate on")
    keras.utils.set_random_seed(recipe.training.seed)
    model = build_model(recipe, name)
    if recipe.training.initial_weights is not None:
        _start_from(model, initial_model(recipe.training.initial_weights, data, out, report))
    _fit(model, recipe, training, validation, out, report)
    return model


def initial_model(
    name: str, data: str | Path, out: str | Path, report: Callable[[str], None] = print
) -> Model:
    """The trained model that a recipe starts from.

    That is one of the zoo, or that of the run ``name`` beside ``out``, which is trained first
    where it is missing.
    """
    if name in zoo.list_models(pretrained=True):
        return zoo.load(name)
    run = Path(out).parent / name
    if not (run / name).exists():
        report(f"{name} comes first: the recipe starts from its weights")
        train(name, data, run, report=report)
    return zoo.load(run / name)


def measured_card(
    model: Model, recipe: Recipe, data: str | Path, *, report: Callable[[str], None] = print
) -> Card:
    """The card of a trained model, with what it was trained on and how good it is.

    Its figures are those of `mirzoo.probing`, with the teachers' own beside them.
    """
    corpora = open_corpora(recipe, data)
    heard = choose_windows(recipe, corpora, "train")
    hours = sum(len(w) for w in heard) * recipe.window_s / 3600
    test = choose_windows(recipe, corpora, "test")
    lesson = Lesson.prepare(recipe, corpora, "test", report)
    tested = ", ".join(w.corpus.directory.name for w in test)
    teachers = [zoo.load(teacher) for teacher in recipe.data.teachers]
    return model.card.updated(
        metrics=[
            *probing.agreement_metrics(model, test, lesson.tags, tested),
            *probing.probe(model, data, beside=teachers, report=report),
        ],
        licences=Licences(
            code="MIT",
            weights="MIT",
            data="; ".join(
                f"{collection.name}: {collection.licence}"
                for collection in map(find_collection, recipe.data.collections)
            ),
        ),
        provenance=(
            f"Trained by mirzoo on {hours:.1f} h of audio ({', '.join(recipe.data.collections)}), "
            f"to give the answers of {', '.join(recipe.data.teachers)}"
            + (
                f" and to tell apart what {', '.join(recipe.data.classes)} name."
                if recipe.data.classes
                else "; no human labels were used."
            )
        ),
    )


@dataclass(frozen=True)
class Lesson:
    """Windows, and what the student is to say of them.

    ``tags`` are the mean probabilities of the teachers with the student's labels, ``auxiliary``
    those of the others side by side, ``embedding`` all teachers' embeddings side by side;
    ``classes`` are one-hot in windows of a collection that names what is heard, else zeros.
    """

    windows: tuple[Windows, ...]
    tags: np.ndarray
    auxiliary: np.ndarray
    embedding: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.tags)

    @classmethod
    def prepare(
        cls, recipe: Recipe, corpora: Sequence[Corpus], split: str, report: Callable[[str], None]
    ) -> Lesson:
        """Choose the windows of a split and have the recipe's teachers hear them."""
        windows = choose_windows(recipe, corpora, split)
        answers = {
            teacher: hear(windows, teacher, report) for teacher in recipe.data.teachers
        }
        same, other = _by_vocabulary(recipe)
        count = sum(len(w) for w in windows)
        return cls(
            windows=windows,
            tags=np.mean([answers[teacher].tags for teacher in same], axis=0, dtype=np.float32),
            auxiliary=_side_by_side([answers[teacher].tags for teacher in other], count),
            embedding=_side_by_side([answers[t].embedding for t in recipe.data.teachers], count),
            classes=_classes(recipe, corpora, windows),
        )


def open_corpora(recipe: Recipe, data: str | Path) -> list[Corpus]:
    """Open the prepared corpora that a recipe names, in the recipe's order."""
    if recipe.data is None:
        raise RecipeError(
            "the recipe has no 'data', so there is nothing to train it on; add data.collections "
            "and data.teachers, or fit a model from mirzoo.create(...) with model.fit"
        )
    if recipe.frontend.sample_rate != SAMPLE_RATE:
        raise RecipeError(
            f"the front-end hears {recipe.frontend.sample_rate} Hz and prepared corpora are at "
            f"{SAMPLE_RATE} Hz; set frontend.sample_rate: {SAMPLE_RATE}"
        )
    missing = [c for c in recipe.data.collections if not (Path(data) / c / "items.csv").exists()]
    if missing:
        raise DataError(
            f"the corpora {', '.join(missing)} are not prepared under {data}; "
            f"run: mirzoo prepare {' '.join(missing)} --home {Path(data).parent}"
        )
    return [Corpus.load(Path(data) / collection) for collection in recipe.data.collections]


def choose_windows(
    recipe: Recipe, corpora: Sequence[Corpus], split: str
) -> tuple[Windows, ...]:
    """The windows of a split that a recipe trains on; corpora without that split drop out."""
    chosen = (
        corpus.windows(
            per_item=recipe.data.windows_per_item,
            seed=WINDOWS_SEED,
            window_samples=round(recipe.window_s * recipe.frontend.sample_rate),
            split=split,
        )
        for corpus in corpora
    )
    windows = tuple(w for w in chosen if len(w))
    if not windows:
        raise DataError(
            f"no recording of the corpora {', '.join(recipe.data.collections)} is in the split "
            f"'{split}'"
        )
    return windows


def hear(
    windows: Sequence[Windows], teacher: str, report: Callable[[str], None] = print
) -> Targets:
    """A teacher's answers on the windows of several corpora, one after the other."""
    loaded: list[Model] = []

    def answer():
        if not loaded:
            loaded.append(zoo.load(teacher))
        return loaded[0].predict_windows

    each = [teach(w, teacher, answer, report=report) for w in windows]
    return Targets(
        np.concatenate([targets.tags for targets in each]),
        np.concatenate([targets.embedding for targets in each]),
    )


def _resolve(recipe: str | Path | Recipe, name: str | None) -> tuple[Recipe, str]:
    if isinstance(recipe, Recipe):
        if name is None:
            raise RecipeError("a recipe object has no name of its own; give train(..., name=...)")
        return recipe, name
    path = zoo.recipe_path(recipe)
    return zoo.load_recipe(recipe), name or path.stem


def _by_vocabulary(recipe: Recipe) -> tuple[list[str], list[str]]:
    """Split a recipe's teachers into those with its labels and the others."""
    labels = recipe.task.labels
    same = [t for t in recipe.data.teachers if tuple(PORTS[t].labels) == tuple(labels)]
    if not same:
        raise RecipeError(
            f"none of the teachers {list(recipe.data.teachers)} gives the recipe's "
            f"{len(labels)} labels; allowed are labels in the order of one of "
            f"{', '.join(PORTS)}"
        )
    return same, [t for t in recipe.data.teachers if t not in same]


def _side_by_side(arrays: list[np.ndarray], count: int) -> np.ndarray:
    return np.concatenate(arrays, axis=1) if arrays else np.zeros((count, 0), np.float16)


def _classes(
    recipe: Recipe, corpora: Sequence[Corpus], windows: Sequence[Windows]
) -> np.ndarray:
    """One-hot groups of the windows in ``data.classes``, zeros elsewhere: ``(windows, groups)``."""
    named = [c for c in corpora if c.directory.name in recipe.data.classes]
    groups = sorted({item.group for corpus in named for item in corpus.items})
    one_hot = dict(zip(groups, np.eye(len(groups), dtype=np.float32)))
    unnamed = np.zeros(len(groups), np.float32)
    rows = [
        one_hot[group] if w.corpus.directory.name in recipe.data.classes else unnamed
        for w in windows
        for group in w.groups
    ]
    return np.stack(rows)


def _start_from(model: Model, trained: Model) -> None:
    """Copy what trunk and output of a trained model share with this one, by name and shape."""
    theirs = {layer.name: layer for layer in _inner_layers(trained)}
    for layer in _inner_layers(model):
        if layer.name in theirs:
            for weight, value in zip(layer.weights, theirs[layer.name].weights):
                if weight.shape == value.shape:
                    weight.assign(value)


def _inner_layers(model: Model) -> list[keras.layers.Layer]:
    return [*model.get_layer("trunk").layers, model.get_layer("tags")]


def _fit(model: Model, recipe: Recipe, training: Lesson, validation: Lesson, out: Path, report):
    settings = recipe.training
    batches = Batches(
        training.windows,
        _targets(training, training),
        batch_size=settings.batch_size,
        augmentation=settings.augmentation,
        seed=settings.seed,
    )
    held_out = Batches(
        validation.windows, _targets(validation, training), batch_size=128, shuffle=False
    )
    student = _student(model, training)
    _compile(student, recipe, steps=len(batches) * settings.epochs)
    run = _Run(student, out)
    for epoch in range(run.epochs_done, settings.epochs):
        if run.epochs_without_progress >= settings.patience:
            report(f"{model.name}: no progress for {settings.patience} epochs, stopping early")
            break
        history = student.fit(
            _dataset(batches, epoch),
            validation_data=_dataset(held_out, epoch),
            verbose=int(sys.stdout.isatty()),
        ).history
        losses = {key: values[0] for key, values in history.items()}
        if not np.isfinite(losses["val_loss"]):
            raise TrainingError(
                f"{model.name}: the loss is {losses['val_loss']} after epoch {epoch + 1}; "
                "lower training.learning_rate and start in another folder"
            )
        if losses["val_loss"] < run.least_loss:
            _write_whole(model.save_weights, out / BEST_WEIGHTS)
        run.finish_epoch(losses)
        report(f"{model.name}: epoch {epoch + 1} of {settings.epochs}: " + _readable(losses))
    model.load_weights(out / BEST_WEIGHTS)


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


def _student(model: Model, lesson: Lesson) -> keras.Model:
    """The model with the outputs that only training needs."""
    embedding = model.get_layer("trunk")(model.get_layer("frontend")(model.input))
    outputs = {"tags": model.get_layer("tags")(embedding)}
    if lesson.auxiliary.shape[1]:
        outputs["auxiliary"] = keras.layers.Dense(
            lesson.auxiliary.shape[1], activation="sigmoid", name="auxiliary"
        )(embedding)
    if lesson.classes.shape[1]:
        outputs["classes"] = keras.layers.Dense(
            lesson.classes.shape[1], activation="softmax", name="classes"
        )(embedding)
    outputs["embedding"] = keras.layers.Dense(lesson.embedding.shape[1], name="embedding")(
        embedding
    )
    return keras.Model(model.input, outputs, name=f"{model.name}_student")


def _targets(lesson: Lesson, training: Lesson) -> dict[str, np.ndarray]:
    """What a lesson asks of each output; embeddings are standardised by the training lesson's."""
    mean = training.embedding.mean(axis=0, dtype=np.float32)
    spread = training.embedding.std(axis=0, dtype=np.float32) + SMALLEST_SPREAD
    standardised = (lesson.embedding.astype(np.float32) - mean) / spread
    targets = {"tags": lesson.tags.astype(np.float32), "embedding": standardised}
    if lesson.auxiliary.shape[1]:
        targets["auxiliary"] = lesson.auxiliary
    if lesson.classes.shape[1]:
        targets["classes"] = lesson.classes
    return targets


def _compile(student: keras.Model, recipe: Recipe, steps: int) -> None:
    settings = recipe.training
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
    losses = {
        "tags": "binary_crossentropy",
        "auxiliary": "binary_crossentropy",
        "classes": _crossentropy_where_named,
        "embedding": "mean_squared_error",
    }
    weights = {
        "tags": 1.0,
        "auxiliary": settings.auxiliary_weight,
        "classes": settings.classes_weight,
        "embedding": settings.embedding_weight,
    }
    student.compile(
        optimizer=optimizer,
        loss={name: losses[name] for name in student.output},
        loss_weights={name: weights[name] for name in student.output},
    )


def _crossentropy_where_named(one_hot, probabilities):
    """Categorical cross-entropy that is 0, gradient included, where a row names no class.

    Keras' own takes the rows to sum to 1 and would push the logits of the others down for ever.
    """
    return -ops.sum(one_hot * ops.log(ops.maximum(probabilities, 1e-7)), axis=-1)


def _dataset(batches: Batches, epoch: int) -> tf.data.Dataset:
    waveform, targets = batches.batch(epoch, 0)
    signature = (
        tf.TensorSpec((None, waveform.shape[1]), tf.float32),
        {name: tf.TensorSpec((None, values.shape[1]), tf.float32)
         for name, values in targets.items()},
    )
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
