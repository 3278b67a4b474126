"""The section of a recipe for chords, and the settings of their decoder."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mirzoo.card import Cost, Decoding, Lag, Probability
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.recipe.tasks import TaskConfig


class ChordsConfig(TaskConfig):
    """Which chord sounds when.

    ``vocabulary`` is ``majmin`` (25 classes) or ``large`` (169); with ``structured`` the model
    also names the root, the bass and every pitch class that sounds. With ``tuning`` it tells how
    far the music is from A = 440 Hz; it needs a head that measures that, such as
    ``pitch_class_crnn``, and three bins a semitone or more. With ``third`` it tells for every root
    whether the third that sounds on it is major, minor, or none, as of power chords.
    """

    later: ClassVar[frozenset[str]] = frozenset({"lag_s", "tuning", "third"})

    type: Literal["chords"] = "chords"
    vocabulary: Literal["majmin", "large"] = "large"
    """majmin: 24 chords and none; large: 14 qualities on every root."""

    structured: bool = True
    """Whether root, bass and pitch classes are outputs of their own too."""

    lag_s: Lag = None
    """How long after a frame it is decided (s), of models for streams; null where the whole
    recording decides."""

    tuning: bool = False
    """Whether the tuning is an output too, which takes a head whose tuning is true."""

    third: bool = False
    """Whether an output of its own tells of every root if its third is major, minor, or none."""

    @property
    def qualities(self) -> tuple[str, ...]:
        """The qualities that a root may have, in the order of the classes."""
        return VOCABULARIES[self.vocabulary].qualities

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in order, "N" first."""
        return VOCABULARIES[self.vocabulary].labels


class ChordDecoding(Decoding):
    """How frames become chords: the likeliest sequence of classes, then segments.

    Parameters
    ----------
    change_penalty : float
        Transition penalty of a change of chord (nats of log-probability, whatever the chords and
        the tempo): ``log(s * (classes - 1) / (1 - s))`` for a probability ``s`` that a chord stays
        from frame to frame. Used where there is no ``transition``.
    transition : list of list of float, optional
        Probability of each class (column) after each class (row).
    initial : list of float, optional
        Probability of each class in the first frame; by default all alike.
    prior : list of float, optional
        What the model's probabilities are divided by: how often each class occurs in training
        compared with music. By default nothing.
    bass_threshold : float, optional
        Where the output ``bass`` gives a bass that belongs to the chord at least this probability,
        on average over the chord, its label names the inversion. None: never.
    power_chords : bool
        Whether triads that most likely have no third are named as power chords (``A:5``), of models
        with the output ``third``; by default they get the third that the song's other chords and
        its key suggest.
    fifth_threshold : float
        The probability of no third, on average over the chord, above which ``power_chords`` names
        a triad as a power chord.
    confidence : (float, float), optional
        Slope and offset of the confidence in a chord against the log-odds of the mean probability
        of its class: ``1 / (1 + exp(-(slope * log_odds + offset)))``, so that of chords with a
        confidence of 0.8 eight in ten are right. By default the mean probability itself.
    lag_s : float, optional
        A chord is decided so long after it (s), and what comes later changes nothing: for streams.
        By default the whole recording decides.
    """

    later: ClassVar[frozenset[str]] = frozenset(
        {"lag_s", "power_chords", "fifth_threshold", "confidence"}
    )

    type: Literal["chords"] = "chords"
    change_penalty: Cost = 10.0
    transition: list[list[Probability]] | None = None
    initial: list[Probability] | None = None
    prior: list[Annotated[float, Field(gt=0.0, le=1.0)]] | None = None
    bass_threshold: Probability | None = None
    power_chords: bool = False
    fifth_threshold: Probability = 0.5
    confidence: tuple[float, float] | None = None
    lag_s: Lag = None
