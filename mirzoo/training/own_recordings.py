"""Fitting a trained frame-wise model to a user's own labelled recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mirzoo.data import decoded
from mirzoo.data.labels import Labels
from mirzoo.errors import DataError, RecipeError
from mirzoo.evaluation.recordings import LabelledRecording
from mirzoo.models.model import Model
from mirzoo.recipe import Augmentation, Recipe
from mirzoo.training.alterations import USUAL_TRANSPOSITION
from mirzoo.training.features import split_scaling
from mirzoo.training.fitting import EpochData, fit_stage
from mirzoo.training.frames import (
    framewise_task,
    learnt_outputs,
    student_of,
    trained_in,
    training_stretches,
)
from mirzoo.training.own_clips import UNTRAINED, Precision, Strategy
from mirzoo.training.own_run import RunFolder
from mirzoo.training.progress import stage
from mirzoo.training.sequences import FeatureTrack, Sequences

PIECE_S = 120
FEWEST_FOR_A_TRIAL = 12
PATIENCE = 3


@dataclass(frozen=True)
class _Known:
    """What is known of pieces of recordings, in the time of the whole ones."""

    of_each: tuple[Labels, ...]

    def labels(self, index: int) -> Labels:
        return self.of_each[index]


@dataclass(frozen=True)
class RecordingSettings:
    """How a frame-wise model is fitted; the fields are the parameters of `mirzoo.fine_tune`.

    ``augmentation`` and ``transposed`` are None where the model's recipe decides.
    """

    strategy: Strategy = "auto"
    epochs: int = 20
    batch_size: int = 16
    learning_rate: float | None = None
    augmentation: Augmentation | None = None
    transposed: bool | None = None
    precision: Precision = "float32"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class FittedRecordings:
    """How a model came to be that learnt from recordings.

    Parameters
    ----------
    history : dict of str to list of float
        Losses and accuracies of each epoch.
    epochs : int
        How many there were; 0 where none did better on recordings left out than the model did.
    trial : dict of str to list of float
        Those on a part of the recordings, with each "val_loss" on the others, that of the model
        as it came before them.
    """

    history: dict[str, list[float]]
    epochs: int
    trial: dict[str, list[float]] = field(default_factory=dict)


def fit_recordings(
    model: Model,
    recordings: Iterable[LabelledRecording],
    settings: RecordingSettings,
    *,
    groups: Sequence[str] | None = None,
    unseen: Sequence[LabelledRecording] = (),
    run: RunFolder | None = None,
    tensorboard: Path | None = None,
) -> FittedRecordings:
    """Fit a model to recordings, altered and transposed in every epoch as its recipe has it.

    The model itself learns, all of it that is ``trainable``. Where there are
    `FEWEST_FOR_A_TRIAL` groups or more, a quarter of them tells after how many epochs the others
    are learnt best; then it begins again with all. Its features are held in memory: for a minute of
    audio 1 MB for ``cqt_crnn_chords`` and 4 MB for ``hcqt_cnn_melody``.

    Parameters
    ----------
    model : Model
        A frame-wise one, made from a recipe; with fresh weights the statistics of its
        normalisation are learnt too, and there is no trial.
    recordings : iterable of LabelledRecording
    settings : RecordingSettings
        The learning rate is the highest; after a short rise to it, it falls to zero along a half
        cosine. Fewer stretches than ``batch_size`` are seen at once where there are not so many.
    groups : sequence of str, optional
        Which recordings belong together; by default none do.
    unseen : sequence of LabelledRecording
        Others, whose loss is shown after every epoch; it decides on nothing.
    run : RunFolder, optional
        Where backups lie.
    tensorboard : Path, optional
        A folder of logs for TensorBoard.

    Raises
    ------
    RecipeError
        If the model has no recipe, or cannot be transposed as asked.
    DataError
        If there are no recordings, or one cannot be read or is labelled with something else.
    """
    if model.card.recipe is None:
        raise RecipeError(
            f"{model.card.name} was converted from its own package and cannot learn here; take a "
            "model of mirzoo's own"
        )
    recipe = _recipe_for(Recipe.model_validate(model.card.recipe), model, settings)
    keras.utils.set_random_seed(settings.seed)
    run = run or RunFolder(None, {})
    tracks = _tracks(model, recipe, list(recordings))
    others = _tracks(model, recipe, unseen) if unseen else []
    numbers = np.unique(list(groups or map(str, range(len(tracks)))), return_inverse=True)[1]
    is_fresh = model.card.provenance.startswith(UNTRAINED)
    epochs, trial = settings.epochs, {}
    if numbers.max() + 1 >= FEWEST_FOR_A_TRIAL and settings.epochs > 1 and not is_fresh:
        trial = _trial(model, recipe, tracks, numbers, settings, run)
        losses = trial["val_loss"]
        epochs = int(np.argmin(losses if settings.strategy == "auto" else losses[1:]))
        epochs += settings.strategy != "auto"
        if epochs == 0:
            return FittedRecordings({}, 0, trial)
    history = _train(
        model,
        recipe,
        tracks,
        others,
        settings,
        epochs=epochs,
        folder=run.stage("training"),
        name="training",
        fresh=is_fresh,
        tensorboard=tensorboard,
    )
    return FittedRecordings(history, epochs, trial)


def _recipe_for(recipe: Recipe, model: Model, settings: RecordingSettings) -> Recipe:
    """The recipe with the rate and the changes that are asked for."""
    changes: dict[str, Any] = {"precision": settings.precision}
    if settings.learning_rate is not None:
        changes["learning_rate"] = settings.learning_rate
    if settings.augmentation is not None:
        changes["augmentation"] = settings.augmentation
    if settings.transposed is not None:
        own = recipe.training.transpose_semitones
        moved = own if own != (0, 0) else USUAL_TRANSPOSITION
        changes["transpose_semitones"] = moved if settings.transposed else (0, 0)
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=changes)})


def _trial(
    model: Model,
    recipe: Recipe,
    tracks: Sequence[FeatureTrack],
    groups: np.ndarray,
    settings: RecordingSettings,
    run: RunFolder,
) -> dict[str, list[float]]:
    """Train a copy on three quarters of the groups, until the loss of the others rises."""
    count = int(groups.max()) + 1
    chosen = np.random.default_rng(settings.seed).permutation(count)[: max(1, count // 4)]
    left_out = np.isin(groups, chosen)

    def compute() -> dict[str, list[float]]:
        copy = model.copy()
        copy.frontend.trainable = model.frontend.trainable
        copy.head.trainable = model.head.trainable
        return _train(
            copy,
            recipe,
            [track for track, left in zip(tracks, left_out) if not left],
            [track for track, left in zip(tracks, left_out) if left],
            settings,
            epochs=settings.epochs,
            folder=run.stage("trial"),
            name="trial",
            patience=PATIENCE,
        )

    return run.values("trial", compute)


def _train(
    model: Model,
    recipe: Recipe,
    tracks: Sequence[FeatureTrack],
    unseen: Sequence[FeatureTrack],
    settings: RecordingSettings,
    *,
    epochs: int,
    folder: Path | None,
    name: str,
    patience: int | None = None,
    fresh: bool = False,
    tensorboard: Path | None = None,
) -> dict[str, list[float]]:
    """Train a model by gradient.

    With ``patience``, the loss of what is unseen decides on the end, and stands before the others
    as it was at the beginning.
    """
    if not fresh:
        # What a shipped model keeps to in all tunings it has learnt; labels alone count here.
        training = recipe.training.model_copy(update={"consistency": 0.0})
        recipe = recipe.model_copy(update={"training": training})
    length = round((recipe.training.example_s or recipe.window_s) * recipe.frontend.grid.frame_rate)
    stretches = sum(
        int(np.maximum((track.stops - track.starts) // length, 1).sum()) for track in tracks
    )
    outputs = learnt_outputs(model, recipe)
    batches = training_stretches(
        recipe, tracks, outputs=outputs, per_item=stretches,
        batch_size=min(settings.batch_size, stretches), seed=settings.seed,
    )  # fmt: skip
    others = None
    if unseen:
        others = Sequences(
            unseen, length=batches.length, per_item=sum(len(t.magnitudes) for t in unseen),
            batch_size=settings.batch_size, frequencies=batches.frequencies, outputs=outputs,
            shuffle=False,
        )  # fmt: skip
    trained = trained_in(settings.precision, model, recipe)
    trained.frontend.trainable = model.frontend.trainable
    trained.head.trainable = model.head.trainable
    with nullcontext() if fresh else _frozen_statistics(trained):
        steps = len(batches) * settings.epochs
        student = student_of(trained, recipe, recipe.training, steps=steps)
        before: dict[str, list[float]] = {}
        if patience is not None and others is not None:
            scores = student.evaluate(EpochData(others), verbose=0, return_dict=True)
            before["val_loss"] = [float(scores["loss"])]
        history = fit_stage(
            student,
            batches,
            name=name,
            epochs=epochs,
            seed=settings.seed,
            unseen=others,
            patience=patience,
            folder=folder,
            tensorboard=tensorboard,
        )
    if trained is not model:
        model.set_weights(trained.get_weights())
    return {name: before.get(name, []) + row for name, row in history.items()}


@contextmanager
def _frozen_statistics(model: Model) -> Iterator[None]:
    """Keep the statistics of batch normalisation: those of a few songs are no measure of music."""
    layers = [
        layer
        for layer in (*model.head.layers, *model.layers)  # outputs may be networks of their own
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True


def _tracks(
    model: Model, recipe: Recipe, recordings: Sequence[LabelledRecording]
) -> list[FeatureTrack]:
    if not recordings:
        raise DataError("there is no recording to learn from; is the data set empty?")
    tracks = []
    with stage("features", len(recordings)) as advance:
        for recording in recordings:
            tracks.append(_track(model, recipe, recording))
            advance("")
    return tracks


def _track(model: Model, recipe: Recipe, recording: LabelledRecording) -> FeatureTrack:
    """The features of a recording, in pieces, with what is known of each."""
    task = framewise_task(recipe)
    transform, _ = split_scaling(model.frontend, recipe.frontend)
    rate = recipe.frontend.sample_rate
    features, times, known = [], [], []
    if recording.truth.task != model.card.task:
        raise DataError(
            f"the labels are {recording.truth.kind}, but {model.card.name} is a model for "
            f"{model.card.task}"
        )
    samples = decoded.read(recording.source, rate, source_rate=recording.source_rate)
    labels = task.labels_of(recording.truth, len(samples) / rate)
    for start in range(0, len(samples), PIECE_S * rate):
        piece = samples[start : start + PIECE_S * rate]
        piece = np.pad(piece, (0, max(0, model.card.input.min_samples - len(piece))))
        features.append(transform(piece[np.newaxis]).numpy()[0].astype(np.float16))
        times.append(start / rate + recipe.frontend.grid.times(len(features[-1])))
        known.append(labels)
    edges = np.concatenate([[0], np.cumsum([len(magnitudes) for magnitudes in features])])
    targets = task.targets(recipe.task, _Known(tuple(known)), times)
    return FeatureTrack(np.concatenate(features), edges[:-1], edges[1:], targets)
