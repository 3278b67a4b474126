"""Scores of chords are those of mir_eval."""

import mir_eval
import pytest

from mirzoo.tasks.chords import Chords, chord_agreement, chord_scores
from mirzoo.tasks.scores import Score


@pytest.fixture
def truth():
    return Chords([(0.0, 2.0, "C:maj"), (2.0, 3.0, "A:min7/b3"), (3.0, 4.5, "G:sus4"),
                   (4.5, 6.0, "N")])  # fmt: skip


@pytest.fixture
def estimate():
    return Chords([(0.0, 1.8, "C:maj"), (1.8, 3.1, "A:min"), (3.1, 4.0, "G:maj"),
                   (4.0, 5.0, "D:7"), (5.0, 6.2, "N")])  # fmt: skip


def test_chord_scores_are_mir_eval_s(truth, estimate):
    expected = mir_eval.chord.evaluate(
        truth.intervals, list(truth.labels), estimate.intervals, list(estimate.labels)
    )
    scores = chord_scores(truth, estimate)
    assert set(scores) == set(expected)
    for name, score in scores.items():
        assert score.value == pytest.approx(expected[name]), name
    assert scores["root"].seconds == pytest.approx(6.0)
    assert scores["majmin"].seconds == pytest.approx(4.5)


def test_a_recording_agrees_with_itself(truth):
    scores = chord_scores(truth, truth)
    assert {score.value for score in scores.values()} == {1.0}


def test_time_without_labels_is_not_judged():
    truth = Chords([(1.0, 2.0, "C:maj"), (3.0, 4.0, "G:maj")])
    scores = chord_scores(truth, Chords([(1.0, 2.0, "C:maj"), (2.0, 4.0, "G:maj")]))
    assert scores["majmin"] == Score(1.0, pytest.approx(2.0))
    missing = chord_scores(truth, Chords([(0.0, 1.5, "C:maj")]))
    assert missing["majmin"] == Score(pytest.approx(0.25), pytest.approx(2.0))


def test_agreement_has_no_reference(truth, estimate):
    there, back = chord_agreement(truth, estimate), chord_agreement(estimate, truth)
    assert there.keys() == back.keys()
    for name in there:
        assert there[name].value == pytest.approx(back[name].value)
    assert chord_scores(truth, estimate)["majmin"] != chord_scores(estimate, truth)["majmin"]
