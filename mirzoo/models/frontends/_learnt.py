"""What the front-ends with learnable filterbanks share."""

from __future__ import annotations

from typing import Any

from pydantic import PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.frontends import Frontend


class LearntBank(Frontend):
    """Front-ends of learnable band-pass filters, then pooling to the hop."""

    sample_rate: PositiveInt = 16000
    n_filters: PositiveInt = 64
    kernel_size: PositiveInt = 401
    decimation: PositiveInt = 4
    hop_length: PositiveInt = 256
    fmin: PositiveFloat = 60.0
    fmax: PositiveFloat | None = None

    @model_validator(mode="after")
    def _kernel_is_odd(self):
        if self.kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size {self.kernel_size} is even; a filter needs a middle sample, so "
                "allowed are odd numbers"
            )
        if self.hop_length % self.decimation:
            raise ValueError(
                f"hop_length {self.hop_length} is no multiple of decimation {self.decimation}"
            )
        return self

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid.centered(self.sample_rate, self.hop_length, 2 * self.hop_length)

    @property
    def n_bins(self) -> int:
        return self.n_filters

    def _filter_arguments(self) -> dict[str, Any]:
        return {
            "n_filters": self.n_filters,
            "kernel_size": self.kernel_size,
            "sample_rate": self.sample_rate,
            "decimation": self.decimation,
            "fmin": self.fmin,
            "fmax": self.fmax,
        }
