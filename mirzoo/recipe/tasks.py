"""The settings of the tasks: what a model says of the music, in which classes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.recipe.base import Config


class TaggingConfig(Config):
    """Which labels apply: any number of them (``sigmoid``) or exactly one (``softmax``)."""

    type: Literal["tagging"] = "tagging"
    labels: tuple[str, ...]
    activation: Literal["sigmoid", "softmax"] = "sigmoid"

    @model_validator(mode="after")
    def _labels_are_distinct(self):
        if not self.labels:
            raise ValueError("labels is empty; a tagger needs at least one label")
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if twice:
            raise ValueError(f"labels holds {twice} more than once; each label is listed once")
        return self


class ChordsConfig(Config):
    """Which chord sounds when.

    ``vocabulary`` is ``majmin`` (25 classes) or ``large`` (169); with ``structured`` the model
    also names the root, the bass and every pitch class that sounds.
    """

    type: Literal["chords"] = "chords"
    vocabulary: Literal["majmin", "large"] = "large"
    structured: bool = True

    @property
    def qualities(self) -> tuple[str, ...]:
        """The qualities that a root may have, in the order of the classes."""
        return VOCABULARIES[self.vocabulary].qualities

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes in order, "N" first."""
        return VOCABULARIES[self.vocabulary].labels


class MelodyConfig(Config):
    """Which pitch the melody has when, in bins from ``fmin`` (Hz) up, and whether it sounds."""

    type: Literal["melody"] = "melody"
    fmin: PositiveFloat = 28.469809
    n_octaves: PositiveInt = 6
    bins_per_octave: PositiveInt = 60

    @model_validator(mode="after")
    def _divides_semitones(self):
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


TaskConfig = Annotated[TaggingConfig | ChordsConfig | MelodyConfig, Field(discriminator="type")]
