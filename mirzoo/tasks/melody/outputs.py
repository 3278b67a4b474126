"""Output layers of melody models."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.models.layers.pitch import PitchLogits, PitchSummary
from mirzoo.tasks.melody.config import VOICING, MelodyConfig

VOICING_UNITS = 32


def build(
    config: MelodyConfig, embedding: keras.KerasTensor, pitches: int
) -> dict[str, keras.KerasTensor]:
    """Build the output layers on an embedding ``(batch, frames, size)``.

    Where several ``pitches`` lie side by side in it, they share their weights.
    """
    if pitches > 1:
        scores = PitchLogits(pitches, config.n_bins // pitches, name="salience_scores")(embedding)
        summary = PitchSummary(pitches, name="voicing_summary")(embedding)
        hidden = layers.Dense(VOICING_UNITS, "relu", name="voicing_hidden")(summary)
    else:
        scores = layers.Dense(config.n_bins, name="salience_scores")(embedding)
        hidden = layers.Dense(VOICING_UNITS, "relu", name="voicing_hidden")(embedding)
    return {
        "salience": layers.Activation("softmax", name="salience")(scores),
        VOICING: layers.Dense(1, "sigmoid", name=VOICING)(hidden),
    }
