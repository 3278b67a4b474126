"""SincNet's learnt band-pass filters, their absolute values averaged to frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from mirzoo.models.frontends._learnt import LearntBank
from mirzoo.recipe.frontends import FRONTENDS
from mirzoo.recipe.scalings import LogScaling, Scaling

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class SincConfig(LearntBank):
    """Band-pass sinc filters with learnt cut-offs (Ravanelli & Bengio 2018, arXiv:1808.00158)."""

    type: Literal["sinc"] = "sinc"
    kernel_size: PositiveInt = 251
    """Length of a filter (samples), an odd number."""

    scaling: Scaling = LogScaling(c=10000.0)
    """How the averages are compressed."""

    @property
    def _pool_size(self) -> int:
        return 2 * (self.hop_length // self.decimation) - 1

    def transform_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.leaf import GaussianPooling
        from mirzoo.models.layers.sinc import SincFilters

        pooling = GaussianPooling(
            pool_size=self._pool_size,
            stride=self.hop_length // self.decimation,
            learnable=False,
        )
        return [SincFilters(**self._filter_arguments()), pooling]

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=1)
