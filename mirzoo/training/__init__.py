"""Training the models that mirzoo ships: a recipe and prepared corpora in, an artefact out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mirzoo import hub
from mirzoo.errors import RecipeError, UnknownNameError
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe
from mirzoo.recipe.runs import training_order
from mirzoo.training import frames, tags
from mirzoo.training.fitting import average_weights

__all__ = ["train", "trained_model"]

SCHOOLS = {"tagging": tags, "chords": frames, "melody": frames}


def train(
    recipe: str | Path | Recipe,
    data: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    report: Callable[[str], None] = print,
) -> Path:
    """Train the model of a recipe, measure it beside its teachers, and save it with its card.

    An interrupted run goes on with the epoch it was in when called again with the same ``out``.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A recipe's name or file, or the recipe itself (then ``name`` is needed).
    data : path
        The folder of prepared corpora (``mirzoo prepare``), a folder each.
    out : path
        The run's folder: checkpoints, ``history.csv``, the best weights, and the finished model
        in a folder of its name.
    name : str, optional
        The model's name; the recipe's, if not given.
    report : callable
        Told one line at a time how far things are.

    Returns
    -------
    Path
        The finished model, which `mirzoo.load` takes.

    Raises
    ------
    RecipeError
        If the recipe says nothing of data, or names teachers that do not teach its labels.
    DataError
        If a corpus that it names is not prepared.
    TrainingError
        If the loss stops being a number.
    """
    recipe, name = _resolve(recipe, name)
    training_order(name, lambda needed: recipe if needed == name else _untrained(needed))
    school = SCHOOLS[recipe.task.type]
    settings = recipe.training

    def find(needed: str) -> Model:
        return trained_model(needed, data, out, report)

    model = school.fit(recipe, data, out, name=name, find=find, report=report)
    if settings.initial_share:
        average_weights(model, find(settings.initial_weights), settings.initial_share)
    model.card = school.measured_card(model, recipe, data, find=find, report=report)
    folder = hub.save(model, Path(out) / name)
    report(f"{name}: saved in {folder}")
    return folder


def trained_model(
    name: str, data: str | Path, out: str | Path, report: Callable[[str], None] = print
) -> Model:
    """A trained model that a recipe starts from or is taught by.

    That is one of the zoo, or that of the run ``name`` beside ``out``, which is trained first
    where it is missing.
    """
    if name in hub.list_models(pretrained=True):
        return hub.load(name)
    now = hub.recipe_name(name)
    runs = Path(out).parent
    for known in (now, *hub.former_names(name)):
        if (runs / known / known).exists():
            return hub.load(runs / known / known)
    report(f"{now} comes first: the recipe builds on it")
    train(name, data, runs / now, report=report)
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
