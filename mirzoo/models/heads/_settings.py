"""The settings that several heads share: convolutions and recurrent layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.base import Config, Fraction
from mirzoo.recipe.heads import Head


class ConvBlock(Config):
    """A convolution over (frames, bins), batch normalisation and ReLU, ``repeats`` times.

    ``residual`` adds the input to the output (through a 1 x 1 convolution where shapes differ);
    ``separable`` convolves each channel by itself and then mixes them. Only the first of the
    repeats is strided.
    """

    kind: Literal["plain", "residual", "separable"] = "plain"
    filters: PositiveInt
    kernel: tuple[PositiveInt, PositiveInt] = (3, 3)
    stride: tuple[PositiveInt, PositiveInt] = (1, 1)
    repeats: PositiveInt = 1

    @model_validator(mode="after")
    def _separable_strides_equal(self):
        if self.kind == "separable" and self.stride[0] != self.stride[1]:
            raise ValueError(
                f"stride {list(self.stride)} differs between frames and bins, which a separable "
                "convolution cannot do; allowed are equal strides"
            )
        return self


class TemporalBlock(Config):
    """A convolution over frames alone; the fields are those of `ConvBlock`."""

    kind: Literal["plain", "residual", "separable"] = "plain"
    filters: PositiveInt
    kernel: PositiveInt = 3
    stride: PositiveInt = 1
    repeats: PositiveInt = 1


class RecurrentStack(Config):
    """Recurrent layers, each on the whole sequence of the one below."""

    cell: Literal["gru", "lstm"] = "gru"
    units: tuple[PositiveInt, ...] = (64,)
    bidirectional: bool = True

    @model_validator(mode="after")
    def _has_layers(self):
        if not self.units:
            raise ValueError("units names no layer; give at least one number of units")
        return self


class PitchHead(Head):
    """A head that keeps pitches, or pitch classes, apart, and gives a result for every frame.

    ``embedding`` is the size of the representation of one pitch, or of one pitch class.
    """

    pooling: Literal["none"] = "none"
    embedding: PositiveInt = 16
    dropout: Fraction = 0.1


def padding(kernel: int) -> tuple[int, int]:
    """Zeros before and behind an axis, so that a kernel of this width is centred."""
    return (kernel - 1) // 2, kernel // 2


def grid_behind(grid: FrameGrid, blocks: Iterable[ConvBlock | TemporalBlock]) -> FrameGrid:
    """Where the frames lie behind convolutions, given those in front of them."""
    for block in blocks:
        kernel = block.kernel if isinstance(block.kernel, int) else block.kernel[0]
        stride = block.stride if isinstance(block.stride, int) else block.stride[0]
        for repeat in range(block.repeats):
            left, right = padding(kernel)
            grid = grid.then(kernel, stride if repeat == 0 else 1, left, right)
    return grid
