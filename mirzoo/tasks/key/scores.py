"""How right a key is: mir_eval's score, and what it is made of.

``weighted`` is mir_eval's score, which is that of MIREX: 1 for the right key, 0.5 for a key a
perfect fifth from it, 0.3 for its relative major or minor, 0.2 for its parallel one. Which fifths
count is the option in it: mir_eval 0.8 takes the key a fifth *above* the reference alone, other
programs and earlier papers the one below as well. ``weighted`` has mir_eval's choice,
``weighted_both_fifths`` the other. ``correct``, ``fifth`` (above), ``fifth_below``, ``relative``
and ``parallel`` are the shares of recordings with each relation, ``tonic`` that with the right
tonic in whatever mode.

``major`` and ``minor`` are ``correct`` over the recordings in these modes, told apart because
systems that name the wrong one of two relatives are wrong in one mode only. Recordings in a church
mode (``D:dorian``) have no right answer among 24 keys. They are judged by none of the above but by
``modal`` alone: whether the tonic is right and the third is the mode's.

Every recording counts alike, however long.

References
----------
C. Raffel et al., "mir_eval: a transparent implementation of common MIR metrics", ISMIR 2014.
MIREX, "Audio key detection", https://www.music-ir.org/mirex/wiki/2025:Audio_Key_Detection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirzoo.tasks.key.names import MAJOR, MINOR, KeyName, parse_key
from mirzoo.tasks.scores import Score

if TYPE_CHECKING:
    from mirzoo.tasks.key.annotation import Key

RELATIONS = ("correct", "fifth", "fifth_below", "relative", "parallel")
WEIGHTS = {"correct": 1.0, "fifth": 0.5, "relative": 0.3, "parallel": 0.2}
"""Of mir_eval's score."""

FIFTH_BELOW = {**WEIGHTS, "fifth_below": 0.5}
SCORES = ("weighted", "weighted_both_fifths", *RELATIONS, "tonic", "major", "minor", "modal")


def relation(truth: KeyName, given: KeyName) -> str | None:
    """How a key relates to the right one, one of `RELATIONS`; None where it does not.

    Examples
    --------
    >>> from mirzoo.tasks.key.names import parse_key
    >>> [relation(parse_key("C:maj"), parse_key(key)) for key in ("G", "F", "Am", "Cm", "D")]
    ['fifth', 'fifth_below', 'relative', 'parallel', None]
    """
    up = (given.tonic - truth.tonic) % 12
    if given.mode == truth.mode:
        return {0: "correct", 7: "fifth", 5: "fifth_below"}.get(up)
    return {0: "parallel", 9 if truth.mode == MAJOR else 3: "relative"}.get(up)


def key_scores(truth: Key, estimate: Key) -> dict[str, Score]:
    """Score the key of a recording against the right one.

    Parameters
    ----------
    truth, estimate : Key

    Returns
    -------
    dict of str to Score
        `SCORES`; those that the right key's mode leaves undefined are on 0 s.

    Examples
    --------
    >>> from mirzoo.tasks.key import Key
    >>> scores = key_scores(Key("C:maj", duration_s=9.0), Key("A:min", duration_s=9.0))
    >>> scores["weighted"].value, scores["relative"].value, scores["minor"].seconds
    (0.3, 1.0, 0.0)
    """
    right, given = parse_key(truth.key), parse_key(estimate.key)
    found = relation(right, given)
    known = right.mode in (MAJOR, MINOR)
    values: dict[str, float | None] = dict.fromkeys(SCORES)
    if known:
        values["weighted"] = WEIGHTS.get(found or "", 0.0)
        values["weighted_both_fifths"] = FIFTH_BELOW.get(found or "", 0.0)
        values |= {name: float(found == name) for name in RELATIONS}
        values["tonic"] = float(right.tonic == given.tonic)
        values["major" if right.mode == MAJOR else "minor"] = float(found == "correct")
    else:
        values["modal"] = float((right.tonic, right.third) == (given.tonic, given.third))
    seconds = truth.duration_s or 1.0
    return {
        name: Score(float("nan"), 0.0) if value is None else Score(value, seconds)
        for name, value in values.items()
    }
