"""Recipes from YAML, with errors that cite file, key, value and what is allowed."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from mirzoo.errors import RecipeError
from mirzoo.recipe.whole import Recipe

_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is eight times faster


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Parameters
    ----------
    path : str or Path
        A ``.yaml`` file.

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError
        If the file is missing, is no YAML, or holds anything that a recipe does not allow;
        the message cites file, key, value and what is allowed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror or error}") from error
    return parse_recipe(text, where=str(path))


def parse_recipe(text: str, *, where: str = "recipe") -> Recipe:
    """Read a recipe from YAML text; ``where`` names it in errors. See `load_recipe`."""
    try:
        values = yaml.load(text, Loader=_YAML_LOADER)
    except yaml.YAMLError as error:
        raise RecipeError(f"{where} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise RecipeError(
            f"{where} holds {type(values).__name__}, not a mapping; a recipe has the keys "
            f"{', '.join(Recipe.model_fields)}"
        )
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError(f"{where}: {describe_validation_error(error)}") from error


def describe_validation_error(error: ValidationError) -> str:
    """Say in one line per fault which key holds which value and what is allowed."""
    return "; ".join(_describe_fault(fault) for fault in error.errors())


def _describe_fault(fault: dict) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "as a whole"
    received = fault["input"]
    shown = repr(received)
    if len(shown) > 80:
        shown = f"{shown[:77]}..."
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} = {shown} is not a known key; check its spelling"
    return f"{key} = {shown}: {fault['msg']}"
