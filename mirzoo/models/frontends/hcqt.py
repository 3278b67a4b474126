"""Harmonic constant-Q transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from mirzoo.dsp.cqt import Transform
from mirzoo.models.frontends._constant_q import ConstantQ
from mirzoo.recipe.frontends import FRONTENDS
from mirzoo.recipe.scalings import LogScaling, Scaling

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class HCQTConfig(ConstantQ):
    """Harmonic constant-Q transform: one channel a harmonic of ``fmin``."""

    type: Literal["hcqt"] = "hcqt"
    n_octaves: PositiveInt = 5
    """Octaves from the lowest bin up; those of the highest harmonic must lie below half the sample
    rate."""

    harmonics: tuple[PositiveFloat, ...] = (0.5, 1.0, 2.0, 3.0, 4.0)
    """Factors of fmin, a channel each."""

    scaling: Scaling = LogScaling(c=10.0)
    """How the magnitudes are compressed."""

    @property
    def n_channels(self) -> int:
        return len(self.harmonics)

    @property
    def highest_harmonic(self) -> float:
        return max(self.harmonics)

    def _transforms(self) -> tuple[Transform, ...]:
        return tuple(self._transform(factor=harmonic) for harmonic in self.harmonics)

    def transform_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.cqt import HCQT

        return [HCQT(harmonics=self.harmonics, **self._layer_arguments())]

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=1)

    def bin_frequencies(self) -> np.ndarray:
        return super().bin_frequencies() * np.array(self.harmonics)
