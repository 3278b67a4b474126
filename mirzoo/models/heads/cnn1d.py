"""1-D convolutions over frames, every bin an input channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.models.heads._sequence import SequenceHead
from mirzoo.models.heads._settings import TemporalBlock, grid_behind
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import Frontend
from mirzoo.recipe.heads import HEADS

if TYPE_CHECKING:
    import keras


@HEADS.register
class CNN1DConfig(SequenceHead):
    """1-D convolutions over frames, every bin an input channel."""

    type: Literal["cnn1d"] = "cnn1d"
    temporal: tuple[TemporalBlock, ...]
    """Convolutions over frames."""

    @model_validator(mode="after")
    def _has_blocks(self):
        if not self.temporal:
            raise ValueError("temporal is empty; a cnn1d head needs at least one block")
        return self

    @classmethod
    def starting(cls, frontend: Frontend, start: Start) -> dict[str, Any]:
        step = 1 if start.framewise else 2
        temporal = [{"kind": "residual", "filters": 64, "stride": step} for _ in range(3)]
        return {**super().starting(frontend, start), "temporal": temporal}

    def sequence(self, features: keras.KerasTensor) -> keras.KerasTensor:
        from mirzoo.models.heads import _blocks as blocks

        x = blocks.flatten_bins(blocks.normalise_bins(features))
        return blocks.convolve_1d(self.temporal, x)

    def output_grid(self, grid: FrameGrid) -> FrameGrid:
        return grid_behind(grid, self.temporal)
