"""Scores of tags, against hand-computed values and against what they must not reward."""

import numpy as np
import pytest

from mirzoo.errors import DataError
from mirzoo.tasks.tagging.scores import agreement, tagging_scores


def test_tagging_scores_by_hand():
    truth = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], bool)
    probabilities = np.array([[0.9, 0.3], [0.8, 0.1], [0.7, 0.2], [0.1, 0.9]])
    scores = tagging_scores(truth, probabilities)
    assert scores.roc_auc == pytest.approx((3 / 4 + 3 / 4) / 2)
    assert scores.pr_auc == pytest.approx(((1 + 2 / 3) / 2 + (1 + 2 / 3) / 2) / 2)
    assert scores.n_tags == 2


def test_tags_without_positives_do_not_count():
    truth = np.array([[1, 0], [0, 0]], bool)
    assert tagging_scores(truth, np.array([[0.9, 0.5], [0.1, 0.6]])).n_tags == 1


def test_one_class_cannot_be_ranked():
    with pytest.raises(DataError, match="of 1 tag none has"):
        tagging_scores(np.ones((3, 1), bool), np.zeros((3, 1)))


def test_shapes_must_agree():
    with pytest.raises(DataError, match=r"\(3, 1\).*\(3, 2\)"):
        tagging_scores(np.ones((3, 1), bool), np.zeros((3, 2)))


def test_agreement_looks_at_order_alone():
    teacher = np.random.default_rng(0).random((200, 5))
    found = agreement(teacher**3, teacher)
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.roc_auc == 1.0
    unrelated = agreement(np.random.default_rng(1).random((200, 5)), teacher)
    assert abs(unrelated.rank_correlation) < 0.1
    assert abs(unrelated.roc_auc - 0.5) < 0.1


def test_agreement_leaves_out_rare_tags():
    teacher = np.random.default_rng(0).random((200, 3))
    teacher[:, 2] *= 0.1
    assert agreement(teacher, teacher).n_tags == 2
