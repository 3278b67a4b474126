"""2-D convolutions on the spectrogram, then dilated convolutions over frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.heads._sequence import SequenceHead
from mirzoo.models.heads._settings import ConvBlock, grid_behind, starting_blocks
from mirzoo.recipe.base import Config, Fraction, Start
from mirzoo.recipe.frontends import Frontend
from mirzoo.recipe.heads import HEADS

if TYPE_CHECKING:
    import keras


class DilatedStack(Config):
    """Residual convolutions over frames, layer ``n`` with the dilations ``2**n`` and ``2**(n+1)``.

    Both are computed side by side, rectified (ELU) and mixed. Each layer reaches twice as far in
    time as the one before; see `reach_frames`.
    """

    filters: PositiveInt = 32
    """Channels of every layer."""

    kernel: Annotated[int, Field(ge=3, le=9)] = 5
    """Size over frames, odd."""

    layers: Annotated[int, Field(ge=1, le=12)] = 7
    """How many layers."""

    dropout: Fraction = 0.1
    """Share of channels that is left out at random in training."""

    causal: bool = False
    """Whether layers look back alone, for streams."""

    @model_validator(mode="after")
    def _is_odd(self):
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}; allowed are odd numbers from 3 to 9")
        return self

    @property
    def reach_frames(self) -> tuple[int, int]:
        """How many frames before and behind a frame its result depends on.

        Examples
        --------
        >>> DilatedStack(kernel=5, layers=7).reach_frames
        (508, 508)
        """
        back = (self.kernel - 1) * 2 * (2**self.layers - 1)
        return (back, 0) if self.causal else (back // 2, back // 2)


@HEADS.register
class TCNConfig(SequenceHead):
    """2-D convolutions on the spectrogram, then dilated convolutions over frames.

    A temporal convolutional network as Davies & Böck have it for beats ("Temporal convolutional
    networks for musical audio beat tracking", EUSIPCO 2019), with two dilations a layer as in
    Böck & Davies, "Deconstruct, analyse, reconstruct: how to improve tempo, beat, and downbeat
    estimation", ISMIR 2020.
    """

    convolves_bins: ClassVar[bool] = True

    type: Literal["tcn"] = "tcn"
    blocks: tuple[ConvBlock, ...]
    """Convolutions over frames and bins."""

    dilated: DilatedStack = DilatedStack()
    """Dilated convolutions behind them."""

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.blocks:
            raise ValueError("blocks is empty; a tcn head needs at least one block")
        return self

    @classmethod
    def starting(cls, frontend: Frontend, start: Start) -> dict[str, Any]:
        blocks = starting_blocks(frontend, start, (16, 32))
        return {**super().starting(frontend, start), "blocks": blocks}

    def sequence(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from mirzoo.models.heads import _blocks as blocks

        x = blocks.normalise_bins(features)
        x = blocks.convolve_2d(self.blocks, x)
        return blocks.dilate(self.dilated, blocks.flatten_bins(x))

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, self.blocks)
