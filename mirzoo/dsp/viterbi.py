"""The likeliest path through frames of evidence (Viterbi decoding), in NumPy.

Evidence is the logarithm of how likely each state is in each frame; a path's score is the sum of
its states' evidence and of the logarithms of its transitions.

References
----------
L. R. Rabiner, "A tutorial on hidden Markov models and selected applications in speech
recognition", Proc. IEEE 77(2), 1989, section III.B. P. Felzenszwalb and D. Huttenlocher,
"Distance transforms of sampled functions", Theory of Computing 8, 2012, for movements whose cost
grows with their distance.
"""

from __future__ import annotations

import numpy as np

from mirzoo.errors import DataError

PIECE_FRAMES = 1024
CONTEXT_FRAMES = 192


def path_with_changes(
    evidence: np.ndarray, change_penalty: float, initial: np.ndarray | None = None
) -> np.ndarray:
    """Find the likeliest path where every change of state costs the same.

    Takes time in proportion to frames times states.

    Parameters
    ----------
    evidence : np.ndarray
        ``(frames, states)``.
    change_penalty : float
        What a change costs, whatever the states (nats).
    initial : np.ndarray, optional
        Added to the evidence of the first frame, ``(states,)``.

    Returns
    -------
    np.ndarray
        State of each frame, int64 ``(frames,)``.

    Examples
    --------
    >>> likely = np.log([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]])
    >>> path_with_changes(likely, 0.0).tolist(), path_with_changes(likely, 1.0).tolist()
    ([0, 1, 0], [0, 0, 0])
    """
    evidence = _checked(evidence, initial)
    frames, states = evidence.shape
    changed = np.zeros((frames, states), bool)
    best = np.zeros(frames, np.int64)
    score = evidence[0]
    for frame in range(1, frames):
        leader = score.argmax()
        best[frame] = leader
        arrived = score[leader] - change_penalty
        np.less(score, arrived, out=changed[frame])
        score = np.maximum(score, arrived) + evidence[frame]
    path = np.empty(frames, np.int64)
    path[-1] = score.argmax()
    for frame in range(frames - 1, 0, -1):
        state = path[frame]
        path[frame - 1] = best[frame] if changed[frame, state] else state
    return path


def path_with_transitions(
    evidence: np.ndarray, log_transition: np.ndarray, initial: np.ndarray | None = None
) -> np.ndarray:
    """Find the likeliest path under any transitions.

    Takes time in proportion to frames times the square of states.

    Parameters
    ----------
    evidence : np.ndarray
        ``(frames, states)``.
    log_transition : np.ndarray
        ``(states, states)``: logarithm of the probability of each state (column) after each
        (row).
    initial : np.ndarray, optional
        Added to the evidence of the first frame, ``(states,)``.

    Returns
    -------
    np.ndarray
        State of each frame, int64 ``(frames,)``.
    """
    evidence = _checked(evidence, initial)
    frames, states = evidence.shape
    into = np.ascontiguousarray(np.asarray(log_transition, np.float64).T)
    if into.shape != (states, states):
        raise DataError(
            f"transitions have the shape {into.shape}; {states} states need {states} x {states}"
        )
    before = np.empty((frames, states), np.int32)
    every = np.arange(states)
    arriving = np.empty((states, states))
    score = evidence[0]
    for frame in range(1, frames):
        np.add(into, score, out=arriving)
        before[frame] = arriving.argmax(axis=1)
        score = arriving[every, before[frame]] + evidence[frame]
    path = np.empty(frames, np.int64)
    path[-1] = score.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = before[frame, path[frame]]
    return path


def path_with_movement(
    evidence: np.ndarray, step_penalty: float, leap_penalty: float
) -> np.ndarray:
    """Find the likeliest path of states in a row, where moving costs by the distance.

    A movement by ``d`` states costs ``min(step_penalty * d, leap_penalty)``: a melody glides
    cheaply, and may leap anywhere at one price. Takes time in proportion to frames times states.
    Long inputs are cut into pieces of 1,024 frames that are followed side by side, each with 192
    frames of its neighbours at both ends; since any state is one leap away from any other, what
    lies farther off decides nothing.

    Parameters
    ----------
    evidence : np.ndarray
        ``(frames, states)``.
    step_penalty, leap_penalty : float
        Nats.

    Returns
    -------
    np.ndarray
        State of each frame, int64 ``(frames,)``.

    Examples
    --------
    >>> likely = np.log(np.array([[0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.8, 0.1, 0.1]]))
    >>> path_with_movement(likely, 1.0, 5.0).tolist()
    [0, 0, 0]
    """
    evidence = np.asarray(evidence, np.float32)
    _checked(evidence, None)
    frames = len(evidence)
    if frames <= PIECE_FRAMES + 2 * CONTEXT_FRAMES:
        return _follow(evidence[np.newaxis], step_penalty, leap_penalty)[0]
    count = -(-frames // PIECE_FRAMES)
    after = count * PIECE_FRAMES - frames + CONTEXT_FRAMES
    padded = np.pad(evidence, ((CONTEXT_FRAMES, after), (0, 0)))
    whole = PIECE_FRAMES + 2 * CONTEXT_FRAMES
    pieces = np.lib.stride_tricks.sliding_window_view(padded, whole, axis=0)[::PIECE_FRAMES]
    paths = _follow(pieces.transpose(0, 2, 1), step_penalty, leap_penalty)
    return paths[:, CONTEXT_FRAMES:-CONTEXT_FRAMES].reshape(-1)[:frames]


def _follow(evidence: np.ndarray, step_penalty: float, leap_penalty: float) -> np.ndarray:
    """The same for many pieces at once: ``(pieces, frames, states)`` to ``(pieces, frames)``."""
    pieces, frames, states = evidence.shape
    climb = (min(step_penalty, leap_penalty) * np.arange(states)).astype(np.float32)
    scores = np.empty((frames, pieces, states), np.float32)
    scores[0] = evidence[:, 0]
    rising, falling = np.empty((2, pieces, states), np.float32)
    for frame in range(1, frames):
        before = scores[frame - 1]
        np.add(before, climb, out=rising)
        np.maximum.accumulate(rising, axis=1, out=rising)
        np.subtract(rising, climb, out=rising)
        np.subtract(before, climb, out=falling)
        np.maximum.accumulate(falling[:, ::-1], axis=1, out=falling[:, ::-1])
        np.add(falling, climb, out=falling)
        now = scores[frame]
        np.maximum(rising, falling, out=now)
        leap = before.max(axis=1, keepdims=True)
        np.maximum(now, leap - leap_penalty, out=now)
        now -= leap
        now += evidence[:, frame]
    cost = np.minimum(climb, leap_penalty)
    every, states_in_a_row = np.arange(pieces), np.arange(states)
    path = np.empty((pieces, frames), np.int64)
    path[:, -1] = scores[-1].argmax(axis=1)
    for frame in range(frames - 1, 0, -1):
        distance = np.abs(states_in_a_row - path[every, frame][:, np.newaxis])
        path[:, frame - 1] = (scores[frame - 1] - cost[distance]).argmax(axis=1)
    return path


def _checked(evidence: np.ndarray, initial: np.ndarray | None) -> np.ndarray:
    if evidence.ndim != 2 or not evidence.size:
        raise DataError(
            f"evidence has the shape {evidence.shape}; allowed is (frames, states), at least one "
            "of each"
        )
    if np.isnan(evidence).any():
        raise DataError("evidence holds NaN; are the model's outputs finite, and not negative?")
    if initial is None:
        return evidence
    evidence = np.array(evidence)
    evidence[0] += initial
    return evidence
