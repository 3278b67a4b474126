"""2-D convolutions on the spectrogram, then 1-D ones over frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.heads._sequence import SequenceHead
from mirzoo.models.heads._settings import ConvBlock, TemporalBlock, grid_behind, starting_blocks
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import Frontend
from mirzoo.recipe.heads import HEADS

if TYPE_CHECKING:
    import keras


@HEADS.register
class CNNConfig(SequenceHead):
    """2-D convolutions on the spectrogram, then 1-D ones over frames."""

    convolves_bins: ClassVar[bool] = True

    type: Literal["cnn"] = "cnn"
    blocks: tuple[ConvBlock, ...]
    """Convolutions over frames and bins."""

    temporal: tuple[TemporalBlock, ...] = ()
    """Convolutions over frames alone, behind them."""

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.blocks:
            raise ValueError("blocks is empty; a cnn head needs at least one block")
        return self

    @classmethod
    def starting(cls, frontend: Frontend, start: Start) -> dict[str, Any]:
        return {
            **super().starting(frontend, start),
            "blocks": starting_blocks(frontend, start, (16, 32, 64)),
            "temporal": [{"filters": 128, "kernel": 1}],
        }

    def sequence(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from mirzoo.models.heads import _blocks as blocks

        x = blocks.normalise_bins(features)
        x = blocks.convolve_2d(self.blocks, x)
        return blocks.convolve_1d(self.temporal, blocks.flatten_bins(x))

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, (*self.blocks, *self.temporal))
