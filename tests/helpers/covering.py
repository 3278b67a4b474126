"""Covering arrays: few rows in which every two values of two factors meet."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

TRIES = 40


def covering_rows(
    factors: Mapping[str, Sequence[Any]], allowed: Callable[[dict[str, Any]], bool], seed: int
) -> tuple[list[dict[str, Any]], list[tuple[tuple[str, Any], tuple[str, Any]]]]:
    """Rows that together hold every pair of values that an allowed row can hold.

    Parameters
    ----------
    factors : mapping of str to sequence
        The values of each factor, its default first.
    allowed : callable
        Whether a row may be.
    seed : int

    Returns
    -------
    rows : list of dict
    never : list of pairs
        Those that no row was found for: neither with all else at its default, nor at random.
    """
    rng = random.Random(seed)
    default = {name: values[0] for name, values in factors.items()}
    missing = {
        ((a, x), (b, y))
        for a, b in itertools.combinations(factors, 2)
        for x in factors[a]
        for y in factors[b]
    }
    rows, never = [], []

    def covered(row: dict[str, Any]) -> set:
        return {pair for pair in missing if all(row[name] == value for name, value in pair)}

    while missing:
        pair = min(missing, key=repr)
        candidates = [{**default, **dict(pair)}]
        for _ in range(TRIES):
            row = {name: rng.choice(values) for name, values in factors.items()}
            candidates.append({**row, **dict(pair)})
        fitting = [row for row in candidates if allowed(row)]
        if not fitting:
            missing.remove(pair)
            never.append(pair)
            continue
        best = max(fitting, key=lambda row: len(covered(row)))
        rows.append(best)
        missing -= covered(best)
    return rows, never
