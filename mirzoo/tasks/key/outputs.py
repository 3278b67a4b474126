"""Output layers of key models."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.models.layers.pitch import PITCH_CLASSES, PitchClassLogits
from mirzoo.models.layers.tuning import MeanTuning
from mirzoo.tasks.key.config import KEYS, KeyConfig
from mirzoo.tasks.key.names import LABELS
from mirzoo.tasks.tuning import TUNING


def build(
    config: KeyConfig, embedding: keras.KerasTensor, pitches: int
) -> dict[str, keras.KerasTensor]:
    """Build the output layers on an embedding ``(batch, frames, size)``.

    Where ``pitches`` are the 12 pitch classes, they share their weights: a key is the same on
    every tonic but for the rotation.
    """
    if pitches == PITCH_CLASSES:
        units = len(LABELS) // PITCH_CLASSES
        scores = PitchClassLogits(units, name="keys_scores")(embedding)
    else:
        scores = layers.Dense(len(LABELS), name="keys_scores")(embedding)
    outputs = {KEYS: layers.Activation("softmax", name=KEYS)(scores)}
    if config.tuning:
        outputs[TUNING] = MeanTuning(name=TUNING)(embedding)
    return outputs
