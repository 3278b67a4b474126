"""From a key model's outputs to keys: of the recording, and of its parts.

A key model gives every frame a probability for each of 24 keys, from the seconds around it. The
key of the *recording* is the likeliest on average. Those of its *parts* are the likeliest sequence
of keys with a transition penalty for every modulation (Viterbi). How likely each key is over time
is kept in steps of a second.

Conventions: ``keys`` is ``(frames, 24)``, a softmax over `mirzoo.tasks.key.names.LABELS`. A model
may also have ``tuning`` (`mirzoo.tasks.tuning`).

With a ``lag_s`` the key of a frame is decided so long after it (`LagKeyDecoder`), for streams: each
piece has the parts that were decided since the last, and the key of all that came so far.
"""

from __future__ import annotations

import math

import numpy as np

from mirzoo.card import Contract
from mirzoo.dsp.viterbi import FixedLagWithPenalties, PathWithChanges
from mirzoo.tasks.frames import FrameJoiner, LagDecoder, find_segments, stretches_of
from mirzoo.tasks.key.annotation import Key
from mirzoo.tasks.key.config import KeyDecoding
from mirzoo.tasks.tuning import TUNING, tuning_of

STEP_S = 1.0
LEAST = 1e-9


class KeyDecoder:
    """Turns a key model's outputs into keys; see `mirzoo.tasks.base.Decoder`."""

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, KeyDecoding)  # the task has checked the card
        self._card, self._decoding = card, card.decoding
        self._joiner = FrameJoiner(card)
        self._probabilities: list[np.ndarray] = []
        self._tuning: list[np.ndarray] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        joined = self._joiner.join(outputs, starts)
        self._probabilities.append(joined[self._card.outputs[0].name].astype(np.float32))
        if TUNING in joined:
            self._tuning.append(joined[TUNING].astype(np.float32))

    def finish(self, *, duration_s: float, source: str | None = None) -> Key:
        """Give the keys of a recording of ``duration_s`` seconds."""
        count = self._joiner.count(duration_s)
        probabilities = np.concatenate(self._probabilities)[:count]
        times = self._joiner.times(len(probabilities))
        path = likeliest_keys(probabilities, self._decoding)
        segments, confidence = [], []
        for first, end, start_s, end_s in find_segments(path, times, duration_s):
            segments.append((start_s, end_s, self._card.labels[path[first]]))
            confidence.append(float(probabilities[first:end, path[first]].mean()))
        whole = probabilities.mean(axis=0, dtype=float)
        tuning = np.concatenate(self._tuning)[:count] if self._tuning else None
        return Key(
            self._card.labels[int(whole.argmax())],
            segments,
            confidence=np.clip(confidence, 0, 1).tolist(),
            probabilities=dict(zip(self._card.labels, np.clip(whole, 0, 1).tolist(), strict=True)),
            over_time=in_steps(probabilities, times, duration_s),
            step_s=STEP_S,
            labels=self._card.labels,
            tuning_cents=None if tuning is None else tuning_of(tuning),
            source=source,
            duration_s=duration_s,
            model=self._card.name,
        )


class LagKeyDecoder(LagDecoder):
    """Turns a key model's outputs into keys, each frame ``lag_s`` after it.

    What `take` gives are the parts that were decided since, next to the key, its probabilities and
    the tuning of everything so far.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, KeyDecoding) and card.decoding.lag_s is not None
        super().__init__(card, card.decoding.lag_s)
        path = PathWithChanges(card.decoding.change_penalty)
        self._path = FixedLagWithPenalties(path, self._lag)
        self._waiting: list[np.ndarray] = []
        self._labels: list[str] = []
        self._confidence: list[float] = []
        self._sum = np.zeros(len(card.labels))
        self._directions = np.zeros(2)
        self._count = 0

    def _decide(self, outputs: dict[str, np.ndarray]) -> None:
        probabilities = outputs[self._card.outputs[0].name].astype(np.float32)
        if not len(probabilities):
            return
        self._count += len(probabilities)
        self._sum += probabilities.sum(axis=0, dtype=float)
        if TUNING in outputs:
            self._directions += outputs[TUNING].sum(axis=0, dtype=float)
        self._waiting += list(probabilities)
        self._settle(self._path.add(_evidence(probabilities)))

    def _decide_rest(self) -> None:
        self._settle(self._path.finish())

    def _settle(self, path: np.ndarray) -> None:
        for probabilities, key in zip(self._waiting, path.tolist()):
            self._labels.append(self._card.labels[key])
            self._confidence.append(float(probabilities[key]))
        del self._waiting[: len(path)]

    def _given(self, duration_s: float | None, source: str | None) -> Key | None:
        if not self._labels:
            return None
        edges = self._edges(len(self._labels), duration_s)
        segments, confidence = stretches_of(self._labels, self._confidence, edges)
        self._labels, self._confidence = [], []
        whole = np.clip(self._sum / self._count, 0, 1)
        directions = self._directions[np.newaxis] / self._count
        return Key(
            self._card.labels[int(whole.argmax())],
            segments,
            confidence=confidence,
            probabilities=dict(zip(self._card.labels, whole.tolist(), strict=True)),
            labels=self._card.labels,
            tuning_cents=tuning_of(directions) if directions.any() else None,
            source=source,
            duration_s=float(edges[-1]),
            model=self._card.name,
        )


def likeliest_keys(probabilities: np.ndarray, decoding: KeyDecoding) -> np.ndarray:
    """Find the likeliest sequence of keys.

    Parameters
    ----------
    probabilities : np.ndarray
        ``(frames, keys)``.
    decoding : KeyDecoding

    Returns
    -------
    np.ndarray
        Key of each frame, int64 ``(frames,)``.

    Examples
    --------
    >>> frames = np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
    >>> likeliest_keys(frames, KeyDecoding()).tolist()
    [0, 0, 0]
    """
    path = PathWithChanges(decoding.change_penalty)
    return np.concatenate([path.add(_evidence(probabilities)), path.finish()])


def _evidence(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(probabilities, np.float64), LEAST))


def in_steps(probabilities: np.ndarray, times: np.ndarray, duration_s: float) -> np.ndarray:
    """Average frames over steps of `STEP_S`; a step without a frame has its nearest frame's.

    Examples
    --------
    >>> in_steps(np.array([[0.0], [1.0], [0.5]]), np.array([0.0, 0.5, 1.0]), 3.0)[:, 0].tolist()
    [0.5, 0.5, 0.5]
    """
    steps = max(1, math.ceil(duration_s / STEP_S - 1e-6))
    place = np.clip((times / STEP_S + 1e-6).astype(int), 0, steps - 1)
    sums = np.zeros((steps, probabilities.shape[1]))
    np.add.at(sums, place, probabilities)
    counts = np.bincount(place, minlength=steps)
    middles = (np.arange(steps) + 0.5) * STEP_S
    nearest = np.abs(middles[:, np.newaxis] - times).argmin(axis=1) if (counts == 0).any() else None
    if nearest is not None:
        empty = counts == 0
        sums[empty], counts[empty] = probabilities[nearest[empty]], 1
    return sums / counts[:, np.newaxis]
