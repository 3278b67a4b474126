"""YAML of strangers: plain values of modest size, or an error."""

from __future__ import annotations

from typing import Any

import yaml

from mirzoo.errors import RecipeError

MOST_CHARACTERS = 1_000_000
MOST_NODES = 100_000
"""Of a recipe with every alias written out."""

DEEPEST = 32

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is eight times faster


def load(text: str, where: str) -> Any:
    """Read YAML of plain values.

    Parameters
    ----------
    text : str
    where : str
        Named in errors.

    Raises
    ------
    RecipeError
        If it is no YAML, is larger or deeper than any recipe, or states a key twice.
    """
    if len(text) > MOST_CHARACTERS:
        raise RecipeError(
            f"{where} has {len(text):,} characters; a recipe has at most {MOST_CHARACTERS:,}. Is "
            "it another kind of file?"
        )
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _require_modest(node, where)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise RecipeError(f"{where} is not valid YAML: {error}") from error
    except RecursionError:
        raise RecipeError(f"{where} is nested deeper than {DEEPEST} levels") from None
    except ValueError as error:
        raise RecipeError(f"{where} holds a value that cannot be read: {error}") from error


def _require_modest(root: yaml.Node, where: str) -> None:
    """Count the nodes as if every alias were written out, each distinct node being visited once."""
    sizes: dict[int, int] = {}
    unfinished: list[tuple[yaml.Node, int, bool]] = [(root, 1, False)]
    above: set[int] = set()
    while unfinished:
        node, depth, is_done = unfinished.pop()
        children = _children(node)
        if is_done:
            above.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
            if sizes[id(node)] > MOST_NODES:
                raise RecipeError(
                    f"{where} has more than {MOST_NODES:,} values once its aliases are written "
                    "out; a recipe has some hundreds"
                )
            continue
        if id(node) in above:
            raise RecipeError(f"{where} has an alias for something that holds it itself")
        if id(node) in sizes:
            continue
        if depth > DEEPEST:
            raise RecipeError(f"{where} is nested deeper than {DEEPEST} levels")
        if isinstance(node, yaml.MappingNode):
            _require_distinct_keys(node, where)
        above.add(id(node))
        unfinished.append((node, depth, True))
        unfinished += [(child, depth + 1, False) for child in children]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _require_distinct_keys(node: yaml.MappingNode, where: str) -> None:
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            raise RecipeError(
                f"{where}, line {key.start_mark.line + 1}: the key '{key.value}' is stated twice"
            )
        seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
