"""Variable-Q transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import NonNegativeFloat

from mirzoo.dsp.cqt import Transform
from mirzoo.dsp.wavelets import erb_gamma
from mirzoo.models.frontends._constant_q import ConstantQ
from mirzoo.recipe.frontends import FRONTENDS
from mirzoo.recipe.scalings import LogScaling, Scaling

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class VQTConfig(ConstantQ):
    """Magnitude of the variable-Q transform: bandwidths widened by ``gamma`` Hz."""

    type: Literal["vqt"] = "vqt"
    gamma: NonNegativeFloat | None = None
    """By how much each bandwidth is widened (Hz); null for librosa's default."""

    scaling: Scaling = LogScaling(c=10.0)
    """How the magnitudes are compressed."""

    def _transforms(self) -> tuple[Transform, ...]:
        gamma = erb_gamma(self.bins_per_octave) if self.gamma is None else self.gamma
        return (self._transform(gamma=gamma),)

    def transform_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.cqt import VQT

        return [VQT(gamma=self.gamma, **self._layer_arguments())]

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=1)
