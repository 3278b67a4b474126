"""Covering arrays: few rows in which every two values of two factors meet."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

TRIES = 6


def covering_rows(
    factors: Mapping[str, Sequence[Any]], allowed: Callable[[dict[str, Any]], bool], seed: int
) -> tuple[list[dict[str, Any]], list[tuple[tuple[str, Any], tuple[str, Any]]]]:
    """Rows that together hold every pair of values that may stand in a row.

    Each row begins with a pair that is missing, all else at its default, and takes for one factor
    after the other, in random orders of which the best counts, the allowed value that adds the
    most missing pairs.

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
        Those that are not allowed with all else at its default.
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

    def grown(row: dict[str, Any], fixed: set[str]) -> dict[str, Any]:
        others = [name for name in factors if name not in fixed]
        rng.shuffle(others)
        for name in others:
            choices = [{**row, name: value} for value in factors[name]]
            for choice in sorted(choices, key=lambda choice: -len(covered(choice))):
                if choice == row or allowed(choice):
                    row = choice
                    break
        return row

    while missing:
        pair = min(missing, key=repr)
        start = {**default, **dict(pair)}
        if not allowed(start):
            missing.remove(pair)
            never.append(pair)
            continue
        tries = [grown(start, set(dict(pair))) for _ in range(TRIES)]
        rows.append(max(tries, key=lambda row: len(covered(row))))
        missing -= covered(rows[-1])
    return rows, never
