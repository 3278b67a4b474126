"""How models that give one result a clip are trained: by distillation over windows.

Published models of the same task are the teachers: each predicts every training window once, and
the student is trained to give the same probabilities. A live student predicts a window in its last
frame, and is given some music before and behind the window, as a stream has it. A student is also
trained to predict the teachers'
embeddings, the labels of teachers with other vocabularies, and the group of a recording where a
collection's groups name what sounds. Those outputs exist in training alone; they make the
student's own embedding richer.

References
----------
Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from mirzoo._support.words import counted
from mirzoo.card import Card, Metric
from mirzoo.data.corpus import Windows
from mirzoo.data.predictions import Arrays, Predict, window_predictions
from mirzoo.errors import DataError, RecipeError
from mirzoo.evaluation import probes
from mirzoo.models.build import build_model
from mirzoo.models.layers.losses import crossentropy_where_named, where_not_nan
from mirzoo.models.model import Model
from mirzoo.ports import PORTS
from mirzoo.recipe import Recipe
from mirzoo.tasks.base import TASKS
from mirzoo.training.alterations import masked
from mirzoo.training.batches import Batches
from mirzoo.training.fitting import (
    build_optimizer,
    copy_weights,
    finished,
    fit_epochs,
    freeze_all_but,
)
from mirzoo.training.provenance import distilled_from, licences_of, provenance
from mirzoo.training.runs import Run

logger = logging.getLogger(__name__)

WINDOWS_SEED = 0
SMALLEST_SPREAD = 1e-3
LEAST_PROBABILITY = 1e-4
CONTEXT_FRAMES = 8
"""Of a live student's frames: so much music before and behind a window is given to it too."""

AUXILIARY, CLASSES, EMBEDDING = "auxiliary", "classes", "embedding"


