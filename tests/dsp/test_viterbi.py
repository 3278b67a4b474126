"""Viterbi paths against a plain implementation of the definition."""

import time

import numpy as np
import pytest

from mirzoo.dsp.viterbi import (
    CONTEXT_FRAMES,
    PIECE_FRAMES,
    TRIED_FRAMES,
    FixedLagWithMovement,
    FixedLagWithPenalties,
    PathWithChanges,
    PathWithTransitions,
    _RunningMaxima,
    path_with_changes,
    path_with_movement,
    path_with_transitions,
)
from mirzoo.errors import DataError


def best_path(evidence, cost, initial=0.0):
    """The definition, in loops over frames."""
    score, before = evidence[0] + initial, []
    for frame in evidence[1:]:
        arriving = score[:, None] - cost
        before.append(arriving.argmax(axis=0))
        score = arriving.max(axis=0) + frame
    path = [int(score.argmax())]
    for pointers in reversed(before):
        path.append(int(pointers[path[-1]]))
    return np.array(path[::-1])


def score_of(path, evidence, cost):
    return evidence[np.arange(len(path)), path].sum() - cost[path[:-1], path[1:]].sum()


@pytest.fixture
def evidence():
    return np.random.default_rng(0).normal(0, 2, (200, 17))


@pytest.mark.parametrize("penalty", [0.0, 1.0, 5.0, 100.0])
def test_changes_cost_the_same(evidence, penalty):
    cost = penalty * (1 - np.eye(17))
    path = path_with_changes(evidence, penalty)
    np.testing.assert_array_equal(path, best_path(evidence, cost))
    if penalty == 100.0:
        assert len(set(path)) == 1


def test_any_transitions(evidence):
    transition = np.random.default_rng(1).dirichlet(np.ones(17), 17)
    initial = np.log(np.random.default_rng(2).dirichlet(np.ones(17)))
    path = path_with_transitions(evidence, np.log(transition), initial)
    np.testing.assert_array_equal(path, best_path(evidence, -np.log(transition), initial))


def test_the_first_frame_hears_the_initial_probabilities():
    evidence = np.zeros((3, 4))
    initial = np.array([0.0, 0.0, 1.0, 0.0])
    assert path_with_changes(evidence, 1.0, initial).tolist() == [2, 2, 2]
    assert evidence.sum() == 0


@pytest.mark.parametrize(("step", "leap"), [(0.0, 3.0), (0.7, 3.0), (2.0, 1e6), (1e6, 4.0)])
def test_movement_costs_by_the_distance_up_to_a_leap(evidence, step, leap):
    distance = np.abs(np.subtract.outer(np.arange(17), np.arange(17)))
    cost = np.minimum(step * distance, leap)
    path = path_with_movement(evidence, step, leap)
    expected = score_of(best_path(evidence, cost), evidence, cost)
    assert score_of(path, evidence, cost) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("frames", [PIECE_FRAMES, 2 * PIECE_FRAMES + CONTEXT_FRAMES, 5000])
def test_pieces_join_without_a_seam(frames):
    evidence = np.random.default_rng(3).normal(0, 2, (frames, 30)).astype(np.float32)
    distance = np.abs(np.subtract.outer(np.arange(30), np.arange(30)))
    whole = best_path(evidence, np.minimum(0.5 * distance, 5.0))
    np.testing.assert_array_equal(path_with_movement(evidence, 0.5, 5.0), whole)


def test_running_maxima_of_whole_rows_are_those_of_numpy():
    running = _RunningMaxima(3, 40, far=39)
    for seed in range(2):
        values = np.random.default_rng(seed).normal(size=(3, 40)).astype(np.float32)
        running.values[:] = values
        running()
        np.testing.assert_array_equal(running.maxima, np.maximum.accumulate(values, axis=1))


@pytest.mark.parametrize("far", [0, 3, 31])
def test_running_maxima_look_as_far_as_told_and_never_into_another_row(far):
    running = _RunningMaxima(2, 40, far)
    running.values[:] = 0.0
    running.values[0, [0, 39]] = 1.0
    running()
    reached = int((running.maxima[0, :39] == 1.0).sum()) - 1
    assert far <= reached <= 2 * far
    assert not running.maxima[1].any()


@pytest.mark.parametrize(("step", "leap"), [(0.2, 3.0), (1.0, 2.0), (0.01, 50.0), (0.0, 5.0)])
def test_many_states_move_as_the_definition_says(step, leap):
    evidence = np.random.default_rng(3).normal(0, 4, (80, 150)).astype(np.float32)
    distance = np.abs(np.arange(150)[:, None] - np.arange(150))
    cost = np.minimum(step * distance, leap)
    path = path_with_movement(evidence, step, leap)
    expected = best_path(evidence.astype(np.float64), cost)
    assert score_of(path, evidence, cost) == pytest.approx(score_of(expected, evidence, cost))


