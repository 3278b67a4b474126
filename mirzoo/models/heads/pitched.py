"""Heads that keep pitches, or pitch classes, apart up to the output."""

from __future__ import annotations

from keras import layers

from mirzoo.errors import RecipeError
from mirzoo.models.heads import blocks
from mirzoo.models.layers.normalisation import BatchNormalization
from mirzoo.models.layers.pitch import (
    PITCH_CLASSES,
    BatchAsGroups,
    FoldOctaves,
    GroupsAsBatch,
    WrapPitchClasses,
)
from mirzoo.recipe import FrameContext, PitchClassCRNNConfig, PitchCNNConfig


def pitch_class_crnn(config: PitchClassCRNNConfig, features):
    """Give the embedding ``(batch, frames, 12 * embedding)`` of a `PitchClassCRNNConfig`."""
    x = blocks.convolve_2d(config.blocks, blocks.normalise_bins(features))
    if x.shape[2] % PITCH_CLASSES:
        raise RecipeError(
            f"head.blocks leave {x.shape[2]} bins; a pitch_class_crnn folds octaves of twelve, so "
            "their strides must make a bin of each semitone"
        )
    x = FoldOctaves(name="fold_octaves")(x)
    x = layers.Conv2D(config.filters, 1, use_bias=False, name="fold_dense")(x)
    x = blocks.normalise_and_rectify(x, "fold")
    x = _round_the_circle(config.filters, x, "circle0")
    if config.recurrent.units:
        y = GroupsAsBatch(name="pitch_class_sequences")(x)
        y = blocks.recur(config.recurrent, y)
        y = BatchAsGroups(PITCH_CLASSES, name="pitch_class_frames")(y)
        x = layers.Concatenate(name="with_recurrent")([x, y])
        x = layers.Conv2D(config.filters, 1, use_bias=False, name="recurrent_dense")(x)
        x = blocks.normalise_and_rectify(x, "recurrent")
    x = _round_the_circle(config.filters, x, "circle1")
    return _embed(config, x)


def _round_the_circle(filters: int, x, name: str):
    """A residual convolution whose kernel spans all twelve pitch classes."""
    y = WrapPitchClasses(name=f"{name}_wrap")(x)
    y = layers.Conv2D(filters, (1, PITCH_CLASSES), use_bias=False, name=name)(y)
    y = BatchNormalization(name=f"{name}_norm")(y)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def pitch_cnn(config: PitchCNNConfig, features):
    """Give the embedding ``(batch, frames, semitones * embedding)`` of a `PitchCNNConfig`."""
    x = blocks.convolve_2d(config.blocks, blocks.normalise_bins(features))
    x = _add_context(config.context, x)
    x = blocks.convolve_2d(config.pitch_blocks, x, name="pitch")
    return _embed(config, x)


def _add_context(config: FrameContext, x):
    _, _, n_bins, n_channels = x.shape
    y = layers.Conv2D(config.squeeze, 1, use_bias=False, name="context_squeeze")(x)
    y = blocks.flatten_bins(blocks.normalise_and_rectify(y, "context_squeeze"))
    y = layers.Dense(config.units, use_bias=False, name="context_dense")(y)
    y = blocks.normalise_and_rectify(y, "context")
    for number, dilation in enumerate(config.dilations):
        name = f"context{number}"
        z = layers.Conv1D(
            config.units, config.kernel, dilation_rate=dilation, padding="same", use_bias=False,
            name=name,
        )(y)  # fmt: skip
        z = BatchNormalization(name=f"{name}_norm")(z)
        y = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([y, z]))
    y = layers.Dense(n_bins * config.spread, name="context_spread")(y)
    y = layers.Reshape((-1, n_bins, config.spread), name="context_pitches")(y)
    y = layers.Conv2D(n_channels, 1, use_bias=False, name="context_mix")(y)
    return layers.ReLU(name="with_context_relu")(layers.Add(name="with_context")([x, y]))


def _embed(config, x):
    x = layers.SpatialDropout2D(config.dropout, name="embedding_dropout")(x)
    x = layers.Conv2D(config.embedding, 1, use_bias=False, name="embedding_dense")(x)
    x = blocks.normalise_and_rectify(x, "embedding")
    return layers.Reshape((-1, x.shape[2] * x.shape[3]), name="embedding_pitches")(x)
