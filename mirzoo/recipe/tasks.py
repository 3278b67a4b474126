"""The settings of the tasks: what a model outputs, in which classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveFloat, PositiveInt, model_validator

from mirzoo._support.registry import Registry
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.recipe.base import Config, type_of
from mirzoo.recipe.heads import PitchLayout
from mirzoo.recipe.training import TrainingConfig

if TYPE_CHECKING:
    from mirzoo.recipe.whole import Recipe


class TaskConfig(Config):
    """The section ``task`` of a recipe, and what the task asks of the other sections."""

    framewise: ClassVar[bool] = True
    """Whether it needs a result for every frame."""

    pitch_layout: ClassVar[PitchLayout | None] = None
    """The layout of pitches in an embedding that its output layers can use."""

    weighs_teachers: ClassVar[bool] = False
    """Whether ``training.teacher_weight`` means something."""

    def check(self, recipe: Recipe) -> None:
        """Raise a ValueError where other sections of the recipe don't suit the task."""
        head, training = recipe.head, recipe.training
        if self.framewise and head.pooling != "none":
            raise ValueError(
                f"head.pooling {head.pooling!r} gives one result a clip, but "
                f"'{type_of(type(self))}' asks for one a frame; allowed is 'none'"
            )
        if head.pitch_layout not in (None, self.pitch_layout):
            suited = [
                name
                for name, config in TASK_CONFIGS.items()
                if config.pitch_layout == head.pitch_layout
            ]
            raise ValueError(
                f"a {type_of(type(head))!r} head is made for {', '.join(suited)}; for "
                f"'{type_of(type(self))}' take another head"
            )
        usual = TrainingConfig.model_fields["teacher_weight"].default
        if not self.weighs_teachers and training.teacher_weight != usual:
            weighing = [name for name, config in TASK_CONFIGS.items() if config.weighs_teachers]
            raise ValueError(
                f"training.teacher_weight is {training.teacher_weight:g}, but only "
                f"{', '.join(weighing)} weigh teachers against labels; leave it out for "
                f"'{type_of(type(self))}'"
            )


TASK_CONFIGS: Registry[type[TaskConfig]] = Registry("task", "mirzoo.tasks", name_of=type_of)
"""The settings of every task that a recipe can have, by its ``type``; `mirzoo.tasks.base.TASKS`
registers here what a task has as its ``config``."""


@TASK_CONFIGS.register
class TaggingConfig(TaskConfig):
    """Which labels apply: any number of them (``sigmoid``) or exactly one (``softmax``)."""

    framewise: ClassVar[bool] = False

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

    def check(self, recipe: Recipe) -> None:
        super().check(recipe)
        training = recipe.training
        for key, value, allowed in (
            ("precision", training.precision, "float32"),
            ("transpose_semitones", training.transpose_semitones, (0, 0)),
            ("excerpt_probability", training.excerpt_probability, 0.0),
            ("example_s", training.example_s, None),
        ):
            if value != allowed:
                raise ValueError(
                    f"training.{key} is {value!r}, but taggers learn from waveforms, through "
                    f"their front-ends, as they are; allowed is {allowed!r}"
                )


@TASK_CONFIGS.register
class ChordsConfig(TaskConfig):
    """Which chord sounds when.

    ``vocabulary`` is ``majmin`` (25 classes) or ``large`` (169); with ``structured`` the model
    also names the root, the bass and every pitch class that sounds.
    """

    pitch_layout: ClassVar[PitchLayout | None] = "pitch_classes"
    weighs_teachers: ClassVar[bool] = True

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


@TASK_CONFIGS.register
class MelodyConfig(TaskConfig):
    """Which pitch the melody has when, in bins from ``fmin`` (Hz) up, and whether it sounds."""

    pitch_layout: ClassVar[PitchLayout | None] = "pitches"

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
