"""Magnitude or power of the short-time Fourier transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mirzoo.dsp.transposition import transpose_spectrum
from mirzoo.models.frontends._spectral import Spectral
from mirzoo.recipe.base import Start
from mirzoo.recipe.frontends import FRONTENDS, Transposition
from mirzoo.recipe.scalings import NoScaling, Scaling

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class STFTConfig(Spectral):
    """Magnitude (``power: 1``) or power (``power: 2``) of the short-time Fourier transform."""

    type: Literal["stft"] = "stft"
    scaling: Scaling = NoScaling()
    """How the values are compressed."""

    @classmethod
    def starting(cls, start: Start) -> dict[str, Any]:
        return {**super().starting(start), "scaling": {"type": "log", "c": 1000.0}}

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1

    def transform_layers(self) -> list[keras.layers.Layer]:
        return [self.spectrogram()]

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=self.power)

    def bin_frequencies(self) -> np.ndarray:
        return np.maximum(np.arange(self.n_bins), 1)[:, np.newaxis] * self.sample_rate / self.n_fft

    def transposition(self) -> Transposition:
        return transpose_spectrum
