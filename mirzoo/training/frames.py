"""How frame-wise models are trained: on labelled audio, and on what teachers predict.

The front-end's magnitudes are cached (`mirzoo.training.features`); stretches of them, altered and
transposed, go through scaling, head and outputs. Collections without the task's labels take part
where the recipe names teachers, whose predictions are then the targets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mirzoo import hub
from mirzoo.card import Card, Metric
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.errors import DataError, RecipeError
from mirzoo.evaluation.corpora import measure
from mirzoo.models.build import build_model
from mirzoo.models.layers.losses import divergence_of_halves
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe, TrainingConfig
from mirzoo.tasks.base import TASKS, FrameTargets, FramewiseTask, Validated
from mirzoo.training.alterations import masked
from mirzoo.training.calibration import validated
from mirzoo.training.features import FeatureStore, cached_features, split_scaling
from mirzoo.training.fitting import (
    build_optimizer,
    convolve_in_bfloat16,
    copy_weights,
    finished,
    fit_epochs,
    freeze_all_but,
)
from mirzoo.training.provenance import distilled_from, licences_of, provenance
from mirzoo.training.runs import Run
from mirzoo.training.sequences import FeatureTrack, Sequences
from mirzoo.training.teachers import Teachers

logger = logging.getLogger(__name__)


def fit(run: Run, out: str | Path, *, name: str, tensorboard: bool = False) -> Model:
    """Train a frame-wise model and return it with the weights of least validation loss.

    Parameters
    ----------
    run : Run
        Its recipe may name a trained model whose head and outputs are the starting point, and
        teachers.
    out, name, tensorboard
        As for `mirzoo.training.train`.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    recipe, distribution = run.recipe, run.distribution
    distribution.require_shares(recipe.training.batch_size)
    if recipe.training.consistency and distribution.devices > 1:
        raise RecipeError(
            f"training.consistency is {recipe.training.consistency:g}: the two halves of a batch "
            f"are compared, and {distribution.devices} devices would have different parts of them; "
            "train on one device, or leave it out"
        )
    _require_aligned_frames(recipe)
    stores = [cached_features(corpus, recipe.frontend) for corpus in run.corpora]
    targets = [
        _targets(recipe, store, teachers)
        for store, teachers in zip(stores, run.teachers, strict=True)
    ]
    settings = recipe.training
    first = settings.initial_weights
    start = None if first is None else run.model(first)
    keras.utils.set_random_seed(settings.seed)
    with distribution.scope():
        model = build_model(recipe, name)
    outputs = list(settings.only_outputs) or learnt_outputs(model, recipe)
    _require_learnt(settings.only_outputs, model, recipe)
    training = training_stretches(
        recipe, _tracks(stores, targets, "train"), outputs=outputs,
        per_item=run.data.windows_per_item, batch_size=settings.batch_size, seed=settings.seed,
    )  # fmt: skip
    held_out = Sequences(
        _tracks(stores, targets, "valid"),
        length=training.length,
        per_item=run.data.windows_per_item,
        batch_size=settings.batch_size,
        frequencies=training.frequencies,
        outputs=outputs,
        shuffle=False,
    )
    stretch_s = training.length / recipe.frontend.grid.frame_rate
    logger.info(
        "%s: %d stretches of %g s an epoch, %d to validate on",
        name,
        len(training) * settings.batch_size,
        stretch_s,
        len(held_out) * settings.batch_size,
    )
    with distribution.scope():
        if start is not None:
            copy_weights(model, start)
        trained = trained_in(settings.precision, model, recipe)
        if settings.only_outputs:
            freeze_all_but(outputs, trained)
        with distribution.synchronised(trained):
            student = student_of(
                trained, recipe, settings, steps=len(training) * settings.epochs, outputs=outputs
            )
            fit_epochs(
                student,
                settings,
                out,
                name=name,
                training=training,
                held_out=held_out,
                saved=trained,
                tensorboard=tensorboard,
            )
    return finished(model, recipe, out, distribution)


def training_stretches(
    recipe: Recipe,
    tracks: Sequence[FeatureTrack],
    *,
    outputs: Sequence[str],
    per_item: int,
    batch_size: int,
    seed: int,
) -> Sequences:
    """Stretches to learn from, altered and transposed as a recipe wants it."""
    settings = recipe.training
    example_s = settings.example_s or recipe.window_s
    return Sequences(
        tracks,
        length=round(example_s * recipe.frontend.grid.frame_rate),
        per_item=per_item,
        batch_size=batch_size,
        frequencies=recipe.frontend.bin_frequencies(),
        outputs=outputs,
        augmentation=settings.augmentation,
        transpose=transposition(recipe),
        transpose_semitones=settings.transpose_semitones,
        twins=settings.consistency > 0,
        excerpt_probability=settings.excerpt_probability,
        events=framewise_task(recipe).targets_are_events,
        seed=seed,
    )


