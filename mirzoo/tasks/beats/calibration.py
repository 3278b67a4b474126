"""How readily a trained beat model's decoder changes tempo and metre.

What a change costs, and a fast tempo, depends on how confident the network is, so penalties are
chosen after training, on validation recordings, every corpus counting alike: those with the highest
F-measure, of beats first and then of downbeats over these beats; of equals the highest penalty of a
change, and the lowest of a fast tempo.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mirzoo.tasks.base import Validated
from mirzoo.tasks.beats.annotation import Beats, truth_of
from mirzoo.tasks.beats.bars import bar_positions
from mirzoo.tasks.beats.config import BEAT, BEATS, DOWNBEAT, BeatsDecoding
from mirzoo.tasks.beats.decoder import find_beats, strength_at
from mirzoo.tasks.beats.scores import beat_scores

FAST_TEMPO_PENALTIES = (5.0, 3.0, 1.5, 0.0)
TEMPO_CHANGE_PENALTIES = (20.0, 50.0, 100.0, 200.0)
METRE_CHANGE_PENALTIES = (8.0, 12.0, 20.0)


def calibrate_beats(
    decoding: BeatsDecoding, validation: Iterable[Iterable[Validated]]
) -> BeatsDecoding:
    """Choose the penalties; without labelled recordings the decoding stays as it is."""
    corpora = []
    for corpus in validation:
        judged = []
        for labels, times, outputs in corpus:
            truth = truth_of(labels)
            if truth is not None and len(times) > 1:
                judged.append((truth, times, outputs[BEATS]))
        if judged:
            corpora.append(judged)
    if not corpora:
        return decoding

    def mean_score(trial: BeatsDecoding, name: str) -> float:
        means = []
        for judged in corpora:
            scores = [
                beat_scores(truth, _decoded(outputs, times, trial))[name]
                for truth, times, outputs in judged
            ]
            values = [score.value for score in scores if score.seconds > 0]
            means += [float(np.mean(values))] if values else []
        return float(np.mean(means)) if means else 0.0

    for field, penalties, name in (
        ("fast_tempo_penalty", FAST_TEMPO_PENALTIES, "beat F"),
        ("tempo_change_penalty", TEMPO_CHANGE_PENALTIES, "beat F"),
        ("metre_change_penalty", METRE_CHANGE_PENALTIES, "downbeat F"),
    ):
        trials = [decoding.model_copy(update={field: penalty}) for penalty in penalties]
        scores = [mean_score(trial, name) for trial in trials]
        decoding = trials[max(range(len(trials)), key=lambda number: (scores[number], number))]
    return decoding


def _decoded(outputs: np.ndarray, times: np.ndarray, decoding: BeatsDecoding) -> Beats:
    step = (times[-1] - times[0]) / (len(times) - 1)
    found = find_beats(outputs[:, BEAT], 1 / step, decoding)
    positions = bar_positions(
        strength_at(outputs[:, DOWNBEAT], found.frames),
        beats_per_bar=decoding.beats_per_bar,
        change_penalty=decoding.metre_change_penalty,
    )
    at = times[0] + found.frames * step
    return Beats(at[at >= 0], positions[at >= 0])
