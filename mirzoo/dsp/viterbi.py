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

import math
from abc import ABC, abstractmethod
from collections import deque

import numpy as np

from mirzoo.errors import DataError

PIECE_FRAMES = 1024
CONTEXT_FRAMES = 192
PIECES_AT_ONCE = 8
TRIED_FRAMES = 1024
"""How many frames of a path come in before it is tried how far it is settled."""


class _GrowingPath(ABC):
    """The likeliest path, followed while the evidence comes in.

    The likeliest paths into the states of a frame have, some frames before, one past in common:
    so far the path is settled, whatever comes. Only what lies behind that is kept, as the state
    before each state.
    """

    def __init__(self, initial: np.ndarray | None) -> None:
        self._initial = initial
        self._score: np.ndarray | None = None
        self._before: list[np.ndarray] = []
        self._next_try = TRIED_FRAMES

    @abstractmethod
    def _advance(self, score: np.ndarray, evidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From a frame's score to that of the last new frame, and the state before each state."""

    def add(self, evidence: np.ndarray) -> np.ndarray:
        """Take the evidence of the next frames.

        Parameters
        ----------
        evidence : np.ndarray
            ``(frames, states)``.

        Returns
        -------
        np.ndarray
            State of each frame that is settled now, int64, from where the last call ended.
        """
        evidence = _checked(evidence, self._initial if self._score is None else None)
        states = np.min_scalar_type(evidence.shape[1] - 1)
        if self._score is None:
            self._before.append(np.zeros((1, evidence.shape[1]), states))
            self._score, evidence = evidence[0], evidence[1:]
        if len(evidence):
            self._score, before = self._advance(self._score, evidence)
            self._before.append(before.astype(states))
        return self._settled()

    def finish(self) -> np.ndarray:
        """Give the state of each frame that was not settled, int64."""
        if self._score is None:
            return np.empty(0, np.int64)
        before, self._before = np.concatenate(self._before), []
        return _traced(before, int(self._score.argmax()))

    def _settled(self) -> np.ndarray:
        if sum(map(len, self._before)) < self._next_try:
            return np.empty(0, np.int64)
        before = np.concatenate(self._before)
        alive = np.arange(before.shape[1])
        frame = len(before) - 1
        while frame > 0 and np.any(alive != alive[0]):
            alive = before[frame, alive]
            frame -= 1
        path = _traced(before[: frame + 1], int(alive[0]))[:-1]
        self._before = [before[frame:].copy()]
        # Where nothing settles, trying again and again would take the square of the time.
        self._next_try = max(TRIED_FRAMES, 2 * len(self._before[0]))
        return path


class PathWithChanges(_GrowingPath):
    """The path of `path_with_changes`, followed while the evidence comes in.

    Parameters
    ----------
    change_penalty : float
        What a change costs, whatever the states (nats).
    initial : np.ndarray, optional
        Added to the evidence of the first frame, ``(states,)``.

    Examples
    --------
    >>> path = PathWithChanges(1.0)
    >>> settled = [path.add(np.log([[0.9, 0.1]])) for _ in range(3000)]
    >>> sum(map(len, settled)) > 2000, sum(map(len, settled)) + len(path.finish())
    (True, 3000)
    """

    def __init__(self, change_penalty: float, initial: np.ndarray | None = None) -> None:
        super().__init__(initial)
        self._change_penalty = change_penalty

    def _advance(self, score: np.ndarray, evidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        frames, states = evidence.shape
        changed = np.empty((frames, states), bool)
        best = np.empty((frames, 1), np.int64)
        for frame in range(frames):
            leader = score.argmax()
            best[frame] = leader
            arrived = score[leader] - self._change_penalty
            np.less(score, arrived, out=changed[frame])
            score = np.maximum(score, arrived) + evidence[frame]
        return score, np.where(changed, best, np.arange(states))


class PathWithTransitions(_GrowingPath):
    """The path of `path_with_transitions`, followed while the evidence comes in.

    Parameters
    ----------
    log_transition : np.ndarray
        ``(states, states)``: logarithm of the probability of each state (column) after each
        (row).
    initial : np.ndarray, optional
        Added to the evidence of the first frame, ``(states,)``.
    """

    def __init__(self, log_transition: np.ndarray, initial: np.ndarray | None = None) -> None:
        super().__init__(initial)
        self._into = np.ascontiguousarray(np.asarray(log_transition, np.float64).T)

    def add(self, evidence: np.ndarray) -> np.ndarray:
        states = np.shape(evidence)[-1]
        if self._into.shape != (states, states):
            raise DataError(
                f"transitions have the shape {self._into.shape}; {states} states need "
                f"{states} x {states}"
            )
        return super().add(evidence)

    def _advance(self, score: np.ndarray, evidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        frames, states = evidence.shape
        before = np.empty((frames, states), np.int32)
        every = np.arange(states)
        arriving = np.empty((states, states))
        for frame in range(frames):
            np.add(self._into, score, out=arriving)
            before[frame] = arriving.argmax(axis=1)
            score = arriving[every, before[frame]] + evidence[frame]
        return score, before


class FixedLagPath(ABC):
    """A path that is decided so many frames later, whatever comes afterwards.

    The state of frame ``t`` is that of the likeliest path through the frames up to ``t + lag``.
    With a lag as long as the recording that is the likeliest path of all.

    Parameters
    ----------
    lag : int
        Frames from a frame to the one with which it is decided.

    Attributes
    ----------
    lag : int
    """

    def __init__(self, lag: int) -> None:
        if lag < 0:
            raise DataError(f"lag is {lag}; allowed are whole numbers of frames from 0 on")
        self.lag = lag
        self._score: np.ndarray | None = None
        self._waiting = 0

    @abstractmethod
    def _begin(self, evidence: np.ndarray) -> np.ndarray:
        """The score of each state in the first frame."""

    @abstractmethod
    def _advance(self, score: np.ndarray, evidence: np.ndarray) -> np.ndarray:
        """The score of each state one frame on; what leads back is remembered."""

    @abstractmethod
    def _back(self, state: int, frames: int) -> list[int]:
        """The states of the last frames on the path into a state, that state first."""

    def add(self, evidence: np.ndarray) -> np.ndarray:
        """Take the evidence of the next frames.

        Parameters
        ----------
        evidence : np.ndarray
            ``(frames, states)``.

        Returns
        -------
        np.ndarray
            State of each frame that is decided now, int64, from where the last call ended.
        """
        evidence = _checked(evidence, None)
        decided = []
        for frame in evidence:
            score = self._begin(frame) if self._score is None else self._advance(self._score, frame)
            self._score = score - score.max()
            self._waiting += 1
            if self._waiting > self.lag:
                decided.append(self._back(int(self._score.argmax()), self.lag + 1)[-1])
                self._waiting -= 1
        return np.array(decided, np.int64)

    def finish(self) -> np.ndarray:
        """Give the state of each frame that was not decided, int64."""
        if self._score is None or not self._waiting:
            return np.empty(0, np.int64)
        path = self._back(int(self._score.argmax()), self._waiting)
        self._waiting = 0
        return np.array(path[::-1], np.int64)


class FixedLagWithPenalties(FixedLagPath):
    """A fixed-lag path under the transitions of `PathWithChanges` or `PathWithTransitions`.

    Parameters
    ----------
    path : PathWithChanges or PathWithTransitions
        With its penalties; nothing was added to it.
    lag : int
        Frames from a frame to the one with which it is decided.

    Examples
    --------
    >>> path = FixedLagWithPenalties(PathWithChanges(1.0), lag=1)
    >>> [path.add(np.log([row])).tolist() for row in ([0.9, 0.1], [0.4, 0.6], [0.9, 0.1])]
    [[], [0], [0]]
    >>> path.finish().tolist()
    [0]
    """

    def __init__(self, path: PathWithChanges | PathWithTransitions, lag: int) -> None:
        super().__init__(lag)
        self._path = path
        self._before: deque[np.ndarray] = deque(maxlen=lag)

    def _begin(self, evidence: np.ndarray) -> np.ndarray:
        return _checked(evidence[np.newaxis], self._path._initial)[0]

    def _advance(self, score: np.ndarray, evidence: np.ndarray) -> np.ndarray:
        score, before = self._path._advance(score, evidence[np.newaxis])
        self._before.append(before[0])
        return score

    def _back(self, state: int, frames: int) -> list[int]:
        path = [state]
        for back in range(1, frames):
            path.append(int(self._before[-back][path[-1]]))
        return path


class FixedLagWithMovement(FixedLagPath):
    """A fixed-lag path under the movements of `path_with_movement`.

    Parameters
    ----------
    step_penalty, leap_penalty : float
        As of `path_with_movement` (nats).
    lag : int
        Frames from a frame to the one with which it is decided.

    Examples
    --------
    >>> path = FixedLagWithMovement(1.0, 5.0, lag=1)
    >>> likely = np.log(np.array([[0.8, 0.1, 0.1], [0.3, 0.3, 0.4], [0.8, 0.1, 0.1]]))
    >>> np.concatenate([path.add(likely), path.finish()]).tolist()
    [0, 0, 0]
    """

    def __init__(self, step_penalty: float, leap_penalty: float, lag: int) -> None:
        super().__init__(lag)
        self._step, self._leap = min(step_penalty, leap_penalty), leap_penalty
        self._scores: deque[np.ndarray] = deque(maxlen=lag + 1)
        self._running: _RunningMaxima | None = None

    def _begin(self, evidence: np.ndarray) -> np.ndarray:
        states = len(evidence)
        self._climb = (self._step * np.arange(states)).astype(np.float32)
        every = np.arange(states)
        self._cost = np.minimum(self._climb, np.float32(self._leap))[
            np.abs(every - every[:, np.newaxis])
        ]
        far = states - 1
        if self._step > 0:
            far = min(far, math.ceil(2 * self._leap / self._step))
        self._running = _RunningMaxima(2, states, far)
        self._scores.append(np.asarray(evidence, np.float32))
        return self._scores[-1]

    def _advance(self, score: np.ndarray, evidence: np.ndarray) -> np.ndarray:
        assert self._running is not None  # made with the first frame
        np.add(score, self._climb, out=self._running.values[0])
        np.subtract(score, self._climb, out=self._running.values[1, ::-1])
        self._running()
        rising = self._running.maxima[0] - self._climb
        falling = self._running.maxima[1, ::-1] + self._climb
        arrived = np.maximum(np.maximum(rising, falling), score.max() - np.float32(self._leap))
        self._scores.append(arrived + np.asarray(evidence, np.float32))
        return self._scores[-1]

    def _back(self, state: int, frames: int) -> list[int]:
        path = [state]
        for back in range(2, frames + 1):
            path.append(int((self._scores[-back] - self._cost[path[-1]]).argmax()))
        return path


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
    return _whole(PathWithChanges(change_penalty, initial), evidence)


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
    return _whole(PathWithTransitions(log_transition, initial), evidence)


def path_with_movement(
    evidence: np.ndarray,
    step_penalty: float,
    leap_penalty: float,
    *,
    smallest: float | None = None,
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
    smallest : float, optional
        Where given, ``evidence`` is how likely each state is, and its logarithm is taken here, a
        piece at a time; what is less likely counts as this.

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
    _checked(evidence, None)
    frames = len(evidence)
    if frames <= PIECE_FRAMES + 2 * CONTEXT_FRAMES:
        return _follow(_logarithm(evidence, smallest)[np.newaxis], step_penalty, leap_penalty)[0]
    count = -(-frames // PIECE_FRAMES)
    paths = []
    for first in range(0, count, PIECES_AT_ONCE):
        pieces = min(PIECES_AT_ONCE, count - first)
        begin, length = first * PIECE_FRAMES - CONTEXT_FRAMES, pieces * PIECE_FRAMES
        part = evidence[max(0, begin) : begin + length + 2 * CONTEXT_FRAMES]
        padded = np.zeros((length + 2 * CONTEXT_FRAMES, evidence.shape[1]), np.float32)
        before = max(0, -begin)
        padded[before : before + len(part)] = _logarithm(part, smallest)
        whole = PIECE_FRAMES + 2 * CONTEXT_FRAMES
        windows = np.lib.stride_tricks.sliding_window_view(padded, whole, axis=0)[::PIECE_FRAMES]
        found = _follow(windows.transpose(0, 2, 1), step_penalty, leap_penalty)
        paths.append(found[:, CONTEXT_FRAMES:-CONTEXT_FRAMES].reshape(-1))
    return np.concatenate(paths)[:frames]


def _logarithm(evidence: np.ndarray, smallest: float | None) -> np.ndarray:
    if smallest is not None:
        evidence = np.maximum(evidence, smallest)
        evidence = np.log(evidence, out=evidence)
    return np.asarray(evidence, np.float32)


def _follow(evidence: np.ndarray, step_penalty: float, leap_penalty: float) -> np.ndarray:
    """The same for many pieces at once: ``(pieces, frames, states)`` to ``(pieces, frames)``."""
    # Arrays are small here, so calls are what takes time: there are few, and none makes an array.
    pieces, frames, states = evidence.shape
    step = min(step_penalty, leap_penalty)
    climb = (step * np.arange(states)).astype(np.float32)
    penalty = np.float32(leap_penalty)
    far = states - 1 if step <= 0 else min(states - 1, math.ceil(2 * leap_penalty / step))
    running = _RunningMaxima(2 * pieces, states, far)
    upwards, downwards = running.values[:pieces], running.values[pieces:, ::-1]
    climbing, sinking = running.maxima[:pieces], running.maxima[pieces:, ::-1]
    scores = np.empty((frames, pieces, states), np.float32)
    scores[0] = evidence[:, 0]
    rising, falling = np.empty((2, pieces, states), np.float32)
    leap, lowest = np.empty((2, pieces, 1), np.float32)
    of_frame = evidence.transpose(1, 0, 2)
    before = scores[0]
    for frame in range(1, frames):
        np.add(before, climb, out=upwards)
        np.subtract(before, climb, out=downwards)
        running()
        np.subtract(climbing, climb, out=rising)
        np.add(sinking, climb, out=falling)
        now = scores[frame]
        np.maximum(rising, falling, out=now)
        np.maximum.reduce(before, axis=1, keepdims=True, out=leap)
        np.subtract(leap, penalty, out=lowest)
        np.maximum(now, lowest, out=now)
        np.subtract(now, leap, out=now)
        np.add(now, of_frame[frame], out=now)
        before = now
    every = np.arange(states)
    cost = np.minimum(climb, penalty)[np.abs(every - every[:, np.newaxis])]
    path = np.empty((frames, pieces), np.int64)
    scores[-1].argmax(axis=1, out=path[-1])
    for frame in range(frames - 1, 0, -1):
        cost.take(path[frame], axis=0, out=rising, mode="clip")
        np.subtract(scores[frame - 1], rising, out=rising)
        rising.argmax(axis=1, out=path[frame - 1])
    return path.T


class _RunningMaxima:
    """Maxima of each value of many rows and at least ``far`` values before it.

    They are those of ``np.maximum.accumulate``, which is many times slower, where what lies
    farther back is smaller anyway: each step doubles how far back is looked. Rows lie one after
    the other in memory with a margin between them, so that a step is one call.

    Attributes
    ----------
    values : np.ndarray
        To be filled before each call, ``(rows, length)``; what is in it then is lost.
    maxima : np.ndarray
        The result, ``(rows, length)``.
    """

    def __init__(self, rows: int, length: int, far: int) -> None:
        distances = [1 << power for power in range(far.bit_length())]
        margin = sum(distances)
        source, target = np.full((2, rows * (margin + length)), -np.inf, np.float32)
        rows_of = source.reshape(rows, -1)
        self.values, self._margins = rows_of[:, margin:], rows_of[:, :margin]
        self._steps = []
        for distance in distances:
            self._steps.append((source[distance:], source[:-distance], target[distance:]))
            source, target = target, source
        self.maxima = source.reshape(rows, -1)[:, margin:]

    def __call__(self) -> None:
        self._margins.fill(-np.inf)
        for here, before, larger in self._steps:
            np.maximum(here, before, out=larger)


def _whole(path: _GrowingPath, evidence: np.ndarray) -> np.ndarray:
    return np.concatenate([path.add(evidence), path.finish()])


def _traced(before: np.ndarray, last: int) -> np.ndarray:
    """The path that ends in the state ``last``; ``before[0]`` does not count."""
    path = np.empty(len(before), np.int64)
    path[-1] = last
    for frame in range(len(before) - 1, 0, -1):
        path[frame - 1] = before[frame, path[frame]]
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
