"""Heads: from features to an embedding, per clip or per frame, one module a type.

Each module has a subclass of `mirzoo.recipe.Head`, registered in `HEADS`: its fields are the
settings of a recipe, its methods the layers and where the output's frames lie. A head takes
features ``(batch, frames, bins, channels)`` and returns ``(batch, embedding)``, or
``(batch, frames, embedding)`` where its recipe pools nothing. Every strided operation pads by
amounts that do not depend on the clip's length, so that frame ``k`` of the output always stands
for the same time: see `Head.output_grid`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.heads._sequence import SequenceHead
from mirzoo.models.heads._settings import (
    ConvBlock,
    PitchHead,
    RecurrentStack,
    TemporalBlock,
)
from mirzoo.recipe.heads import HEADS, Head

if TYPE_CHECKING:
    import keras

__all__ = [
    "HEADS",
    "ConvBlock",
    "Head",
    "PitchHead",
    "RecurrentStack",
    "SequenceHead",
    "TemporalBlock",
    "build_head",
    "with_all_depths",
    "with_temporal_depths",
]


def build_head(config: Head, n_bins: int, n_channels: int) -> keras.Model:
    """Build the head of a model.

    Parameters
    ----------
    config : Head
        The settings.
    n_bins, n_channels : int
        Size of a feature frame.

    Returns
    -------
    keras.Model
        Named ``head``; features ``(batch, frames, bins, channels)`` to ``(batch, embedding)``, or
        to ``(batch, frames, embedding)`` with ``pooling: none``.

    Examples
    --------
    >>> from mirzoo.models.heads.rnn import RNNConfig
    >>> build_head(RNNConfig(embedding=32), n_bins=96, n_channels=1).output_shape
    (None, 32)
    """
    import keras

    features = keras.Input((None, n_bins, n_channels), name="features")
    head = keras.Model(features, config.embed(features), name="head")
    deepened = {"temporal": with_temporal_depths, "all": with_all_depths}
    return deepened[config.depths](head) if config.depths in deepened else head


def with_temporal_depths(head: keras.Model) -> keras.Model:
    """Give a head whose embedding holds what its blocks over frames give, too.

    Its layers are those of the head that is given, and so are their weights.

    Parameters
    ----------
    head : keras.Model
        With an embedding of whole clips, ``(batch, size)``.

    Returns
    -------
    keras.Model
        Named ``head``; its embedding is the former one and, for each temporal convolution's or
        recurrent layer's result, the mean over frames and the maximum. One that has them already
        is given back.

    Raises
    ------
    ArtefactError
        If the head's embedding is of frames, or it has no such layers.

    Examples
    --------
    >>> from mirzoo.models.heads.rnn import RNNConfig
    >>> head = build_head(RNNConfig(embedding=32), n_bins=96, n_channels=1)
    >>> with_temporal_depths(head).output_shape
    (None, 288)
    """
    from mirzoo.models.heads import _depths

    return _depths.with_temporal_depths(head)


def with_all_depths(head: keras.Model) -> keras.Model:
    """Give a head whose embedding holds what every block gives, too.

    Its layers are those of the head that is given, and so are their weights.

    Parameters
    ----------
    head : keras.Model
        With an embedding of whole clips, ``(batch, size)``.

    Returns
    -------
    keras.Model
        Named ``head``; its embedding is that of `with_temporal_depths`, where there are blocks
        over frames, and, for each convolution's or recurrent layer's result,
        `mirzoo.models.layers.pooling.MeanAndSpread` of it.

    Raises
    ------
    ArtefactError
        If the head's embedding is of frames, or it has no such layers.

    Examples
    --------
    >>> from mirzoo.models.heads.rnn import RNNConfig
    >>> head = build_head(RNNConfig(embedding=32), n_bins=96, n_channels=1)
    >>> with_all_depths(head).output_shape
    (None, 544)
    """
    from mirzoo.models.heads import _depths

    return _depths.with_all_depths(head)


def _build_trunk(config: Head, n_bins: int, n_channels: int) -> keras.Model:
    return build_head(config, n_bins, n_channels)


def _embedded_pitches(head: keras.Model, config: Head) -> int:
    return config.embedded_pitches(head.output_shape[-1])


def _output_grid(config: Head, grid: FrameGrid) -> FrameGrid:
    return config.output_grid(grid)


_FORMER = {
    "build_trunk": (_build_trunk, "build_head"),
    "embedded_pitches": (_embedded_pitches, "Head.embedded_pitches"),
    "output_grid": (_output_grid, "Head.output_grid"),
}


def __getattr__(name: str) -> Any:
    if name not in _FORMER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function, now = _FORMER[name]
    warnings.warn(
        f"mirzoo.models.heads.{name} is now {now}; the old name goes with the next version",
        DeprecationWarning,
        stacklevel=2,
    )
    return function
