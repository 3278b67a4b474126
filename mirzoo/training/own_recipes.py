"""Training a recipe's model on labels of one's own, from fresh weights or from a trained model's.

The fitting is `mirzoo.fine_tune`'s; this tells what a recipe asks of it.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mirzoo import hub
from mirzoo.errors import RecipeError
from mirzoo.models.build import build_model
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe
from mirzoo.training.fine_tuning import fine_tune
from mirzoo.training.fitting import copy_weights

logger = logging.getLogger(__name__)

FRESH = "none"
"""Where a recipe names weights to start from: none of them."""


def train_on_own(
    recipe: Recipe,
    source: Any,
    out: str | os.PathLike,
    *,
    name: str,
    weights: str | os.PathLike | None = None,
    tensorboard: bool = False,
    **options: Any,
) -> Model:
    """Train a recipe's model on labelled data of one's own, and save it in ``out/<name>``.

    Epochs, batches, rates, changes of examples and the seed are those of the recipe's section
    ``training``; a tagger's labels are those of the data. What the recipe states of collections
    and teachers plays no part. An interrupted training goes on when this is called again.

    Parameters
    ----------
    recipe : Recipe
    source
        As for `mirzoo.fine_tune`.
    out : path
        The run's folder.
    name : str
        The model's.
    weights : str or path, optional
        A trained model whose head, and front-end where it is the same, are the starting point;
        ``"none"`` for fresh weights. By default ``training.initial_weights`` of the recipe, where
        it is not a recipe for collections.
    tensorboard : bool
        Whether to write ``out/tensorboard`` too.
    **options
        Others of `mirzoo.fine_tune`: ``strategy``, ``held_out``, ``exclusive``, ``balanced``,
        ``overwrite``, ``progress``, and how the data are read.

    Returns
    -------
    Model
        The fitted one, with its ``report``.
    """
    settings = recipe.training
    start = weights
    if start is None and recipe.data is None:
        start = settings.initial_weights
    if start == FRESH:
        start = None
    keras.utils.set_random_seed(settings.seed)
    model = build_model(recipe.model_copy(update={"data": None}), name)
    if start is None:
        logger.info("%s: begins with fresh weights", name)
    else:
        _begin_with(model, hub.load(start), name)
    wanted: dict[str, Any] = {
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "augmentation": settings.augmentation,
        "precision": settings.precision,
        "seed": settings.seed,
    } | options
    out = Path(out)
    return fine_tune(
        model, source, out=out / name, tensorboard=out / "tensorboard" if tensorboard else None,
        **wanted,
    )  # fmt: skip


def _begin_with(model: Model, trained: Model, name: str) -> None:
    """Copy the weights that a model shares with a trained one, and say so on its card."""
    before = [np.array(values) for values in model.get_weights()]
    copy_weights(model, trained)
    agree = [
        values
        for values, old in zip(model.get_weights(), before, strict=True)
        if not np.array_equal(values, old)
    ]
    if not agree:
        raise RecipeError(
            f"no layer of the recipe '{name}' has the name and shape of one of "
            f"{trained.card.name}; take a model with the same head, or begin with fresh weights "
            "(weights='none')"
        )
    logger.info(
        "%s: %d of %d weights are those of %s", name, len(agree), len(before), trained.card.name
    )
    model.card = model.card.updated(
        provenance=f"Weights of {trained.card.name} where the layers agree, else fresh ones. "
        f"{trained.card.name}: {trained.card.provenance}",
        licences=trained.card.licences,
    )


def are_corpora(data: Any, recipe: Recipe) -> bool:
    """Whether data are the folder of prepared corpora, and not labelled data of one's own.

    A folder that is not there, or is empty, counts as one where the recipe names collections.
    """
    if not isinstance(data, str | os.PathLike):
        return False
    folder = Path(data)
    is_empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if recipe.data is not None and is_empty:
        return ":" not in os.fspath(data)  # that is a data set's name
    return folder.is_dir() and any(folder.glob("*/items.csv"))
