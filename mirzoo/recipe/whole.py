"""A whole recipe, and which of its parts suit each other."""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveFloat, model_validator

from mirzoo.recipe.base import Config
from mirzoo.recipe.frontends import FrontendConfig
from mirzoo.recipe.heads import FramewiseHead, HeadConfig
from mirzoo.recipe.tasks import TaggingConfig, TaskConfig
from mirzoo.recipe.training import DataConfig, TrainingConfig


class Source(Config):
    """Where the architecture comes from."""

    paper: str
    section: str | None = None
    url: str | None = None


class Recipe(Config):
    """A front-end, a head and a task, with all that is needed to train the weights again.

    ``window_s`` (s) is the length of the windows that a long recording is cut into, and of a
    training example where ``training.example_s`` says nothing else. Of results per frame those of
    the first and the last ``context_s`` (s) of a window are dropped, since what they depend on is
    not all in it; the windows overlap by twice as much.
    """

    description: str
    frontend: FrontendConfig
    head: HeadConfig
    task: TaskConfig
    window_s: PositiveFloat = 3.008
    context_s: NonNegativeFloat = 0.0
    data: DataConfig | None = None
    training: TrainingConfig = TrainingConfig()
    source: Source

    @model_validator(mode="after")
    def _frames_tile(self):
        if self.context_s == 0.0:
            return self
        if self.head.pooling != "none":
            raise ValueError(
                f"context_s is {self.context_s} and head.pooling {self.head.pooling!r}, but only "
                "results per frame have edges to drop; allowed is 0"
            )
        frame_rate = self.frontend.grid.frame_rate
        for key, seconds in (("context_s", self.context_s), ("window_s", self.window_s)):
            if abs(seconds * frame_rate - round(seconds * frame_rate)) > 1e-6:
                raise ValueError(
                    f"{key} {seconds} is no whole number of frames at {frame_rate:g} a second"
                )
        if 2 * self.context_s >= self.window_s:
            raise ValueError(
                f"context_s {self.context_s} on both sides leaves nothing of window_s "
                f"{self.window_s}"
            )
        return self

    @model_validator(mode="after")
    def _head_suits_task(self):
        if self.task.type != "tagging" and self.head.pooling != "none":
            raise ValueError(
                f"head.pooling {self.head.pooling!r} gives one result a clip, but "
                f"'{self.task.type}' asks for one a frame; allowed is 'none'"
            )
        framewise = isinstance(self.head, FramewiseHead)
        suited = {"pitch_class_crnn": "chords", "pitch_cnn": "melody"}
        if framewise and suited[self.head.type] != self.task.type:
            raise ValueError(
                f"a {self.head.type!r} head is made for {suited[self.head.type]}; for "
                f"'{self.task.type}' take another head"
            )
        return self

    @model_validator(mode="after")
    def _head_suits_frontend(self):
        if self.frontend.type == "raw" and self.head.type not in ("cnn1d", "rnn"):
            raise ValueError(
                "head.type "
                f"{self.head.type!r} convolves over neighbouring bins, but the bins of a 'raw' "
                "front-end are learnt filters in no order; allowed are 'cnn1d' and 'rnn'"
            )
        return self

    @model_validator(mode="after")
    def _taggers_learn_from_waveforms(self):
        if self.task.type != "tagging":
            return self
        training = self.training
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
        return self

    @model_validator(mode="after")
    def _only_chords_weigh_teachers(self):
        usual = TrainingConfig.model_fields["teacher_weight"].default
        if self.task.type != "chords" and self.training.teacher_weight != usual:
            raise ValueError(
                f"training.teacher_weight is {self.training.teacher_weight:g}, but only chords "
                f"weigh teachers against labels; leave it out for '{self.task.type}'"
            )
        return self

    def with_labels(self, labels, *, activation: str | None = None) -> Recipe:
        """Return the same recipe for other labels, without the data that it was trained on."""
        task = TaggingConfig(labels=tuple(labels), activation=activation or self.task.activation)
        return self.model_copy(update={"task": task, "data": None})
