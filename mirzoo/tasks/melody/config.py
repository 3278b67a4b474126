"""The section of a recipe for melodies, and the settings of their decoder."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mirzoo.card import Cost, Decoding, Lag, PositiveHz, Probability
from mirzoo.recipe.base import Config, Fraction
from mirzoo.recipe.tasks import TaskConfig

MOST_AVERAGE_BINS = 1001
VOICING = "voicing"
MEASURES = (
    "overall accuracy", "raw pitch accuracy", "raw chroma accuracy", "voicing recall",
    "voicing false alarm",
)  # fmt: skip
"""The scores of a melody."""


class VoicingNet(Config):
    """A network of its own for whether the melody sounds.

    In each frame it looks at how certain the pitch is, at what the head knows of the likely pitches
    and of all, and at how far the frame is below the loudest music around it; convolutions then go
    over the frames around it. The defaults look at 1 s on either side at 31.25 frames a second.
    """

    filters: PositiveInt = 48
    """Channels of each convolution."""

    kernel: PositiveInt = 5
    """Frames of each convolution."""

    dilations: tuple[PositiveInt, ...] = (1, 2, 4, 8)
    """Step between those frames, a convolution each."""

    level_frames: PositiveInt = 250
    """How many frames on either side the loudest music is looked for in."""

    dropout: Fraction = 0.1
    """Share of what it looks at that is left out at random in training."""

    causal: bool = False
    """Whether all of it looks at the past alone, as models for streams must."""

    frame: bool = False
    """Whether the layer on the frame's embedding alone, which models without such a network have,
    counts too: the log odds are the sum of both."""


class MelodyConfig(TaskConfig):
    """Which pitch the melody has when, in bins from ``fmin`` (Hz) up, and whether it sounds."""

    later: ClassVar[frozenset[str]] = frozenset({"lag_s", "voicing"})

    type: Literal["melody"] = "melody"
    fmin: PositiveFloat = 28.469809
    """Frequency of the lowest bin of pitch (Hz)."""

    n_octaves: PositiveInt = 6
    """Octaves from there up."""

    bins_per_octave: PositiveInt = 60
    """Bins in an octave, a multiple of 12; 60 are 20 cents each."""

    lag_s: Lag = None
    """How long after a frame it is decided (s), of models for streams; null where the whole
    recording decides."""

    voicing: VoicingNet | None = None
    """A network of its own for the voicing; null for a layer on the frame's embedding alone."""

    @model_validator(mode="after")
    def _divides_semitones(self) -> Self:
        if self.bins_per_octave % 12:
            raise ValueError(
                f"bins_per_octave {self.bins_per_octave} does not divide semitones; allowed are "
                "multiples of 12"
            )
        return self

    @property
    def n_bins(self) -> int:
        """Bins of the salience."""
        return self.n_octaves * self.bins_per_octave


class MelodyDecoding(Decoding):
    """How salience becomes a contour.

    Parameters
    ----------
    fmin : float
        Centre of bin 0 (Hz).
    bins_per_octave : float
        60 for bins of 20 cents.
    method : str
        ``"viterbi"`` follows the likeliest path through the bins, ``"local_average"`` takes each
        frame by itself. Both end with the salience-weighted mean around the bin.
    average_bins : int
        How many bins that mean takes, an odd number.
    jump_penalty : float
        For Viterbi: transition penalty of a semitone from one frame to the next (nats).
    leap_penalty : float
        For Viterbi: the largest transition penalty of any movement (nats).
    voicing_threshold : float
        A frame is voiced where the output ``voicing``, or the salience at the peak where the
        model has none, is above it.
    voicing_hysteresis : float
        How far below the threshold the voicing may fall before a melody that sounds ends.
    shortest_s : float
        Voiced stretches shorter than this are dropped, gaps shorter than this closed (s).
    lag_s : float, optional
        A frame is decided so long after it (s), and what comes later changes nothing: for streams.
        By default the whole recording decides.
    """

    fixed = frozenset({"type", "fmin", "bins_per_octave"})

    type: Literal["melody"] = "melody"
    fmin: PositiveHz
    bins_per_octave: Annotated[float, Field(gt=0.0)] = 60
    method: Literal["viterbi", "local_average"] = "viterbi"
    average_bins: Annotated[int, Field(ge=1, le=MOST_AVERAGE_BINS, strict=True)] = 9
    jump_penalty: Cost = 1.0
    leap_penalty: Cost = 12.0
    voicing_threshold: Probability = 0.5
    voicing_hysteresis: Probability = 0.0
    shortest_s: Annotated[float, Field(ge=0.0)] = 0.0
    lag_s: Lag = None

    @model_validator(mode="after")
    def _average_has_a_middle(self) -> Self:
        if self.average_bins % 2 == 0:
            raise ValueError(
                f"average_bins {self.average_bins} is even; the bins around a peak are an odd "
                "number"
            )
        return self
