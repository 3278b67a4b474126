"""Tagging's section of a recipe."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from mirzoo.card import Decoding, Probability
from mirzoo.recipe.label_sets import labels_of
from mirzoo.recipe.tasks import TaskConfig

OUTPUT = "tags"


class TaggingConfig(TaskConfig):
    """Which labels apply: any number of them (``sigmoid``) or exactly one (``softmax``).

    ``labels`` is a list, or the name of one of `mirzoo.recipe.label_sets.LABEL_SETS`.
    """

    type: Literal["tagging"] = "tagging"
    labels: Annotated[tuple[str, ...], BeforeValidator(labels_of)]
    """What is told apart: a list, or magnatagatune or million_song; labelled data of your own bring
    theirs."""

    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    """sigmoid where any number of labels holds, softmax where exactly one does."""

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> Self:
        if not self.labels:
            raise ValueError("labels is empty; a tagger needs at least one label")
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if twice:
            raise ValueError(f"labels holds {twice} more than once; each label is listed once")
        return self


class TaggingDecoding(Decoding):
    """Above which probability each label of a tagger holds, where any number of them may.

    Taggers have it that were fitted to somebody's own labels, which tell; see
    `mirzoo.tasks.tagging.annotation.Tags.holding`.

    Parameters
    ----------
    thresholds : list of float
        One for each label, in the card's order.
    """

    type: Literal["tagging"] = "tagging"
    thresholds: Annotated[list[Probability], Field(min_length=1)]
