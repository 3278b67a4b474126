"""From a beat model's outputs to beats, bars and tempo.

Conventions: ``beats`` is ``(frames, 2)``, how likely a beat and a downbeat is at each frame; a
downbeat is a beat as well. Beats are found first (`mirzoo.tasks.beats.tracking`), bars over them
(`mirzoo.tasks.beats.bars`). A search for tempo, phase and metre at once [1]_ has some ten times as
many states.

References
----------
.. [1] S. Böck, F. Krebs, G. Widmer, "Joint beat and downbeat tracking with recurrent neural
   networks", ISMIR 2016.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mirzoo.card import Contract
from mirzoo.tasks.beats.annotation import Beats
from mirzoo.tasks.beats.bars import BarFollower, bar_positions
from mirzoo.tasks.beats.config import BEAT, DOWNBEAT, BeatsDecoding
from mirzoo.tasks.beats.following import BeatFollower, FollowedBeat
from mirzoo.tasks.beats.tempo import candidates, tempo_of
from mirzoo.tasks.beats.tracking import PEAK_REACH_S, BeatFrames, pick_beats, track_beats
from mirzoo.tasks.frames import FrameJoiner, LagDecoder

NEAR_FRAMES = 2
"""How far from a beat a downbeat's activation counts for it."""


class BeatsDecoder:
    """Turns a beat model's outputs into beats; see `mirzoo.tasks.base.Decoder`."""

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, BeatsDecoding)  # the task has checked the card
        self._card, self._decoding = card, card.decoding
        self._joiner = FrameJoiner(card)
        self._activations: list[np.ndarray] = []

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

    def rest(self, *, duration_s: float, source: str | None = None) -> Beats:
        """Give all, as `finish`."""
        return self.finish(duration_s=duration_s, source=source)

    def add_frames(self, outputs: dict[str, np.ndarray]) -> None:
        """Take the next frames of the recording, ``(frames, ...)`` of each output."""
        self._activations.append(outputs[self._card.outputs[0].name].astype(np.float32))

    def finish(self, *, duration_s: float, source: str | None = None) -> Beats:
        """Give the beats of a recording of ``duration_s`` seconds."""
        count = self._joiner.count(duration_s)
        activations = np.concatenate(self._activations)[:count]
        decoding = self._decoding
        found = find_beats(activations[:, BEAT], self._joiner.frame_rate, decoding)
        # Frames need not be whole: times are linear in them.
        times = self._joiner.times_of(found.frames)
        inside = (times >= 0) & (times <= duration_s)
        found, times = BeatFrames(found.frames[inside], found.strength[inside]), times[inside]
        downbeat = strength_at(activations[:, DOWNBEAT], found.frames)
        beats = Beats(
            times,
            bar_positions(
                downbeat,
                beats_per_bar=decoding.beats_per_bar,
                change_penalty=decoding.metre_change_penalty,
            ),
            confidence=found.strength,
            downbeat_confidence=downbeat,
            tempi=candidates(tempo_of(times), activations[:, BEAT], found.frames),
            source=source,
            duration_s=duration_s,
            model=self._card.name,
        )
        return beats.steadied() if decoding.steady else beats


