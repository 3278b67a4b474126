"""Training the models that mirzoo ships: a recipe and prepared corpora in, an artefact out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from mirzoo import hub
from mirzoo._support.logs import deprecated_report
from mirzoo.errors import RecipeError, UnknownNameError
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe
from mirzoo.recipe.runs import training_order
from mirzoo.training.fitting import average_weights
from mirzoo.training.measuring import measure, trainer_of
from mirzoo.training.runs import Run, find_trained

__all__ = ["measure", "train", "trained_model"]

logger = logging.getLogger(__name__)


def train(
    recipe: str | Path | Recipe,
    data: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    tensorboard: bool = False,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Train the model of a recipe, measure it, and save it with its card.

    An interrupted run goes on with the epoch it was in when called again with the same ``out``.
    Progress is logged by the logger ``mirzoo``.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A recipe's name or file, or the recipe itself (then ``name`` is needed).
    data : path
        The folder of prepared corpora (``mirzoo prepare``), a folder each.
    out : path
        The run's folder: a backup, ``history.csv``, the best weights, and the finished model in a
        folder of its name.
    name : str, optional
        The model's name; the recipe's, if not given.
    tensorboard : bool
        Whether to write ``tensorboard/`` into the run's folder too.
    report : callable, optional
        Deprecated: called with each message. Use `logging` instead.

    Returns
    -------
    Path
        The finished model, which `mirzoo.load` takes.

    Raises
    ------
    RecipeError
        If the recipe has no data, or names teachers that do not give its labels.
    DataError
        If a corpus that it names is not prepared.
    TrainingError
        If the loss is not finite.
    """
    with deprecated_report(report):
        return _train(recipe, data, out, name=name, tensorboard=tensorboard)


def _train(
    recipe: str | Path | Recipe,
    data: str | Path,
    out: str | Path,
    *,
    name: str | None,
    tensorboard: bool,
) -> Path:
    recipe, name = _resolve(recipe, name)
    training_order(name, lambda needed: recipe if needed == name else _untrained(needed))
    run = Run(recipe, data, lambda needed: trained_model(needed, data, out))
    trainer = trainer_of(recipe)
    settings = recipe.training
    model = trainer.fit(run, out, name=name, tensorboard=tensorboard)
    if settings.initial_weights is not None and settings.initial_share:
        average_weights(model, run.model(settings.initial_weights), settings.initial_share)
    model.card = trainer.measured_card(model, run)
    folder = hub.save(model, Path(out) / name, overwrite=True)
    logger.info("%s: saved in %s", name, folder)
    return folder


def trained_model(name: str, data: str | Path, out: str | Path) -> Model:
    """A trained model that a recipe starts from or is distilled from.

    That is one of the zoo, or that of the run ``name`` in the same folder as ``out``, which is
    trained first where it is missing.
    """
    runs = Path(out).parent
    found = find_trained(name, runs)
    if found is not None:
        return found
    now = hub.recipe_name(name)
    logger.info("%s comes first: the recipe builds on it", now)
    train(name, data, runs / now)
    return hub.load(runs / now / now)


def _untrained(name: str) -> Recipe | None:
    """The recipe of a name, or None where its model needs no training."""
    if name in hub.list_models(pretrained=True):
        return None
    try:
        return hub.load_recipe(name)
    except UnknownNameError:
        return None


def _resolve(recipe: str | Path | Recipe, name: str | None) -> tuple[Recipe, str]:
    if isinstance(recipe, Recipe):
        if name is None:
            raise RecipeError("a recipe object has no name of its own; give train(..., name=...)")
        return recipe, name
    return hub.load_recipe(recipe), name or hub.recipe_name(recipe)
