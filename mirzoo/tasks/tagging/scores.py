"""How good a tagger is: against labels, and against its teacher.

Two questions, each answered by a number that can be compared with another model's:

- `tagging_scores`: does it find the labels people gave? Area under the receiver operating
  characteristic (ROC-AUC) and average precision (PR-AUC), computed for each tag that has both
  positives and negatives and averaged over tags, as is usual for MagnaTagATune (Pons et al. 2018,
  arXiv:1711.02520).
- `agreement`: does it predict what its teacher predicts? Spearman's rank correlation for each tag,
  and ROC-AUC against the tags that the teacher gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mirzoo._support.words import counted
from mirzoo.errors import DataError
from mirzoo.tasks.scores import ByClass, Confusion, Judged, Reliability, Score, Scorer, ratio
from mirzoo.tasks.tagging.annotation import Tags

HOLDS_ABOVE = 0.5
TEACHER_GIVES_TAG = 0.2
FEWEST_POSITIVES = 10
BINS = 10
"""Of probabilities, to judge whether they are what they claim to be."""


@dataclass(frozen=True)
class TaggingScores:
    """Scores averaged over the ``n_tags`` tags that have positives and negatives."""

    roc_auc: float
    pr_auc: float
    n_tags: int


def tagging_scores(truth: np.ndarray, probabilities: np.ndarray) -> TaggingScores:
    """Score probabilities against labels.

    Parameters
    ----------
    truth : np.ndarray
        Boolean, ``(clips, tags)``.
    probabilities : np.ndarray
        Of the same shape.

    Returns
    -------
    TaggingScores

    Raises
    ------
    DataError
        If the shapes differ, or no tag has both positives and negatives.

    Examples
    --------
    >>> truth = np.array([[1, 0], [0, 1], [1, 1]], bool)
    >>> tagging_scores(truth, np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.6]])).roc_auc
    1.0
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth = np.asarray(truth, bool)
    if truth.shape != probabilities.shape or truth.ndim != 2:
        raise DataError(
            f"labels have shape {truth.shape} and probabilities {probabilities.shape}; both must "
            "be (clips, tags)"
        )
    positives = truth.sum(axis=0)
    usable = np.flatnonzero((positives > 0) & (positives < len(truth)))
    if not len(usable):
        raise DataError(
            f"of {counted(truth.shape[1], 'tag')} none has both positives and negatives among the "
            f"{counted(len(truth), 'clip')}, so nothing can be ranked; is it a set of one class?"
        )
    roc = [roc_auc_score(truth[:, tag], probabilities[:, tag]) for tag in usable]
    pr = [average_precision_score(truth[:, tag], probabilities[:, tag]) for tag in usable]
    return TaggingScores(float(np.mean(roc)), float(np.mean(pr)), len(usable))


@dataclass(frozen=True)
class Agreement:
    """Agreement with a teacher, averaged over tags.

    ``rank_correlation`` covers all tags that vary; ``roc_auc`` the ``n_tags`` that the teacher
    gives at least `FEWEST_POSITIVES` times, at a probability of at least `TEACHER_GIVES_TAG`.
    """

    rank_correlation: float
    roc_auc: float
    n_tags: int


def agreement(student: np.ndarray, teacher: np.ndarray) -> Agreement:
    """Compare the probabilities ``(windows, tags)`` of a student and its teacher."""
    from scipy.stats import spearmanr

    student = np.asarray(student, np.float64)
    teacher = np.asarray(teacher, np.float64)
    varies = (np.ptp(student, axis=0) > 0) & (np.ptp(teacher, axis=0) > 0)
    ranks = [spearmanr(student[:, tag], teacher[:, tag])[0] for tag in np.flatnonzero(varies)]
    given = teacher >= TEACHER_GIVES_TAG
    often = (given.sum(axis=0) >= FEWEST_POSITIVES) & ((~given).sum(axis=0) >= FEWEST_POSITIVES)
    scores = tagging_scores(given[:, often], student[:, often])
    return Agreement(float(np.mean(ranks)), scores.roc_auc, scores.n_tags)


