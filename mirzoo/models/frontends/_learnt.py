"""What the front-ends with learnable filterbanks share."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.framing import FrameGrid
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import Frontend


class LearntBank(Frontend):
    """Front-ends of learnable band-pass filters, then pooling to the hop."""

    sample_rate: PositiveInt = 16000
    """Samples a second that the model takes (Hz); audio at other rates is resampled."""

    n_filters: PositiveInt = 64
    """How many filters are learnt, each a bin."""

    kernel_size: PositiveInt = 401
    """Length of a filter (samples), an odd number."""

    decimation: PositiveInt = 4
    """Each so many samples a filter gives a value; more is faster, and coarser."""

    hop_length: PositiveInt = 256
    """Samples from frame to frame: a multiple of decimation."""

    fmin: PositiveFloat = 60.0
    """Frequency at which the lowest filter begins before it learns (Hz)."""

    fmax: PositiveFloat | None = None
    """Frequency at which the highest filter begins (Hz); null for half the sample rate."""

    starting_decimation: ClassVar[int] = 8
    """The decimation of a new recipe."""

    @classmethod
    def starting(cls, start: Start) -> dict[str, Any]:
        return {
            "sample_rate": start.sample_rate,
            "decimation": cls.starting_decimation,
            "hop_length": start.hop_length,
        }

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
    def reach(self) -> tuple[int, int]:
        half = self.kernel_size // 2 + self._pool_size // 2 * self.decimation
        return half, half + 1

    @property
    def _pool_size(self) -> int:
        """Length of the window that is pooled to a frame, in values of a filter."""
        raise TypeError(f"{type(self).__name__} pools nothing")

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
