"""The settings that several heads share: convolutions and recurrent layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import NonNegativeInt, PositiveInt, ValidationError, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.errors import RecipeError
from mirzoo.recipe.base import Config, Fraction, Start, type_of
from mirzoo.recipe.frontends import FRONTENDS, Frontend
from mirzoo.recipe.heads import Head

PHASE = 2
"""Numbers of the tuning at the end of each pitch class's embedding."""


class ConvBlock(Config):
    """A convolution over (frames, bins), batch normalisation and ReLU, ``repeats`` times.

    ``residual`` adds the input to the output (through a 1 x 1 convolution where shapes differ);
    ``separable`` convolves each channel by itself and then mixes them. Only the first of the
    repeats is strided.
    """

    kind: Literal["plain", "residual", "separable"] = "plain"
    """plain, residual (the input is added to the output), or separable (each channel by itself,
    then mixed)."""

    filters: PositiveInt
    """Channels that come out."""

    kernel: tuple[PositiveInt, PositiveInt] = (3, 3)
    """Size over frames and bins."""

    stride: tuple[PositiveInt, PositiveInt] = (1, 1)
    """Step over frames and bins."""

    repeats: PositiveInt = 1
    """How many such convolutions; the first alone is strided."""

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
    """plain, residual (the input is added to the output), or separable (each channel by itself,
    then mixed)."""

    filters: PositiveInt
    """Channels that come out."""

    kernel: PositiveInt = 3
    """Size over frames."""

    stride: PositiveInt = 1
    """Step over frames."""

    repeats: PositiveInt = 1
    """How many such convolutions; the first alone is strided."""


class RecurrentStack(Config):
    """Recurrent layers, each on the whole sequence of the one below."""

    later: ClassVar[frozenset[str]] = frozenset({"lookahead"})

    cell: Literal["gru", "lstm"] = "gru"
    """Which recurrent cell."""

    units: tuple[PositiveInt, ...] = (64,)
    """Size of each layer, in each direction."""

    bidirectional: bool = True
    """Whether a second copy goes backwards in time."""

    lookahead: NonNegativeInt = 0
    """Frames behind a frame that its result depends on too, where no copy goes backwards."""

    @model_validator(mode="after")
    def _looks_one_way(self):
        if self.lookahead and self.bidirectional:
            raise ValueError(
                f"lookahead is {self.lookahead}, but layers that go backwards too look ahead to "
                "the end; leave it out, or let bidirectional be false"
            )
        return self

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
    """A result for each frame."""

    embedding: PositiveInt = 16
    """Size of the representation of one pitch, or of one pitch class."""

    dropout: Fraction = 0.1
    """Share of the embedding that is left out at random in training."""

    @classmethod
    def starting(cls, frontend: Frontend, start: Start) -> dict[str, Any]:
        """Give the settings that a new recipe begins with: blocks that lead to semitones."""
        bins = frontend.bins_in_a_semitone
        if bins is None or not cls._suits(frontend):
            suited = [name for name, other in FRONTENDS.items() if cls._suits_new(other, start)]
            octaves = " over several octaves" if cls.pitch_layout == "pitches" else ""
            raise RecipeError(
                f"head {type_of(cls)!r} treats every pitch alike and needs bins along semitones"
                f"{octaves}, which a {frontend.type!r} front-end has not; allowed are "
                f"{', '.join(suited)}"
            )
        return {
            "blocks": [
                {"filters": 16, "kernel": [3, 2 * bins + 1], "stride": [1, bins]},
                {"kind": "residual", "filters": 24},
            ]
        }

    @classmethod
    def _suits(cls, frontend: Frontend) -> bool:
        bins = frontend.bins_in_a_semitone
        return bins is not None and (cls.pitch_layout != "pitches" or frontend.n_bins > 12 * bins)

    @classmethod
    def _suits_new(cls, frontend: type[Frontend], start: Start) -> bool:
        try:
            return cls._suits(frontend(**frontend.starting(start)))
        except ValidationError:  # one of a user's own that has no settings to begin with
            return False


def starting_blocks(frontend: Frontend, start: Start, filters: Iterable[int]) -> list[dict]:
    """The convolutions that a new recipe begins with, down to some bins of a front-end."""
    bins, blocks = frontend.n_bins, []
    for number, width in enumerate(filters):
        step = 4 if bins > 256 else 2 if bins >= 16 else 1
        bins = -(-bins // step)
        blocks.append(
            {
                "kind": "residual" if number else "plain",
                "filters": width,
                "stride": [1 if start.framewise else 2, step],
            }
        )
    return blocks


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
