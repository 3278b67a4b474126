"""What the blocks of a head give, pooled and put behind its embedding."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.errors import ArtefactError
from mirzoo.models.layers.pooling import MeanAndSpread

RESULTS = (layers.ReLU, layers.Activation, layers.RNN, layers.Bidirectional)
"""Layers whose result is that of a block: what rectifies convolutions, and recurrent layers."""

TEMPORAL, ALL = "temporal_depths", "all_depths"


def with_temporal_depths(head: keras.Model) -> keras.Model:
    """See `mirzoo.models.heads.with_temporal_depths`."""
    if _has(head, TEMPORAL):
        return head
    temporal = _results(head, 3)
    if not temporal:
        raise ArtefactError(
            "this model's head has no blocks over frames that Keras shows, whose results could be "
            "pooled; depths 'temporal' needs temporal convolutions or recurrent layers"
        )
    pooled = []
    for layer in temporal:
        pooled += [
            layers.GlobalAveragePooling1D(name=f"{layer.name}_mean")(layer.output),
            layers.GlobalMaxPooling1D(name=f"{layer.name}_max")(layer.output),
        ]
    return _joined(head, pooled, TEMPORAL)


def with_all_depths(head: keras.Model) -> keras.Model:
    """See `mirzoo.models.heads.with_all_depths`."""
    if _has(head, ALL):
        return head
    results = _results(head, 3, 4)
    if not results:
        raise ArtefactError(
            "this model's head has no blocks that Keras shows: it was converted from another "
            "package as one layer; take a model of mirzoo's own"
        )
    if _results(head, 3):
        head = with_temporal_depths(head)
    pooled = [MeanAndSpread(name=f"{layer.name}_pooled")(layer.output) for layer in results]
    return _joined(head, pooled, ALL)


def _has(head: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in head.layers)


def _results(head: keras.Model, *ranks: int) -> list[keras.Layer]:
    """The layers whose result is a block's, of tensors with so many axes."""
    if len(head.output_shape) != 2:
        raise ArtefactError(
            f"the embedding of this model has the shape {head.output_shape}, one for each frame; "
            "what its blocks give can be pooled where an embedding is of a whole clip alone"
        )
    return [
        layer
        for layer in head.layers
        if isinstance(layer, RESULTS) and len(layer.output.shape) in ranks
    ]


def _joined(head: keras.Model, pooled: list[keras.KerasTensor], name: str) -> keras.Model:
    embedding = layers.Concatenate(name=name)([head.output, *pooled])
    return keras.Model(head.input, embedding, name="head")
