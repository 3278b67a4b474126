"""What the blocks of a head give, pooled and put behind its embedding."""

from __future__ import annotations

import keras
from keras import layers

from mirzoo.errors import ArtefactError
from mirzoo.models.layers.pooling import MeanAndSpread

RESULTS = (layers.ReLU, layers.Activation, layers.RNN, layers.Bidirectional)
"""Layers whose result is that of a block: what rectifies convolutions, and recurrent layers."""


def with_all_depths(head: keras.Model) -> keras.Model:
    """See `mirzoo.models.heads.with_all_depths`."""
    if len(head.output_shape) != 2:
        raise ArtefactError(
            f"the embedding of this model has the shape {head.output_shape}, one for each frame; "
            "what its blocks give can be pooled where an embedding is of a whole clip alone"
        )
    results = [
        layer
        for layer in head.layers
        if isinstance(layer, RESULTS) and len(layer.output.shape) in (3, 4)
    ]
    if not results:
        raise ArtefactError(
            "this model's head has no blocks that Keras shows: it was converted from another "
            "package as one layer; take a model of mirzoo's own"
        )
    pooled = [MeanAndSpread(name=f"{layer.name}_pooled")(layer.output) for layer in results]
    embedding = layers.Concatenate(name="all_depths")([head.output, *pooled])
    return keras.Model(head.input, embedding, name="head")
