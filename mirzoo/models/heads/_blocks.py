"""The parts that heads are put together from, as functions on symbolic tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from mirzoo.models.heads._settings import (
    ConvBlock,
    RecurrentStack,
    TemporalBlock,
    padding,
)
from mirzoo.models.layers.normalisation import BatchNormalization
from mirzoo.models.layers.pitch import PITCH_CLASSES, WrapPitchClasses
from mirzoo.models.layers.pooling import AttentionPooling, TrailingPooling
from mirzoo.recipe.heads import Head

if TYPE_CHECKING:
    from mirzoo.models.heads.tcn import DilatedStack


def normalise_bins(features):
    """Normalise each bin by statistics learnt over the training data."""
    return layers.BatchNormalization(axis=2, name="normalise_bins")(features)


def flatten_bins(x):
    """Lay a frame's bins and channels side by side: ``(batch, frames, bins * channels)``."""
    _, _, n_bins, n_channels = x.shape
    return layers.Reshape((-1, n_bins * n_channels), name="flatten_bins")(x)


def normalise_and_rectify(x, name: str):
    """Batch normalisation and ReLU."""
    x = BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def convolve_2d(blocks: tuple[ConvBlock, ...], x, name: str = "conv"):
    """Apply 2-D blocks to ``(batch, frames, bins, channels)``."""
    for number, block in enumerate(blocks):
        for repeat in range(block.repeats):
            stride = block.stride if repeat == 0 else (1, 1)
            x = _block(_CONVOLUTIONS_2D, block, stride, x, f"{name}{number}_{repeat}")
    return x


def convolve_1d(blocks: tuple[TemporalBlock, ...], x):
    """Apply 1-D blocks to ``(batch, frames, channels)``."""
    for number, block in enumerate(blocks):
        for repeat in range(block.repeats):
            stride = block.stride if repeat == 0 else 1
            x = _block(_CONVOLUTIONS_1D, block, stride, x, f"temporal{number}_{repeat}")
    return x


def recur(stack: RecurrentStack, x):
    """Apply recurrent layers to ``(batch, frames, channels)``."""
    cell = {"gru": layers.GRU, "lstm": layers.LSTM}[stack.cell]
    if stack.lookahead:
        x = layers.ZeroPadding1D((0, stack.lookahead), name="lookahead_pad")(x)
    for number, units in enumerate(stack.units):
        layer = cell(units, return_sequences=True, name=f"{stack.cell}{number}")
        if stack.bidirectional:
            layer = layers.Bidirectional(layer, name=f"bidirectional{number}")
        x = layer(x)
    if stack.lookahead:
        x = layers.Cropping1D((stack.lookahead, 0), name="lookahead_crop")(x)
    return x


def dilate(stack: DilatedStack, x):
    """Apply dilated layers to ``(batch, frames, channels)``."""
    side = "causal" if stack.causal else "same"
    x = layers.Conv1D(stack.filters, 1, use_bias=False, name="dilated_in")(x)
    x = layers.ELU(name="dilated_in_elu")(BatchNormalization(name="dilated_in_norm")(x))
    for number in range(stack.layers):
        name = f"dilated{number}"
        pair = [
            layers.Conv1D(
                stack.filters,
                stack.kernel,
                dilation_rate=2 ** (number + wider),
                padding=side,
                use_bias=False,
                name=f"{name}_{wider}",
            )(x)
            for wider in (0, 1)
        ]
        y = layers.Concatenate(name=f"{name}_pair")(pair)
        y = layers.ELU(name=f"{name}_elu")(BatchNormalization(name=f"{name}_norm")(y))
        y = layers.SpatialDropout1D(stack.dropout, name=f"{name}_dropout")(y)
        y = layers.Conv1D(stack.filters, 1, name=f"{name}_mix")(y)
        x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ELU(name="dilated_out_elu")(x)


