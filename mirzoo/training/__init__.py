"""Training the models that mirzoo ships: a recipe and prepared corpora in, an artefact out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mirzoo import hub
from mirzoo._support.logs import deprecated_report
from mirzoo._support.switches import require_switches
from mirzoo.errors import RecipeError, TrainingError, UnknownNameError
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe
from mirzoo.recipe.runs import training_order
from mirzoo.training.distribution import NONE, distribution_of
from mirzoo.training.fitting import average_weights
from mirzoo.training.measuring import measure, trainer_of
from mirzoo.training.runs import Run, find_trained

__all__ = ["measure", "train", "trained_model"]

logger = logging.getLogger(__name__)


def train(
    recipe: str | Path | Recipe,
    data: Any,
    out: str | Path | None = None,
    *,
    name: str | None = None,
    weights: str | Path | None = None,
    tensorboard: bool = False,
    distribute: str = NONE,
    report: Callable[[str], None] | None = None,
    **options: Any,
) -> Path:
    """Train the model of a recipe, measure it, and save it with its card.

    On labelled data of one's own any recipe can be trained; a tagger's labels are those of the
    data, and the recipe's section ``data`` and its teachers play no part. The models that mirzoo
    ships are trained on prepared corpora. An interrupted run goes on with the epoch it was in when
    called again with the same ``out``. Progress is logged by the logger ``mirzoo``.

    Parameters
    ----------
    recipe : str, Path or Recipe
        A recipe's name or file, or the recipe itself (then ``name`` is needed).
    data : path, or others
        Labelled data of one's own, as `mirzoo.fine_tune` takes them; or the folder of prepared
        corpora (``mirzoo prepare``), a folder each.
    out : path, optional
        The run's folder, by default ``runs/<name>``: what an interrupted run needs to go on, and
        the finished model in a folder of its name.
    name : str, optional
        The model's name; the recipe's, if not given.
    weights : str or path, optional
        Of own data alone: a trained model whose head, and front-end where it is the same, are the
        starting point, ``"none"`` for fresh weights. By default the recipe's
        ``training.initial_weights``, and fresh weights where the recipe names collections.
    tensorboard : bool
        Whether to write ``tensorboard/`` into the run's folder too.
    distribute : {"none", "mirrored"}
        Of prepared corpora alone: ``"mirrored"`` shares each batch among all GPUs of the machine
        (`mirzoo.training.distribution`); runs that this one begins with are trained so too.
    report : callable, optional
        Deprecated: called with each message. Use `logging` instead.
    **options
        Of own data alone: ``strategy``, ``held_out``, ``exclusive``, ``balanced``, ``overwrite``,
        ``progress`` and how the data are read, as `mirzoo.fine_tune` has them.

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
        If the loss is not finite, or there are too few devices to share batches.
    UnknownNameError
        If ``distribute`` is none of the allowed.

    Examples
    --------
    >>> import mirzoo
    >>> mirzoo.train("cqt_cnn_tagger", "clips/", "runs/mine")  # doctest: +SKIP
    PosixPath('runs/mine/cqt_cnn_tagger')
    """
    from mirzoo.training.own_recipes import are_corpora, train_on_own

    require_switches(TrainingError, tensorboard=tensorboard)
    recipe, name = _resolve(recipe, name)
    out = Path("runs") / name if out is None else Path(out)
    with deprecated_report(report):
        if are_corpora(data, recipe):
            given = [*options, *(["weights"] if weights is not None else [])]
            if given:
                raise RecipeError(
                    f"{', '.join(given)}: for labelled data of your own alone, and {data} is for "
                    "prepared corpora"
                )
            return _train(
                recipe, data, out, name=name, tensorboard=tensorboard, distribute=distribute
            )
        if distribute != NONE:
            raise RecipeError(
                f"distribute is '{distribute}': for prepared corpora alone, and {data} is labelled "
                "data of your own, which are trained on one device"
            )
        train_on_own(
            recipe, data, out, name=name, weights=weights, tensorboard=tensorboard, **options
        )
        return out / name


def _train(
    recipe: str | Path | Recipe,
    data: str | Path,
    out: str | Path,
    *,
    name: str | None,
    tensorboard: bool,
    distribute: str,
) -> Path:
    recipe, name = _resolve(recipe, name)
    training_order(name, lambda needed: recipe if needed == name else _untrained(needed))
    run = Run(
        recipe,
        data,
        lambda needed: trained_model(needed, data, out, distribute=distribute),
        distribution_of(distribute),
    )
    trainer = trainer_of(recipe)
    settings = recipe.training
    model = trainer.fit(run, out, name=name, tensorboard=tensorboard)
    if settings.initial_weights is not None and settings.initial_share:
        average_weights(model, run.model(settings.initial_weights), settings.initial_share)
    model.card = trainer.measured_card(model, run)
    folder = hub.save(model, Path(out) / name, overwrite=True)
    logger.info("%s: saved in %s", name, folder)
    return folder


def trained_model(name: str, data: str | Path, out: str | Path, *, distribute: str = NONE) -> Model:
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
    train(name, data, runs / now, distribute=distribute)
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