class LagBeatsDecoder(LagDecoder):
    """Turns a beat model's outputs into beats, each ``lag_s`` after it.

    Beats are those of the likeliest sequence up to then (`mirzoo.tasks.beats.following`), their
    places in bars those of the likeliest bars up to the beat.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, BeatsDecoding) and card.decoding.lag_s is not None
        super().__init__(card, card.decoding.lag_s)
        decoding = card.decoding
        slowest, fastest, penalty = _tempi_of(decoding)
        self._beats = BeatFollower(
            self._joiner.frame_rate,
            min_bpm=slowest,
            max_bpm=fastest,
            change_penalty=decoding.tempo_change_penalty,
            fast_penalty=penalty,
            odds=decoding.beat_odds,
            threshold=decoding.threshold,
            lag=self._lag,
        )
        self._lag = self._beats.lag
        self._bars = BarFollower(
            beats_per_bar=decoding.beats_per_bar, change_penalty=decoding.metre_change_penalty
        )
        self._found: list[tuple[float, int, float, float]] = []

    def _decide(self, outputs: dict[str, np.ndarray]) -> None:
        for frame in outputs[self._card.outputs[0].name]:
            self._place(self._beats.add(float(frame[BEAT]), float(frame[DOWNBEAT])))

    def _decide_rest(self) -> None:
        self._place(self._beats.finish())

    def _place(self, beats: Sequence[FollowedBeat]) -> None:
        for beat in beats:
            at = float(self._joiner.times_of(np.array(beat.frame)))
            place = self._bars.add(beat.downbeat)
            if at >= 0:
                self._found.append((at, place, beat.strength, beat.downbeat))

    def _given(self, duration_s: float | None, source: str | None) -> Beats | None:
        if duration_s is None and not self._found:
            return None
        until_s = duration_s
        if until_s is None:
            decided = np.array(max(0, self._added - 1 - self._lag))
            until_s = max(self._found[-1][0], float(self._joiner.times_of(decided)))
        found = [beat for beat in self._found if beat[0] <= until_s]
        self._found = []
        times, places, strength, downbeat = np.array(found).reshape(-1, 4).T
        return Beats(
            times,
            places,
            confidence=strength,
            downbeat_confidence=downbeat,
            source=source,
            duration_s=until_s,
            model=self._card.name,
        )


def find_beats(activation: np.ndarray, frame_rate: float, decoding: BeatsDecoding) -> BeatFrames:
    """Find beats in the activation of a recording.

    Parameters
    ----------
    activation : np.ndarray
        How likely a beat is at each frame, ``(frames,)``.
    frame_rate : float
        Hz.
    decoding : BeatsDecoding

    Examples
    --------
    >>> activation = np.zeros(500)
    >>> activation[10::25] = 0.9
    >>> find_beats(activation, 50.0, BeatsDecoding()).frames[:3].tolist()
    [10.0, 35.0, 60.0]
    >>> np.diff(find_beats(activation, 50.0, BeatsDecoding(tempo_near=60.0)).frames)[:3].tolist()
    [50.0, 50.0, 50.0]
    """
    if decoding.method == "peaks":
        return pick_beats(activation, frame_rate)
    slowest, fastest, penalty = _tempi_of(decoding)
    return track_beats(
        activation,
        frame_rate,
        min_bpm=slowest,
        max_bpm=fastest,
        change_penalty=decoding.tempo_change_penalty,
        fast_penalty=penalty,
        odds=decoding.beat_odds,
        threshold=decoding.threshold,
    )


def _tempi_of(decoding: BeatsDecoding) -> tuple[float, float, float]:
    """The slowest and the fastest tempo, and the penalty of fast ones."""
    near = decoding.tempo_near
    if near is None:
        return decoding.min_bpm, decoding.max_bpm, decoding.fast_tempo_penalty
    return near / math.sqrt(2), near * math.sqrt(2), 0.0


def strength_at(activation: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """The highest activation within two frames of each beat, ``(beats,)``."""
    reach = np.arange(-NEAR_FRAMES, NEAR_FRAMES + 1)
    near = np.round(frames).astype(np.int64)[:, np.newaxis] + reach
    values = np.asarray(activation, np.float64)[np.clip(near, 0, len(activation) - 1)]
    return np.clip(values.max(axis=1, initial=0.0), 0.0, 1.0)


def same_beats(
    card: Contract,
    expected: Mapping[str, np.ndarray],
    received: Mapping[str, np.ndarray],
    tie: float,
) -> np.ndarray:
    """Compare the beats of windows: bool ``(windows, frames)``, as `Task.same_decisions` has it.

    A beat that has none of the other's within 70 ms makes its frame differ, unless the activation
    that is expected there is within ``tie`` of that at the nearest: where it is flat, as in
    silence, any place is as good.
    """
    assert isinstance(card.decoding, BeatsDecoding)
    main, rate = card.outputs[0].name, card.outputs[0].frame_rate
    assert rate is not None
    reach = math.ceil(PEAK_REACH_S * rate)
    windows, frames, _ = expected[main].shape
    same = np.ones((windows, frames), bool)
    for row, (right, other) in enumerate(zip(expected[main], received[main], strict=True)):
        found = [find_beats(each[:, BEAT], rate, card.decoding).frames for each in (right, other)]
        places = [np.clip(np.round(each).astype(np.int64), 0, frames - 1) for each in found]
        for ours, theirs in (places, places[::-1]):
            if not len(ours):
                continue
            if not len(theirs):
                same[row, ours] = right[ours, BEAT] < card.decoding.threshold + tie
                continue
            apart = np.abs(ours[:, np.newaxis] - theirs)
            nearest = theirs[apart.argmin(axis=1)]
            alone = apart.min(axis=1) > reach
            worth = np.abs(right[ours, BEAT] - right[nearest, BEAT])
            same[row, ours[alone & (worth >= tie)]] = False
    return same