def trained_in(precision: str, model: Model, recipe: Recipe) -> Model:
    """The model itself, or a copy that computes in another precision: layers keep theirs."""
    if precision == "float32":
        return model
    copy = build_model(recipe, model.name)
    copy.set_weights(model.get_weights())
    convolve_in_bfloat16(copy)
    return copy


def measured_card(model: Model, run: Run) -> Card:
    """The card of a trained model: how it is decoded, how good it is, what it was trained on.

    Its figures are those of `mirzoo.evaluation.corpora` on the test items of what it was trained
    on and of the recipe's ``data.tests``; the models of ``data.peers`` are the baselines.
    """
    recipe = run.recipe
    task = framewise_task(recipe)
    task.settle(recipe.task, model, _validation(model, run))
    validation = _validation(model, run)
    decoding = task.calibrated(recipe.task, model.card, validation, run.teachers)
    if decoding is not None:
        model.card = model.card.updated(decoding=decoding.model_dump())
    hours = sum(
        item.n_samples for corpus in run.corpora for item in corpus.items if item.split == "train"
    ) / (3600 * SAMPLE_RATE)
    return model.card.updated(
        metrics=metrics(model, run),
        licences=licences_of(recipe),
        provenance=provenance(recipe, hours, distilled_from(run.data.teachers)),
    )


def _validation(model: Model, run: Run) -> list[Iterator[Validated]]:
    kind = framewise_task(run.recipe).label_kind
    return [validated(model, corpus, kind) for corpus in run.corpora]


def metrics(model: Model, run: Run) -> list[Metric]:
    """The scores that the card of a model of a recipe has, on prepared corpora."""
    peers = [hub.load(name) for name in run.data.peers]
    return measure(model, [*run.corpora, *run.tests], baselines=peers)


def transposition(recipe: Recipe) -> Callable[[np.ndarray, float], np.ndarray] | None:
    """How the features of a recipe are moved by semitones; None where it doesn't ask for that.

    Raises
    ------
    RecipeError
        If the recipe asks for it and its features have no bins that a semitone moves along.
    """
    settings = recipe.training
    moved = settings.transpose_semitones != (0, 0)
    if not moved and not settings.consistency:
        return None
    move = recipe.frontend.transposition()
    if move is None:
        asked = (
            f"transpose_semitones is {list(settings.transpose_semitones)}"
            if moved
            else f"consistency is {settings.consistency:g}"
        )
        raise RecipeError(
            f"training.{asked}, but the '{recipe.frontend.type}' front-end has no bins that a "
            "semitone moves along; allowed are stft, and cqt, vqt, hcqt and chroma with a multiple "
            "of 12 bins an octave"
        )
    return move


def _require_aligned_frames(recipe: Recipe) -> None:
    grid = recipe.frontend.grid
    if recipe.head.output_grid(grid).hop_length != grid.hop_length:
        raise RecipeError(
            "head: a stride over frames leaves fewer frames than labels; allowed are strides over "
            "bins alone, take a larger frontend.hop_length instead"
        )


def _targets(recipe: Recipe, store: FeatureStore, teachers: Teachers) -> FrameTargets:
    grid, task = recipe.frontend.grid, framewise_task(recipe)
    corpus = store.corpus
    times = [grid.times(store.frames(item)) for item in range(len(corpus.items))]
    if has_labels(corpus, task.label_kind):
        return task.targets(recipe.task, corpus, times)
    if not teachers.names:
        raise DataError(
            f"the corpus '{corpus.directory.name}' has no labels of {task.name}; name a "
            f"teacher in data.teachers that predicts {task.name} in it"
        )
    weight = recipe.training.teacher_weight
    return task.distilled_targets(recipe.task, teachers, times, weight=weight)


def has_labels(corpus: Corpus, kind: str | None) -> bool:
    """Whether any item of a corpus has a kind of label, a field of `mirzoo.data.labels.Labels`."""
    items = range(len(corpus.items))
    return kind is not None and any(getattr(corpus.labels(n), kind) is not None for n in items)


def framewise_task(recipe: Recipe) -> FramewiseTask:
    """The task of a recipe; raises RecipeError where its results are no frames."""
    task = TASKS[recipe.task.type]
    if not isinstance(task, FramewiseTask):
        raise RecipeError(f"the results of '{task.name}' are no frames")
    return task


