"""Recipes whose weights take several trainings: ``runs``, each from the weights of the last.

A recipe states its network once. Each entry of ``runs`` has a ``name`` and states only what
differs in it: sections are merged key by key, lists and values are replaced, and a section with
another ``type`` is replaced as a whole. The last run is the recipe itself; the others are named
``<recipe>@<run>``. ``formerly`` is a name that a run had in an earlier version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, NonNegativeFloat, PositiveFloat

from mirzoo.errors import RecipeError
from mirzoo.recipe.base import Config
from mirzoo.recipe.whole import Recipe

RUNS = "runs"
SEPARATOR = "@"
SECTIONS = ("frontend", "head", "task", "data", "training")


class RunConfig(Config):
    """One training of several: its name, and what differs in it from the recipe."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    formerly: str | None = None
    description: str | None = None
    frontend: dict[str, Any] = {}
    head: dict[str, Any] = {}
    task: dict[str, Any] = {}
    window_s: PositiveFloat | None = None
    context_s: NonNegativeFloat | None = None
    data: dict[str, Any] = {}
    training: dict[str, Any] = {}


@dataclass(frozen=True)
class Run:
    """One training, with nothing left out.

    ``name`` is ``<recipe>@<run>``, and for the last run that of the recipe; ``run`` is None where
    a recipe has one training. ``recipe`` is not validated yet.
    """

    name: str
    run: str | None
    formerly: str | None
    recipe: Mapping[str, Any]


def split_name(name: str) -> tuple[str, str | None]:
    """The recipe and the run of a name.

    Examples
    --------
    >>> split_name("hcqt_cnn_melody@distilled"), split_name("mel_cnn_tagger")
    (('hcqt_cnn_melody', 'distilled'), ('mel_cnn_tagger', None))
    """
    recipe, separator, run = name.partition(SEPARATOR)
    return recipe, run if separator else None


def expand_runs(name: str, shared: Mapping[str, Any], runs: Iterable[RunConfig]) -> list[Run]:
    """Complete the runs of a recipe.

    Parameters
    ----------
    name : str
        The recipe's name.
    shared : mapping
        The recipe without its ``runs``, as it stands in the file.
    runs : iterable of RunConfig
        In the order of training.

    Returns
    -------
    list of Run
        Each with ``training.initial_weights`` of the run before it unless it states its own; the
        recipes are yet to be validated.

    Raises
    ------
    RecipeError
        If there is none, or two have the same name or the same former name.

    Examples
    --------
    >>> runs = [RunConfig(name="first", training={"epochs": 9}), RunConfig(name="final")]
    >>> [(run.name, run.recipe["training"]) for run in expand_runs("mine", {}, runs)]
    [('mine@first', {'epochs': 9}), ('mine', {'initial_weights': 'mine@first'})]
    """
    runs = list(runs)
    if not runs:
        raise RecipeError("runs is empty; leave it out, or give at least one run")
    names = [run.name for run in runs]
    twice = sorted({run for run in names if names.count(run) > 1})
    if twice:
        raise RecipeError(f"runs has {', '.join(twice)} more than once; each run has its own name")
    formerly = [run.formerly for run in runs if run.formerly is not None]
    twice = sorted({former for former in formerly if formerly.count(former) > 1})
    if twice:
        raise RecipeError(
            f"several runs were formerly {', '.join(twice)}; an old name means one run alone"
        )
    for section in SECTIONS:
        value = shared.get(section)
        if value is not None and not isinstance(value, Mapping):
            raise RecipeError(
                f"{section} is {str(value)[:60]!r}; it is a mapping, of which runs state parts anew"
            )
    expanded: list[Run] = []
    for number, run in enumerate(runs):
        recipe = dict(shared)
        for key in ("description", "window_s", "context_s"):
            if getattr(run, key) is not None:
                recipe[key] = getattr(run, key)
        for section in SECTIONS:
            differing = getattr(run, section)
            if differing:
                recipe[section] = _merged(recipe.get(section) or {}, differing)
        if number > 0 and "initial_weights" not in run.training:
            training = {**(recipe.get("training") or {}), "initial_weights": expanded[-1].name}
            recipe["training"] = training
        last = number == len(runs) - 1
        expanded.append(
            Run(
                name=name if last else f"{name}{SEPARATOR}{run.name}",
                run=run.name,
                formerly=run.formerly,
                recipe=recipe,
            )
        )
    return expanded


def training_order(name: str, read: Callable[[str], Recipe | None]) -> list[str]:
    """List the recipes that must be trained for one, itself last.

    Parameters
    ----------
    name : str
        A recipe or a run.
    read : callable
        Gives the recipe of a name, or None where that is a model which needs no training.

    Raises
    ------
    RecipeError
        If recipes build on each other in a circle.
    """
    order: list[str] = []

    def visit(needed: str, path: tuple[str, ...]) -> None:
        if needed in path:
            circle = [*path[path.index(needed) :], needed]
            raise RecipeError(
                f"{circle[0]} builds on itself: "
                f"{', which builds on '.join(circle)}; let one start from other weights or teachers"
            )
        recipe = None if needed in order else read(needed)
        if recipe is None:
            return
        for other in builds_on(recipe):
            visit(other, (*path, needed))
        order.append(needed)

    visit(name, ())
    return order


def builds_on(recipe: Recipe) -> list[str]:
    """The models that a recipe starts from or is distilled from."""
    teachers = recipe.data.teachers if recipe.data else ()
    start = recipe.training.initial_weights
    names = (teacher.partition(":")[0] for teacher in teachers)  # "name:careful" is of the model
    return list(dict.fromkeys([*([start] if start else []), *names]))


def _merged(shared: Mapping[str, Any], differing: Mapping[str, Any]) -> dict[str, Any]:
    if differing.get("type", shared.get("type")) != shared.get("type"):
        return dict(differing)
    merged = dict(shared)
    for key, value in differing.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