def embed_sequence(head: Head, sequence: keras.KerasTensor) -> keras.KerasTensor:
    """Pool ``(batch, frames, size)`` as a head asks for it, and give its embedding."""
    if head.pooling == "none":
        pooled = sequence
    elif head.pooling == "trailing":
        pooled = TrailingPooling(head.trailing_frames, name="trailing_pooling")(sequence)
    else:
        pooled = pool_over_time(head.pooling, sequence)
    pooled = layers.Dropout(head.dropout, name="embedding_dropout")(pooled)
    embedding = layers.Dense(head.embedding, use_bias=False, name="embedding_dense")(pooled)
    return normalise_and_rectify(embedding, "embedding")


def round_the_circle(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """A residual convolution of ``(batch, frames, 12, channels)`` over all twelve pitch classes."""
    y = WrapPitchClasses(name=f"{name}_wrap")(x)
    y = layers.Conv2D(filters, (1, PITCH_CLASSES), use_bias=False, name=name)(y)
    y = BatchNormalization(name=f"{name}_norm")(y)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def embed_pitches(
    head: Head, x: keras.KerasTensor, besides: keras.KerasTensor | None = None
) -> keras.KerasTensor:
    """Give the embedding of each pitch of ``(batch, frames, pitches, channels)``, side by side.

    What else there is of each pitch (``besides``) comes behind its embedding.
    """
    x = layers.SpatialDropout2D(head.dropout, name="embedding_dropout")(x)
    x = layers.Conv2D(head.embedding, 1, use_bias=False, name="embedding_dense")(x)
    x = normalise_and_rectify(x, "embedding")
    if besides is not None:
        x = layers.Concatenate(name="embedding_besides")([x, besides])
    return layers.Reshape((-1, x.shape[2] * x.shape[3]), name="embedding_pitches")(x)


def pool_over_time(kind: str, x):
    """Pool ``(batch, frames, channels)`` to ``(batch, channels)``, twice those for mean_max."""
    if kind == "mean_max":
        parts = [pool_over_time(part, x) for part in ("mean", "max")]
        return layers.Concatenate(name="mean_max_over_time")(parts)
    pooling = {
        "mean": layers.GlobalAveragePooling1D,
        "max": layers.GlobalMaxPooling1D,
        "attention": AttentionPooling,
    }[kind]
    return pooling(name=f"{kind}_over_time")(x)


_CONVOLUTIONS_2D = (layers.Conv2D, layers.SeparableConv2D, layers.ZeroPadding2D)
_CONVOLUTIONS_1D = (layers.Conv1D, layers.SeparableConv1D, layers.ZeroPadding1D)


def _block(kinds, block, stride, x, name: str):
    plain, separable, zero_padding = kinds
    convolution = separable if block.kind == "separable" else plain
    strided = set(_as_tuple(stride)) != {1}
    y = _padded(zero_padding, block.kernel, x, name) if strided else x
    y = convolution(
        block.filters,
        block.kernel,
        strides=stride,
        padding="valid" if strided else "same",
        use_bias=False,
        name=name,
    )(y)
    y = BatchNormalization(name=f"{name}_norm")(y)
    if block.kind == "residual":
        y = layers.Add(name=f"{name}_add")([y, _shortcut(plain, block, stride, x, name)])
    return layers.ReLU(name=f"{name}_relu")(y)


def _shortcut(plain, block, stride, x, name: str):
    if x.shape[-1] == block.filters and set(_as_tuple(stride)) == {1}:
        return x
    x = plain(block.filters, 1, strides=stride, use_bias=False, name=f"{name}_shortcut")(x)
    return BatchNormalization(name=f"{name}_shortcut_norm")(x)


def _padded(zero_padding, kernel, x, name: str):
    """Pad by amounts fixed by the kernel: ``padding='same'`` pads a strided axis by its length."""
    amounts = tuple(padding(width) for width in _as_tuple(kernel))
    if not any(sum(amount) for amount in amounts):
        return x
    return zero_padding(amounts if len(amounts) == 2 else amounts[0], name=f"{name}_pad")(x)


def _as_tuple(value) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)
