"""Heads: from features to an embedding, per clip or per frame.

A head ("trunk" inside a model) takes features ``(batch, frames, bins, channels)`` and returns
``(batch, embedding)``, or ``(batch, frames, embedding)`` where its recipe pools nothing. Every
strided operation pads by amounts that do not depend on the clip's length, so that frame ``k`` of
the output always stands for the same time: see `output_grid`.
"""

from __future__ import annotations

import keras

from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.heads import blocks, pitched
from mirzoo.recipe import (
    CNN1DConfig,
    CNNConfig,
    CRNNConfig,
    FramewiseHead,
    HeadConfig,
    RNNConfig,
)

__all__ = ["build_trunk", "embedded_pitches", "output_grid"]


def build_trunk(config: HeadConfig, n_bins: int, n_channels: int) -> keras.Model:
    """Build the trunk of a model.

    Parameters
    ----------
    config : HeadConfig
        The head of a recipe.
    n_bins, n_channels : int
        Size of a feature frame.

    Returns
    -------
    keras.Model
        Named ``trunk``; features ``(batch, frames, bins, channels)`` to ``(batch, embedding)``,
        or to ``(batch, frames, embedding)`` with ``pooling: none``.

    Examples
    --------
    >>> from mirzoo.recipe import RNNConfig
    >>> build_trunk(RNNConfig(embedding=32), n_bins=96, n_channels=1).output_shape
    (None, 32)
    """
    features = keras.Input((None, n_bins, n_channels), name="features")
    if isinstance(config, FramewiseHead):
        return keras.Model(features, _FRAMEWISE[config.type](config, features), name="trunk")
    sequence = _SEQUENCES[config.type](config, features)
    if config.pooling == "none":
        pooled = sequence
    else:
        pooled = blocks.pool_over_time(config.pooling, sequence)
    pooled = keras.layers.Dropout(config.dropout, name="embedding_dropout")(pooled)
    embedding = keras.layers.Dense(config.embedding, use_bias=False, name="embedding_dense")(pooled)
    embedding = blocks.normalise_and_rectify(embedding, "embedding")
    return keras.Model(features, embedding, name="trunk")


def embedded_pitches(trunk: keras.Model, config: HeadConfig) -> int:
    """How many pitches, or pitch classes, lie side by side in a trunk's embedding; else 1."""
    if isinstance(config, FramewiseHead):
        return trunk.output_shape[-1] // config.embedding
    return 1


def output_grid(config: HeadConfig, grid: FrameGrid) -> FrameGrid:
    """Where the frames of a ``pooling: none`` trunk lie, given those of its front-end."""
    for block in (
        *getattr(config, "blocks", ()),
        *getattr(config, "pitch_blocks", ()),
        *getattr(config, "temporal", ()),
    ):
        kernel, stride = block.kernel, block.stride
        if isinstance(kernel, tuple):
            kernel, stride = kernel[0], stride[0]
        for repeat in range(block.repeats):
            left, right = blocks.padding(kernel)
            grid = grid.then(kernel, stride if repeat == 0 else 1, left, right)
    return grid


def _cnn(config: CNNConfig, features):
    x = blocks.normalise_bins(features)
    x = blocks.convolve_2d(config.blocks, x)
    x = blocks.flatten_bins(x)
    return blocks.convolve_1d(config.temporal, x)


def _cnn1d(config: CNN1DConfig, features):
    x = blocks.flatten_bins(blocks.normalise_bins(features))
    return blocks.convolve_1d(config.temporal, x)


def _rnn(config: RNNConfig, features):
    x = blocks.flatten_bins(blocks.normalise_bins(features))
    return blocks.recur(config.recurrent, x)


def _crnn(config: CRNNConfig, features):
    x = blocks.normalise_bins(features)
    x = blocks.convolve_2d(config.blocks, x)
    return blocks.recur(config.recurrent, blocks.flatten_bins(x))


_FRAMEWISE = {"pitch_class_crnn": pitched.pitch_class_crnn, "pitch_cnn": pitched.pitch_cnn}
_SEQUENCES = {"cnn": _cnn, "cnn1d": _cnn1d, "rnn": _rnn, "crnn": _crnn}
