"""Intervals: whole groups are drawn, and the scores of draws are those that scikit-learn gives."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from mirzoo.evaluation import bootstrap
from mirzoo.evaluation.bootstrap import draws, interval
from mirzoo.tasks.scores import RecordingScorer, Score
from mirzoo.tasks.tagging.annotation import Tags
from mirzoo.tasks.tagging.scores import TagScorer


def test_whole_groups_are_drawn_as_many_as_there_are():
    groups = ["a", "b", "a", "c", "c", "c"]
    (weights,) = draws(groups, 200, seed=1)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, 3], weights[:, 5])
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)
    assert weights[:, 0].mean() == pytest.approx(1.0, abs=0.2)


def test_draws_are_the_same_whatever_fits_into_memory(monkeypatch):
    whole = np.concatenate(list(draws(list("abcde"), 50, seed=0)))
    monkeypatch.setattr(bootstrap, "MOST_NUMBERS", 35)
    blocks = list(draws(list("abcde"), 50, seed=0))
    assert len(blocks) == 8
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Of 100 groups of three recordings that resemble each other; single ones would be too sure."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 3)
    names = [str(group) for group in groups]
    covered = 0
    for trial in range(100):
        right = (rng.random(100) < 0.7)[groups]
        (weights,) = draws(names, 200, seed=trial)
        low, high = interval(weights @ right / weights.sum(axis=1))
        covered += low <= 0.7 <= high
    assert 88 <= covered <= 100
    assert interval(np.full(5, np.nan)) is None


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_scores_of_tags_under_weights_are_scikit_learns(activation):
    rng = np.random.default_rng(0)
    truth = np.eye(3, dtype=bool)[rng.integers(0, 3, 40)]
    given = np.round(rng.dirichlet([1, 1, 1], 40), 1) if activation == "softmax" else np.round(
        rng.random((40, 3)), 1
    )  # fmt: skip
    scorer = TagScorer(activation)
    for wanted, probabilities in zip(truth, given, strict=True):
        labels = [label for label, holds in zip("abc", wanted, strict=True) if holds]
        scorer.add(
            Tags(labels, [0.0], np.ones((1, len(labels))), window_s=1.0),
            Tags("abc", [0.0], [probabilities], window_s=1.0),
        )
    weights = rng.integers(0, 3, (4, 40)).astype(float)
    found = scorer.scores(weights)
    decided = given > 0.5
    if activation == "softmax":
        decided = np.eye(3, dtype=bool)[given.argmax(axis=1)]
    for number, weight in enumerate(weights):
        options = {"average": "macro", "sample_weight": weight}
        expected = [
            roc_auc_score(truth, given, **options),
            average_precision_score(truth, given, **options),
            *(
                [np.average(given.argmax(1) == truth.argmax(1), weights=weight)]
                if activation == "softmax"
                else []
            ),
            f1_score(truth, decided, **options),
        ]
        np.testing.assert_allclose([values[number] for values in found.values()], expected)
    by_class = scorer.by_class(weights)
    assert by_class.support.tolist() == truth.sum(axis=0).tolist()
    np.testing.assert_allclose(
        by_class.scores["ROC-AUC"][0],
        roc_auc_score(truth, given, average=None, sample_weight=weights[0]),
    )


def test_what_judges_nothing_does_not_weigh():
    scorer = RecordingScorer(lambda truth, estimate: truth, ("b",), frozenset({"b"}))
    scorer.add({"a": Score(1.0, 60.0), "b": Score(float("nan"), 0.0)}, None)
    worse = scorer.add({"a": Score(0.5, 180.0), "b": Score(0.25, 10.0)}, None)
    assert worse.loss == 0.25
    assert scorer.overall() == {"a": Score(0.625, 240.0), "b": Score(0.25, 10.0)}
    found = scorer.scores(np.array([[1.0, 0.0], [2.0, 2.0]]))
    np.testing.assert_allclose(found["a"], [1.0, 0.625])
    np.testing.assert_allclose(found["b"], [np.nan, 0.25])
