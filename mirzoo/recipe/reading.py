"""Recipes from YAML, with errors that cite file, key, value and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mirzoo._support.allowed import shortened
from mirzoo.errors import RecipeError
from mirzoo.recipe import _yaml
from mirzoo.recipe.runs import RUNS, Run, RunConfig, expand_runs
from mirzoo.recipe.whole import Recipe

_RUN_LIST = TypeAdapter(tuple[RunConfig, ...])


def load_recipe(path: str | Path, run: str | None = None, *, name: str | None = None) -> Recipe:
    """Read a recipe file.

    Parameters
    ----------
    path : str or Path
        A ``.yaml`` file.
    run : str, optional
        One of its ``runs``; the last, if not given.
    name : str, optional
        What its runs call it where one starts from the weights of another; the file's name, if
        not given.

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError
        If the file is missing, is no YAML, has no such run, or holds anything that a recipe does
        not allow; the message cites file, key, value and what is allowed.
    """
    path = Path(path)
    return parse_recipe(_read(path), where=str(path), name=name or path.stem, run=run)


def parse_recipe(
    text: str, *, where: str = "recipe", name: str = "recipe", run: str | None = None
) -> Recipe:
    """Read a recipe from YAML text; ``where`` names it in errors. See `load_recipe`."""
    runs = _runs(text, where, name)
    found = [each for each in runs if run in (None, each.run)]
    if not found:
        known = ", ".join(each.run for each in runs if each.run) or "none"
        raise RecipeError(f"{where} has no run {run!r}; its runs are {known}")
    return _validated(found[-1], where)


def load_runs(path: str | Path) -> dict[str, Recipe]:
    """Read every training of a recipe file, in their order, by name.

    The last is the recipe itself and has its name; those before it are ``<recipe>@<run>``.
    """
    path = Path(path)
    runs = _runs(_read(path), str(path), path.stem)
    return {run.name: _validated(run, str(path)) for run in runs}


def run_names(path: str | Path) -> list[str | None]:
    """The names of a recipe's runs in their order; a single None where it has one training."""
    path = Path(path)
    return [run.run for run in _runs(_read(path), str(path), path.stem)]


def former_names(path: str | Path) -> dict[str, str]:
    """The names that runs of a recipe file had in an earlier version, and what they are now."""
    path = Path(path)
    text = _read(path)
    if "formerly" not in text:
        return {}
    return {run.formerly: run.name for run in _runs(text, str(path), path.stem) if run.formerly}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"the recipe {path} is not text in UTF-8 (byte {error.start:,} is not); save it so"
        ) from error


def _runs(text: str, where: str, name: str) -> list[Run]:
    values = _yaml.load(text, where)
    if not isinstance(values, dict):
        raise RecipeError(
            f"{where} holds {type(values).__name__}, not a mapping; a recipe has the keys "
            f"{', '.join([*Recipe.model_fields, RUNS])}"
        )
    if RUNS not in values:
        return [Run(name, None, None, values)]
    shared = {key: value for key, value in values.items() if key != RUNS}
    try:
        return expand_runs(name, shared, _RUN_LIST.validate_python(values[RUNS]))
    except ValidationError as error:
        raise RecipeError(f"{where}: {describe_validation_error(error, RUNS)}") from error
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None


def _validated(run: Run, where: str) -> Recipe:
    place = where if run.run is None else f"{where}, run {run.run!r}"
    try:
        return Recipe.model_validate(run.recipe)
    except ValidationError as error:
        raise RecipeError(f"{place}: {describe_validation_error(error)}") from error


def describe_validation_error(error: ValidationError, *within: str) -> str:
    """State in one clause a fault which key holds which value and what is allowed."""
    return "; ".join(_describe_fault(fault, within) for fault in error.errors())


def _describe_fault(fault: Any, within: tuple[str, ...]) -> str:
    key = ".".join(str(part) for part in (*within, *fault["loc"]))
    if not key:  # what does not fit together; the text names it
        return fault["msg"].removeprefix("Value error, ")
    received = fault["input"]
    shown = shortened(received)
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} = {shown} is not a known key; check its spelling"
    return f"{key} = {shown}: {fault['msg'].removeprefix('Value error, ')}"
