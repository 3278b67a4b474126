"""Scores of keys: those of mir_eval, and what they are made of."""

import math

import mir_eval
import numpy as np
import pytest
from fake_models import make_frame_card

from mirzoo.tasks.base import TASKS
from mirzoo.tasks.key import Key, KeyDecoding, key_scores
from mirzoo.tasks.key.names import LABELS, parse_key


def test_the_weighted_score_is_that_of_mir_eval():
    for truth in LABELS:
        for given in LABELS:
            found = key_scores(Key(truth, duration_s=1.0), Key(given, duration_s=1.0))
            keys = parse_key(truth), parse_key(given)
            expected = mir_eval.key.weighted_score(keys[0].words, keys[1].words)
            assert found["weighted"].value == expected, (truth, given)
            reverse = mir_eval.key.weighted_score(keys[1].words, keys[0].words)
            either = max(expected, reverse if keys[0].mode == keys[1].mode else 0.0)
            assert found["weighted_both_fifths"].value == either


@pytest.mark.parametrize(
    ("truth", "judged"),
    [("C:maj", "major"), ("C:min", "minor"), ("D:dorian", "modal"), ("G:mixolydian", "modal")],
)
def test_modes_are_told_apart(truth, judged):
    right = {"D:dorian": "D:min", "G:mixolydian": "G:maj"}.get(truth, truth)
    scores = key_scores(Key(truth, duration_s=30.0), Key(right, duration_s=30.0))
    defined = {name for name, score in scores.items() if score.seconds}
    assert defined & {"major", "minor", "modal"} == {judged}
    assert scores[judged].value == 1.0
    if judged == "modal":
        assert defined == {"modal"} and math.isnan(scores["weighted"].value)
        wrong = key_scores(Key(truth), Key("C:maj"))
        assert wrong["modal"].value == 0.0 and wrong["modal"].seconds == 1.0


def test_every_recording_counts_alike():
    card = make_frame_card("key", outputs={"keys": 24}, labels=list(LABELS), decoding=KeyDecoding())
    scorer = TASKS["key"].scorer(card)
    for truth, given, seconds in (
        ("C:maj", "C:maj", 10.0), ("A:min", "E:min", 990.0), ("D:dorian", "D:min", 50.0),
    ):  # fmt: skip
        scorer.add(Key(truth, duration_s=seconds), Key(given, duration_s=seconds))
    overall = scorer.overall()
    assert overall["weighted"].value == 0.75 and overall["weighted"].seconds == 1000.0
    assert overall["modal"].value == 1.0 and overall["minor"].value == 0.0
    twice = scorer.scores(np.array([[2.0, 1.0, 1.0], [0.0, 0.0, 1.0]]))
    assert twice["correct"][0] == pytest.approx(2 / 3) and np.isnan(twice["correct"][1])
