"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give a clause with the known names that are nearest to one; empty where none is near.

    Examples
    --------
    >>> did_you_mean("powerchords", ["power_chords", "prior"])
    "; did you mean 'power_chords'?"
    >>> did_you_mean("tempo", ["power_chords", "prior"])
    ''
    """
    near = difflib.get_close_matches(name, list(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