def test_one_frame_and_one_state():
    assert path_with_changes(np.array([[0.0, 1.0]]), 1.0).tolist() == [1]
    assert path_with_transitions(np.array([[0.0, 1.0]]), np.zeros((2, 2))).tolist() == [1]
    assert path_with_movement(np.zeros((3, 1)), 1.0, 1.0).tolist() == [0, 0, 0]


@pytest.mark.parametrize("evidence", [np.zeros((0, 3)), np.zeros(3), np.full((2, 3), np.nan)])
def test_what_is_no_evidence_is_refused(evidence):
    for follow in (path_with_changes, lambda e, p: path_with_movement(e, p, p)):
        with pytest.raises(DataError, match="evidence"):
            follow(evidence, 1.0)


def test_transitions_of_another_size_are_refused():
    with pytest.raises(DataError, match="4 states need 4 x 4"):
        path_with_transitions(np.zeros((5, 4)), np.zeros((3, 3)))


@pytest.mark.parametrize("sizes", [[1], [1, 4000], [700, 1, 1, 5000], [3000] * 3])
@pytest.mark.parametrize("kind", ["changes", "transitions"])
def test_a_path_that_grows_is_the_whole_one(sizes, kind):
    evidence = np.random.default_rng(5).normal(0, 2, (sum(sizes), 9))
    initial = np.arange(9.0)
    transition = np.log(np.random.default_rng(6).dirichlet(np.ones(9), 9))
    path, cost = {
        "changes": (PathWithChanges(2.0, initial), 2.0 * (1 - np.eye(9))),
        "transitions": (PathWithTransitions(transition, initial), -transition),
    }[kind]
    parts = [path.add(part) for part in np.split(evidence, np.cumsum(sizes)[:-1])]
    if sum(sizes) > TRIED_FRAMES:
        assert sum(map(len, parts)) > sum(sizes) - 200
    grown = np.concatenate([*parts, path.finish()])
    np.testing.assert_array_equal(grown, best_path(evidence, cost, initial))


def test_what_never_settles_comes_at_the_end():
    path = PathWithChanges(1e9)
    settled = [path.add(np.zeros((50, 3))) for _ in range(100)]
    assert sum(map(len, settled)) == 0
    assert path.finish().tolist() == [0] * 5000
    assert PathWithChanges(1.0).finish().tolist() == []


@pytest.mark.slow
def test_an_hour_is_quick():
    rng = np.random.default_rng(4)
    hour_of_chords = rng.normal(size=(36_000, 169))
    hour_of_salience = rng.normal(size=(3600 * 31, 360)).astype(np.float32)
    for follow, most_seconds in (
        (lambda: path_with_changes(hour_of_chords, 10.0), 2.0),
        (lambda: path_with_transitions(hour_of_chords[:3600], np.zeros((169, 169))), 2.0),
        (lambda: path_with_movement(hour_of_salience, 0.2, 12.0), 6.0),
    ):
        before = time.process_time()
        follow()
        assert time.process_time() - before < most_seconds


def fixed_lag(evidence, cost, lag):
    """The definition: each frame's state on the best path through what is known by then."""
    known = [best_path(evidence[: t + lag + 1], cost)[t] for t in range(len(evidence))]
    return np.array(known)


def lagging(kind, lag):
    movement = np.minimum(1.5 * np.abs(np.subtract.outer(np.arange(17), np.arange(17))), 4.0)
    transition = np.random.default_rng(1).dirichlet(np.ones(17), 17)
    return {
        "changes": (FixedLagWithPenalties(PathWithChanges(2.0), lag), 2.0 * (1 - np.eye(17))),
        "transitions": (
            FixedLagWithPenalties(PathWithTransitions(np.log(transition)), lag),
            -np.log(transition),
        ),
        "movement": (FixedLagWithMovement(1.5, 4.0, lag), movement),
    }[kind]


@pytest.mark.parametrize("lag", [0, 1, 7, 500])
@pytest.mark.parametrize("kind", ["changes", "transitions", "movement"])
def test_a_fixed_lag_decides_by_what_is_known_by_then(evidence, kind, lag):
    path, cost = lagging(kind, lag)
    decided = []
    for first in range(0, 200, 13):
        decided += path.add(evidence[first : first + 13]).tolist()
        assert len(decided) == max(0, min(first + 13, 200) - lag)
    decided += path.finish().tolist()
    np.testing.assert_array_equal(decided, fixed_lag(evidence, cost, lag))
    assert path.finish().size == 0
    if lag == 500:
        np.testing.assert_array_equal(decided, best_path(evidence, cost))


def test_a_lag_is_not_negative():
    with pytest.raises(DataError, match="lag is -1; allowed are"):
        FixedLagWithMovement(1.0, 2.0, -1)


def test_scores_of_a_fixed_lag_stay_small():
    path = FixedLagWithPenalties(PathWithChanges(1.0), 3)
    for _ in range(50):
        path.add(np.full((20, 4), -1000.0))
    assert path._score.max() == 0
