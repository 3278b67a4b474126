"""Fitting a trained frame-wise model to a user's own labelled recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np

from mirzoo import audio
from mirzoo.data.labels import Labels
from mirzoo.errors import DataError, RecipeError
from mirzoo.evaluation.recordings import LabelledRecording
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe
from mirzoo.training.features import split_scaling
from mirzoo.training.fitting import EpochData
from mirzoo.training.frames import framewise_task, student_of, training_stretches
from mirzoo.training.sequences import FeatureTrack

PIECE_S = 120


@dataclass(frozen=True)
class _Known:
    """What is known of pieces of recordings, in the time of the whole ones."""

    of_each: tuple[Labels, ...]

    def labels(self, index: int) -> Labels:
        return self.of_each[index]


def fit_recordings(
    model: Model,
    recordings: Iterable[LabelledRecording],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> dict[str, list[float]]:
    """Fit a model to recordings, altered and transposed in every epoch as its recipe has it.

    The model itself learns, all of it that is ``trainable``. Its features are held in
    memory: for a minute of audio 1 MB for ``cqt_crnn_chords`` and 4 MB for ``hcqt_cnn_melody``.

    Parameters
    ----------
    model : Model
        A frame-wise one, made from a recipe.
    recordings : iterable of LabelledRecording
    epochs, batch_size : int
        Passes, and stretches as long as a training example of the recipe that are seen at once;
        fewer where there are not so many.
    learning_rate : float
        The highest; after a short rise to it, it falls to zero along a half cosine.
    seed : int
        Decides which stretches are drawn, and how they are altered.

    Returns
    -------
    dict of str to list of float
        Losses and accuracies of each epoch.

    Raises
    ------
    RecipeError
        If the model has no recipe.
    DataError
        If there are no recordings, or one cannot be read or is labelled with something else.
    """
    if model.card.recipe is None:
        raise RecipeError(
            f"{model.card.name} was converted from its own package and cannot learn here; take a "
            "model of mirzoo's own"
        )
    recipe = Recipe.model_validate(model.card.recipe)
    keras.utils.set_random_seed(seed)
    track = _track(model, recipe, list(recordings))
    length = round((recipe.training.example_s or recipe.window_s) * recipe.frontend.grid.frame_rate)
    stretches = int(np.maximum((track.stops - track.starts) // length, 1).sum())
    batches = training_stretches(
        recipe, [track], outputs=[output.name for output in model.card.outputs],
        per_item=stretches, batch_size=min(batch_size, stretches), seed=seed,
    )  # fmt: skip
    settings = recipe.training.model_copy(update={"learning_rate": learning_rate})
    data = EpochData(batches)
    with _frozen_statistics(model):
        student = student_of(model, recipe, settings, steps=len(batches) * epochs)
        fitted = student.fit(
            data, epochs=epochs, shuffle=False, callbacks=[data.callback()], verbose=0
        )
    return fitted.history


@contextmanager
def _frozen_statistics(model: Model) -> Iterator[None]:
    """Keep the statistics of batch normalisation: those of a few songs are no measure of music."""
    layers = [
        layer
        for layer in model.head.layers
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True


def _track(model: Model, recipe: Recipe, recordings: Sequence[LabelledRecording]) -> FeatureTrack:
    if not recordings:
        raise DataError("there is no recording to learn from; is the data set empty?")
    task = framewise_task(recipe)
    transform, _ = split_scaling(model.frontend, recipe.frontend)
    rate = recipe.frontend.sample_rate
    features, times, known = [], [], []
    for recording in recordings:
        if recording.truth.task != model.card.task:
            raise DataError(
                f"the labels are {recording.truth.kind}, but {model.card.name} is a model for "
                f"{model.card.task}"
            )
        samples = audio.read(recording.source, rate, source_rate=recording.source_rate)
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
