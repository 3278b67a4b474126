"""Find bars over beats: how many beats each has, and on which it begins.

A state is a number of beats a bar and the place of a beat in it. The place moves on with every
beat; where a bar ends, the next has as many beats, or another number at a cost. The recording may
begin at any place of a bar.

The first beat of a bar is as likely as the activation of a downbeat there is high, compared with
the mean over all beats, and any other beat as its complement is, compared with the complement of
the mean. Activations are probabilities that hold how rare downbeats are; without the division,
where they are low throughout, the fewest downbeats and so the longest bars would be likeliest. Each
bar costs what its number of beats is unusual by.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mirzoo.tasks.beats.config import FEWEST_BEATS, MOST_BEATS

LEAST = 0.01
PRIOR = {4: 0.0, 3: -1.0, 2: -2.0, 6: -2.0, 5: -3.0, 7: -3.5}
"""Log-probability of metres, up to a constant; of others it is `RARE`."""

RARE = -4.0
PAID_BY_BAR = 0.25
"""What share of its log-probability each bar costs."""

RAREST, MOST_OFTEN = 0.05, 0.5
"""Bounds of the mean activation that others are compared with."""

MEAN_BEFORE, BEATS_BEFORE = 0.25, 4
"""What the mean is taken to be before the first beat, where beats come one by one; it counts as so
many of them."""


def bar_positions(
    downbeat: np.ndarray,
    *,
    beats_per_bar: int | None = None,
    change_penalty: float,
) -> np.ndarray:
    """Find the place of each beat in its bar.

    Parameters
    ----------
    downbeat : np.ndarray
        How likely each beat is the first of a bar, ``(beats,)``.
    beats_per_bar : int, optional
        Of every bar; by default 2 to 7, whichever is likeliest.
    change_penalty : float
        Transition penalty of another number of beats in the next bar (nats).

    Returns
    -------
    np.ndarray
        1 on downbeats, then 2 and so on, int64 ``(beats,)``.

    Examples
    --------
    >>> bar_positions(np.array([0.1, 0.9, 0.2, 0.1, 0.8, 0.1, 0.1]), change_penalty=8.0).tolist()
    [3, 1, 2, 3, 1, 2, 3]
    """
    count = len(downbeat)
    if not count:
        return np.zeros(0, np.int64)
    states = _States.of(beats_per_bar, change_penalty)
    inside = np.clip(np.asarray(downbeat, np.float64), LEAST, 1 - LEAST)
    evidence = states.evidence(inside, float(inside.mean()))
    score = states.initial + evidence[0]
    came = np.zeros((count, len(states.firsts)), np.int64)
    for beat in range(1, count):
        score, came[beat] = states.moved(score)
        score += evidence[beat]
    state = int(score.argmax())
    path = np.zeros(count, np.int64)
    for beat in range(count - 1, -1, -1):
        path[beat] = state
        if states.place[state] == 0:
            state = int(states.lasts[came[beat, np.searchsorted(states.firsts, state)]])
        else:
            state -= 1
    return states.place[path] + 1


class BarFollower:
    """Finds the place of each beat in its bar as it comes, by those before it alone.

    Parameters
    ----------
    beats_per_bar, change_penalty
        As of `bar_positions`.

    Examples
    --------
    >>> bars = BarFollower(change_penalty=8.0)
    >>> [bars.add(likely) for likely in (0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.9)]
    [1, 2, 3, 1, 2, 3, 1]
    """

    def __init__(self, *, beats_per_bar: int | None = None, change_penalty: float) -> None:
        self._states = _States.of(beats_per_bar, change_penalty)
        self._score: np.ndarray | None = None
        self._sum, self._count = MEAN_BEFORE * BEATS_BEFORE, BEATS_BEFORE

    def add(self, downbeat: float) -> int:
        """Take how likely the next beat is the first of a bar; gives its place, from 1."""
        inside = min(max(float(downbeat), LEAST), 1 - LEAST)
        self._sum, self._count = self._sum + inside, self._count + 1
        evidence = self._states.evidence(np.array([inside]), self._sum / self._count)[0]
        before = self._score
        moved = self._states.initial if before is None else self._states.moved(before)[0]
        score = moved + evidence
        self._score = score - score.max()
        return int(self._states.place[score.argmax()]) + 1


class _States(NamedTuple):
    """States of bars: place in a bar of so many beats; where bars begin and end; transitions."""

    place: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray
    change: np.ndarray
    initial: np.ndarray

    @classmethod
    def of(cls, beats_per_bar: int | None, change_penalty: float) -> _States:
        metres = range(FEWEST_BEATS, MOST_BEATS + 1) if beats_per_bar is None else [beats_per_bar]
        metre = np.concatenate([np.full(each, each) for each in metres])
        place = np.concatenate([np.arange(each) for each in metres])
        firsts, lasts = np.flatnonzero(place == 0), np.flatnonzero(place == metre - 1)
        prior = np.array([PRIOR.get(int(each), RARE) for each in metre[firsts]])
        change = np.where(np.eye(len(firsts), dtype=bool), 0.0, prior - change_penalty)
        change = change + PAID_BY_BAR * prior  # (from, to)
        initial = np.repeat(prior, metre[firsts]) - np.log(metre)
        return cls(place, firsts, lasts, change, initial)

    def evidence(self, inside: np.ndarray, mean: float) -> np.ndarray:
        """Of each beat for each state, ``(beats, states)``, compared with a mean activation."""
        mean = float(np.clip(mean, RAREST, MOST_OFTEN))
        first, other = np.log(inside / mean), np.log((1 - inside) / (1 - mean))
        return np.where(self.place == 0, first[:, np.newaxis], other[:, np.newaxis])

    def moved(self, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores at the next beat before its evidence, and the bar before each bar's first."""
        arrived = score[self.lasts][:, np.newaxis] + self.change
        came = arrived.argmax(axis=0)
        moved = np.roll(score, 1)
        moved[self.firsts] = arrived[came, np.arange(len(self.firsts))]
        return moved, came


def metres_of(positions: np.ndarray) -> np.ndarray:
    """How many beats the bar of each beat has; 0 where that is not known.

    An unfinished bar at either end has as many as its neighbour, or more where it is longer; two
    unfinished bars that are neighbours have as many as the longer one.

    Examples
    --------
    >>> metres_of(np.array([3, 1, 2, 3, 1, 2, 3, 1])).tolist()
    [3, 3, 3, 3, 3, 3, 3, 3]
    >>> metres_of(np.array([4, 1, 2])).tolist()
    [4, 4, 4]
    """
    positions = np.asarray(positions, np.int64)
    metres = np.zeros(len(positions), np.int64)
    firsts = np.flatnonzero(positions == 1)
    if not len(firsts):
        return metres
    for start, stop in pairwise(firsts.tolist()):
        metres[start:stop] = positions[start:stop].max()
    tail = int(positions[firsts[-1] :].max())
    lead = int(positions[: firsts[0]].max(initial=0))
    neighbour = int(metres[firsts[-2]]) if len(firsts) > 1 else lead
    metres[firsts[-1] :] = max(tail, neighbour)
    metres[: firsts[0]] = max(lead, int(metres[firsts[0]]))
    return metres
