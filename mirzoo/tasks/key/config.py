"""The section of a recipe for keys, and the settings of their decoder."""

from __future__ import annotations

from typing import Literal

from mirzoo.card import Cost, Decoding, Lag
from mirzoo.recipe.tasks import TaskConfig

KEYS = "keys"
"""The main output."""


class KeyConfig(TaskConfig):
    """Which of the 24 major and minor keys the music is in, for each frame.

    With ``tuning`` the model also tells how far the music is from A = 440 Hz; it needs a head that
    measures that, such as ``pitch_class_cnn``, and three bins a semitone or more.
    """

    type: Literal["key"] = "key"
    tuning: bool = False
    """Whether the tuning is an output too, which takes a head whose tuning is true."""


class KeyDecoding(Decoding):
    """How frames become keys: their mean for the recording, the likeliest sequence for its parts.

    Parameters
    ----------
    change_penalty : float
        Transition penalty of a modulation (nats of log-probability). Neighbouring frames have
        seconds of music in common, so it is far above what one frame can tell.
    lag_s : float, optional
        The key of a frame is decided so long after it (s), and what comes later changes nothing:
        for streams. By default the whole recording decides.
    """

    type: Literal["key"] = "key"
    change_penalty: Cost = 20.0
    lag_s: Lag = None
