"""The section of a recipe for beats, and the settings of their decoder."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mirzoo.card import Cost, Decoding, Lag, Probability
from mirzoo.recipe.tasks import TaskConfig

BEATS = "beats"
BEAT, DOWNBEAT = 0, 1
"""Columns of the output."""

LABELS = ("beat", "downbeat")
FEWEST_BEATS, MOST_BEATS = 2, 7
"""Of a bar that is found; a user may name a longer one."""

TRAINED_THRESHOLD = 0.15
"""The decoding's threshold of models trained here: where beats weigh more than other frames, the
output is about 0.1 where nothing sounds."""

OTHERS = 15.0
"""A frame without a beat is so many times less likely than its complement: there are more."""

BPM = Annotated[float, Field(ge=20.0, le=400.0)]


class BeatsConfig(TaskConfig):
    """How likely a beat, and a downbeat, is at each frame.

    With ``tolerance_frames`` the loss takes the largest output within so many frames of a label,
    and leaves out the frames around it, so that labels may be early or late by as much.
    """

    later: ClassVar[frozenset[str]] = frozenset({"lag_s"})

    type: Literal["beats"] = "beats"
    tolerance_frames: Annotated[int, Field(ge=0, le=10)] = 3
    """By how many frames a label may be early or late without a loss."""

    positive_weight: Annotated[float, Field(ge=1.0, le=100.0)] = 5.0
    """How much more a frame with a beat counts than one without; of 25 frames one has a beat."""

    lag_s: Lag = None
    """How long after a beat it is decided (s), of models for streams; null where the whole
    recording decides."""


class BeatsDecoding(Decoding):
    """How frames become beats, and beats bars.

    Parameters
    ----------
    method : {"viterbi", "peaks"}
        viterbi: the likeliest sequence of tempi and phases, then that of bars over its beats;
        peaks: every peak above 0.5 is a beat, whatever the tempo. The latter is faster, and finds
        no beat that does not sound.
    min_bpm, max_bpm : float
        Tempi that are looked for (beats a minute).
    tempo_near : float, optional
        Only tempi within a factor of the root of 2 of this are looked for (beats a minute): what
        corrects half and double time.
    tempo_change_penalty : float
        What a change of the beat's length to ``r`` times its length costs, by ``abs(r - 1)``
        (nats).
    fast_tempo_penalty : float
        What a beat costs at a tempo above 110 BPM, by squared octaves (nats). Nothing where there
        is a ``tempo_near``.
    beat_odds : float
        A beat is likelier at a frame than none where the odds of the activation there, multiplied
        by this, are above 1. Of models trained here it is 15 divided by the weight that beats had
        in training, by which their activations are too high.
    threshold : float
        Beats before the first and behind the last frame with an output at least this high are
        left out.
    beats_per_bar : int, optional
        Every bar has so many beats; by default bars have 2 to 7, whichever is likeliest.
    metre_change_penalty : float
        Transition penalty where a bar has another number of beats than the one before (nats).
    steady : bool
        Whether all beats are put on one tempo and one offset, the best fit to those found: for
        music made to a click.
    lag_s : float, optional
        A beat is decided so long after it (s), eight frames at least, and what comes later changes
        nothing: for streams. By default the whole recording decides. Goes with the method viterbi
        alone, and not with ``steady``.
    """

    later: ClassVar[frozenset[str]] = frozenset({"lag_s", "beat_odds"})

    type: Literal["beats"] = "beats"
    method: Literal["viterbi", "peaks"] = "viterbi"
    min_bpm: BPM = 40.0
    max_bpm: BPM = 240.0
    tempo_near: BPM | None = None
    tempo_change_penalty: Cost = 100.0
    fast_tempo_penalty: Cost = 3.0
    beat_odds: Annotated[float, Field(gt=0.0, le=1000.0)] = OTHERS
    threshold: Probability = 0.05
    beats_per_bar: Annotated[int, Field(ge=1, le=16)] | None = None
    metre_change_penalty: Cost = 8.0
    steady: bool = False
    lag_s: Lag = None

    @model_validator(mode="after")
    def _has_tempi(self) -> BeatsDecoding:
        if self.max_bpm < 1.5 * self.min_bpm:
            raise ValueError(
                f"min_bpm is {self.min_bpm:g} and max_bpm {self.max_bpm:g}; max_bpm must be at "
                "least 1.5 times min_bpm. To look for one tempo, set tempo_near"
            )
        return self

    @model_validator(mode="after")
    def _lags_behind_a_path(self) -> BeatsDecoding:
        if self.lag_s is not None and (self.method != "viterbi" or self.steady):
            raise ValueError(
                f"lag_s is {self.lag_s:g}, with method {self.method!r} and steady {self.steady}; "
                "beats are decided while they come with method 'viterbi' and steady false alone"
            )
        return self
