"""Which names a mistyped or shortened one may stand for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CUTOFF = 0.5
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