def fit(run: Run, out: str | Path, *, name: str, tensorboard: bool = False) -> Model:
    """Train a model and return it with the weights of least validation loss.

    Parameters
    ----------
    run : Run
        Its recipe may name a trained model whose head and outputs are the starting point.
    out, name, tensorboard
        As for `mirzoo.training.train`.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    recipe, distribution = run.recipe, run.distribution
    distribution.require_shares(recipe.training.batch_size)
    training, validation = (DistillationSet.prepare(run, split) for split in ("train", "valid"))
    logger.info(
        "%s: %d windows to learn from, %d to validate on", name, len(training), len(validation)
    )
    first = recipe.training.initial_weights
    start = None if first is None else run.model(first)
    keras.utils.set_random_seed(recipe.training.seed)
    with distribution.scope():
        model = build_model(recipe, name)
        if start is not None:
            copy_weights(model, start)
        if recipe.training.only_outputs:
            _freeze_all_but(recipe.training.only_outputs, model)
        with distribution.synchronised(model):
            _fit(model, recipe, training, validation, out, tensorboard)
    return finished(model, recipe, out, distribution)


def _freeze_all_but(outputs: Sequence[str], model: Model) -> None:
    known = [output.name for output in model.card.outputs]
    if unknown := [name for name in outputs if name not in known]:
        raise RecipeError(f"training.only_outputs names {unknown}; allowed are {', '.join(known)}")
    freeze_all_but(outputs, model)


def measured_card(model: Model, run: Run) -> Card:
    """The card of a trained model, with what it was trained on and how good it is.

    Its figures are those of `mirzoo.evaluation.probes`, its teachers the baselines.
    """
    recipe = run.recipe
    windows = choose_windows(run, "train", context=0)
    hours = sum(len(w) for w in windows) * recipe.window_s / 3600
    classes = run.data.classes
    return model.card.updated(
        metrics=metrics(model, run),
        licences=licences_of(recipe),
        provenance=provenance(
            recipe,
            hours,
            distilled_from(run.data.teachers)
            + (
                f", and trained on the labels of {', '.join(classes)}"
                if classes
                else "; no human labels were used"
            ),
        ),
    )


def metrics(model: Model, run: Run) -> list[Metric]:
    """The scores that the card of a model of a recipe has, on prepared corpora."""
    test = DistillationSet.prepare(run, "test")
    tested = ", ".join(w.corpus.directory.name for w in test.judged)
    teachers = [run.model(teacher) for teacher in run.data.teachers]
    return [
        *probes.agreement_metrics(model, test.judged, test.tags, tested),
        *probes.probe(model, run.folder, baselines=teachers),
    ]


@dataclass(frozen=True)
class DistillationSet:
    """Windows, and what the student is to predict for them.

    ``windows`` are what it is given, ``judged`` those that it is to predict: for a live student
    ``windows`` have music around them too. ``tags`` are the mean probabilities of the teachers with
    the student's labels, ``auxiliary`` those of the others side by side, ``embedding`` all
    teachers' embeddings side by side; ``classes`` are one-hot in windows of a collection whose
    groups name what sounds, else zeros. What a teacher was not asked (``data.teachers_of``) is NaN.
    """

    windows: tuple[Windows, ...]
    judged: tuple[Windows, ...]
    tags: np.ndarray
    auxiliary: np.ndarray
    embedding: np.ndarray
    classes: np.ndarray

    def __len__(self) -> int:
        return len(self.tags)

    @classmethod
    def prepare(cls, run: Run, split: str) -> DistillationSet:
        """Choose the windows of a split and let the recipe's teachers predict them."""
        context = context_samples(run.recipe)
        windows = choose_windows(run, split, context=context)
        judged = tuple(
            replace(w, starts=w.starts + context, window_samples=w.window_samples - 2 * context)
            for w in windows
        )
        teachers = run.data.teachers
        same, other = _by_vocabulary(run)
        words = {teacher: _words(run, teacher, same) for teacher in run.data.same_labels}
        predicted = {teacher: _predictions(run, judged, teacher) for teacher in teachers}
        count = sum(len(w) for w in windows)
        tags = np.nanmean([predicted[teacher]["tags"] for teacher in same], axis=0, dtype="f4")
        renamed = [_renamed(predicted[name]["tags"], places) for name, places in words.items()]
        return cls(
            windows=windows,
            judged=judged,
            tags=with_renamed(tags, renamed),
            auxiliary=_side_by_side([predicted[teacher]["tags"] for teacher in other], count),
            embedding=_side_by_side([predicted[t][EMBEDDING] for t in teachers], count),
            classes=_classes(run, windows),
        )

    def targets(self, training: DistillationSet, output: str) -> dict[str, np.ndarray]:
        """The target of each of the student's outputs; ``output`` is the name of the main one.

        Embeddings are standardised by the mean and deviation of the training set.
        """
        mean = np.nanmean(training.embedding, axis=0, dtype=np.float32)
        spread = np.nanstd(training.embedding, axis=0, dtype=np.float32) + SMALLEST_SPREAD
        standardised = (self.embedding.astype(np.float32) - mean) / spread
        targets = {output: self.tags.astype(np.float32), EMBEDDING: standardised}
        if self.auxiliary.shape[1]:
            targets[AUXILIARY] = self.auxiliary
        if self.classes.shape[1]:
            targets[CLASSES] = self.classes
        return targets


def context_samples(recipe: Recipe) -> int:
    """How much music before and behind a window a student is given (samples)."""
    if recipe.head.pooling != "trailing":
        return 0
    return CONTEXT_FRAMES * recipe.head.output_grid(recipe.frontend.grid).hop_length


def choose_windows(run: Run, split: str, *, context: int) -> tuple[Windows, ...]:
    """The windows of a split that a recipe trains on, and so many samples before and behind them.

    Corpora without that split drop out.
    """
    recipe = run.recipe
    samples = round(recipe.window_s * recipe.frontend.sample_rate) + 2 * context
    chosen = (
        corpus.windows(
            per_item=run.data.windows_of.get(corpus.directory.name, run.data.windows_per_item),
            seed=WINDOWS_SEED,
            window_samples=samples,
            split=split,
        )
        for corpus in run.corpora
    )
    windows = tuple(w for w in chosen if len(w))
    if not windows:
        raise DataError(
            f"no recording of the corpora {', '.join(run.data.collections)} is in the split "
            f"'{split}'"
        )
    return windows


def _predictions(run: Run, windows: Sequence[Windows], teacher: str) -> Arrays:
    """A teacher's predictions for the windows of several corpora, one after the other.

    A teacher that takes more than a window has predicts what is around it. Of corpora that it is
    not asked about its predictions are NaN.
    """

    def ready() -> Predict:
        return run.model(teacher).predict_windows

    def samples() -> int:
        return run.model(teacher).card.input.window_samples

    asked = [_asked(run, w.corpus.directory.name, teacher) for w in windows]
    each = [
        window_predictions(w, teacher, ready, samples=samples) if is_asked else None
        for w, is_asked in zip(windows, asked, strict=True)
    ]
    known = next((part for part in each if part is not None), None)
    if known is None:
        raise RecipeError(f"data.teachers_of leaves no collection to the teacher {teacher}")

    def unknown(name: str, count: int) -> np.ndarray:
        return np.full((count, *known[name].shape[1:]), np.nan, np.float16)

    return {
        name: np.concatenate(
            [
                unknown(name, len(w)) if part is None else part[name]
                for w, part in zip(windows, each)
            ]
        )
        for name in known
    }


