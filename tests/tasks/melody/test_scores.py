"""Scores of melodies are those of mir_eval."""

import mir_eval
import numpy as np
import pytest

from mirzoo.tasks.melody import Melody, melody_scores


def test_melody_scores_are_mir_eval_s():
    rng = np.random.default_rng(0)
    times = np.arange(0, 5, 0.01)
    f0 = 220 * 2 ** (rng.normal(0, 0.3, 500) / 12) * np.where(rng.random(500) < 0.7, 1, -1)
    other_times = np.arange(0, 5, 0.0116)
    other = 220 * 2 ** (rng.normal(0, 0.3, len(other_times)) / 12)
    other *= np.where(rng.random(len(other_times)) < 0.6, 1, -1)
    scores = melody_scores(Melody(times, f0), Melody(other_times, other))
    expected = mir_eval.melody.evaluate(times, f0, other_times, other)
    assert {name: score.value for name, score in scores.items()} == pytest.approx(
        {name.lower(): value for name, value in expected.items() if name.lower() in scores}
    )
    assert len(scores) == 5
    assert scores["overall accuracy"].seconds == pytest.approx(5.0)
    assert scores["raw pitch accuracy"].seconds == pytest.approx((f0 > 0).sum() / 100)


def test_what_is_not_there_is_not_judged():
    times = np.arange(10) / 10
    silent, sung = Melody(times, np.zeros(10)), Melody(times, np.full(10, 220.0))
    scores = melody_scores(silent, sung)
    assert scores["raw pitch accuracy"].seconds == 0
    assert np.isnan(scores["raw pitch accuracy"].value)
    assert scores["voicing false alarm"].value == 1.0
    assert melody_scores(sung, sung)["voicing false alarm"].seconds == 0
