"""How a front-end's magnitudes are compressed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from mirzoo.recipe.base import Config


class NoScaling(Config):
    """Leave the features as they are."""

    type: Literal["none"] = "none"


class LogScaling(Config):
    """``log10(1 + c * x)``."""

    type: Literal["log"] = "log"
    c: PositiveFloat = 10000.0


class DecibelScaling(Config):
    """Decibels against a fixed reference, clipped from below at ``floor_db``."""

    type: Literal["db"] = "db"
    reference: PositiveFloat = 1.0
    floor_db: Annotated[float, Field(lt=0.0)] = -80.0


class PCENScaling(Config):
    """Per-channel energy normalisation (Wang et al. 2017, arXiv:1607.05666)."""

    type: Literal["pcen"] = "pcen"
    time_constant_s: PositiveFloat = 0.4
    gain: PositiveFloat = 0.98
    bias: PositiveFloat = 2.0
    power: PositiveFloat = 0.5
    eps: PositiveFloat = 1e-6
    trainable: bool = False


Scaling = Annotated[
    NoScaling | LogScaling | DecibelScaling | PCENScaling, Field(discriminator="type")
]
