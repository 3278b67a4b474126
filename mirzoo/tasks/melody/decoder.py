"""Melody extraction: the frequency of the main voice over time.

A melody model gives every frame a salience for each of its pitch bins, and how likely it is that
any melody sounds. The contour is the likeliest path through the bins (Viterbi), with a transition
penalty that grows with the interval up to a limit, or each frame's strongest bin by itself; the
frequency is then the salience-weighted mean of the bins around it, which is finer than a bin.
Frames whose voicing is below the card's threshold keep their frequency with a minus sign, as
mir_eval has it, so that pitch and voicing can be judged apart.

Conventions: ``salience`` is ``(frames, bins)``, bin ``b`` centred at
``fmin * 2 ** (b / bins_per_octave)`` Hz; ``voicing`` is ``(frames, 1)``. Of a model
without ``voicing``, the salience at the bin taken is the voicing.

References
----------
J. W. Kim, J. Salamon, P. Li, J. P. Bello, "CREPE: a convolutional representation for pitch
estimation", ICASSP 2018, section 2, for the weighted mean of nine bins. M. Mauch and S. Dixon,
"pYIN", ICASSP 2014, for the path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mirzoo.card import Contract
from mirzoo.dsp.framing import runs
from mirzoo.dsp.viterbi import (
    CONTEXT_FRAMES,
    PIECE_FRAMES,
    FixedLagWithMovement,
    path_with_movement,
)
from mirzoo.tasks.base import same_choice
from mirzoo.tasks.frames import FrameJoiner, LagDecoder
from mirzoo.tasks.melody.annotation import Melody
from mirzoo.tasks.melody.config import VOICING, MelodyDecoding

SMALLEST = 1e-9
SAME_PITCH_CENTS = 25
BLOCK_FRAMES = 8 * PIECE_FRAMES


class MelodyDecoder:
    """Turns a melody model's outputs into a melody; see `mirzoo.tasks.base.Decoder`.

    The salience of a recording is large, so the path is followed while it comes in, in blocks of
    8,192 frames with their neighbourhood.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, MelodyDecoding)  # the task has checked the card
        self._card, self._decoding = card, card.decoding
        self._joiner = FrameJoiner(card)
        self._pending: list[np.ndarray] = []
        self._already_followed = 0
        self._bins: list[np.ndarray] = []
        self._peaks: list[np.ndarray] = []
        self._voicing: list[np.ndarray] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        self.add_frames(self._joiner.join(outputs, starts))

    @property
    def lag_s(self) -> None:
        """The whole recording decides."""
        return None

    def take(self) -> None:
        """Give nothing: everything comes at the end."""
        return None

    def rest(self, *, duration_s: float, source: str | None = None) -> Melody:
        """Give all, as `finish`."""
        return self.finish(duration_s=duration_s, source=source)

    def add_frames(self, outputs: dict[str, np.ndarray]) -> None:
        """Take the next frames of the recording, ``(frames, ...)`` of each output."""
        joined = dict(outputs)
        self._pending.append(joined.pop(self._card.outputs[0].name))
        if VOICING in joined:
            self._voicing.append(joined[VOICING][:, 0])
        waiting = sum(map(len, self._pending)) - self._already_followed - CONTEXT_FRAMES
        if waiting >= BLOCK_FRAMES:
            self._follow(CONTEXT_FRAMES)

    def finish(self, *, duration_s: float, source: str | None = None) -> Melody:
        """Give the melody of a recording of ``duration_s`` seconds."""
        decoding = self._decoding
        count = self._joiner.count(duration_s)
        self._follow(0)
        bins, peaks = (np.concatenate(parts)[:count] for parts in (self._bins, self._peaks))
        confidence = np.concatenate(self._voicing)[:count] if self._voicing else peaks
        times = self._joiner.times(len(bins))
        f0 = decoding.fmin * 2.0 ** (bins / decoding.bins_per_octave)
        voiced = is_voiced(confidence, decoding, self._joiner.frame_rate)
        return Melody(
            times=times,
            f0=np.where(voiced, f0, -f0),
            confidence=np.clip(confidence, 0.0, 1.0),
            source=source,
            duration_s=duration_s,
            model=self._card.name,
        )

    def _follow(self, context: int) -> None:
        """Follow what came in, but for the last ``context`` frames, whose future isn't known."""
        salience = np.concatenate(self._pending)
        self._pending = []
        kept = slice(self._already_followed, len(salience) - context)
        path = strongest_bins(salience, self._decoding)[kept]
        bins, peaks = refine(salience[kept], path, self._decoding.average_bins)
        self._bins.append(bins)
        self._peaks.append(peaks.copy())  # it is a column of all around the bins
        self._pending = [salience[-2 * CONTEXT_FRAMES :].copy()]
        self._already_followed = CONTEXT_FRAMES


