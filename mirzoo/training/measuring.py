"""Measuring a trained model's card again, without a change of its weights."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from mirzoo import hub
from mirzoo.card import Card, Metric
from mirzoo.errors import RecipeError
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe
from mirzoo.tasks.base import TASKS
from mirzoo.training import clips, frames
from mirzoo.training.runs import Run, find_trained


def trainer_of(recipe: Recipe) -> ModuleType:
    """The module that trains and measures models of a recipe: by frames, or by clips."""
    return frames if TASKS[recipe.task.type].framewise else clips


def measure(name: str | os.PathLike, data: str | os.PathLike) -> list[Metric]:
    """Recompute the scores on the card of a trained model, and write the card anew.

    The scores are those that `mirzoo.train` puts there: on the prepared corpora of the card's
    recipe, with the same baselines. Nothing but ``card.json`` is written.

    Parameters
    ----------
    name : str or path
        A name of the zoo, or the folder of a model.
    data : path
        The folder of prepared corpora (``mirzoo prepare``), a folder each.

    Returns
    -------
    list of Metric
        Those that now stand on the card.

    Raises
    ------
    UnknownNameError
        If there is no such model.
    RecipeError
        If the model comes from no recipe with data: a published one, or one with new labels.
    DataError
        If a corpus is not prepared.

    Examples
    --------
    >>> measure("mel_cnn_tagger", "~/.cache/mirzoo/data/corpus")  # doctest: +SKIP
    """
    folder = hub.folder(name)
    card = Card.load(folder)
    if card.recipe is None:
        raise RecipeError(
            f"{card.name} comes from no recipe of mirzoo, so its card names no corpora to measure "
            "it on; score it with mirzoo.evaluate"
        )
    recipe = Recipe.model_validate(card.recipe)

    def find(needed: str) -> Model:
        return find_trained(needed, folder.parent.parent) or hub.load(needed)

    run = Run(recipe, Path(data).expanduser(), find)
    metrics = trainer_of(recipe).metrics(hub.load(folder), run)
    card.updated(metrics=metrics).save(folder)
    return metrics