class TagScorer(Scorer):
    """Scores the tags of recordings: see `mirzoo.tasks.scores.Scorer`.

    - ``ROC-AUC`` and ``PR-AUC`` (average precision), means over the tags that have positives and
      negatives;
    - ``accuracy``, where exactly one tag holds: the share of recordings whose likeliest tag is it;
    - ``F1``, mean over the tags that hold for any recording; given are the likeliest tag, or where
      any number holds all above the thresholds of the model's card, `HOLDS_ABOVE` where it has
      none.

    Of a truth's tags those above `HOLDS_ABOVE` hold, and none that it lacks. What counts of a
    result is its ``mean``.

    Parameters
    ----------
    activation : str
        "softmax" where exactly one tag holds.

    Examples
    --------
    >>> scorer = TagScorer("softmax")
    >>> for level, label in ((0.9, "loud"), (0.2, "quiet"), (0.6, "quiet")):
    ...     truth = Tags((label,), [0.0], [[1.0]], window_s=1.0)
    ...     given = Tags(("loud", "quiet"), [0.0], [[level, 1 - level]], window_s=1.0)
    ...     judged = scorer.add(truth, given)
    >>> {name: round(score.value, 2) for name, score in scorer.overall().items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'ROC-AUC, mean over 2 tags': 1.0, 'PR-AUC, mean over 2 tags': 1.0, 'accuracy': 0.67,
     'F1, mean over 2 tags': 0.67}
    """

    def __init__(self, activation: str) -> None:
        self._exclusive = activation == "softmax"
        self._labels: tuple[str, ...] = ()
        self._truths: list[np.ndarray] = []
        self._estimates: list[np.ndarray] = []
        self._total_s = 0.0
        self._limits: np.ndarray | float = HOLDS_ABOVE

    def add(self, truth: Tags, estimate: Tags) -> Judged:
        if unknown := sorted(set(truth.labels) - set(estimate.labels)):
            raise DataError(
                f"the labels {unknown} of {estimate.source or 'a recording'} are not among those "
                f"of {estimate.model or 'the model'}: {', '.join(estimate.labels)}"
            )
        self._labels = estimate.labels
        known = dict(zip(truth.labels, truth.mean, strict=True))
        wanted = np.array([known.get(label, 0.0) > HOLDS_ABOVE for label in estimate.labels])
        mean = estimate.mean
        self._truths.append(wanted)
        self._estimates.append(mean)
        self._total_s += estimate.duration_s
        if estimate.thresholds is not None:
            self._limits = np.array(estimate.thresholds)
        given = self._decided(mean[np.newaxis])[0]
        losses = _crossentropies(estimate.probabilities, wanted, self._exclusive)
        return Judged(
            _of_one(wanted, mean, given, self._exclusive, estimate.duration_s),
            loss=float(_crossentropies(mean[np.newaxis], wanted, self._exclusive)[0]),
            truth=tuple(np.array(self._labels, object)[wanted]),
            given=tuple(np.array(self._labels, object)[given]),
            confidence=float(mean.max()) if self._exclusive else None,
            at_s=float(estimate.intervals[losses.argmax(), 0]),
        )

    @property
    def count(self) -> int:
        return len(self._truths)

    @property
    def seconds(self) -> dict[str, float]:
        return dict.fromkeys(self._names(), self._total_s)

    def _names(self) -> dict[str, str]:
        """What each score is called, by the word for it; those alone that can be computed."""
        if not self._truths:
            return {}
        truth = np.array(self._truths)
        positives = truth.sum(axis=0)
        ranked = int(((positives > 0) & (positives < len(truth))).sum())
        names = {}
        if ranked:
            names[f"ROC-AUC, mean over {counted(ranked, 'tag')}"] = "roc_auc"
            names[f"PR-AUC, mean over {counted(ranked, 'tag')}"] = "pr_auc"
        if self._exclusive:
            names["accuracy"] = "accuracy"
        if holding := int((positives > 0).sum()):
            names[f"F1, mean over {counted(holding, 'tag')}"] = "f1"
        return names

    def scores(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        truth, estimates = np.array(self._truths), np.array(self._estimates)
        of_tags = self._of_tags(weights)
        found = {}
        for name, word in self._names().items():
            if word == "accuracy":
                right = estimates.argmax(axis=1) == truth.argmax(axis=1)
                found[name] = ratio(weights @ right, weights.sum(axis=1))
            else:
                found[name] = _mean_of_known(of_tags[word])
        return found

    def notes(self) -> list[str]:
        truth = np.array(self._truths, bool)
        if not len(truth) or self._ranked(truth).any():
            return []
        held = [label for label, holds in zip(self._labels, truth.max(axis=0)) if holds]
        what = f"has the same labels ({', '.join(held)})" if held else "has no label"
        return [f"ROC-AUC and PR-AUC are not given: every recording {what}, nothing can be ranked"]

    def by_class(self, weights: np.ndarray) -> ByClass | None:
        if not self._truths:
            return None
        held = np.flatnonzero(self._in_use())
        of_tags = self._of_tags(weights)
        words = _DECIDED + _RANKED if self._exclusive else _RANKED + _DECIDED
        scores = {_OF_A_TAG[word]: of_tags[word][:, held] for word in words}
        return ByClass(
            tuple(self._labels[tag] for tag in held),
            np.array(self._truths).sum(axis=0)[held],
            "clips",
            {name: values for name, values in scores.items() if np.isfinite(values).any()},
        )

    def confusion(self) -> Confusion | None:
        truth = np.array(self._truths)
        if not self._exclusive or not len(truth) or (truth.sum(axis=1) != 1).any():
            return None
        counts = np.zeros(2 * (len(self._labels),), np.int64)
        given = np.array(self._estimates).argmax(axis=1)
        np.add.at(counts, (truth.argmax(axis=1), given), 1)
        used = np.flatnonzero(counts.any(axis=0) | counts.any(axis=1))
        labels = tuple(self._labels[tag] for tag in used)
        return Confusion(labels, counts[np.ix_(used, used)], "clips")

    def reliability(self) -> Reliability | None:
        truth, estimates = np.array(self._truths), np.array(self._estimates)
        if not len(truth):
            return None
        if self._exclusive:
            given = estimates.argmax(axis=1)
            right = np.take_along_axis(truth, given[:, np.newaxis], axis=1)[:, 0]
            return reliability(estimates.max(axis=1), right, "the likeliest tag")
        used = self._in_use()
        return reliability(
            estimates[:, used].ravel(), truth[:, used].ravel(), "all tags that hold anywhere"
        )

    def _decided(self, probabilities: np.ndarray) -> np.ndarray:
        """Which tags are given, boolean ``(recordings, tags)``."""
        if not self._exclusive:
            return probabilities > self._limits
        return np.arange(probabilities.shape[1]) == probabilities.argmax(axis=1)[:, np.newaxis]

    def _in_use(self) -> np.ndarray:
        """Which tags hold for any recording, or are given to one where exactly one is."""
        held = np.array(self._truths)
        if self._exclusive:
            held = np.concatenate([held, self._decided(np.array(self._estimates))])
        return held.max(axis=0)

    @staticmethod
    def _ranked(truth: np.ndarray) -> np.ndarray:
        return truth.max(axis=0) & ~truth.min(axis=0)

    def _of_tags(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """ROC-AUC and so on of each tag under each weighting: ``(weightings, tags)``."""
        truth, estimates = np.array(self._truths), np.array(self._estimates)
        given = self._decided(estimates)
        ranks = np.full((2, len(weights), truth.shape[1]), np.nan)
        for tag in np.flatnonzero(self._ranked(truth)):
            ranks[:, :, tag] = _ranking(truth[:, tag], estimates[:, tag], weights)
        both = weights @ (truth & given)
        held, named = weights @ truth, weights @ given
        f1 = ratio(2 * both, held + named)
        return {
            "roc_auc": ranks[0],
            "pr_auc": ranks[1],
            "precision": ratio(both, named),
            "recall": ratio(both, held),
            "f1": np.where(held > 0, f1, np.nan),
        }


_DECIDED, _RANKED = ("f1", "precision", "recall"), ("roc_auc", "pr_auc")
_OF_A_TAG = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
}
"""What the scores of one tag are called."""


def reliability(probabilities: np.ndarray, right: np.ndarray, of: str) -> Reliability:
    """Compare probabilities with how often what they are of is right, in `BINS` even bins.

    Parameters
    ----------
    probabilities : np.ndarray
        In [0, 1], ``(n,)``.
    right : np.ndarray
        Boolean ``(n,)``.
    of : str
        What the probabilities are of.

    Examples
    --------
    >>> found = reliability(np.array([0.9, 0.9, 0.1]), np.array([True, False, False]), "a tag")
    >>> found.counts.tolist(), found.right.tolist(), round(found.error, 2)
    ([1, 2], [0.0, 0.5], 0.3)
    """
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    held = counts > 0
    confidence = np.bincount(bins, probabilities, BINS)[held] / counts[held]
    share = np.bincount(bins, right, BINS)[held] / counts[held]
    error = float(np.average(np.abs(share - confidence), weights=counts[held]))
    return Reliability(confidence, share, counts[held], error, of)


def _ranking(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ROC-AUC and average precision of one tag under many weightings: ``(2, weightings)``.

    As scikit-learn computes them with ``sample_weight``, all weightings at once.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    in_order = weights[:, order]
    positive = np.add.reduceat(in_order * truth[order], starts, axis=1)
    everything = np.add.reduceat(in_order, starts, axis=1)
    negative = everything - positive
    positives, negatives = positive.sum(axis=1), negative.sum(axis=1)
    below = np.cumsum(negative, axis=1) - negative
    won = (positive * (below + negative / 2)).sum(axis=1)
    above = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1]
    of_all = np.cumsum(everything[:, ::-1], axis=1)[:, ::-1]
    precision = np.nan_to_num(ratio(above, of_all))
    return np.stack(
        [
            ratio(won, positives * negatives),
            ratio((positive * precision).sum(axis=1), np.where(negatives > 0, positives, 0.0)),
        ]
    )


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """The mean over the last axis of what is not NaN; NaN where nothing is."""
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def _crossentropies(probabilities: np.ndarray, wanted: np.ndarray, exclusive: bool) -> np.ndarray:
    """The cross-entropy (nat) of each row of probabilities; over tags their mean."""
    safe = np.clip(probabilities, 1e-6, 1 - 1e-6)
    if exclusive:
        return -np.log(safe[:, wanted].sum(axis=1).clip(1e-6))
    return -np.where(wanted, np.log(safe), np.log(1 - safe)).mean(axis=1)


def _of_one(
    wanted: np.ndarray, mean: np.ndarray, given: np.ndarray, exclusive: bool, seconds: float
) -> dict[str, Score]:
    """What can be told of one recording: whether it is right, or how well its tags are ranked."""
    if exclusive:
        return {"right": Score(float(wanted[mean.argmax()]), seconds)}
    scores = {
        "F1": Score(2 * float((wanted & given).sum()) / max(wanted.sum() + given.sum(), 1), 1)
    }
    if wanted.any() and not wanted.all():
        ranks = _ranking(wanted, mean, np.ones((1, len(mean))))
        scores = {"PR-AUC over tags": Score(float(ranks[1, 0]), seconds), **scores}
    return {name: Score(score.value, seconds) for name, score in scores.items()}


def overall_scores(results: Iterable[tuple[Tags, Tags]], activation: str) -> dict[str, Score]:
    """Score the tags of many recordings, each with its truth before it.

    Parameters
    ----------
    results : iterable of (Tags, Tags)
        Truth and result of each recording.
    activation : str
        "softmax" where exactly one tag holds: then there is an accuracy as well.

    Returns
    -------
    dict of str to Score
        See `TagScorer`.

    Raises
    ------
    DataError
        If a truth has labels that the results lack, or there is no recording.
    """
    scorer = TagScorer(activation)
    for truth, estimate in results:
        scorer.add(truth, estimate)
    if not scorer.count:
        raise DataError("there is no recording to score; is the data set empty?")
    return scorer.overall()
