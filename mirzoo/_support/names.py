"""Which names a mistyped or shortened one may stand for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CUTOFF = 0.55
"""The least similarity of a name, as `difflib` counts it."""


def near_names(name: object, known: Iterable[str], n: int = 3) -> list[str]:
    """Choose at most ``n`` names for a message that asks "did you mean".

    First come those that begin with what was given, then those with it as a part, then similar
    ones; case does not count.

    Examples
    --------
    >>> zoo = ["cqt_cnn_key", "hcqt_cnn_melody", "stft_crnn_melody", "yamnet"]
    >>> near_names("hcqt", zoo), near_names("melody", zoo), near_names("YAMET", zoo)
    (['hcqt_cnn_melody'], ['hcqt_cnn_melody', 'stft_crnn_melody'], ['yamnet'])
    """
    given = str(name).casefold()
    names: dict[str, str] = {}
    for one in known:
        names.setdefault(one.casefold(), one)
    begin = [one for one in names if given and one.startswith(given)]
    parts = [one for one in names if given and given in one.split("_")]
    similar = difflib.get_close_matches(given, names, n=n, cutoff=CUTOFF)
    similar = [] if begin or parts else similar
    return [names[one] for one in dict.fromkeys([*begin, *parts, *similar])][:n]


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Give a clause with the names that one may stand for; empty where none is near.

    Examples
    --------
    >>> did_you_mean("powerchords", ["power_chords", "lag_s"])
    "; did you mean 'power_chords'?"
    >>> did_you_mean("tempo", ["power_chords", "lag_s"])
    ''
    """
    near = near_names(name, known, n=2)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
