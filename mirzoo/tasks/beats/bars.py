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

from collections.abc import Sequence
from itertools import pairwise

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
    metres = range(FEWEST_BEATS, MOST_BEATS + 1) if beats_per_bar is None else [beats_per_bar]
    metre, place = _states(metres)
    inside = np.clip(np.asarray(downbeat, np.float64), LEAST, 1 - LEAST)
    mean = float(np.clip(inside.mean(), RAREST, MOST_OFTEN))
    first, other = np.log(inside / mean), np.log((1 - inside) / (1 - mean))
    is_first = place == 0
    firsts, lasts = np.flatnonzero(is_first), np.flatnonzero(place == metre - 1)
    prior = np.array([PRIOR.get(int(each), RARE) for each in metre[firsts]])
    change = np.where(np.eye(len(firsts), dtype=bool), 0.0, prior - change_penalty)  # (from, to)
    change = change + PAID_BY_BAR * prior
    score = np.repeat(prior, metre[firsts]) - np.log(metre)
    score = score + np.where(is_first, first[0], other[0])
    came = np.zeros((count, len(firsts)), np.int64)
    columns = np.arange(len(firsts))
    for beat in range(1, count):
        arrived = score[lasts][:, np.newaxis] + change
        came[beat] = arrived.argmax(axis=0)
        score = np.roll(score, 1)
        score[firsts] = arrived[came[beat], columns]
        score += np.where(is_first, first[beat], other[beat])
    state = int(score.argmax())
    path = np.zeros(count, np.int64)
    for beat in range(count - 1, -1, -1):
        path[beat] = state
        if is_first[state]:
            state = int(lasts[came[beat, np.searchsorted(firsts, state)]])
        else:
            state -= 1
    return place[path] + 1


def _states(metres: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    metre = np.concatenate([np.full(each, each) for each in metres])
    return metre, np.concatenate([np.arange(each) for each in metres])


def metres_of(positions: np.ndarray) -> np.ndarray:
    """How many beats the bar of each beat has; 0 where that is not known.

    An unfinished bar at either end has as many as its neighbour, or more where it is longer.

    Examples
    --------
    >>> metres_of(np.array([3, 1, 2, 3, 1, 2, 3, 1])).tolist()
    [3, 3, 3, 3, 3, 3, 3, 3]
    """
    positions = np.asarray(positions, np.int64)
    metres = np.zeros(len(positions), np.int64)
    firsts = np.flatnonzero(positions == 1)
    if not len(firsts):
        return metres
    for start, stop in pairwise(firsts.tolist()):
        metres[start:stop] = positions[start:stop].max()
    tail = int(positions[firsts[-1] :].max())
    neighbour = int(metres[firsts[-2]]) if len(firsts) > 1 else 0
    metres[firsts[-1] :] = max(tail, neighbour)
    lead = int(positions[: firsts[0]].max(initial=0))
    metres[: firsts[0]] = max(lead, int(metres[firsts[0]]))
    return metres
