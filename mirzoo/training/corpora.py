"""The prepared corpora that a recipe trains on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from mirzoo import hub
from mirzoo.card import Licences
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.sources import collection as find_collection
from mirzoo.errors import DataError, RecipeError, UnknownNameError
from mirzoo.recipe import Recipe


def open_corpora(recipe: Recipe, data: str | Path) -> list[Corpus]:
    """Open the prepared corpora that a recipe names, in the recipe's order."""
    if recipe.data is None:
        raise RecipeError(
            "the recipe has no 'data', so there is nothing to train it on; add "
            "data.collections, or fit a model from mirzoo.create(...) with model.fit"
        )
    if recipe.frontend.sample_rate != SAMPLE_RATE:
        raise RecipeError(
            f"the front-end hears {recipe.frontend.sample_rate} Hz and prepared corpora are at "
            f"{SAMPLE_RATE} Hz; set frontend.sample_rate: {SAMPLE_RATE}"
        )
    missing = [c for c in recipe.data.collections if not (Path(data) / c / "items.csv").exists()]
    if missing:
        raise DataError(
            f"the corpora {', '.join(missing)} are not prepared under {data}; "
            f"run: mirzoo prepare {' '.join(missing)} --home {Path(data).parent}"
        )
    return [Corpus.load(Path(data) / collection) for collection in recipe.data.collections]


def provenance(recipe: Recipe, hours: float, taught: str) -> str:
    """What a card says of where weights come from.

    ``hours`` is the length of the recordings trained on, and ``taught`` ends the sentence.
    """
    said = f"Trained by mirzoo on {hours:.1f} h of audio ({', '.join(recipe.data.collections)})"
    first = recipe.training.initial_weights
    if first is None:
        return f"{said}{taught}."
    share = recipe.training.initial_share
    kept = f", which count for {share:g} in the mean with those that it learnt" if share else ""
    names = [first, *(run.training.initial_weights for run in _earlier_runs(recipe))]
    further = "".join(f"; {run} from those of {start}" for run, start in pairwise(names) if start)
    before = [name for name in _heard_in_all(recipe) if name not in recipe.data.collections]
    also = f" Earlier runs also heard {', '.join(before)}." if before else ""
    return f"{said}{taught}. It started from the weights of {first}{kept}{further}.{also}"


def licences_of(recipe: Recipe) -> Licences:
    """The licences of a model trained by mirzoo on collections, those of earlier runs too."""
    collections = map(find_collection, _heard_in_all(recipe))
    heard = "; ".join(f"{collection.name}: {collection.licence}" for collection in collections)
    return Licences(code="MIT", weights="MIT", data=heard)


def _heard_in_all(recipe: Recipe) -> list[str]:
    """The collections of a recipe and of those that its weights come from, each once."""
    runs = [recipe, *_earlier_runs(recipe)]
    return list(dict.fromkeys(name for run in runs if run.data for name in run.data.collections))


def _earlier_runs(recipe: Recipe) -> Iterator[Recipe]:
    """The recipes that a recipe's weights come from, the latest first, as far as they are known."""
    while recipe.training.initial_weights is not None:
        try:
            recipe = hub.load_recipe(recipe.training.initial_weights)
        except UnknownNameError:
            return
        yield recipe
