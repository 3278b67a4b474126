"""Output layers of chord models."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.models.layers.pitch import PITCH_CLASSES, PitchClassLogits
from mirzoo.models.layers.tuning import MeanTuning, WithoutTuning
from mirzoo.tasks.chords.config import ChordsConfig
from mirzoo.tasks.chords.thirds import KINDS, THIRD
from mirzoo.tasks.tuning import TUNING


def build(
    config: ChordsConfig, embedding: keras.KerasTensor, pitches: int
) -> dict[str, keras.KerasTensor]:
    """Build the output layers on an embedding ``(batch, frames, size)``.

    Where ``pitches`` are the 12 pitch classes, they share their weights.
    """
    measured = embedding
    if config.tuning:
        embedding = WithoutTuning(name="without_tuning")(embedding)

    def scores(name: str, units: int, with_none: bool) -> keras.KerasTensor:
        if pitches == PITCH_CLASSES:
            return PitchClassLogits(units, with_none=with_none, name=f"{name}_scores")(embedding)
        size = PITCH_CLASSES * units + int(with_none)
        return layers.Dense(size, name=f"{name}_scores")(embedding)

    def probabilities(name: str, units: int, activation: str) -> keras.KerasTensor:
        of_all = scores(name, units, with_none=activation == "softmax")
        return layers.Activation(activation, name=name)(of_all)

    outputs = {"chords": probabilities("chords", len(config.qualities), "softmax")}
    if config.structured:
        outputs["root"] = probabilities("root", 1, "softmax")
        outputs["bass"] = probabilities("bass", 1, "softmax")
        outputs["pitches"] = probabilities("pitches", 1, "sigmoid")
    if config.third:
        kinds = len(KINDS)
        x = scores(THIRD, kinds, with_none=False)
        x = layers.Reshape((-1, PITCH_CLASSES, kinds), name="third_of_roots")(x)
        x = layers.Softmax(name="third_probabilities")(x)
        outputs[THIRD] = layers.Reshape((-1, PITCH_CLASSES * kinds), name=THIRD)(x)
    if config.tuning:
        outputs[TUNING] = MeanTuning(name=TUNING)(measured)
    return outputs
