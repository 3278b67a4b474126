"""How well melodies agree: all of mir_eval's measures.

On the reference's frames: ``raw pitch accuracy`` is the share of its voiced frames whose pitch is
within a quarter tone, whether or not the estimate calls them voiced (hence the negative
frequencies of a `Melody`); ``raw chroma accuracy`` forgives octaves; ``voicing recall`` and
``voicing false alarm`` are the shares of its voiced and unvoiced frames that the estimate calls
voiced; ``overall accuracy`` is the share of all frames that are right in pitch and voicing.

References
----------
J. Salamon, E. Gómez, D. Ellis, G. Richard, "Melody extraction from polyphonic music signals",
IEEE Signal Processing Magazine 31(2), 2014. C. Raffel et al., "mir_eval", ISMIR 2014.
"""

from __future__ import annotations

import warnings

import numpy as np

from mirzoo.tasks.melody.annotation import Melody
from mirzoo.tasks.melody.config import MEASURES
from mirzoo.tasks.scores import Score, weighted_score


def melody_scores(truth: Melody, estimate: Melody) -> dict[str, Score]:
    """Score a melody against a reference.

    Parameters
    ----------
    truth, estimate : Melody
        The estimate is resampled to the times of the reference.

    Returns
    -------
    dict of str to Score
        `MEASURES`; those of voiced frames judge no second where the reference has none, and so
        on.

    Examples
    --------
    >>> times = np.arange(4) / 10
    >>> truth = Melody(times, [220.0, 220.0, 220.0, 0.0])
    >>> estimate = Melody(times, [220.0, 440.0, -220.0, 0.0])
    >>> {name: round(score.value, 2) for name, score in melody_scores(truth, estimate).items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'overall accuracy': 0.5, 'raw pitch accuracy': 0.67, 'raw chroma accuracy': 1.0,
     'voicing recall': 0.67, 'voicing false alarm': 0.0}
    """
    from mir_eval import melody

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="mir_eval")
        ours, our_cents, theirs, their_cents = melody.to_cent_voicing(
            truth.times, truth.f0, estimate.times, estimate.f0
        )
        recall, false_alarm = melody.voicing_measures(ours, theirs)
        pitches = (ours, our_cents, theirs, their_cents)
        values = {
            "overall accuracy": melody.overall_accuracy(*pitches),
            "raw pitch accuracy": melody.raw_pitch_accuracy(*pitches),
            "raw chroma accuracy": melody.raw_chroma_accuracy(*pitches),
            "voicing recall": recall,
            "voicing false alarm": false_alarm,
        }
    frame_s = float(np.median(np.diff(truth.times))) if len(truth.times) > 1 else truth.duration_s
    voiced_s, unvoiced_s = frame_s * float(ours.sum()), frame_s * float((1 - ours).sum())
    judged_s = {
        "overall accuracy": voiced_s + unvoiced_s,
        "voicing false alarm": unvoiced_s,
    }
    return {
        name: weighted_score(
            np.array([float(values[name])]), np.array([judged_s.get(name, voiced_s)])
        )
        for name in MEASURES
    }
