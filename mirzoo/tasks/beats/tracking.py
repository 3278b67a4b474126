"""Find beats in activations: the likeliest sequence of tempi and phases.

The states are those of the bar pointer model with a bar of one beat [1]_: a tempo, which is the
beat's length in frames, and the place within the beat. The place moves on by one each frame; where
a beat ends, the next may have another length, at a cost that grows with the change. A frame at the
beginning of a beat is as likely as its activation ``a``, any other as likely as ``(1 - a) / 15``.

Since nothing is decided within a beat, the search goes from beat to beat instead of from frame to
frame, by the ratio ``15 * a / (1 - a)`` of the frames at which beats begin. No beat is shorter than
the shortest, so as many frames as that has are computed at once. The result is that of the search
through all states.

Other than in [1]_, where the first sixteenth of a beat has the activation, it is one frame at any
tempo, and peaks are widened by a frame on either side beforehand. Peaks as narrow as a network
gives them, and beats whose length is no whole number of frames, would else be better explained by
half the tempo.

References
----------
.. [1] F. Krebs, S. Böck, G. Widmer, "An efficient state-space model for joint tempo and meter
   tracking", ISMIR 2015.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mirzoo.tasks.beats.config import OTHERS

LEAST = 1e-5
ROUNDED = 2.0
USUAL_BPM = 110.0
PEAK_THRESHOLD = 0.5
PEAK_REACH_S = 0.07
"""Of two peaks nearer than this the higher counts."""

WIDTH_S = 0.02
"""By how much peaks are widened on either side before the search."""

REFINING_FRAMES = 2


class BeatFrames(NamedTuple):
    """Beats in frames, which need not be whole, and the activation at each, ``(beats,)``."""

    frames: np.ndarray
    strength: np.ndarray


def beat_lengths(frame_rate: float, min_bpm: float, max_bpm: float) -> np.ndarray:
    """All whole numbers of frames that a beat of these tempi may last.

    Examples
    --------
    >>> lengths = beat_lengths(50.0, 40.0, 240.0)
    >>> int(lengths[0]), int(lengths[-1]), int(lengths.sum())
    (12, 75, 2784)
    """
    shortest = max(2, math.floor(60.0 * frame_rate / max_bpm + 1e-6))
    longest = max(shortest, math.ceil(60.0 * frame_rate / min_bpm - 1e-6))
    return np.arange(shortest, longest + 1)


def change_scores(lengths: np.ndarray, change_penalty: float) -> np.ndarray:
    """Log-probability of each length (column) after each (row).

    ``exp(-change_penalty * abs(to / from - 1))``, normalised. A change by one frame costs at most
    `ROUNDED` nats: a tempo whose beats are no whole number of frames long makes many, of which
    each would be a leap at a fast tempo.
    """
    apart = lengths - lengths[:, np.newaxis]
    cost = change_penalty * np.abs(apart) / lengths[:, np.newaxis]
    cost = np.where(np.abs(apart) == 1, np.minimum(cost, ROUNDED), cost)
    return -cost - np.log(np.exp(-cost).sum(axis=1, keepdims=True))


def fast_costs(lengths: np.ndarray, frame_rate: float, penalty: float) -> np.ndarray:
    """What each beat costs at tempi above 110 a minute: ``penalty`` times squared octaves (nats).

    Activations between beats, where there are eighth notes, err together: without a cost, many
    that are a little high would make the tempo twice as fast.

    Examples
    --------
    >>> fast_costs(np.array([50, 25, 12]), 50.0, 3.0).round(2).tolist()
    [0.0, 0.05, 4.21]
    """
    octaves = np.log2(60.0 * frame_rate / lengths / USUAL_BPM)
    return penalty * np.square(np.maximum(octaves, 0.0))


def likeliest_beats(
    activation: np.ndarray,
    lengths: np.ndarray,
    change_penalty: float,
    costs: np.ndarray | None = None,
    odds: float = OTHERS,
) -> np.ndarray:
    """Find the likeliest sequence of beats.

    Parameters
    ----------
    activation : np.ndarray
        How likely a beat is at each frame, ``(frames,)``, in [0, 1].
    lengths : np.ndarray
        What a beat may last (frames), ascending.
    change_penalty : float
        As of `change_scores`.
    costs : np.ndarray, optional
        What a beat of each length costs (nats).
    odds : float
        As `mirzoo.tasks.beats.config.BeatsDecoding.beat_odds`.

    Returns
    -------
    np.ndarray
        First frame of each beat, int64 ``(beats,)``.

    Examples
    --------
    >>> activation = np.full(200, 0.01)
    >>> activation[7::25] = 0.9
    >>> likeliest_beats(activation, beat_lengths(50.0, 40.0, 240.0), 100.0).tolist()
    [7, 32, 57, 82, 107, 132, 157, 182]
    """
    count, longest, shortest = len(activation), int(lengths[-1]), int(lengths[0])
    inside = np.clip(np.asarray(activation, np.float64), LEAST, 1 - LEAST)
    # Frames are numbered from one longest beat before the first: beats may begin there, where
    # nothing is known. `evidence[longest]` is that of the recording's first frame.
    evidence = np.concatenate([np.zeros(longest), np.log(odds * inside / (1 - inside))])
    change = change_scores(lengths, change_penalty)
    if costs is not None:
        change = change - costs
    into = np.ascontiguousarray(change.T)  # (to, from)
    kinds = np.arange(len(lengths))
    # The score of a beat of each length that begins at a frame, before it: of the last frames
    # alone, by frame modulo their number.
    held = longest + shortest
    scores = np.full((held, len(lengths)), -np.inf)
    first = np.arange(longest + 1)
    scores[first] = np.where((longest - first)[:, np.newaxis] < lengths, 0.0, -np.inf)
    came = np.zeros((count, len(lengths)), np.uint8 if len(lengths) < 256 else np.uint16)
    for start in range(1, count, shortest):
        frames = np.arange(start, min(start + shortest, count)) + longest
        before = frames[:, np.newaxis] - lengths
        arrived = scores[before % held, kinds] + evidence[before]
        candidates = arrived[:, np.newaxis, :] + into
        best = candidates.argmax(axis=2)
        scores[frames % held] = np.take_along_axis(candidates, best[..., np.newaxis], 2)[..., 0]
        came[frames - longest] = best
    # The last beat begins before the end, and ends there or behind it.
    last = np.arange(count, count + longest)[:, np.newaxis]
    final = np.where(
        last + lengths >= count + longest, scores[last % held, kinds] + evidence[last], -np.inf
    )
    row, kind = divmod(int(final.argmax()), len(lengths))
    frame = int(last[row, 0]) - longest
    starts = []
    while frame >= 0:
        starts.append(frame)
        if frame == 0:
            break
        kind = int(came[frame, kind])
        frame -= int(lengths[kind])
    return np.array(starts[::-1], np.int64)


def track_beats(
    activation: np.ndarray,
    frame_rate: float,
    *,
    min_bpm: float,
    max_bpm: float,
    change_penalty: float,
    fast_penalty: float,
    odds: float,
    threshold: float,
) -> BeatFrames:
    """Find beats with `likeliest_beats`, each at the activation's peak near its frame.

    Peaks are widened before the search (`WIDTH_S`).

    Parameters
    ----------
    activation : np.ndarray
        ``(frames,)``.
    frame_rate : float
        Hz.
    min_bpm, max_bpm : float
    change_penalty, fast_penalty : float
        As of `change_scores` and `fast_costs`.
    odds : float
        As of `likeliest_beats`.
    threshold : float
        Beats before the first and behind the last frame that is at least this high are left out;
        where none is, there are no beats.
    """
    loud = np.flatnonzero(activation >= threshold)
    if not len(loud):
        return BeatFrames(np.zeros(0), np.zeros(0))
    widened = highest_near(activation, max(1, round(WIDTH_S * frame_rate)))
    lengths = beat_lengths(frame_rate, min_bpm, max_bpm)
    costs = fast_costs(lengths, frame_rate, fast_penalty)
    starts = likeliest_beats(widened, lengths, change_penalty, costs, odds)
    found = _refined(activation, starts, threshold)
    sounds = (found.frames >= loud[0] - 1) & (found.frames <= loud[-1] + 1)
    return BeatFrames(found.frames[sounds], found.strength[sounds])


def pick_beats(activation: np.ndarray, frame_rate: float) -> BeatFrames:
    """Take the peaks above 0.5, of several within 70 ms the highest.

    Examples
    --------
    >>> pick_beats(np.array([0.0, 0.2, 0.9, 0.2, 0.0, 0.0, 0.4, 0.0]), 50.0).frames.tolist()
    [2.0]
    """
    reach = max(1, round(PEAK_REACH_S * frame_rate))
    highest = highest_near(activation, reach)
    peaks = np.flatnonzero((activation >= highest) & (activation > PEAK_THRESHOLD))
    if len(peaks):  # of a plateau its first frame
        peaks = peaks[np.concatenate([[True], np.diff(peaks) > reach])]
    return BeatFrames(_between(activation, peaks), np.asarray(activation, float)[peaks])


def highest_near(activation: np.ndarray, reach: int) -> np.ndarray:
    """The highest activation within ``reach`` frames of each.

    Examples
    --------
    >>> highest_near(np.array([0.0, 0.0, 0.9, 0.2, 0.1]), 1).tolist()
    [0.0, 0.9, 0.9, 0.9, 0.2]
    """
    padded = np.pad(np.asarray(activation, np.float64), reach)
    return np.max(
        [padded[shift : shift + len(activation)] for shift in range(2 * reach + 1)], axis=0
    )


def _refined(activation: np.ndarray, starts: np.ndarray, threshold: float) -> BeatFrames:
    """Move beats to the highest frame within two of them, where that is above the threshold."""
    near = starts[:, np.newaxis] + np.arange(-REFINING_FRAMES, REFINING_FRAMES + 1)
    allowed = (near >= 0) & (near < len(activation))
    values = np.where(allowed, activation[np.clip(near, 0, len(activation) - 1)], -1.0)
    highest = values.argmax(axis=1)
    rows = np.arange(len(starts))
    peaks, strength = near[rows, highest], values[rows, highest]
    frames = np.where(strength >= threshold, _between(activation, peaks), starts)
    return BeatFrames(frames, np.clip(strength, 0.0, 1.0))


def _between(activation: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Where the parabola through a peak and its neighbours is highest (frames).

    The first and the last frame have one neighbour alone, and stay.
    """
    values = np.pad(np.asarray(activation, np.float64), 1, mode="edge")
    shift = peak_between(values[peaks], values[peaks + 1], values[peaks + 2])
    shift[(peaks == 0) | (peaks == len(activation) - 1)] = 0.0
    return peaks + shift


def peak_between(before: np.ndarray, at: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How far from its middle a parabola through three values is highest, at most half a step.

    Examples
    --------
    >>> peak_between(np.array([0.6, 0.7]), np.array([0.9, 0.9]), np.array([0.5, 0.5])).round(2)
    array([-0.07, -0.17])
    """
    bend = before - 2 * at + after
    shift = np.divide(before - after, 2 * bend, out=np.zeros(len(at)), where=bend < -1e-9)
    return np.clip(shift, -0.5, 0.5)
