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
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mirzoo.dsp.chord_vocabulary import NO_CHORD, QUALITIES, UNNAMED, parse_chord
from mirzoo.tasks.chords.annotation import Chords
from mirzoo.tasks.scores import (
    ClassScorer,
    Confusion,
    Judged,
    Score,
    longest_run,
    overall,
    weighted_score,
)

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
    return _scores(_merge(truth, estimate))


class _Merged(NamedTuple):
    """Chords of a reference and an estimate, and the pieces in which neither changes."""

    intervals: np.ndarray
    labels: list[str]
    others: np.ndarray
    other_labels: list[str]
    pieces: np.ndarray
    ours: list[str]
    theirs: list[str]

    @property
    def seconds(self) -> np.ndarray:
        return self.pieces[:, 1] - self.pieces[:, 0]


def _merge(truth: Chords, estimate: Chords) -> _Merged:
    from mir_eval import util

    intervals, labels = _without_gaps(truth, UNNAMED)
    others, other_labels = util.adjust_intervals(
        *_without_gaps(estimate, NO_CHORD), intervals.min(), intervals.max(), NO_CHORD, NO_CHORD
    )
    merged = util.merge_labeled_intervals(intervals, labels, others, other_labels)
    return _Merged(intervals, labels, others, other_labels, *merged)


def _scores(merged: _Merged) -> dict[str, Score]:
    from mir_eval import chord

    intervals, labels, others, other_labels, _, ours, theirs = merged
    seconds = merged.seconds
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


class ChordScorer(ClassScorer):
    """Scores the chords of recordings, and of each quality of the reference.

    Of each quality the shares of its time with the right root, and with the right chord as
    ``tetrads`` compares them; and for which quality it was taken where the root is right.
    """

    class_scores = ("tetrads", "root")

    def __init__(self) -> None:
        super().__init__(chord_scores, ("majmin", "root"))
        self._taken: dict[tuple[str, str], float] = {}

    def add(self, truth: Chords, estimate: Chords) -> Judged:
        from mir_eval import chord

        merged = _merge(truth, estimate)
        judged = self._judge(_scores(merged))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module="mir_eval")
            right = {name: getattr(chord, name)(*merged[-2:]) for name in self.class_scores}
        of_classes: dict[str, dict[str, tuple[float, float]]] = {}
        for number, (ours, theirs, lasts) in enumerate(zip(*merged[-2:], merged.seconds.tolist())):
            quality = quality_of(ours)
            if quality is None:
                continue
            of_class = of_classes.setdefault(quality, {})
            for name, values in right.items():
                if values[number] >= 0:
                    good, total = of_class.get(name, (0.0, 0.0))
                    of_class[name] = (good + lasts * float(values[number]), total + lasts)
            same_root = right["root"][number] > 0
            given = (quality_of(theirs) or OTHER) if same_root else OTHER_ROOT
            self._taken[quality, given] = self._taken.get((quality, given), 0.0) + lasts
        self._hold(of_classes)
        at_s = longest_run(right["root"] == 0, merged.pieces[:, 0], merged.seconds)
        return judged._replace(at_s=at_s)

    def confusion(self) -> Confusion | None:
        labels = tuple(sorted({label for pair in self._taken for label in pair}))
        if not labels:
            return None
        labels = (*(label for label in labels if label != OTHER_ROOT), OTHER_ROOT)
        counts = np.array(
            [[self._taken.get((ours, theirs), 0.0) for theirs in labels] for ours in labels]
        )
        return Confusion(labels, counts, "s")


OTHER, OTHER_ROOT = "other", "another root"


@lru_cache(maxsize=4096)
def quality_of(label: str) -> str | None:
    """The quality that a label states, without extensions and bass; None where it is not known.

    Examples
    --------
    >>> quality_of("A:min7/b3"), quality_of("G:9"), quality_of("N"), quality_of("X")
    ('min7', '7', 'N', None)
    >>> quality_of("D:(1,4,b7)")
    'other'
    """
    chord = parse_chord(label)
    if chord is None:
        return None
    if chord.root is None:
        return NO_CHORD
    of_intervals = {frozenset(intervals): name for name, intervals in QUALITIES.items()}
    return of_intervals.get(chord.stated, OTHER)


def _without_gaps(chords: Chords, filling: str) -> tuple[np.ndarray, list[str]]:
    segments: list[Sequence] = []
    for start, end, label in chords.segments:
        before = segments[-1][1] if segments else 0.0
        if start > before + GAP_S:
            segments.append((before, start, filling))
        segments.append((before if start <= before + GAP_S else start, end, label))
    return np.array([segment[:2] for segment in segments]), [segment[2] for segment in segments]
