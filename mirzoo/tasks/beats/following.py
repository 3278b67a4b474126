"""Follow beats while music sounds: the search of `mirzoo.tasks.beats.tracking`, not looking ahead.

The states are those of the search over a whole recording. At each frame the likeliest sequence of
beats up to it is known; its beat that lies ``lag`` frames back counts. What was decided stays, so
where the music proves the sequence wrong, a beat comes early or late once, or is left out. None
comes sooner than `SOONEST` of a beat's length after the last.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mirzoo.tasks.beats.tracking import (
    LEAST,
    REFINING_FRAMES,
    WIDTH_S,
    beat_lengths,
    change_scores,
    fast_costs,
    peak_between,
)

LATE_FRAMES = 3
"""A beat that the likeliest sequence has not had may still come so late."""

_BEFORE = REFINING_FRAMES + 1 + LATE_FRAMES
LEAST_LAG = REFINING_FRAMES + _BEFORE
"""A beat is put on a peak `REFINING_FRAMES` before or behind where the search has it, or half a
frame from there."""

SOONEST = 0.6
SILENT_BEATS = 2
"""Beats of the longest length: where no frame has reached the threshold for so long, there are
none."""


class FollowedBeat(NamedTuple):
    """A beat in frames, which need not be whole; how likely it is, and that a bar begins there."""

    frame: float
    strength: float
    downbeat: float


class BeatFollower:
    """Finds beats frame by frame.

    Parameters
    ----------
    frame_rate : float
        Hz.
    min_bpm, max_bpm, change_penalty, fast_penalty, odds, threshold
        As of `mirzoo.tasks.beats.tracking.track_beats`.
    lag : int
        Frames from a beat to its decision, at least `LEAST_LAG`.

    Examples
    --------
    >>> follower = BeatFollower(50.0, min_bpm=40.0, max_bpm=240.0, change_penalty=100.0,
    ...                         fast_penalty=3.0, odds=15.0, threshold=0.1,
    ...                         lag=8)
    >>> activation = np.full(300, 0.01)
    >>> activation[10::25] = 0.9
    >>> found = [beat for value in activation for beat in follower.add(value, 0.0)]
    >>> [beat.frame for beat in found[-3:]]
    [235.0, 260.0, 285.0]
    """

    def __init__(
        self,
        frame_rate: float,
        *,
        min_bpm: float,
        max_bpm: float,
        change_penalty: float,
        fast_penalty: float,
        odds: float,
        threshold: float,
        lag: int,
    ) -> None:
        self.lag = max(lag, LEAST_LAG)
        self._odds, self._threshold = odds, threshold
        self._lengths = lengths = beat_lengths(frame_rate, min_bpm, max_bpm)
        change = change_scores(lengths, change_penalty)
        self._into = np.ascontiguousarray(
            (change - fast_costs(lengths, frame_rate, fast_penalty)).T
        )  # (to, from)
        self._longest = longest = int(lengths[-1])
        self._width = max(1, round(WIDTH_S * frame_rate))
        self._kinds = np.arange(len(lengths))
        # Frames by their number modulo this: as many as beats are looked for in.
        self._held = 3 * longest + self.lag + 2 * REFINING_FRAMES
        self._scores = np.full((self._held, len(lengths)), -np.inf)
        self._came = np.zeros((self._held, len(lengths)), np.int16)
        self._evidence = np.zeros(self._held)
        self._seen = np.zeros((self._held, 2))
        ages = np.arange(longest)
        self._ages, self._lasts = ages, ages[:, np.newaxis] < lengths
        before = np.arange(-longest, 1)
        self._scores[before % self._held] = np.where(-before[:, np.newaxis] < lengths, 0.0, -np.inf)
        self._added = 0
        self._searched = 0
        self._last = -math.inf
        self._until = -1
        self._loud: int | None = None

    def add(self, beat: float, downbeat: float) -> list[FollowedBeat]:
        """Take the activations of the next frame; gives the beats that are decided now."""
        self._seen[self._added % self._held] = beat, downbeat
        if beat >= self._threshold:
            self._loud = self._added
        self._added += 1
        if self._searched + self._width >= self._added:
            return []
        self._search()
        return self._decided(self._added - 1 - self.lag + _BEFORE)

    def finish(self) -> list[FollowedBeat]:
        """Give the last beats."""
        while self._searched < self._added:
            self._search()
        return self._decided(self._added - 1) if self._added else []

    def _search(self) -> None:
        """Go on by a frame."""
        frame = self._searched
        if frame:
            before = (frame - self._lengths) % self._held
            arrived = self._scores[before, self._kinds] + self._evidence[before]
            candidates = arrived + self._into
            best = candidates.argmax(axis=1)
            self._scores[frame % self._held] = candidates[self._kinds, best]
            self._came[frame % self._held] = best
        near = np.arange(max(0, frame - self._width), min(self._added, frame + self._width + 1))
        highest = float(self._seen[near % self._held, 0].max())
        inside = min(max(highest, LEAST), 1 - LEAST)
        self._evidence[frame % self._held] = math.log(self._odds * inside / (1 - inside))
        self._searched += 1

    def _decided(self, until: int) -> list[FollowedBeat]:
        """The beats of the likeliest sequence up to a frame, behind those decided before."""
        now = self._searched - 1
        rows = (now - self._ages) % self._held
        score = self._scores[rows] + self._evidence[rows, np.newaxis]
        age, kind = divmod(int(np.where(self._lasts, score, -np.inf).argmax()), len(self._lengths))
        frame, starts = now - age, []
        earliest, self._until = max(0, self._until + 1 - LATE_FRAMES), until
        while frame >= earliest and frame - self._last >= SOONEST * self._lengths[kind]:
            if frame <= until:
                starts.append(frame)
            kind = int(self._came[frame % self._held, kind])
            frame -= int(self._lengths[kind])
        if not starts:
            return []
        self._last = starts[0]
        return [self._beat(start) for start in reversed(starts) if self._sounds(start)]

    def _sounds(self, frame: int) -> bool:
        if self._loud is None:
            return False
        return frame <= self._loud + SILENT_BEATS * self._longest

    def _beat(self, start: int) -> FollowedBeat:
        """A beat at the activation's peak near its frame."""
        near = np.arange(
            max(0, start - REFINING_FRAMES), min(self._added, start + REFINING_FRAMES + 1)
        )
        beat, downbeat = self._seen[near % self._held].T
        highest = int(beat.argmax())
        strength, peak = float(beat[highest]), int(near[highest])
        frame = float(start)
        if strength >= self._threshold:
            frame = float(peak)
            if 0 < peak < self._added - 1:
                values = self._seen[(peak + np.array([[-1], [0], [1]])) % self._held, 0]
                frame += float(peak_between(*values)[0])
        return FollowedBeat(
            frame, min(max(strength, 0.0), 1.0), min(max(float(downbeat.max()), 0.0), 1.0)
        )
