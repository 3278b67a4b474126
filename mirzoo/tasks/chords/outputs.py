"""Output layers of chord models."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.models.layers.pitch import PITCH_CLASSES, PitchClassLogits
from mirzoo.tasks.chords.config import ChordsConfig


def build(
    config: ChordsConfig, embedding: keras.KerasTensor, pitches: int
) -> dict[str, keras.KerasTensor]:
    """Build the output layers on an embedding ``(batch, frames, size)``.

    Where ``pitches`` are the 12 pitch classes, they share their weights.
    """

    def probabilities(name: str, units: int, activation: str) -> keras.KerasTensor:
        with_none = activation == "softmax"
        if pitches == PITCH_CLASSES:
            scores = PitchClassLogits(units, with_none=with_none, name=f"{name}_scores")(embedding)
        else:
            size = PITCH_CLASSES * units + int(with_none)
            scores = layers.Dense(size, name=f"{name}_scores")(embedding)
        return layers.Activation(activation, name=name)(scores)

    outputs = {"chords": probabilities("chords", len(config.qualities), "softmax")}
    if config.structured:
        outputs["root"] = probabilities("root", 1, "softmax")
        outputs["bass"] = probabilities("bass", 1, "softmax")
        outputs["pitches"] = probabilities("pitches", 1, "sigmoid")
    return outputs
