"""Counts and lists in plain words, for messages and pages."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, one: str, several: str = "") -> str:
    """A number with the word for what is counted, in the singular or the plural.

    Parameters
    ----------
    count : int
    one : str
        The word for one: ``"recording"``.
    several : str
        The word for others; by default with an s.

    Examples
    --------
    >>> counted(1, "recording"), counted(2000, "group"), counted(0, "class", "classes")
    ('1 recording', '2,000 groups', '0 classes')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def listed(parts: Sequence[str]) -> str:
    """Several things with commas and an "and".

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last
