"""How readily a trained key model's decoder takes a modulation.

The transition penalty depends on how confident the network is, so it is chosen after training, on
validation recordings, every corpus counting alike: the highest of those that name as many frames
right as the best, give or take one in a thousand. Recordings that modulate make it lower, the
others higher.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mirzoo.data.labels import Labels
from mirzoo.tasks.base import Validated
from mirzoo.tasks.key.config import KEYS, KeyDecoding
from mirzoo.tasks.key.decoder import likeliest_keys
from mirzoo.tasks.key.targets import KeyTargets

CHANGE_PENALTIES = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)
AS_RIGHT = 0.001


class _One:
    """One recording's labels, as those of a corpus."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels

    def labels(self, index: int) -> Labels:
        return self._labels


def calibrate_keys(decoding: KeyDecoding, validation: Iterable[Iterable[Validated]]) -> KeyDecoding:
    """Choose the transition penalty; without labelled recordings the decoding stays as it is."""
    corpora = []
    for corpus in validation:
        judged = []
        for labels, times, outputs in corpus:
            truth = KeyTargets(_One(labels), [times]).read(0, len(times), 0)[KEYS]
            if truth.any():
                judged.append((outputs[KEYS], truth))
        if judged:
            corpora.append(judged)
    if not corpora:
        return decoding

    def share_right(penalty: float) -> float:
        trial = decoding.model_copy(update={"change_penalty": penalty})
        shares = []
        for judged in corpora:
            right = known = 0.0
            for probabilities, truth in judged:
                path = likeliest_keys(probabilities, trial)
                right += float(truth[np.arange(len(path)), path].sum())
                known += float(truth.sum())
            shares.append(right / known)
        return float(np.mean(shares))

    right = {penalty: share_right(penalty) for penalty in CHANGE_PENALTIES}
    least = max(right.values()) - AS_RIGHT
    penalty = max(penalty for penalty, share in right.items() if share >= least)
    return decoding.model_copy(update={"change_penalty": penalty})
