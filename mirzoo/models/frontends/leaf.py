"""LEAF: learnt Gabor filters, learnt Gaussian pooling, then the recipe's scaling (learnt PCEN)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from mirzoo.models.frontends._learnt import LearntBank
from mirzoo.recipe.frontends import FRONTENDS
from mirzoo.recipe.scalings import PCENScaling, Scaling

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class LEAFConfig(LearntBank):
    """Gabor filters, Gaussian pooling, learnt PCEN (Zeghidour et al. 2021, arXiv:2101.08596)."""

    starting_decimation: ClassVar[int] = 32

    type: Literal["leaf"] = "leaf"
    pooling_size: PositiveInt = 401
    """Length of the learnt windows that average a filter's energy (samples)."""

    scaling: Scaling = PCENScaling(gain=0.96, eps=1e-10, trainable=True)
    """How the energies are compressed."""

    @property
    def _pool_size(self) -> int:
        return 2 * (self.pooling_size // 2 // self.decimation) + 1

    def transform_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.leaf import GaborFilters, GaussianPooling

        pooling = GaussianPooling(
            pool_size=self._pool_size,
            stride=self.hop_length // self.decimation,
        )
        return [GaborFilters(**self._filter_arguments()), pooling]

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=2)
