"""How good a tagger is: against labels, against its teacher, and as a representation.

Three questions, each answered by a figure that can be set beside another model's:

- `tagging_scores`: does it find the labels people gave? Area under the receiver operating
  characteristic (ROC-AUC) and average precision (PR-AUC), computed for each tag that has both
  positives and negatives and averaged over tags, as is usual for MagnaTagATune (Pons et al. 2018,
  arXiv:1711.02520).
- `agreement`: does it say what its teacher says? Spearman's rank correlation for each tag, and
  ROC-AUC against the tags that the teacher gives.
- `linear_probe`: does its embedding hold what tells classes apart? Accuracy of a logistic
  regression on embeddings, cross-validated so that no group (artist, track) is on both sides.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mirzoo.card import Metric
from mirzoo.data import folder
from mirzoo.data.folder import LabelledClips
from mirzoo.errors import DataError

TEACHER_GIVES_TAG = 0.2
FEWEST_POSITIVES = 10
PROBE_SEEDS = (0, 1, 2, 3, 4)
PROBE_FOLDS = 5


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


def linear_probe(embeddings: np.ndarray, classes: Sequence[str], groups: Sequence[str]) -> float:
    """Accuracy of a logistic regression on standardised embeddings.

    Five-fold cross-validation, stratified by class, with every group on one side only; repeated
    for five shuffles and averaged.

    Parameters
    ----------
    embeddings : np.ndarray
        ``(clips, size)``.
    classes, groups : sequence of str
        The class of each clip, and what must not be split (its artist, track or file).

    Returns
    -------
    float
        The share of clips whose class is found.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classes, groups = np.asarray(classes), np.asarray(groups)
    rarest = min(np.unique(classes, return_counts=True)[1])
    if rarest < PROBE_FOLDS:
        raise DataError(
            f"a class has {rarest} clips only; {PROBE_FOLDS}-fold cross-validation needs at least "
            f"{PROBE_FOLDS} of each"
        )
    right = []
    for seed in PROBE_SEEDS:
        folds = StratifiedGroupKFold(PROBE_FOLDS, shuffle=True, random_state=seed)
        for train, test in folds.split(embeddings, classes, groups):
            probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
            probe.fit(embeddings[train], classes[train])
            right.append(probe.predict(embeddings[test]) == classes[test])
    return float(np.mean(np.concatenate(right)))


def evaluate_tagger(runner, data: str | os.PathLike | LabelledClips) -> list[Metric]:
    """Score a tagger on labelled clips; see `mirzoo.evaluate`.

    Parameters
    ----------
    runner : mirzoo.models.model.Model or mirzoo.runtimes.litert.LiteRTModel
    data : str, path or LabelledClips
        A folder with a folder for each class, a CSV file, ``tfds:<name>`` (see
        `mirzoo.data.folder`), or clips already loaded; their labels are among the tagger's.

    Returns
    -------
    list of Metric
        Macro ROC-AUC and PR-AUC, and the accuracy where exactly one label holds. A clip's
        probabilities are the means over its windows.
    """
    if not isinstance(data, LabelledClips):
        dataset, data = str(data), folder.load(data, labels=runner.card.labels)
    else:
        dataset = "clips"
    contract = runner.card.input
    windows = data.windows(contract.sample_rate, contract.window_samples, contract.hop_samples)
    heard = runner.predict_windows(windows.waveforms)[runner.card.outputs[0].name]
    probabilities = np.stack(
        [heard[windows.clips == clip].mean(axis=0) for clip in range(len(data.clips))]
    )
    scores = tagging_scores(data.targets, probabilities)
    found = {
        f"ROC-AUC, mean over {scores.n_tags} tags": scores.roc_auc,
        f"PR-AUC, mean over {scores.n_tags} tags": scores.pr_auc,
    }
    if runner.card.activation == "softmax":
        right = probabilities.argmax(axis=1) == data.targets.argmax(axis=1)
        found["accuracy"] = float(right.mean())
    return [
        Metric(
            dataset=dataset,
            split="all clips",
            metric=metric,
            value=value,
            n=len(data.clips),
            method="probabilities averaged over a clip's windows",
        )
        for metric, value in found.items()
    ]
