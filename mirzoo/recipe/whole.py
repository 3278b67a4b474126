"""A whole recipe, and which of its parts suit each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import NonNegativeFloat, PositiveFloat, model_validator

from mirzoo.recipe.base import Config, ParsedBy, type_of
from mirzoo.recipe.frontends import FRONTENDS, Frontend
from mirzoo.recipe.heads import HEADS, Head
from mirzoo.recipe.tasks import TASKS, TaskConfig
from mirzoo.recipe.training import DataConfig, TrainingConfig


class Source(Config):
    """Where the architecture comes from."""

    paper: str
    """The publication, or whose idea it is."""

    section: str | None = None
    """Where in it."""

    url: str | None = None
    """Where it can be read."""


class Recipe(Config):
    """A front-end, a head and a task, with all that is needed to train the weights again.

    ``window_s`` (s) is the length of the windows that a long recording is cut into, and of a
    training example unless ``training.example_s`` gives another. Of results per frame those of
    the first and the last ``context_s`` (s) of a window are dropped, since what they depend on is
    not all in it; the windows overlap by twice as much.
    """

    later: ClassVar[frozenset[str]] = frozenset({"live"})

    description: str
    """One sentence on what the model does; it comes on the model's card."""

    frontend: Annotated[Frontend, ParsedBy(FRONTENDS)]
    """From the waveform to features."""

    head: Annotated[Head, ParsedBy(HEADS)]
    """From features to an embedding."""

    task: Annotated[TaskConfig, ParsedBy(TASKS, lambda task: task.config)]
    """From the embedding to results."""

    window_s: PositiveFloat = 3.008
    """Length of the windows that a recording is cut into (s)."""

    context_s: NonNegativeFloat = 0.0
    """What is dropped at both ends of a window, of results for each frame (s)."""

    live: bool = False
    """Whether the model follows a stream: every result depends on the past and a short look-ahead
    alone, and `annotate` computes it step by step as `mirzoo.stream` does."""

    data: DataConfig | None = None
    """The prepared collections that the weights of the zoo come from."""

    training: TrainingConfig = TrainingConfig()
    """How the weights are fitted."""

    source: Source
    """Where the architecture comes from."""

    @model_validator(mode="after")
    def _frames_tile(self) -> Self:
        if self.context_s == 0.0 and not self.live:
            return self
        if self.live and not self.head.per_frame:
            raise ValueError(
                f"live is true and head.pooling {self.head.pooling!r}, but a stream has a result "
                "for each frame; allowed are 'none' and 'trailing'"
            )
        if self.context_s and self.head.pooling != "none":
            raise ValueError(
                f"context_s is {self.context_s} and head.pooling {self.head.pooling!r}, but only "
                "results per frame have edges to drop; allowed is 0"
            )
        grid = self.frontend.grid
        frame_rate = (self.head.output_grid(grid) if self.live else grid).frame_rate
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
    def _level_is_of_windows(self) -> Self:
        if self.frontend.level is not None and (self.live or self.head.per_frame):
            raise ValueError(
                "frontend.level brings whole windows to one level, of which a model that is live "
                "or has a result for each frame knows but a part; leave it out, and take "
                "scaling: {type: pcen}, which follows the level"
            )
        return self

    @model_validator(mode="after")
    def _head_suits_frontend(self) -> Self:
        if self.head.convolves_bins and not self.frontend.ordered_bins:
            allowed = [repr(name) for name, head in HEADS.items() if not head.convolves_bins]
            raise ValueError(
                f"head.type {type_of(type(self.head))!r} convolves over neighbouring bins, but the "
                f"bins of a '{type_of(type(self.frontend))}' front-end are learnt filters in no "
                f"order; allowed are {' and '.join(allowed)}"
            )
        return self

    @model_validator(mode="after")
    def _suits_task(self) -> Self:
        TASKS[type_of(type(self.task))].check_recipe(self)
        return self

    def with_labels(
        self,
        labels: Sequence[str],
        *,
        activation: Literal["sigmoid", "softmax"] | None = None,
    ) -> Recipe:
        """Return the same recipe for other labels, without the data that it was trained on.

        Raises
        ------
        RecipeError
            If the task's labels are not the user's to choose.
        """
        task = TASKS[self.task.type].relabelled(self.task, labels, activation)
        return self.model_copy(update={"task": task, "data": None})
