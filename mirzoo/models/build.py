"""From a recipe to an untrained model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras

from mirzoo.card import LIVE_FORMAT, WRITTEN_FORMAT, Card, InputContract, Licences, OutputSpec
from mirzoo.models.frontends import build_frontend
from mirzoo.models.heads import build_head, with_all_depths
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe
from mirzoo.tasks.base import TASKS

SHORTEST_INPUT_S = 0.25


def build_model(recipe: Recipe, name: str) -> Model:
    """Build the model that a recipe describes, with fresh weights.

    Parameters
    ----------
    recipe : Recipe
        What to build.
    name : str
        The model's name, as it will stand on its card.

    Returns
    -------
    Model
        Waveform ``(batch, samples)`` float32 to probabilities ``(batch, labels)``, or
        ``(batch, frames, labels)`` where the head pools nothing.

    Examples
    --------
    >>> from mirzoo.models.frontends.mel import MelConfig
    >>> from mirzoo.models.heads.rnn import RNNConfig
    >>> from mirzoo.recipe import Recipe, Source
    >>> from mirzoo.tasks.tagging import TaggingConfig
    >>> recipe = Recipe(
    ...     description="speech or music",
    ...     frontend=MelConfig(),
    ...     head=RNNConfig(),
    ...     task=TaggingConfig(labels=("speech", "music"), activation="softmax"),
    ...     source=Source(paper="none"),
    ... )
    >>> build_model(recipe, "speech_or_music").output_shape
    (None, 2)
    """
    frontend = build_frontend(recipe.frontend)
    head = build_head(recipe.head, recipe.frontend.n_bins, recipe.frontend.n_channels)
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    pitches = recipe.head.embedded_pitches(head.output_shape[-1])
    features = frontend(waveform)
    outputs = build_outputs(recipe, head(features), pitches, features)
    single = next(iter(outputs.values())) if len(outputs) == 1 else outputs
    model = Model(waveform, single, name=name.replace("@", "_"))  # as TensorFlow's scopes allow
    model.card = untrained_card(
        recipe,
        name,
        parameters=model.count_params(),
        embedding_size=head.output_shape[-1],
    )
    return model


def with_new_labels(
    base: Model,
    labels: Sequence[str],
    activation: Literal["sigmoid", "softmax"],
    *,
    depths: Literal["last", "all"] = "last",
) -> Model:
    """Put a fresh output layer for other labels on a tagger's front-end and head.

    Parameters
    ----------
    base : Model
        A tagger. Its layers are those of the result too: give a copy where it is to stay as it is.
    labels : sequence of str
        The new labels.
    activation : {"sigmoid", "softmax"}
        Whether any number of labels holds, or exactly one.
    depths : {"last", "all"}
        With "all" the output layer is given what every block of the head gives: see
        `mirzoo.models.heads.with_all_depths`.

    Returns
    -------
    Model
        Its card has the recipe of this network, and no scores.
    """
    main, head = base.card.outputs[0], base.head
    recipe = base.card.recipe
    if recipe is not None:
        resolved = Recipe.model_validate(recipe).with_labels(labels, activation=activation)
        if depths == "all":
            config = resolved.head.model_copy(update={"depths": "all"})
            resolved = resolved.model_copy(update={"head": config})
        recipe = resolved.model_dump(mode="json")
    if depths == "all":
        head = with_all_depths(head)
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    output = keras.layers.Dense(len(labels), activation=activation, name=main.name, dtype="float32")
    model = Model(waveform, output(head(base.frontend(waveform))), name=base.name)
    axes = [*main.axes[:-1], main.axes[-1].model_copy(update={"size": len(labels)})]
    model.card = base.card.updated(
        description=f"The front-end and head of {base.card.name} with new labels.",
        labels=list(labels),
        activation=activation,
        outputs=[OutputSpec(name=main.name, axes=axes, frame_rate=main.frame_rate).model_dump()],
        recipe=recipe,
        decoding=None,
        embedding_size=head.output_shape[-1],
        parameters=model.count_params(),
        metrics=[],
        files={},
        provenance=f"New output layer on {base.card.name}. {base.card.provenance}",
    )
    return model


def build_outputs(
    recipe: Recipe,
    embedding: keras.KerasTensor,
    pitches: int,
    features: keras.KerasTensor | None = None,
) -> dict[str, keras.KerasTensor]:
    """Build the output layers of a recipe's task; see `mirzoo.tasks.base.Task.connect_outputs`."""
    return TASKS[recipe.task.type].connect_outputs(recipe.task, features, embedding, pitches)


def describe_outputs(recipe: Recipe, frame_rate: float | None) -> list[OutputSpec]:
    """What a card states of the outputs; ``frame_rate`` (Hz) is None where there are no frames."""
    return TASKS[recipe.task.type].describe_outputs(recipe.task, frame_rate)


def untrained_card(recipe: Recipe, name: str, *, parameters: int, embedding_size: int) -> Card:
    """The card of a model that no one has trained yet: a contract without scores."""
    sample_rate = recipe.frontend.sample_rate
    window_samples = round(recipe.window_s * sample_rate)
    context_samples = round(recipe.context_s * sample_rate)
    grid = recipe.head.output_grid(recipe.frontend.grid)
    task = TASKS[recipe.task.type]
    return Card(
        format=LIVE_FORMAT if recipe.live else WRITTEN_FORMAT,
        name=name,
        task=recipe.task.type,
        description=recipe.description,
        recipe=recipe.model_dump(mode="json"),
        input=InputContract(
            sample_rate=sample_rate,
            min_samples=max(grid.min_samples, round(SHORTEST_INPUT_S * sample_rate)),
            window_samples=window_samples,
            hop_samples=window_samples - 2 * context_samples,
            pad_left_samples=context_samples,
        ),
        labels=task.labels(recipe.task),
        activation=task.activation(recipe.task),
        outputs=describe_outputs(recipe, grid.frame_rate if recipe.head.per_frame else None),
        decoding=task.default_decoding(recipe.task),
        embedding_size=embedding_size,
        parameters=parameters,
        licences=Licences(code="MIT", weights="MIT", data="none: untrained"),
        citation=recipe.source.paper,
        provenance="Fresh weights, untrained.",
    )
