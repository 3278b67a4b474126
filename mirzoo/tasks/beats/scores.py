"""How right beats are: mir_eval's scores, and the tempo's.

As mir_eval and MIREX have it, the first five seconds are not judged. ``beat F`` and
``downbeat F`` count beats within 70 ms of the right ones. ``CMLt`` is the share of beats in
stretches of the right metrical level, each within 17.5 % of a beat's length in time and length;
``AMLt`` allows half and double time and off-beats too. ``tempo acc1`` is whether the tempo is
within 4 % of the right one, ``tempo acc2`` whether it is once multiplied by 1, 2, 3, 1/2 or 1/3
[1]_. Every recording counts alike, however long.

References
----------
.. [1] F. Gouyon et al., "An experimental comparison of audio tempo induction algorithms", IEEE
   Transactions on Audio, Speech, and Language Processing 14(5), 2006.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mirzoo.tasks.scores import Score

if TYPE_CHECKING:
    from mirzoo.tasks.beats.annotation import Beats

SCORES = ("beat F", "CMLt", "AMLt", "downbeat F", "tempo acc1", "tempo acc2")
TRIMMED_S = 5.0
TEMPO_TOLERANCE = 0.04
MULTIPLES = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)


def beat_scores(truth: Beats, estimate: Beats) -> dict[str, Score]:
    """Score the beats of a recording against the right ones.

    Parameters
    ----------
    truth, estimate : Beats

    Returns
    -------
    dict of str to Score
        `SCORES`. A score is on 0 s where the truth leaves it undefined: no beats behind the first
        five seconds, no downbeats, or no tempo.

    Examples
    --------
    >>> from mirzoo.tasks.beats import Beats
    >>> truth = Beats(np.arange(0.0, 20.0, 0.5))
    >>> scores = beat_scores(truth, Beats(np.arange(0.0, 20.0, 1.0)))
    >>> round(scores["beat F"].value, 2), scores["tempo acc1"].value, scores["tempo acc2"].value
    (0.67, 0.0, 1.0)
    """
    from mir_eval import beat

    right, given = _trimmed(truth.times), _trimmed(estimate.times)
    values: dict[str, float] = {}
    if len(right):
        values["beat F"] = _f_measure(right, given)
    if len(right) > 1:
        values["CMLt"] = values["AMLt"] = 0.0
        if len(given) > 1:
            _, cmlt, _, amlt = beat.continuity(right, given)
            values |= {"CMLt": float(cmlt), "AMLt": float(amlt)}
    firsts = _trimmed(truth.downbeats)
    if len(firsts):
        values["downbeat F"] = _f_measure(firsts, _trimmed(estimate.downbeats))
    if truth.tempo is not None:
        ratio = (estimate.tempo or 0.0) / truth.tempo
        values["tempo acc1"] = float(abs(ratio - 1) <= TEMPO_TOLERANCE)
        near = [abs(ratio / multiple - 1) <= TEMPO_TOLERANCE for multiple in MULTIPLES]
        values["tempo acc2"] = float(any(near))
    seconds = truth.duration_s or 1.0
    return {
        name: Score(values[name], seconds) if name in values else Score(float("nan"), 0.0)
        for name in SCORES
    }


def _trimmed(times: np.ndarray) -> np.ndarray:
    return times[times >= TRIMMED_S]


def _f_measure(right: np.ndarray, given: np.ndarray) -> float:
    """mir_eval's, without its warning where nothing is given."""
    from mir_eval import beat

    return float(beat.f_measure(right, given)) if len(given) else 0.0
