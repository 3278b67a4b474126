"""What is settled after training, on validation items: the voicing as a probability, its threshold.

Both depend on how confident the network is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mirzoo.data.labels import F0_RATE
from mirzoo.tasks.base import Validated
from mirzoo.tasks.melody.config import MelodyDecoding
from mirzoo.tasks.melody.decoder import is_voiced, refine, strongest_bins

SMALLEST = 1e-6
STEPS = 50
THRESHOLDS = tuple(np.round(np.arange(0.1, 0.91, 0.05), 2))
RIGHT_CENTS = 50.0


def fit_probability(
    recordings: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]],
) -> tuple[float, float]:
    """Find how to scale and shift log odds so that they are probabilities.

    Logistic regression of what is true on the log odds that a network gives (Platt 1999, without
    its smoothing of the labels), by Newton's method.

    Parameters
    ----------
    recordings : sequence of sequences of pairs
        For each corpus of its recordings the log odds and whether it is so, ``(frames,)`` each;
        every corpus counts alike.

    Returns
    -------
    scale, shift : float
        The probability is ``1 / (1 + exp(-(scale * log_odds + shift)))``; 1 and 0 where nothing is
        known, or all is alike.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods", Advances in Large Margin Classifiers, MIT Press, 1999.

    Examples
    --------
    >>> log_odds = np.repeat([-2.0, 2.0], 100)  # three quarters are true, not 0.88
    >>> truth = np.tile(np.repeat([1.0, 0.0], [25, 75]), 2)
    >>> truth[100:] = 1 - truth[100:]
    >>> [abs(round(value, 2)) for value in fit_probability([[(log_odds, truth)]])]
    [0.55, 0.0]
    """
    odds, truths, weights = [], [], []
    for corpus in recordings:
        count = sum(len(log_odds) for log_odds, _ in corpus)
        for log_odds, truth in corpus:
            odds.append(log_odds)
            truths.append(truth)
            weights.append(np.full(len(truth), 1 / max(count, 1)))
    if not odds:
        return 1.0, 0.0
    x, y, w = (np.concatenate(parts).astype(np.float64) for parts in (odds, truths, weights))
    if len(x) == 0 or y.min() == y.max() or np.ptp(x) < SMALLEST:
        return 1.0, 0.0
    inputs, found = np.stack([x, np.ones_like(x)], axis=1), np.array([1.0, 0.0])
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-inputs @ found))
        slope = inputs.T @ (w * (probability - y))
        curvature = (inputs * (w * probability * (1 - probability))[:, np.newaxis]).T @ inputs
        step = np.linalg.solve(curvature + SMALLEST * np.eye(2), slope)
        found = found - np.clip(step, -1, 1)
        if np.abs(step).max() < SMALLEST:
            break
    return float(found[0]), float(found[1])


def known_voicing(
    recordings: Iterable[Validated],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The log odds of the voicing of each recording, and its truth, where that is known.

    Parameters
    ----------
    recordings : iterable of Validated

    Returns
    -------
    list of pairs of np.ndarray
        Float ``(frames,)`` each.
    """
    found = []
    for labels, times, outputs in recordings:
        if labels.f0 is None:
            continue
        truth = labels.f0[np.minimum(np.round(times * F0_RATE).astype(int), len(labels.f0) - 1)]
        known = ~np.isnan(truth)
        inside = np.clip(outputs["voicing"][known, 0].astype(np.float64), SMALLEST, 1 - SMALLEST)
        found.append((np.log(inside / (1 - inside)), (truth[known] > 0).astype(np.float64)))
    return found


def calibrate_melody(
    decoding: MelodyDecoding, validation: Iterable[Iterable[Validated]], frame_rate: float
) -> MelodyDecoding:
    """Choose the voicing threshold at which most is right of what sounds and of what doesn't.

    Right is a frame whose melody is found to within 50 cents, or whose silence is. Voiced and
    unvoiced frames count alike, however many there are of either: clips cut out around a voice
    are voiced two thirds of the time, whole songs rather half.

    Parameters
    ----------
    decoding : MelodyDecoding
        The card's.
    validation : iterable of iterables of Validated
        For each corpus its labelled recordings; every corpus counts alike.
    frame_rate : float
        Of the outputs (Hz).
    """
    right = np.zeros(len(THRESHOLDS))
    for corpus in validation:
        hits, frames = np.zeros((len(THRESHOLDS), 2)), np.zeros(2)
        for labels, times, outputs in corpus:
            f0 = labels.f0
            if f0 is None:
                continue
            truth = f0[np.minimum(np.round(times * F0_RATE).astype(int), len(f0) - 1)]
            path = strongest_bins(outputs["salience"], decoding)
            bins, _ = refine(outputs["salience"], path, decoding.average_bins)
            found = decoding.fmin * 2 ** (bins / decoding.bins_per_octave)
            with np.errstate(divide="ignore", invalid="ignore"):
                off_cents = 1200 * np.abs(np.log2(found / truth))
            near = (truth > 0) & (off_cents <= RIGHT_CENTS)
            frames += np.count_nonzero(truth > 0), np.count_nonzero(truth == 0)
            for number, threshold in enumerate(THRESHOLDS):
                chosen = decoding.model_copy(update={"voicing_threshold": threshold})
                voiced = is_voiced(outputs["voicing"][:, 0], chosen, frame_rate)
                hits[number] += (
                    np.count_nonzero(voiced & near),
                    np.count_nonzero(~voiced & (truth == 0)),
                )
        kinds = frames > 0
        right += (hits[:, kinds] / frames[kinds]).sum(axis=1)
    best = float(THRESHOLDS[int(right.argmax())])
    return decoding.model_copy(update={"voicing_threshold": best})