def _asked(run: Run, collection: str, teacher: str) -> bool:
    return teacher in run.data.teachers_of.get(collection, run.data.teachers)


def _by_vocabulary(run: Run) -> tuple[list[str], list[str]]:
    """Split a recipe's teachers into those with its labels and the others.

    Those whose labels the recipe names otherwise (``data.same_labels``) are neither.
    """
    task = run.recipe.task
    labels, teachers = TASKS[task.type].labels(task), run.data.teachers
    known = {teacher: _labels_of(run, teacher) for teacher in teachers}
    same = [t for t in teachers if known[t] == labels]
    if not same:
        raise RecipeError(
            f"none of the teachers {list(teachers)} gives the recipe's "
            f"{counted(len(labels), 'label')} in "
            "their order; name a tagger of which `mirzoo info` lists them so"
        )
    for collection, named in run.data.teachers_of.items():
        if not set(named) & set(same):
            raise RecipeError(
                f"data.teachers_of.{collection} is {list(named)}, of which none gives the recipe's "
                f"labels; name one or more of {same} too"
            )
    return same, [t for t in teachers if t not in same and t not in run.data.same_labels]


def _labels_of(run: Run, teacher: str) -> list[str]:
    return list((PORTS[teacher] if teacher in PORTS else run.model(teacher).card).labels)


def _words(run: Run, teacher: str, same: Sequence[str]) -> list[list[int]]:
    """For each of the recipe's labels the places of those by which a teacher calls it."""
    task = run.recipe.task
    ours, theirs = TASKS[task.type].labels(task), _labels_of(run, teacher)
    words = run.data.same_labels[teacher]
    if teacher in same or not words:
        raise RecipeError(
            f"data.same_labels.{teacher} is {words}, but "
            + (
                f"{teacher} gives the recipe's labels as they are"
                if teacher in same
                else "names nothing that it would count for"
            )
            + "; leave it out, or name labels of the recipe with theirs"
        )
    for label, names in words.items():
        unknown = [name for name in names if name not in theirs]
        if label not in ours or unknown or not names:
            raise RecipeError(
                f"data.same_labels.{teacher} has {label!r}: {list(names)}; "
                + (f"the recipe has no label {label!r}" if label not in ours else "")
                + (f"{teacher} has no {unknown}" if label in ours and unknown else "")
                + (f"none of {teacher}'s is named" if label in ours and not names else "")
                + "; `mirzoo info` lists labels"
            )
    return [[theirs.index(name) for name in words.get(label, ())] for label in ours]


def _renamed(scores: np.ndarray, words: Sequence[Sequence[int]]) -> np.ndarray:
    """What a teacher gives for the recipe's labels, NaN for those that it has no name for."""
    given = np.full((len(scores), len(words)), np.nan, np.float32)
    for label, places in enumerate(words):
        if places:
            given[:, label] = scores[:, list(places)].max(axis=1)
    return given