def _tracks(
    stores: Sequence[FeatureStore], targets: Sequence[FrameTargets], split: str
) -> list[FeatureTrack]:
    tracks = []
    for store, known in zip(stores, targets, strict=True):
        items = [
            i
            for i, item in enumerate(store.corpus.items)
            if item.split == split and _is_known(known, store.starts[i], store.starts[i + 1])
        ]
        if items:
            tracks.append(
                FeatureTrack(
                    store.magnitudes, store.starts[items], store.starts[np.add(items, 1)], known
                )
            )
    if not tracks:
        raise DataError(f"no item of the corpora with labels is in the split '{split}'")
    return tracks


def _is_known(targets: FrameTargets, start: int, stop: int) -> bool:
    """Whether anything is known of an item, as of those where teachers do not agree it is not."""
    unknown = targets.unknown(1)
    rows = targets.read(int(start), int(stop), 0)
    return any((values != unknown[name]).any() for name, values in rows.items())


def student_of(
    model: Model,
    recipe: Recipe,
    settings: TrainingConfig,
    *,
    steps: int,
    outputs: Sequence[str] | None = None,
) -> keras.Model:
    """The model from magnitudes on, compiled for so many steps, with some of its outputs or all.

    It shares the model's layers, so that what it learns the model has learnt.
    """
    config = recipe.task
    transform, scaling = split_scaling(model.frontend, recipe.frontend)
    magnitudes = keras.Input(transform.output_shape[1:], name="magnitudes")
    features = magnitudes
    for layer in scaling:
        features = layer(features)
    features = masked(settings.augmentation, features, settings.seed)
    learnt = outputs or learnt_outputs(model, recipe)
    given = dict(zip(learnt, keras.tree.flatten(_after_frontend(model, learnt)(features))))
    name = f"{model.name}_student"
    if settings.consistency:
        main = model.card.outputs[0].name
        if main not in given:
            raise RecipeError(
                f"training.consistency compares the output {main}, which only_outputs "
                f"{list(settings.only_outputs)} leaves out; name it there or leave one of both out"
            )
        student = ConsistentStudent(magnitudes, given, main, settings.consistency, name=name)
    else:
        student = keras.Model(magnitudes, given, name=name)
    task = framewise_task(recipe)
    losses, metrics = task.losses(config), task.metrics(config)
    student.compile(
        optimizer=build_optimizer(student, settings, steps=steps),
        loss={name: losses[name][0] for name in given},
        loss_weights={name: losses[name][1] for name in given},
        metrics={name: metrics[name] for name in given if name in metrics},
    )
    return student


class ConsistentStudent(keras.Model):
    """A student whose output for the second half of a batch is to be that for the first.

    Parameters
    ----------
    inputs : tensor
    outputs : dict of str to tensor
    main : str
        The output that is compared: probabilities ``(batch, frames, classes)``.
    weight : float
        Of the mean over frames of the symmetric divergence [1]_, added to the loss in training.

    References
    ----------
    .. [1] S. Kullback, R. A. Leibler, "On information and sufficiency", Annals of Mathematical
       Statistics 22 (1), 1951, equation 2.6.
    """

    def __init__(
        self,
        inputs: keras.KerasTensor,
        outputs: dict[str, keras.KerasTensor],
        main: str,
        weight: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs, outputs, **kwargs)
        self.main = main
        self.weight = weight

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Compute the losses of the outputs, in training with what the two halves differ by."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
        if not training:
            return loss
        return loss + self.weight * divergence_of_halves(y_pred[self.main])


def _require_learnt(names: Sequence[str], model: Model, recipe: Recipe) -> None:
    known = learnt_outputs(model, recipe)
    if unknown := [name for name in names if name not in known]:
        raise RecipeError(f"training.only_outputs names {unknown}; allowed are {', '.join(known)}")


def learnt_outputs(model: Model, recipe: Recipe) -> list[str]:
    """The outputs that have a loss, in the order of the card; others are measured, not learnt."""
    losses = framewise_task(recipe).losses(recipe.task)
    return [output.name for output in model.card.outputs if output.name in losses]


def _after_frontend(model: Model, names: Sequence[str]) -> keras.Model:
    """Features to some outputs; it shares the model's layers."""
    main = model.card.outputs[0].name
    outputs = model.output if isinstance(model.output, dict) else {main: model.output}
    return keras.Model(model.head_input, [outputs[name] for name in names])
