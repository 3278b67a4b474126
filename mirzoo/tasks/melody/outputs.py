"""Output layers of melody models."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.models.layers.normalisation import BatchNormalization
from mirzoo.models.layers.pitch import PitchLogits, PitchSummary
from mirzoo.models.layers.voicing import (
    AtLikelyPitch,
    FrameLevels,
    PitchCertainty,
    SurroundingLevels,
    TrailingLevels,
)
from mirzoo.tasks.melody.config import VOICING, MelodyConfig, VoicingNet

VOICING_UNITS = 32


def build(
    config: MelodyConfig,
    embedding: keras.KerasTensor,
    pitches: int,
    features: keras.KerasTensor | None = None,
) -> dict[str, keras.KerasTensor]:
    """Build the output layers on an embedding ``(batch, frames, size)``.

    Where several ``pitches`` lie side by side in it, they share their weights. A network of its own
    for the voicing looks at the ``features`` too.
    """
    if pitches > 1:
        scores = PitchLogits(pitches, config.n_bins // pitches, name="salience_scores")(embedding)
    else:
        scores = layers.Dense(config.n_bins, name="salience_scores")(embedding)
    salience = layers.Activation("softmax", name="salience")(scores)
    if config.voicing is not None:
        if features is None:
            raise ValueError("a network for the voicing needs the features of the frames")
        seen = _what_tells_of_voicing(
            config, config.voicing, salience, embedding, pitches, features
        )
        hidden = _over_frames(config.voicing, seen)
        if config.voicing.frame:
            of_frame = _of_the_frame(embedding, pitches)
            hidden = layers.Concatenate(name="voicing_of_both")([of_frame, hidden])
    else:
        hidden = _of_the_frame(embedding, pitches)
    return {"salience": salience, VOICING: layers.Dense(1, "sigmoid", name=VOICING)(hidden)}


def _of_the_frame(embedding: keras.KerasTensor, pitches: int) -> keras.KerasTensor:
    """What tells of the voicing in the embedding of each frame, ``(batch, frames, units)``."""
    if pitches > 1:
        embedding = PitchSummary(pitches, name="voicing_summary")(embedding)
    return layers.Dense(VOICING_UNITS, "relu", name="voicing_hidden")(embedding)


def _what_tells_of_voicing(
    config: MelodyConfig,
    net: VoicingNet,
    salience: keras.KerasTensor,
    embedding: keras.KerasTensor,
    pitches: int,
    features: keras.KerasTensor,
) -> keras.KerasTensor:
    """All that the network for the voicing looks at, ``(batch, frames, channels)``."""
    levels = FrameLevels(name="voicing_frame_levels")(features)
    against = TrailingLevels if net.causal else SurroundingLevels
    seen = [
        PitchCertainty(config.bins_per_octave, name="voicing_certainty")(salience),
        against(net.level_frames, name="voicing_levels")(levels),
    ]
    if pitches > 1:
        at_pitch = AtLikelyPitch(pitches, name="voicing_at_pitch")
        seen += [
            at_pitch([embedding, salience]),
            PitchSummary(pitches, name="voicing_of_all_pitches")(embedding),
        ]
        if features.shape[2] % pitches == 0:
            strength = AtLikelyPitch(pitches, name="voicing_strength_at_pitch")
            seen.append(strength([features, salience]))
    else:
        seen.append(embedding)
    return layers.Concatenate(name="voicing_seen")(seen)


def _over_frames(net: VoicingNet, seen: keras.KerasTensor) -> keras.KerasTensor:
    """Convolutions over frames, each added to what it is given."""
    x = BatchNormalization(name="voicing_seen_norm")(seen)
    x = layers.SpatialDropout1D(net.dropout, name="voicing_dropout")(x)
    x = layers.Dense(net.filters, "relu", name="voicing_in")(x)
    for number, dilation in enumerate(net.dilations):
        y = layers.Conv1D(
            net.filters,
            net.kernel,
            dilation_rate=dilation,
            padding="causal" if net.causal else "same",
            use_bias=False,
            name=f"voicing{number}",
        )(x)
        y = BatchNormalization(name=f"voicing{number}_norm")(y)
        y = layers.ReLU(name=f"voicing{number}_relu")(y)
        x = layers.Add(name=f"voicing{number}_add")([x, y])
    return x