def with_renamed(tags: np.ndarray, renamed: Sequence[np.ndarray]) -> np.ndarray:
    """Take the mean of tags and what teachers with other labels make of the same windows.

    Parameters
    ----------
    tags : np.ndarray, shape (windows, labels)
        Probabilities.
    renamed : sequence of np.ndarray
        Each of the same shape, NaN where nothing is known: scores of any scale. The highest known
        one of a label counts as the highest of its tags, and so on down; equal ones count alike.

    Returns
    -------
    np.ndarray, float32, shape (windows, labels)
        The mean of the logits, as probabilities.

    Examples
    --------
    >>> tags = np.array([[0.1, 0.5], [0.8, 0.5], [0.5, 0.5]])
    >>> given = np.array([[9.0, np.nan], [2.0, np.nan], [3.0, np.nan]])
    >>> with_renamed(tags, [given])[:, 0].astype(float).round(2).tolist()
    [0.4, 0.4, 0.5]
    """
    inside = np.clip(tags.astype(np.float32), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    logits = np.log(inside / (1 - inside))
    total, counted = logits.copy(), np.ones_like(logits)
    for scores in renamed:
        for label in range(scores.shape[1]):
            known = np.isfinite(scores[:, label])
            _, place, alike = np.unique(
                scores[known, label], return_inverse=True, return_counts=True
            )
            first = np.cumsum(alike) - alike
            if len(first):
                means = np.add.reduceat(np.sort(logits[known, label]), first) / alike
                total[known, label] += means[place]
                counted[known, label] += 1
    return np.asarray(np.where(counted > 1, 1 / (1 + np.exp(-total / counted)), tags), np.float32)


def _side_by_side(arrays: Sequence[np.ndarray], count: int) -> np.ndarray:
    return np.concatenate(arrays, axis=1) if arrays else np.zeros((count, 0), np.float16)


def _classes(run: Run, windows: Sequence[Windows]) -> np.ndarray:
    """One-hot groups of the windows in ``data.classes``, zeros elsewhere: ``(windows, groups)``."""
    names = run.data.classes
    named = [c for c in run.corpora if c.directory.name in names]
    groups = sorted({item.group for corpus in named for item in corpus.items})
    one_hot = dict(zip(groups, np.eye(len(groups), dtype=np.float32)))
    unnamed = np.zeros(len(groups), np.float32)
    rows = [
        one_hot[group] if w.corpus.directory.name in names else unnamed
        for w in windows
        for group in w.groups
    ]
    return np.stack(rows)


def _fit(
    model: Model,
    recipe: Recipe,
    training: DistillationSet,
    validation: DistillationSet,
    out: Path,
    tensorboard: bool,
) -> None:
    settings = recipe.training
    output = model.card.outputs[0].name

    def targets(windows: DistillationSet) -> dict[str, np.ndarray]:
        learnt = windows.targets(training, output)
        return {n: learnt[n] for n in settings.only_outputs or learnt}

    batches = Batches(
        training.windows,
        targets(training),
        batch_size=settings.batch_size,
        augmentation=settings.augmentation,
        seed=settings.seed,
    )
    held_out = Batches(validation.windows, targets(validation), batch_size=128, shuffle=False)
    student = _student(model, batches.targets, recipe)
    losses: Mapping[str, str | Callable] = {
        output: "binary_crossentropy",
        AUXILIARY: where_not_nan(keras.losses.binary_crossentropy),
        CLASSES: crossentropy_where_named,
        EMBEDDING: where_not_nan(keras.losses.mean_squared_error),
    }
    weights = {
        output: 1.0,
        AUXILIARY: settings.auxiliary_weight,
        CLASSES: settings.classes_weight,
        EMBEDDING: settings.embedding_weight,
    }
    student.compile(
        optimizer=build_optimizer(student, settings, steps=len(batches) * settings.epochs),
        loss={name: losses[name] for name in student.output},
        loss_weights={name: weights[name] for name in student.output},
    )
    fit_epochs(
        student,
        settings,
        out,
        name=model.name,
        training=batches,
        held_out=held_out,
        saved=model,
        tensorboard=tensorboard,
    )


def frame_of_window(recipe: Recipe) -> int:
    """The frame with which a window ends, where a live student is given `context_samples` too."""
    grid = recipe.head.output_grid(recipe.frontend.grid)
    end = context_samples(recipe) + recipe.window_s * recipe.frontend.sample_rate
    return round((end / grid.sample_rate - grid.times(1)[0]) * grid.frame_rate)


def _student(model: Model, targets: Mapping[str, np.ndarray], recipe: Recipe) -> keras.Model:
    """The model with the outputs that only training needs."""
    settings = recipe.training
    output = model.card.outputs[0].name
    features = masked(settings.augmentation, model.frontend(model.input), settings.seed)
    embedding = model.head(features)
    if recipe.head.pooling == "trailing":
        embedding = embedding[:, frame_of_window(recipe)]
    outputs = {output: model.get_layer(output)(embedding)}
    for name, activation in ((AUXILIARY, "sigmoid"), (CLASSES, "softmax"), (EMBEDDING, None)):
        if name in targets:
            size = targets[name].shape[1]
            dense = keras.layers.Dense(size, activation=activation, name=name)
            outputs[name] = dense(embedding)
    return keras.Model(model.input, outputs, name=f"{model.name}_student")
