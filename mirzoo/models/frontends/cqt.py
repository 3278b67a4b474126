"""Constant-Q transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mirzoo.models.frontends._constant_q import ConstantQ
from mirzoo.recipe.frontends import FRONTENDS
from mirzoo.recipe.scalings import LogScaling, Scaling

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class CQTConfig(ConstantQ):
    """Magnitude of the constant-Q transform."""

    type: Literal["cqt"] = "cqt"
    scaling: Scaling = LogScaling(c=10.0)
    """How the magnitudes are compressed."""

    def transform_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.cqt import CQT

        return [CQT(**self._layer_arguments())]

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=1)
