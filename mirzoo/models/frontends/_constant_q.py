"""What the constant-Q family of front-ends shares."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from pydantic import PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.cqt import Transform, plan_transform, reach_of
from mirzoo.dsp.framing import FrameGrid
from mirzoo.dsp.transposition import transpose
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import Frontend, Transposition

FEWEST_FRAMES = 16.0
"""Frames a second below which new recipes ask for frames without gaps."""


def transposition_by_bins(bins_per_octave: int, *, circular: bool = False) -> Transposition | None:
    """How bins are moved by semitones, or None where a semitone is no whole number of them."""
    if bins_per_octave % 12:
        return None
    return partial(_by_semitones, bins=bins_per_octave // 12, circular=circular)


def _by_semitones(
    magnitudes: np.ndarray, semitones: float, *, bins: int, circular: bool
) -> np.ndarray:
    return transpose(magnitudes, semitones * bins, circular=circular)


class ConstantQ(Frontend):
    """Front-ends with geometrically spaced bins from ``fmin`` up."""

    sample_rate: PositiveInt = 22050
    """Samples a second that the model takes (Hz); audio at other rates is resampled."""

    hop_length: PositiveInt = 512
    """Samples from frame to frame: a multiple of 2 to the power of n_octaves - 1."""

    fmin: PositiveFloat = 32.70319566257483
    """Frequency of the lowest bin (Hz)."""

    n_octaves: PositiveInt = 7
    """Octaves from the lowest bin up."""

    bins_per_octave: PositiveInt = 12
    """Bins in an octave: 12 for a bin a semitone, 36 for three."""

    filter_scale: PositiveFloat = 1.0
    """Length of the filters: below 1 they are shorter, sharper in time and blurred in pitch."""

    gapless: bool = False
    """Whether frames are means over the whole hop where filters are shorter than twice the hop."""

    @classmethod
    def starting(cls, start: Start) -> dict[str, Any]:
        fields = cls.model_fields
        fmin = start.fmin or fields["fmin"].default
        harmonics = fields["harmonics"].default if "harmonics" in fields else (1.0,)
        below_nyquist = math.log2(start.sample_rate / 2 / (fmin * max(harmonics)))
        return {
            "sample_rate": start.sample_rate,
            "hop_length": start.hop_length,
            "fmin": fmin,
            "n_octaves": min(start.n_octaves or 7, int(below_nyquist)),
            "bins_per_octave": 12 if start.fmin is None else 36,
            "gapless": start.frame_rate < FEWEST_FRAMES,
            "scaling": {"type": "log", "c": 100.0},
        }

    @property
    def bins_in_a_semitone(self) -> int | None:
        return None if self.bins_per_octave % 12 else self.bins_per_octave // 12

    @property
    def grid(self) -> FrameGrid:
        return FrameGrid.centered(self.sample_rate, self.hop_length, 2 * self.hop_length)

    @property
    def reach(self) -> tuple[int, int]:
        return reach_of(self._transforms())

    def _transforms(self) -> tuple[Transform, ...]:
        """What the layer computes."""
        return (self._transform(),)

    def _transform(self, *, factor: float = 1.0, gamma: float = 0.0) -> Transform:
        return plan_transform(
            sample_rate=self.sample_rate,
            hop_length=self.hop_length,
            fmin=factor * self.fmin,
            n_bins=self.n_bins,
            bins_per_octave=self.bins_per_octave,
            filter_scale=self.filter_scale,
            gamma=gamma,
            gapless=self.gapless,
        )

    @property
    def n_bins(self) -> int:
        return self.n_octaves * self.bins_per_octave

    @property
    def highest_harmonic(self) -> float:
        """The largest factor by which a bin's frequency is multiplied."""
        return 1.0

    @model_validator(mode="after")
    def _below_nyquist(self):
        highest = (
            self.fmin * self.highest_harmonic * 2 ** ((self.n_bins - 1) / self.bins_per_octave)
        )
        if highest >= self.sample_rate / 2:
            raise ValueError(
                f"the highest bin lies at {highest:.1f} Hz, at or above half the sample rate "
                f"({self.sample_rate / 2:.1f} Hz); take fewer octaves or a higher sample_rate"
            )
        return self

    @model_validator(mode="after")
    def _hop_halves(self):
        if self.hop_length % 2 ** (self.n_octaves - 1):
            raise ValueError(
                f"hop_length {self.hop_length} cannot be halved for each of {self.n_octaves} "
                f"octaves; allowed are multiples of {2 ** (self.n_octaves - 1)}"
            )
        return self

    def bin_frequencies(self) -> np.ndarray:
        of_fundamental = self.fmin * 2 ** (np.arange(self.n_bins) / self.bins_per_octave)
        return of_fundamental[:, np.newaxis] * np.ones(1)

    def transposition(self) -> Transposition | None:
        return transposition_by_bins(self.bins_per_octave)

    def _layer_arguments(self) -> dict[str, Any]:
        return {
            "sample_rate": self.sample_rate,
            "hop_length": self.hop_length,
            "fmin": self.fmin,
            "n_bins": self.n_bins,
            "bins_per_octave": self.bins_per_octave,
            "filter_scale": self.filter_scale,
            "gapless": self.gapless,
        }
