"""How well chords agree: all of mir_eval's comparisons.

Labels are compared by what they share: the root; the third as well (``thirds``); the triad
(``triads``), the seventh (``sevenths``), the whole chord (``tetrads``); major and minor alone
(``majmin``); at least three common pitches (``mirex``). Names that end in ``_inv`` ask for the
bass too. Each score is the share of the time, of that part of it for which the comparison is
defined by the reference: ``majmin`` leaves out a diminished chord. The segmentation scores
compare the edges alone: ``overseg`` falls where chords are cut up, ``underseg`` where changes are
missed, and ``seg`` is the smaller of the two.

References
----------
C. Raffel et al., "mir_eval: a transparent implementation of common MIR metrics", ISMIR 2014.
J. Pauwels and G. Peeters, "Evaluating automatically estimated chord sequences", ICASSP 2013.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from mirzoo.dsp.chord_vocabulary import NO_CHORD, UNNAMED
from mirzoo.tasks.chords.annotation import Chords
from mirzoo.tasks.scores import Score, overall, weighted_score

COMPARISONS = (
    "root", "majmin", "majmin_inv", "mirex", "thirds", "thirds_inv", "triads", "triads_inv",
    "sevenths", "sevenths_inv", "tetrads", "tetrads_inv",
)  # fmt: skip
SEGMENTATIONS = ("overseg", "underseg", "seg")
GAP_S = 1e-6


def chord_scores(truth: Chords, estimate: Chords) -> dict[str, Score]:
    """Score chords against a reference.

    Time that the reference doesn't label is not judged; time that the estimate doesn't label is
    no chord.

    Parameters
    ----------
    truth, estimate : Chords

    Returns
    -------
    dict of str to Score
        `COMPARISONS` and `SEGMENTATIONS`.

    Examples
    --------
    >>> truth = Chords([(0.0, 2.0, "C:maj7"), (2.0, 4.0, "A:min")])
    >>> estimate = Chords([(0.0, 2.0, "C:maj"), (2.0, 3.0, "A:min"), (3.0, 4.0, "A:maj")])
    >>> scores = chord_scores(truth, estimate)
    >>> [round(scores[name].value, 2) for name in ("root", "majmin", "sevenths")]
    [1.0, 0.75, 0.25]
    """
    from mir_eval import chord, util

    intervals, labels = _without_gaps(truth, UNNAMED)
    others, other_labels = util.adjust_intervals(
        *_without_gaps(estimate, NO_CHORD), intervals.min(), intervals.max(), NO_CHORD, NO_CHORD
    )
    merged, ours, theirs = util.merge_labeled_intervals(intervals, labels, others, other_labels)
    seconds = util.intervals_to_durations(merged)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="mir_eval")
        scores = {
            name: weighted_score(getattr(chord, name)(ours, theirs), seconds)
            for name in COMPARISONS
        }
        edges = (
            chord.merge_chord_intervals(intervals, labels),
            chord.merge_chord_intervals(others, other_labels),
        )
        for name in SEGMENTATIONS:
            scores[name] = Score(float(getattr(chord, name)(*edges)), float(seconds.sum()))
    return scores


def chord_agreement(one: Chords, other: Chords) -> dict[str, Score]:
    """How far two results on the same recording agree, neither being the reference.

    Each takes the reference's place once, and the scores are averaged.
    """
    return overall([chord_scores(one, other), chord_scores(other, one)])


def _without_gaps(chords: Chords, filling: str) -> tuple[np.ndarray, list[str]]:
    segments: list[Sequence] = []
    for start, end, label in chords.segments:
        before = segments[-1][1] if segments else 0.0
        if start > before + GAP_S:
            segments.append((before, start, filling))
        segments.append((before if start <= before + GAP_S else start, end, label))
    return np.array([segment[:2] for segment in segments]), [segment[2] for segment in segments]
