"""The tempo of beats: of a recording, with its other candidate, over time, and steady ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SLOWEST, FASTEST, USUAL = 30.0, 300.0, 110.0
"""Of the other candidate (beats a minute)."""

FEWEST = 6
LITTLE = 0.05
NEAR = 0.1
SMOOTHED_BEATS = 4
OFF_S = 0.05
"""How far from the steady tempo a beat may be that still counts for it."""


class Steady(NamedTuple):
    """One tempo: a beat at ``offset_s``, one every ``period_s``, and the share that fits."""

    offset_s: float
    period_s: float
    share: float


def tempo_of(times: np.ndarray) -> float | None:
    """The tempo of beats (a minute): the mean of the intervals near their median.

    None where there are fewer than two beats.

    Examples
    --------
    >>> tempo_of(np.array([0.0, 0.5, 1.0, 1.5, 2.5, 3.0]))
    120.0
    """
    if len(times) < 2:
        return None
    intervals = np.diff(times)
    median = float(np.median(intervals))
    near = intervals[np.abs(intervals / median - 1) <= NEAR]
    return 60.0 / (float(near.mean()) if len(near) else median)


def tempo_curve(times: np.ndarray) -> np.ndarray:
    """The tempo around each beat (a minute), ``(beats,)``: over up to four beats on either side.

    Examples
    --------
    >>> tempo_curve(np.array([0.0, 0.5, 1.0])).tolist()
    [120.0, 120.0, 120.0]
    """
    count = len(times)
    if count < 2:
        return np.full(count, np.nan)
    place = np.arange(count)
    first = np.maximum(place - SMOOTHED_BEATS, 0)
    last = np.minimum(place + SMOOTHED_BEATS, count - 1)
    return 60.0 * (last - first) / (times[last] - times[first])


def candidates(
    tempo: float | None,
    activation: np.ndarray | None = None,
    frames: np.ndarray | None = None,
) -> tuple[tuple[float, float], ...]:
    """The tempo and the likeliest other one, each with its weight, as MIREX has tempi.

    The other is double or three times the tempo, as likely as the activation between beats is
    high, or half or a third of it, as likely as the activation of every second or third beat is
    higher than that of the others. Where nothing tells, it is the one nearest to 110 beats a
    minute.

    Parameters
    ----------
    tempo : float or None
        Of the beats (a minute).
    activation : np.ndarray, optional
        Of beats, ``(frames,)``; without it there is no other candidate.
    frames : np.ndarray, optional
        The beats, in frames, ``(beats,)``.

    Returns
    -------
    tuple of (float, float)
        Tempo (beats a minute) and weight; weights sum to 1, and the first is that of the beats.

    Examples
    --------
    >>> activation = np.zeros(1000)
    >>> activation[::25], activation[12::25] = 0.8, 0.4
    >>> (first, weight), (other, rest) = candidates(120.0, activation, np.arange(0, 1000, 25))
    >>> first, round(weight, 2), other, round(rest, 2)
    (120.0, 0.67, 240.0, 0.33)
    """
    if tempo is None:
        return ()
    if activation is None or frames is None or len(frames) < FEWEST:
        return ((tempo, 1.0),)
    on_beat = _at(activation, frames)
    level = max(float(on_beat.mean()), 1e-9)
    worth: dict[float, float] = {}
    for parts in (2, 3):
        between = [
            _at(activation, frames[:-1] + np.diff(frames) * part / parts).mean()
            for part in range(1, parts)
        ]
        worth[float(parts)] = min(1.0, float(np.min(between)) / level)
        phases = [float(on_beat[phase::parts].mean()) for phase in range(parts)]
        highest = max(phases)
        others = (sum(phases) - highest) / (parts - 1)
        worth[1 / parts] = (highest - others) / max(highest, 1e-9)
    allowed = [ratio for ratio in worth if SLOWEST <= tempo * ratio <= FASTEST]
    if not allowed:
        return ((tempo, 1.0),)
    best = max(allowed, key=lambda ratio: worth[ratio])
    if worth[best] < LITTLE:
        best = min(allowed, key=lambda ratio: abs(np.log(tempo * ratio / USUAL)))
    weight = 1.0 / (1.0 + max(worth[best], LITTLE))
    return ((tempo, weight), (tempo * best, 1.0 - weight))


def _at(activation: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The highest activation within a frame of places that need not be whole."""
    near = np.round(frames).astype(np.int64)[:, np.newaxis] + np.arange(-1, 2)
    return activation[np.clip(near, 0, len(activation) - 1)].max(axis=1)


def steady_fit(times: np.ndarray, weights: np.ndarray | None = None) -> Steady | None:
    """Fit one tempo and one offset to beats by least squares, outliers left out.

    Beats that are missing are counted: each interval counts for as many beats as it is long.

    Parameters
    ----------
    times : np.ndarray
        s, ``(beats,)``.
    weights : np.ndarray, optional
        How much each counts, ``(beats,)``.

    Returns
    -------
    Steady or None
        None where there are fewer than two beats.

    Examples
    --------
    >>> fit = steady_fit(0.123 + 0.5 * np.array([0, 1, 2, 4, 5, 6]))
    >>> round(fit.offset_s, 6), round(fit.period_s, 6), fit.share
    (0.123, 0.5, 1.0)
    """
    if len(times) < 2:
        return None
    weights = np.ones(len(times)) if weights is None else np.maximum(weights, 1e-3)
    tempo = tempo_of(times)
    assert tempo is not None  # there are two beats
    period = 60.0 / tempo
    numbers = np.concatenate([[0], np.cumsum(np.maximum(1, np.round(np.diff(times) / period)))])
    fits = np.ones(len(times), bool)
    offset = float(times[0])
    for _ in range(5):
        w, x, y = weights[fits], numbers[fits], times[fits]
        mean_x, mean_y = np.average(x, weights=w), np.average(y, weights=w)
        spread = float(np.average((x - mean_x) ** 2, weights=w))
        if spread <= 0:
            break
        period = float(np.average((x - mean_x) * (y - mean_y), weights=w)) / spread
        offset = float(mean_y - period * mean_x)
        numbers = np.round((times - offset) / period)
        near = np.abs(times - offset - period * numbers) <= OFF_S
        if near.sum() < 2 or (near == fits).all():
            break
        fits = near
    off = np.abs(times - offset - period * np.round((times - offset) / period))
    return Steady(offset, period, float(np.mean(off <= OFF_S)))
