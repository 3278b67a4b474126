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

from mirzoo.errors import DataError
from mirzoo.tasks.scores import Score
from mirzoo.tasks.tagging.annotation import Tags

HOLDS_ABOVE = 0.5
TEACHER_GIVES_TAG = 0.2
FEWEST_POSITIVES = 10


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
            f"none of the {truth.shape[1]} tags has both positives and negatives among the "
            f"{len(truth)} clips, so nothing can be ranked; is it a set of one class?"
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


def overall_scores(results: Iterable[tuple[Tags, Tags]], activation: str) -> dict[str, Score]:
    """Score the tags of many recordings, each with its truth before it.

    Parameters
    ----------
    results : iterable of (Tags, Tags)
        Of a truth's tags those above 0.5 hold, and none that it lacks. What counts of a result is
        its ``mean``.
    activation : str
        "softmax" where exactly one tag holds: then there is an accuracy as well.

    Returns
    -------
    dict of str to Score
        Macro ROC-AUC and PR-AUC, and the accuracy.

    Raises
    ------
    DataError
        If a truth has labels that the results lack, or no tag has both positives and negatives.
    """
    truths, estimates, seconds = [], [], 0.0
    for truth, estimate in results:
        if unknown := sorted(set(truth.labels) - set(estimate.labels)):
            raise DataError(
                f"the labels {unknown} of {estimate.source or 'a recording'} are not among those "
                f"of {estimate.model or 'the model'}: {', '.join(estimate.labels)}"
            )
        known = dict(zip(truth.labels, truth.mean, strict=True))
        truths.append([known.get(label, 0.0) > HOLDS_ABOVE for label in estimate.labels])
        estimates.append(estimate.mean)
        seconds += estimate.duration_s
    if not truths:
        raise DataError("there is no recording to score; is the data set empty?")
    wanted, given = np.array(truths, bool), np.array(estimates)
    scores = tagging_scores(wanted, given)
    found = {
        f"ROC-AUC, mean over {scores.n_tags} tags": scores.roc_auc,
        f"PR-AUC, mean over {scores.n_tags} tags": scores.pr_auc,
    }
    if activation == "softmax":
        found["accuracy"] = float((given.argmax(axis=1) == wanted.argmax(axis=1)).mean())
    return {name: Score(value, seconds) for name, value in found.items()}
