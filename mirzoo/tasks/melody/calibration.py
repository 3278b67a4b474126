"""How a trained melody model's outputs are decoded: the threshold that does best on validation
items.

The voicing threshold depends on how confident the network is, so it is chosen after training.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mirzoo.data.labels import F0_RATE
from mirzoo.tasks.base import Validated
from mirzoo.tasks.melody.config import MelodyDecoding
from mirzoo.tasks.melody.decoder import is_voiced, refine, strongest_bins

THRESHOLDS = tuple(np.round(np.arange(0.1, 0.91, 0.05), 2))
RIGHT_CENTS = 50.0


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
