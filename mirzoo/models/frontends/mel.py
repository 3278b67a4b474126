"""Mel spectrogram, with a fixed or a learnt filterbank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mirzoo.models.frontends._spectral import MelBank
from mirzoo.recipe.frontends import FRONTENDS
from mirzoo.recipe.scalings import LogScaling, Scaling

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class MelConfig(MelBank):
    """Mel spectrogram; with ``trainable`` the filterbank itself is learnt."""

    type: Literal["mel"] = "mel"
    trainable: bool = False
    """Whether the bands themselves are learnt."""

    scaling: Scaling = LogScaling()
    """How the bands are compressed."""

    @property
    def n_bins(self) -> int:
        return self.n_mels

    def transform_layers(self) -> list[keras.layers.Layer]:
        return [self.spectrogram(), self.mel_filterbank(learnable=self.trainable)]

    def scaling_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.scaling import build_scaling

        return build_scaling(self.scaling, self, power=self.power)
