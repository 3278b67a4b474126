"""2-D convolutions on the spectrogram, then recurrent layers over frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.heads._sequence import SequenceHead
from mirzoo.models.heads._settings import ConvBlock, RecurrentStack, grid_behind, starting_blocks
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import Frontend
from mirzoo.recipe.heads import HEADS

if TYPE_CHECKING:
    import keras


@HEADS.register
class CRNNConfig(SequenceHead):
    """2-D convolutions on the spectrogram, then recurrent layers over frames."""

    convolves_bins: ClassVar[bool] = True

    type: Literal["crnn"] = "crnn"
    blocks: tuple[ConvBlock, ...]
    """Convolutions over frames and bins."""

    recurrent: RecurrentStack = RecurrentStack()
    """Recurrent layers behind them."""

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.blocks:
            raise ValueError("blocks is empty; a crnn head needs at least one block")
        return self

    @classmethod
    def starting(cls, frontend: Frontend, start: Start) -> dict[str, Any]:
        blocks = starting_blocks(frontend, start, (16, 32))
        return {**super().starting(frontend, start), "blocks": blocks}

    def sequence(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from mirzoo.models.heads import _blocks as blocks

        x = blocks.normalise_bins(features)
        x = blocks.convolve_2d(self.blocks, x)
        return blocks.recur(self.recurrent, blocks.flatten_bins(x))

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, self.blocks)