class LagMelodyDecoder(LagDecoder):
    """Turns a melody model's outputs into a melody, each frame ``lag_s`` after it.

    What is voiced is decided by the voicing up to the same frame; a stretch that has not lasted
    ``shortest_s`` by then is unvoiced. Of a model without the output ``voicing``, whose voicing is
    the salience of the path, it is decided another ``lag_s`` later.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, MelodyDecoding) and card.decoding.lag_s is not None
        super().__init__(card, card.decoding.lag_s)
        self._decoding = decoding = card.decoding
        self._has_voicing = VOICING in [output.name for output in card.outputs]
        self._path = None
        if decoding.method == "viterbi":
            self._path = FixedLagWithMovement(*movement_penalties(decoding), lag=self._lag)
        self._voiced = _LagVoicing(decoding, self._joiner.frame_rate, self._lag)
        self._waiting: list[np.ndarray] = []
        self._bins: list[float] = []
        self._confidence: list[float] = []
        self._is_voiced: list[bool] = []
        self._first = 0

    @property
    def lag_s(self) -> float | None:
        """How much later than a frame its decision comes (s)."""
        frames = self._lag * (1 if self._has_voicing else 2)
        return frames / self._joiner.frame_rate

    def _decide(self, outputs: dict[str, np.ndarray]) -> None:
        salience = outputs[self._card.outputs[0].name]
        if not len(salience):
            return
        if self._has_voicing:
            voicing = outputs[VOICING][:, 0].tolist()
            self._confidence += voicing
            self._is_voiced += self._voiced.add(voicing)
        self._waiting += list(salience)
        if self._path is None:
            self._settle(salience.argmax(axis=1))
        else:
            self._settle(self._path.add(np.log(np.maximum(salience, SMALLEST))))

    def _decide_rest(self) -> None:
        if self._path is not None:
            self._settle(self._path.finish())
        self._is_voiced += self._voiced.finish()

    def _settle(self, path: np.ndarray) -> None:
        if not len(path):
            return
        salience = np.stack(self._waiting[: len(path)])
        del self._waiting[: len(path)]
        bins, peaks = refine(salience, path, self._decoding.average_bins)
        self._bins += bins.tolist()
        if not self._has_voicing:
            self._confidence += peaks.tolist()
            self._is_voiced += self._voiced.add(peaks.tolist())

    def _given(self, duration_s: float | None, source: str | None) -> Melody | None:
        count = min(len(self._bins), len(self._is_voiced))
        if not count:
            return None
        times = self._joiner.times_of(self._first + np.arange(count + 1))
        bins = np.array(self._bins[:count])
        f0 = self._decoding.fmin * 2.0 ** (bins / self._decoding.bins_per_octave)
        voiced = np.array(self._is_voiced[:count])
        melody = Melody(
            times=times[:-1],
            f0=np.where(voiced, f0, -f0),
            confidence=np.clip(self._confidence[:count], 0.0, 1.0),
            source=source,
            duration_s=times[-1] if duration_s is None else duration_s,
            model=self._card.name,
        )
        self._first += count
        for decided in (self._bins, self._confidence, self._is_voiced):
            del decided[:count]
        return melody


class _LagVoicing:
    """`is_voiced` of each frame, given the voicing up to ``lag`` frames after it."""

    def __init__(self, decoding: MelodyDecoding, frame_rate: float, lag: int) -> None:
        self._decoding, self._lag = decoding, lag
        self._shortest = decoding.shortest_s * frame_rate
        self._back = math.ceil(self._shortest) + 1
        self._sounds = False
        self._loud: list[bool] = []
        self._enough: list[bool] = []
        self._behind = 0

    def add(self, voicing: Sequence[float]) -> list[bool]:
        """Take the voicing of the next frames; gives what is decided now."""
        threshold = self._decoding.voicing_threshold
        lowest = threshold - self._decoding.voicing_hysteresis
        decided = []
        for value in voicing:
            # What began loud enough lasts: so much is remembered of all that was before.
            self._sounds = value > threshold or (self._sounds and value > lowest)
            self._loud.append(self._sounds)
            self._enough.append(value > lowest)
            if len(self._loud) - self._behind > self._lag:
                decided.append(self._decide())
        return decided

    def finish(self) -> list[bool]:
        """Decide the last frames."""
        return [self._decide() for _ in range(len(self._loud) - self._behind)]

    def _decide(self) -> bool:
        end = self._behind + self._lag + 1
        loud, enough = np.array(self._loud[:end]), np.array(self._enough[:end])
        voiced = bool(_without_short(_sounding(loud, enough), self._shortest)[self._behind])
        if self._behind == self._back:
            del self._loud[0], self._enough[0]
        else:
            self._behind += 1
        return voiced


def strongest_bins(salience: np.ndarray, decoding: MelodyDecoding) -> np.ndarray:
    """Choose a bin for each frame.

    Parameters
    ----------
    salience : np.ndarray
        ``(frames, bins)``.
    decoding : MelodyDecoding

    Returns
    -------
    np.ndarray
        int64 ``(frames,)``.

    Examples
    --------
    >>> salience = np.full((3, 40), 0.01)
    >>> salience[[0, 1, 2], [20, 30, 20]] = 0.5
    >>> salience[1, 20] = 0.4
    >>> for method in ("local_average", "viterbi"):
    ...     strongest_bins(salience, MelodyDecoding(fmin=55.0, method=method)).tolist()
    [20, 30, 20]
    [20, 20, 20]
    """
    if decoding.method == "local_average":
        return salience.argmax(axis=1)
    return path_with_movement(salience, *movement_penalties(decoding), smallest=SMALLEST)


def movement_penalties(decoding: MelodyDecoding) -> tuple[float, float]:
    """Transition penalty of a movement by one bin, and the largest of any movement (nats)."""
    bins_per_semitone = decoding.bins_per_octave / 12
    return decoding.jump_penalty / bins_per_semitone, decoding.leap_penalty


def refine(
    salience: np.ndarray, bins: np.ndarray, average_bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Take the mean of the bins around each frame's own, weighted by their salience.

    Parameters
    ----------
    salience : np.ndarray
        ``(frames, bins)``, not negative.
    bins : np.ndarray
        Integers ``(frames,)``.
    average_bins : int
        How many bins, an odd number; those beyond the first and last bin count as 0.

    Returns
    -------
    positions, peaks : np.ndarray
        Bin with fractions, and salience at the frame's own bin, ``(frames,)``.

    Examples
    --------
    >>> refine(np.array([[0.0, 0.5, 0.5, 0.0]]), np.array([1]), 3)
    (array([1.5]), array([0.5]))
    """
    half = average_bins // 2
    weights = salience_around(salience, bins, half).astype(np.float64)
    total = weights.sum(axis=1)
    moved = (weights @ np.arange(-half, half + 1)) / np.where(total > 0, total, 1.0)
    return bins + moved, weights[:, half]


