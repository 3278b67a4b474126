"""What values a setting allows, in words, and what it was given."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

from mirzoo._support.words import listed

_REPR = reprlib.Repr()  # of a value of any size, in no time
_REPR.maxstring = _REPR.maxother = 80
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 8

LONGEST = 80

TYPES = {
    "boolean": "true and false",
    "integer": "whole numbers",
    "null": "null",
    "number": "numbers",
    "string": "text",
}


def shortened(value: Any) -> str:
    """A value as Python writes it, of any size in one line.

    Examples
    --------
    >>> shortened("yes"), shortened(list(range(1000)))
    ("'yes'", '[0, 1, 2, 3, 4, 5, 6, 7, ...]')
    """
    shown = _REPR.repr(value)
    return f"{shown[: LONGEST - 3]}..." if len(shown) > LONGEST else shown


def allowed_by(schema: Mapping[str, Any]) -> str:
    """Tell which values a JSON schema allows.

    Parameters
    ----------
    schema : mapping
        Of one value, as pydantic gives it.

    Examples
    --------
    >>> allowed_by({"type": "number", "minimum": 0.0, "maximum": 1.0})
    'numbers from 0 to 1'
    >>> allowed_by({"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]})
    'whole numbers above 0 and null'
    >>> allowed_by({"enum": ["viterbi", "peaks"], "type": "string"})
    "'viterbi' and 'peaks'"
    >>> allowed_by({"type": "array", "items": {"type": "number"}})
    'lists of numbers'
    """
    if "anyOf" in schema:
        return listed([allowed_by(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return listed([repr(value) for value in schema["enum"]])
    if "const" in schema:
        return repr(schema["const"])
    if schema.get("type") == "array":
        parts = schema.get("prefixItems")
        if parts:
            return f"lists of {len(parts)} {allowed_by(parts[0])}"
        return f"lists of {allowed_by(schema.get('items', {}))}"
    return f"{TYPES.get(schema.get('type', ''), 'other values')}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    """The bounds of numbers, with a space before."""
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    bounds = {
        "from {:g} on": least,
        "above {:g}": schema.get("exclusiveMinimum"),
        "at most {:g}": most,
        "below {:g}": schema.get("exclusiveMaximum"),
    }
    words = [text.format(bound) for text, bound in bounds.items() if bound is not None]
    return f" {' and '.join(words)}" if words else ""
