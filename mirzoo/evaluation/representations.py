"""How good an embedding is: whether classes can be told apart by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirzoo._support.words import counted
from mirzoo.errors import DataError

PROBE_SEEDS = (0, 1, 2, 3, 4)
PROBE_FOLDS = 5


def linear_probe(embeddings: np.ndarray, classes: Sequence[str], groups: Sequence[str]) -> float:
    """Accuracy of a logistic regression on standardised embeddings.

    The mean of `probed_clips`, whose parameters it has: the share of clips whose class is found.
    """
    return float(np.mean(probed_clips(embeddings, classes, groups)))


def probed_clips(
    embeddings: np.ndarray, classes: Sequence[str], groups: Sequence[str]
) -> np.ndarray:
    """Tell how often a logistic regression on standardised embeddings finds each clip's class.

    Five-fold cross-validation, stratified by class, with every group on one side only; repeated
    for five shuffles.

    Parameters
    ----------
    embeddings : np.ndarray
        ``(clips, size)``.
    classes, groups : sequence of str
        The class of each clip, and what must not be split (its artist, track or file).

    Returns
    -------
    np.ndarray, float64, shape (clips,)
        The share of the shuffles in which the class was found.

    Raises
    ------
    DataError
        If a class has fewer clips than there are folds.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wanted, sides = np.asarray(classes), np.asarray(groups)
    rarest = min(np.unique(wanted, return_counts=True)[1])
    if rarest < PROBE_FOLDS:
        raise DataError(
            f"a class has {counted(rarest, 'clip')} only; {PROBE_FOLDS}-fold cross-validation "
            "needs at least "
            f"{PROBE_FOLDS} of each"
        )
    right = np.zeros(len(wanted))
    for seed in PROBE_SEEDS:
        folds = StratifiedGroupKFold(PROBE_FOLDS, shuffle=True, random_state=seed)
        for train, test in folds.split(embeddings, wanted, sides):
            probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
            probe.fit(embeddings[train], wanted[train])
            right[test] += probe.predict(embeddings[test]) == wanted[test]
    return right / len(PROBE_SEEDS)
