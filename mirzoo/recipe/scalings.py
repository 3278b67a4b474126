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
