"""How a front-end's magnitudes are compressed, and its waveform brought to one level before."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from mirzoo.recipe.base import Config


class Level(Config):
    """Take the offset out of each window and bring its louder parts to one level."""

    target_db: float = -16.0
    """That level (dB of the root mean square against full scale)."""

    silence_db: float = -62.0
    """What is quieter is silence, and stays it (dB, likewise)."""

    @model_validator(mode="after")
    def _silence_is_below(self) -> Self:
        if not self.silence_db < self.target_db:
            raise ValueError(
                f"silence_db is {self.silence_db} and target_db {self.target_db}; allowed is "
                "silence_db below target_db"
            )
        return self


class NoScaling(Config):
    """Leave the features as they are."""

    type: Literal["none"] = "none"


class LogScaling(Config):
    """``log10(1 + c * x)``."""

    type: Literal["log"] = "log"
    c: PositiveFloat = 10000.0
    """The factor: more of it lifts quiet parts."""


class DecibelScaling(Config):
    """Decibels against a fixed reference, clipped from below at ``floor_db``."""

    type: Literal["db"] = "db"
    reference: PositiveFloat = 1.0
    """The magnitude of 0 dB."""

    floor_db: Annotated[float, Field(lt=0.0)] = -80.0
    """What is quieter counts as this loud (dB)."""


class PCENScaling(Config):
    """Per-channel energy normalisation (Wang et al. 2017, arXiv:1607.05666)."""

    type: Literal["pcen"] = "pcen"
    time_constant_s: PositiveFloat = 0.4
    """How long the smoothing looks back (s)."""

    gain: PositiveFloat = 0.98
    """How much of the smoothed level is divided away."""

    bias: PositiveFloat = 2.0
    """Added before the root is taken."""

    power: PositiveFloat = 0.5
    """The exponent of that root."""

    eps: PositiveFloat = 1e-6
    """Keeps silence finite."""

    trainable: bool = False
    """Whether these are learnt, for each bin."""


Scaling = Annotated[
    NoScaling | LogScaling | DecibelScaling | PCENScaling, Field(discriminator="type")
]
