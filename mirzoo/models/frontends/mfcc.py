"""Mel-frequency cepstral coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from mirzoo.models.frontends._spectral import MelBank
from mirzoo.recipe.frontends import FRONTENDS

if TYPE_CHECKING:
    import keras


@FRONTENDS.register
class MFCCConfig(MelBank):
    """Mel-frequency cepstral coefficients: orthonormal DCT-II of the mel power in decibels."""

    type: Literal["mfcc"] = "mfcc"
    power: Literal[1, 2] = 2
    """1 for magnitudes, 2 for energies."""

    n_mfcc: PositiveInt = 20
    """How many coefficients are taken, from the lowest on."""

    floor_db: Annotated[float, Field(lt=0.0)] = -80.0
    """Bands below this level (dB) count as this loud."""

    @model_validator(mode="after")
    def _coefficients_fit(self):
        if self.n_mfcc > self.n_mels:
            raise ValueError(
                f"n_mfcc {self.n_mfcc} is more than n_mels {self.n_mels}; "
                "allowed is n_mfcc <= n_mels"
            )
        return self

    @property
    def n_bins(self) -> int:
        return self.n_mfcc

    def transform_layers(self) -> list[keras.layers.Layer]:
        from mirzoo.models.layers.mfcc import MFCC
        from mirzoo.models.layers.scaling import Decibel

        return [
            self.spectrogram(),
            self.mel_filterbank(),
            Decibel(power=self.power, floor_db=self.floor_db),
            MFCC(n_mfcc=self.n_mfcc),
        ]