def salience_around(salience: np.ndarray, bins: np.ndarray, reach: int) -> np.ndarray:
    """Cut the salience of the bins around each frame's own out of the whole.

    Parameters
    ----------
    salience : np.ndarray
        ``(frames, bins)``.
    bins : np.ndarray
        Integers ``(frames,)``.
    reach : int
        How many bins to either side.

    Returns
    -------
    np.ndarray
        ``(frames, 2 * reach + 1)``; beyond the first and last bin it is 0.

    Examples
    --------
    >>> salience_around(np.array([[0.6, 0.3, 0.1]]), np.array([0]), 1)
    array([[0. , 0.6, 0.3]])
    """
    wanted = bins[:, np.newaxis] + np.arange(-reach, reach + 1)
    inside = np.clip(wanted, 0, salience.shape[1] - 1)
    return np.where(wanted == inside, np.take_along_axis(salience, inside, axis=1), 0.0)


def is_voiced(voicing: np.ndarray, decoding: MelodyDecoding, frame_rate: float) -> np.ndarray:
    """Find the frames in which the melody sounds.

    A melody begins where the voicing is above the threshold and lasts while it is above the
    threshold less the hysteresis; then gaps shorter than ``shortest_s`` are closed, and after
    that stretches shorter than it dropped.

    Parameters
    ----------
    voicing : np.ndarray
        ``(frames,)``, in [0, 1].
    decoding : MelodyDecoding
    frame_rate : float
        Hz.

    Returns
    -------
    np.ndarray
        bool ``(frames,)``.

    Examples
    --------
    >>> decoding = MelodyDecoding(fmin=55.0, voicing_threshold=0.5, voicing_hysteresis=0.2)
    >>> is_voiced(np.array([0.4, 0.6, 0.4, 0.2, 0.4]), decoding, 100.0).tolist()
    [True, True, True, False, False]
    """
    above = voicing > decoding.voicing_threshold
    enough = voicing > decoding.voicing_threshold - decoding.voicing_hysteresis
    return _without_short(_sounding(above, enough), decoding.shortest_s * frame_rate)


