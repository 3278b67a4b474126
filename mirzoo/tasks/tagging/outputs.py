"""Output layers of taggers."""

from __future__ import annotations

import keras

from mirzoo.tasks.tagging.config import OUTPUT, TaggingConfig


def build(config: TaggingConfig, embedding: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """Build the output layer on an embedding ``(batch, size)`` or ``(batch, frames, size)``."""
    dense = keras.layers.Dense(len(config.labels), config.activation, name=OUTPUT, dtype="float32")
    return {OUTPUT: dense(embedding)}
