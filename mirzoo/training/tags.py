"""How taggers are trained: by distillation.

They learn from published ones: a teacher hears every training window once
(`mirzoo.training.distillation`), and the student learns to give the same probabilities. It also learns to
predict the teachers' embeddings, to give the tags of teachers with other vocabularies, and to
name the instrument where a collection says it. Those outputs exist in training alone; they make
the student's own embedding richer.

References
----------
Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from mirzoo import hub
from mirzoo.card import Card
from mirzoo.data.corpus import Corpus, Windows
from mirzoo.errors import DataError, RecipeError
from mirzoo.evaluation import probes as probing
from mirzoo.models.build import build_model
from mirzoo.models.model import Model
from mirzoo.ports import PORTS
from mirzoo.recipe import Recipe
from mirzoo.training.batches import Batches
from mirzoo.training.corpora import licences_of, open_corpora, provenance
from mirzoo.training.distillation import Targets, teach
from mirzoo.training.fitting import (
    BEST_WEIGHTS,
    build_optimizer,
    copy_weights,
    crossentropy_where_named,
    dataset,
    fit_epochs,
)

WINDOWS_SEED = 0
SMALLEST_SPREAD = 1e-3


def fit(
    recipe: Recipe,
    data: str | Path,
    out: str | Path,
    *,
    name: str,
    find: Callable[[str], Model] = hub.load,
    report: Callable[[str], None] = print,
) -> Model:
    """Train a tagger and return it with the weights of least validation loss.

    ``find`` gives the trained model that the recipe names, whose head and output are the
    starting point; the other parameters are those of `mirzoo.training.train`.
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
        copy_weights(model, find(recipe.training.initial_weights))
    _fit(model, recipe, training, validation, out, report)
    return model


def measured_card(
    model: Model,
    recipe: Recipe,
    data: str | Path,
    *,
    find: Callable[[str], Model] = hub.load,
    report: Callable[[str], None] = print,
) -> Card:
    """The card of a trained model, with what it was trained on and how good it is.

    Its figures are those of `mirzoo.evaluation.probes`, with the teachers' own beside them.
    """
    corpora = open_corpora(recipe, data)
    heard = choose_windows(recipe, corpora, "train")
    hours = sum(len(w) for w in heard) * recipe.window_s / 3600
    test = choose_windows(recipe, corpora, "test")
    lesson = Lesson.prepare(recipe, corpora, "test", report)
    tested = ", ".join(w.corpus.directory.name for w in test)
    teachers = [find(teacher) for teacher in recipe.data.teachers]
    return model.card.updated(
        metrics=[
            *probing.agreement_metrics(model, test, lesson.tags, tested),
            *probing.probe(model, data, beside=teachers, report=report),
        ],
        licences=licences_of(recipe),
        provenance=provenance(
            recipe,
            hours,
            f", to give the answers of {', '.join(recipe.data.teachers)}"
            + (
                f" and to tell apart what {', '.join(recipe.data.classes)} name"
                if recipe.data.classes
                else "; no human labels were used"
            ),
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
        answers = {teacher: hear(windows, teacher, report) for teacher in recipe.data.teachers}
        same, other = _by_vocabulary(recipe)
        count = sum(len(w) for w in windows)
        return cls(
            windows=windows,
            tags=np.mean([answers[teacher].tags for teacher in same], axis=0, dtype=np.float32),
            auxiliary=_side_by_side([answers[teacher].tags for teacher in other], count),
            embedding=_side_by_side([answers[t].embedding for t in recipe.data.teachers], count),
            classes=_classes(recipe, corpora, windows),
        )


def choose_windows(recipe: Recipe, corpora: Sequence[Corpus], split: str) -> tuple[Windows, ...]:
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
            loaded.append(hub.load(teacher))
        return loaded[0].predict_windows

    each = [teach(w, teacher, answer, report=report) for w in windows]
    return Targets(
        np.concatenate([targets.tags for targets in each]),
        np.concatenate([targets.embedding for targets in each]),
    )


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


def _classes(recipe: Recipe, corpora: Sequence[Corpus], windows: Sequence[Windows]) -> np.ndarray:
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
    losses = {
        "tags": "binary_crossentropy",
        "auxiliary": "binary_crossentropy",
        "classes": crossentropy_where_named,
        "embedding": "mean_squared_error",
    }
    weights = {
        "tags": 1.0,
        "auxiliary": settings.auxiliary_weight,
        "classes": settings.classes_weight,
        "embedding": settings.embedding_weight,
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
        batches=lambda epoch: dataset(batches, epoch),
        held_out=dataset(held_out, 0),
        keep=model.save_weights,
        report=report,
    )
    model.load_weights(out / BEST_WEIGHTS)


def _student(model: Model, lesson: Lesson) -> keras.Model:
    """The model with the outputs that only training needs."""
    embedding = model.head(model.frontend(model.input))
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
