"""Settings of a decoding, given as a mapping or as keywords of the call itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mirzoo._support.names import did_you_mean
from mirzoo.card import Card
from mirzoo.errors import CardError

OF_OTHER_CALLS = {
    "careful": "annotate and annotate_many (`mirzoo annotate --careful`)",
    "allow_damaged": "calls that take whole recordings, such as annotate",
    "snap": "annotate_many (`mirzoo annotate --snap`)",
}
"""Switches that streams or catalogues have no parameter for, and the calls that have."""


def decoding_settings(
    cards: Sequence[Card],
    decoding: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
    *,
    call: Callable,
) -> dict[str, Any]:
    """Join the settings that a call was given as a mapping and as keywords.

    Parameters
    ----------
    cards : sequence of Card
        Of the models that are called; each keyword is a setting of one of them at least.
    decoding : mapping of str to value, optional
    keywords : mapping of str to value
        What the call has no parameter for.
    call : callable
        What was called; an unknown keyword may be a parameter of it that was misspelt.

    Returns
    -------
    dict of str to value
        `mirzoo.card.Card.decoded_with` checks the values.

    Raises
    ------
    CardError
        If a keyword is no setting of any of the models, is an option of other calls, or is in the
        mapping too.
    """
    given = decoding or {}
    for name in keywords:
        if name in given:
            raise CardError(
                f"the setting '{name}' is given twice, as a keyword ({keywords[name]!r}) and in "
                f"decoding ({given[name]!r}); give it once"
            )
    parameters = inspect.signature(call).parameters.values()
    for name in sorted(OF_OTHER_CALLS.keys() & keywords):
        raise CardError(f"'{name}' is no option of this call, but of {OF_OTHER_CALLS[name]}")
    require_settings(
        cards,
        keywords,
        among=[entry.name for entry in parameters if entry.kind is entry.KEYWORD_ONLY],
    )
    return {**given, **keywords}


def require_settings(
    cards: Sequence[Card], names: Iterable[str], *, among: Sequence[str] = ()
) -> None:
    """Raise a CardError where a name is a setting of none of the models.

    Parameters
    ----------
    cards : sequence of Card
    names : iterable of str
    among : sequence of str
        Other names that may have been meant.
    """
    known = [name for card in cards for name in card.changeable_settings]
    for name in names:
        if name not in known:
            each = "; ".join(card.settings_told for card in cards)
            guess = did_you_mean(name, dict.fromkeys([*known, *among])) or ";"
            raise CardError(f"there is no setting '{name}' of the decoding{guess} {each}")
