"""From a recipe to an untrained model."""

from __future__ import annotations

import keras

from mirzoo.card import Axis, Card, InputContract, Licences, OutputSpec
from mirzoo.frontends import build_frontend
from mirzoo.heads import build_trunk, output_grid
from mirzoo.model import Model
from mirzoo.recipe import Recipe

SHORTEST_HEARD_S = 0.25


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
    >>> from mirzoo.recipe import MelConfig, Recipe, RNNConfig, Source, TaggingConfig
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
    trunk = build_trunk(recipe.head, recipe.frontend.n_bins, recipe.frontend.n_channels)
    tags = tag_layer(recipe)
    waveform = keras.Input((None,), dtype="float32", name="waveform")
    probabilities = tags(trunk(frontend(waveform)))
    parameters = sum(part.count_params() for part in (frontend, trunk, tags))
    card = untrained_card(recipe, name, parameters=parameters)
    return Model(waveform, probabilities, name=name, card=card)


def tag_layer(recipe: Recipe) -> keras.layers.Layer:
    """The output layer: embedding to one probability a label."""
    return keras.layers.Dense(
        len(recipe.task.labels), activation=recipe.task.activation, name="tags"
    )


def untrained_card(recipe: Recipe, name: str, *, parameters: int) -> Card:
    """The card of a model that no one has trained yet: a contract without scores."""
    sample_rate = recipe.frontend.sample_rate
    window_samples = round(recipe.window_s * sample_rate)
    grid = output_grid(recipe.head, recipe.frontend.grid)
    tags = Axis(name="tag", size=len(recipe.task.labels), unit="probability")
    if recipe.head.pooling == "none":
        axes = [Axis(name="frame", size=None, unit="frame"), tags]
        output = OutputSpec(name="tags", axes=axes, frame_rate=grid.frame_rate)
    else:
        output = OutputSpec(name="tags", axes=[tags])
    return Card(
        name=name,
        task=recipe.task.type,
        description=recipe.description,
        recipe=recipe.model_dump(mode="json"),
        input=InputContract(
            sample_rate=sample_rate,
            min_samples=max(grid.min_samples, round(SHORTEST_HEARD_S * sample_rate)),
            window_samples=window_samples,
            hop_samples=window_samples,
        ),
        labels=list(recipe.task.labels),
        activation=recipe.task.activation,
        outputs=[output],
        embedding_size=recipe.head.embedding,
        parameters=parameters,
        licences=Licences(code="MIT", weights="MIT", data="none: untrained"),
        citation=recipe.source.paper,
        provenance="Fresh weights, untrained.",
    )
