"""What a beat model is trained to output for frames: 1 at the frame nearest to a beat, else 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirzoo.data.labels import Labels
from mirzoo.tasks.base import Labelled
from mirzoo.tasks.beats.config import BEAT, BEATS, DOWNBEAT, LABELS

UNKNOWN = -1.0


class BeatTargets:
    """Beats and downbeats as 0 and 1; -1 where they are not known.

    They are known from one beat's length before the first to one behind the last: labels often
    leave out beats of an introduction. A recording whose downbeats are not known has the others.

    Parameters
    ----------
    corpus : Labelled
    frame_times : sequence of np.ndarray
        The times of each item's frames (s).
    """

    def __init__(self, corpus: Labelled, frame_times: Sequence[np.ndarray]) -> None:
        self._rows = np.concatenate(
            [_rows(corpus.labels(index), times) for index, times in enumerate(frame_times)]
        )

    @classmethod
    def of_stretches(
        cls, stretches: Sequence[Sequence[Labels]], frame_times: Sequence[np.ndarray]
    ) -> BeatTargets:
        """Targets of recordings of which only stretches are known, of each several.

        Where they overlap, the one that comes first counts.
        """
        targets = cls.__new__(cls)
        rows = []
        for known, times in zip(stretches, frame_times, strict=True):
            item = _rows(Labels(), times)
            for labels in known:
                item = np.where(
                    (item == UNKNOWN).all(axis=1, keepdims=True), _rows(labels, times), item
                )
            rows.append(item)
        targets._rows = np.concatenate(rows)
        return targets

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        return {BEATS: self._rows[start:stop].astype(np.float32)}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return {BEATS: np.full((count, len(LABELS)), UNKNOWN, np.float32)}


def _rows(labels: Labels, times: np.ndarray) -> np.ndarray:
    rows = np.full((len(times), len(LABELS)), UNKNOWN, np.int8)
    if labels.beats is None or len(labels.beats) < 2 or len(times) < 2:
        return rows
    beats = np.sort(labels.beats)
    known = (times >= 2 * beats[0] - beats[1]) & (times <= 2 * beats[-1] - beats[-2])
    columns = {BEAT: beats}
    if labels.downbeats is not None and len(labels.downbeats):
        columns[DOWNBEAT] = np.sort(labels.downbeats)
    step = float(np.median(np.diff(times)))
    for column, marks in columns.items():
        rows[known, column] = 0
        after = np.clip(np.searchsorted(times, marks), 1, len(times) - 1)
        before = after - 1
        nearest = np.where(marks - times[before] <= times[after] - marks, before, after)
        near = np.abs(times[nearest] - marks) <= step
        rows[nearest[near], column] = 1
    return rows
