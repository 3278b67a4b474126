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
from mirzoo.tasks.scores import ClassScorer, Judged, Score, longest_run, weighted_score


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
    return _scores(truth, _pitches(truth, estimate))


Pitches = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Voicing and pitch (cents) of the reference, and of the estimate, at the reference's times."""


def _pitches(truth: Melody, estimate: Melody) -> Pitches:
    from mir_eval import melody

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="mir_eval")
        return melody.to_cent_voicing(truth.times, truth.f0, estimate.times, estimate.f0)


def _frame_s(truth: Melody) -> float:
    return float(np.median(np.diff(truth.times))) if len(truth.times) > 1 else truth.duration_s


def _scores(truth: Melody, pitches: Pitches) -> dict[str, Score]:
    from mir_eval import melody

    ours, _, theirs, _ = pitches
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="mir_eval")
        recall, false_alarm = melody.voicing_measures(ours, theirs)
        values = {
            "overall accuracy": melody.overall_accuracy(*pitches),
            "raw pitch accuracy": melody.raw_pitch_accuracy(*pitches),
            "raw chroma accuracy": melody.raw_chroma_accuracy(*pitches),
            "voicing recall": recall,
            "voicing false alarm": false_alarm,
        }
    frame_s = _frame_s(truth)
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


class MelodyScorer(ClassScorer):
    """Scores the melodies of recordings, and of each octave of the reference.

    Of the voiced frames in an octave, from a quarter tone below C to one above B, the shares whose
    pitch is right, right but for octaves, and called voiced.
    """

    class_scores = ("raw pitch accuracy", "raw chroma accuracy", "voicing recall")

    def __init__(self) -> None:
        super().__init__(melody_scores, MEASURES, frozenset({"voicing false alarm"}))

    def add(self, truth: Melody, estimate: Melody) -> Judged:
        pitches = _pitches(truth, estimate)
        judged = self._judge(_scores(truth, pitches))
        frame_s = _frame_s(truth)
        ours, our_cents, theirs, their_cents = pitches
        voiced = ours > 0
        apart = our_cents - their_cents
        sounds = their_cents != 0  # mir_eval's cents of what has no pitch at all
        near = sounds & (np.abs(apart) < QUARTER_TONE)
        in_class = sounds & (np.abs(apart - OCTAVE * np.floor(apart / OCTAVE + 0.5)) < QUARTER_TONE)
        right = dict(zip(self.class_scores, (near, in_class, theirs > 0), strict=True))
        octaves = np.floor(our_cents / OCTAVE + OCTAVES_BELOW).astype(int)
        of_classes = {}
        for octave in np.unique(octaves[voiced]).tolist():
            here = voiced & (octaves == octave)
            total = frame_s * float(here.sum())
            of_classes[f"C{octave} to B{octave}"] = {
                name: (frame_s * float((here & values).sum()), total)
                for name, values in right.items()
            }
        self._hold(of_classes)
        wrong = voiced & ~near
        starts = truth.times[: len(wrong)]
        lasting = np.full(len(wrong), frame_s)
        at_s = longest_run(wrong[: len(starts)], starts, lasting[: len(starts)])
        return judged._replace(at_s=at_s)


OCTAVE, QUARTER_TONE = 1200.0, 50.0
OCTAVES_BELOW = float(np.log2(10.0 / 440.0) + 4 + 9 / 12) + QUARTER_TONE / OCTAVE
"""How far mir_eval's 0 cents, 10 Hz, are above what counts as C0."""