def _sounding(above: np.ndarray, enough: np.ndarray) -> np.ndarray:
    """Stretches that are loud enough, as far as they are above the threshold somewhere."""
    voiced = enough.copy()
    for first, end in runs(enough):
        voiced[first:end] = above[first:end].any()
    return voiced


def _without_short(voiced: np.ndarray, shortest: float) -> np.ndarray:
    """Gaps of fewer frames closed, and then stretches of fewer frames dropped."""
    for value in (False, True):
        for first, end in runs(voiced == value):
            is_inside = first > 0 and end < len(voiced)
            if end - first < shortest and (value or is_inside):
                voiced[first:end] = not value
    return voiced


def same_f0(
    card: Contract,
    expected: Mapping[str, np.ndarray],
    received: Mapping[str, np.ndarray],
    tie: float,
) -> np.ndarray:
    """Whether two models agree on each frame of windows; see `Task.same_decisions`.

    They do where both have no melody, or both have one whose f0 differs by 25 cents at most.

    Returns
    -------
    np.ndarray
        bool ``(windows, frames)``.
    """
    decoding, main = card.decoding, card.outputs[0]
    assert isinstance(decoding, MelodyDecoding) and main.frame_rate is not None
    same = []
    for window in range(len(expected[main.name])):
        ours, theirs = (
            {name: values[window] for name, values in outputs.items()}
            for outputs in (expected, received)
        )
        bins, positions, sure, voiced = zip(
            *(_decoded(outputs, main.name, decoding, main.frame_rate) for outputs in (ours, theirs))
        )
        off = np.abs(positions[0] - positions[1]) * 1200 / decoding.bins_per_octave
        pitch = (off <= SAME_PITCH_CENTS) | (
            (bins[0] != bins[1]) & same_choice(ours[main.name], bins[1], tie, best=bins[0])
        )
        undecided = np.abs(sure[0] - decoding.voicing_threshold) < tie
        same.append(np.where(voiced[0] & voiced[1], pitch, (voiced[0] == voiced[1]) | undecided))
    return np.stack(same)


def _decoded(
    outputs: Mapping[str, np.ndarray], main: str, decoding: MelodyDecoding, frame_rate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bins, positions between bins, confidence and whether voiced, of each frame."""
    bins = strongest_bins(outputs[main], decoding)
    positions, peaks = refine(outputs[main], bins, decoding.average_bins)
    sure = outputs[VOICING][:, 0] if VOICING in outputs else peaks
    return bins, positions, sure, is_voiced(sure, decoding, frame_rate)
