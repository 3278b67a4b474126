"""The output layer of beat models."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.tasks.beats.config import BEATS, LABELS


def build(embedding: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """Build the output layer on an embedding ``(batch, frames, size)``."""
    scores = layers.Dense(len(LABELS), name="beats_scores")(embedding)
    return {BEATS: layers.Activation("sigmoid", name=BEATS)(scores)}
