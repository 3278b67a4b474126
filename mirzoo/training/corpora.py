"""The prepared corpora that a recipe trains on."""

from __future__ import annotations

from pathlib import Path

from mirzoo.card import Licences
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.sources import collection as find_collection
from mirzoo.errors import DataError, RecipeError
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
    share = recipe.training.initial_share
    started = f" It started from the weights of {first}" if first else ""
    kept = f", which count for {share:g} in the mean with those that it learnt" if share else ""
    return f"{said}{taught}.{started}{kept}{'.' if first else ''}"


def licences_of(recipe: Recipe) -> Licences:
    """The licences of a model trained by mirzoo on a recipe's collections."""
    collections = map(find_collection, recipe.data.collections)
    heard = "; ".join(f"{collection.name}: {collection.licence}" for collection in collections)
    return Licences(code="MIT", weights="MIT", data=heard)
