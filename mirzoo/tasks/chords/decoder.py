"""Chord recognition: which chord sounds when.

A chord model gives every frame (about ten a second) a probability for each chord of its
vocabulary. Frame by frame the likeliest chord would flicker, because a passing note makes
another chord of the same second; chords last. So the likeliest *sequence* is taken, with a
transition penalty for every change (Viterbi), and frames of the same chord are merged to segments
whose edges lie midway between frames.

Conventions: ``chords`` is ``(frames, classes)``, a softmax over the card's labels, which are in
Harte's syntax (`mirzoo.dsp.chord_vocabulary`). Models may have more outputs: ``root`` and ``bass``
``(frames, 13)``, 0 for none and 1 for C to 12 for B, and ``pitches`` ``(frames, 12)`` from C, each
the probability that the pitch class sounds. Of these the bass goes into the labels, as
inversions, where the card has a ``bass_threshold``. Where there is an output ``third``, the song
settles unclear thirds once its segments are known (`mirzoo.tasks.chords.thirds`), and segments that
then have one label are one. Where there is an output ``tuning`` (`mirzoo.tasks.tuning`), it is the
recording's, and windows are in one key by it (`mirzoo.tasks.chords.one_tuning`).

References
----------
B. McFee and J. P. Bello, "Structured training for large-vocabulary chord recognition", ISMIR
2017. T. Cho and J. P. Bello, "On the relative importance of individual components of chord
recognition systems", IEEE TASLP 22(2), 2014, on transition penalties.
"""

from __future__ import annotations

import numpy as np

from mirzoo.card import Contract
from mirzoo.dsp.chord_vocabulary import parse_chord, with_bass
from mirzoo.dsp.transposition import LOWEST_TUNING_CENTS
from mirzoo.dsp.viterbi import FixedLagWithPenalties, PathWithChanges, PathWithTransitions
from mirzoo.errors import ArtefactError, CardError
from mirzoo.tasks.chords.annotation import Chords
from mirzoo.tasks.chords.config import ChordDecoding
from mirzoo.tasks.chords.one_tuning import (
    WINDOWS_BACK,
    RecordingTuning,
    TunedAtOnceJoiner,
    TunedJoiner,
    in_one_tuning,
    turned_bass,
    turned_classes,
    windows_of,
)
from mirzoo.tasks.chords.thirds import KINDS, THIRD, settled
from mirzoo.tasks.frames import (
    BATCHES_BACK,
    LagDecoder,
    find_segments,
    frames_of_lag,
    stretches_of,
)
from mirzoo.tasks.tuning import TUNING, tuning_of

Span = tuple[int, int, float, float]
"""First frame, first frame behind it, start and end (s)."""

BASS = "bass"
CLEAREST = 1e-4
SMALLEST = float(np.finfo(np.float32).tiny)


def needed_outputs(card: Contract) -> list[str]:
    """The outputs that chords are made of."""
    assert isinstance(card.decoding, ChordDecoding)
    needed = {card.outputs[0].name}
    if card.decoding.bass_threshold is not None:
        needed.add(BASS)
    if card.decoding.lag_s is None:
        needed |= {THIRD, TUNING}
    return [output.name for output in card.outputs if output.name in needed]


class ChordDecoder:
    """Turns a chord model's outputs into chords; see `mirzoo.tasks.base.Decoder`.

    The path is followed while the outputs come in. Of a frame whose class is settled, its
    probability, the bass, the third on its root and the tuning alone are kept. The last
    `WINDOWS_BACK` windows wait, since they tell the recording's tuning too, and some of their
    frames may lie behind its end.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, ChordDecoding)  # the task has checked the card
        self._card, self._decoding = card, card.decoding
        if card.decoding.power_chords and THIRD not in needed_outputs(card):
            raise CardError(
                f"power_chords is true, but {card.name} has no output '{THIRD}', which tells power "
                "chords from others; take a model that has it, or leave power_chords out"
            )
        self._roots = np.array([max(0, root_of(label)) for label in card.labels])
        self._joiner = TunedJoiner(card)
        self._of_recording = RecordingTuning()
        self._path = _new_path(self._decoding)
        self._last: list[dict[str, np.ndarray]] = []
        self._open: list[np.ndarray] = []
        self._classes: list[np.ndarray] = []
        self._confidence: list[np.ndarray] = []
        self._bass: list[np.ndarray] = []
        self._open_thirds: list[np.ndarray] = []
        self._thirds: list[np.ndarray] = []
        self._tuning: list[np.ndarray] = []
        self._added: list[int] = []
        self._followed = 0

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        joined = self._joiner.join(outputs, starts)
        self._added.append(len(joined[self._card.outputs[0].name]))
        for window in windows_of(joined, len(starts)):
            if TUNING in window:
                self._of_recording.add(window[TUNING])
            self._last.append(window)
            while len(self._last) > WINDOWS_BACK:
                self._follow(self._in_one_tuning(self._last.pop(0)))

    @property
    def lag_s(self) -> None:
        """The whole recording decides."""
        return None

    def add_frames(self, outputs: dict[str, np.ndarray]) -> None:
        """Take the next frames of the recording, ``(frames, ...)`` of each output."""
        self._follow(outputs)

    def take(self) -> None:
        """Give nothing: everything comes at the end."""
        return None

    def rest(self, *, duration_s: float, source: str | None = None) -> Chords:
        """Give all, as `finish`."""
        return self.finish(duration_s=duration_s, source=source)

    def finish(self, *, duration_s: float, source: str | None = None) -> Chords:
        """Give the chords of a recording of ``duration_s`` seconds.

        Raises
        ------
        ArtefactError
            If more was added than a recording of this length has.
        """
        count = self._joiner.count(duration_s)
        certain = max(self._followed, sum(self._added[:-BATCHES_BACK]))
        if count < certain:
            raise ArtefactError(
                f"{self._card.name} was given {certain} frames and more of a recording of "
                f"{duration_s:.3f} s, which has {count}"
            )
        for window in self._last:
            missing = count - self._followed
            left = {name: values[:missing] for name, values in window.items()}
            self._follow(self._in_one_tuning(left))
        self._settle(self._path.finish())
        path, confidences = np.concatenate(self._classes), np.concatenate(self._confidence)
        bass, thirds, tuning = (
            np.concatenate(kept) if kept else None
            for kept in (self._bass, self._thirds, self._tuning)
        )
        cents = None if tuning is None else tuning_of(tuning, LOWEST_TUNING_CENTS)
        turn = self._of_recording.semitones_beyond(cents)
        if turn:
            path = turned_classes(self._card.labels, turn)[path]
            bass = None if bass is None else turned_bass(bass, turn)
        spans = find_segments(path, self._joiner.times(len(path)), duration_s)
        labels = [self._card.labels[path[first]] for first, _, _, _ in spans]
        if thirds is not None:
            means = np.stack([thirds[first:end].mean(axis=0) for first, end, _, _ in spans])
            seconds = [end_s - start_s for _, _, start_s, end_s in spans]
            threshold = self._decoding.fifth_threshold if self._decoding.power_chords else 1.0
            labels = settled(labels, seconds, means, fifth_threshold=threshold)
            labels, spans = _joint(labels, spans)
        segments, confidence, of_thirds = [], [], []
        for label, (first, end, start_s, end_s) in zip(labels, spans, strict=True):
            if thirds is not None:
                of_thirds.append(np.clip(thirds[first:end].mean(axis=0), 0, 1).tolist())
            if bass is not None:
                likeliest = likeliest_bass(bass[first:end].mean(axis=0), self._decoding)
                label = with_bass(label, likeliest - 1) if likeliest else label
            segments.append((start_s, end_s, label))
            confidence.append(confidence_in(confidences[first:end].mean(), self._decoding))
        return Chords(
            segments,
            confidence=confidence,
            source=source,
            duration_s=duration_s,
            model=self._card.name,
            thirds=of_thirds or None,
            tuning_cents=cents,
        )

    def _in_one_tuning(self, frames: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return in_one_tuning(self._card, frames, self._of_recording.semitones)

    def _follow(self, joined: dict[str, np.ndarray]) -> None:
        probabilities = joined[self._card.outputs[0].name]
        if not len(probabilities):
            return
        self._followed += len(probabilities)
        self._open.append(probabilities)
        if BASS in needed_outputs(self._card):
            self._bass.append(joined[BASS].copy())
        if THIRD in joined:
            self._open_thirds.append(joined[THIRD])
        if TUNING in joined:
            self._tuning.append(joined[TUNING].copy())
        self._settle(self._path.add(_evidence(probabilities, self._decoding)))

    def _settle(self, path: np.ndarray) -> None:
        """Keep of the next frames their class and its probability."""
        if not len(path):
            return
        probabilities = np.concatenate(self._open)
        self._classes.append(path.astype(np.min_scalar_type(probabilities.shape[1] - 1)))
        self._confidence.append(probabilities[np.arange(len(path)), path])
        self._open = [probabilities[len(path) :].copy()]
        if self._open_thirds:
            thirds = np.concatenate(self._open_thirds)
            of_roots = thirds[: len(path)].reshape(len(path), -1, len(KINDS))
            self._thirds.append(of_roots[np.arange(len(path)), self._roots[path]])
            self._open_thirds = [thirds[len(path) :].copy()]


class LagChordDecoder(LagDecoder):
    """Turns a chord model's outputs into chords, each frame ``lag_s`` after it.

    A bass is named from the frame on from which it is likely enough on average over the chord so
    far. The confidence in a chord is the mean over its seconds.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, ChordDecoding) and card.decoding.lag_s is not None
        if card.decoding.power_chords:
            raise CardError(
                "power_chords is true, but with a lag_s chords are decided one by one, and whether "
                "a third sounds is settled by the whole song; leave power_chords out, or take a "
                "model that is not made for streams"
            )
        super().__init__(card, card.decoding.lag_s, TunedAtOnceJoiner(card))
        self._decoding = card.decoding
        self._path = FixedLagWithPenalties(_new_path(self._decoding), self._lag)
        self._waiting: list[np.ndarray] = []
        self._waiting_bass: list[np.ndarray] = []
        self._labels: list[str] = []
        self._confidence: list[float] = []
        self._class, self._bass, self._sounding = -1, np.zeros(1), 0

    def _decide(self, outputs: dict[str, np.ndarray]) -> None:
        probabilities = outputs[self._card.outputs[0].name]
        if not len(probabilities):
            return
        self._waiting += list(probabilities)
        if BASS in needed_outputs(self._card):
            self._waiting_bass += list(outputs[BASS])
        self._settle(self._path.add(_evidence(probabilities, self._decoding)))

    def _decide_rest(self) -> None:
        self._settle(self._path.finish())

    def _settle(self, path: np.ndarray) -> None:
        for number, state in enumerate(path.tolist()):
            label = self._card.labels[state]
            if self._waiting_bass:
                label = self._with_bass(label, state, self._waiting_bass[number])
            self._labels.append(label)
            self._confidence.append(float(self._waiting[number][state]))
        del self._waiting[: len(path)], self._waiting_bass[: len(path)]

    def _with_bass(self, label: str, state: int, bass: np.ndarray) -> str:
        if state != self._class:
            self._class, self._bass, self._sounding = state, np.zeros(len(bass)), 0
        self._bass = self._bass + bass
        self._sounding += 1
        likeliest = likeliest_bass(self._bass / self._sounding, self._decoding)
        return with_bass(label, likeliest - 1) if likeliest else label

    def _given(self, duration_s: float | None, source: str | None) -> Chords | None:
        count = len(self._labels)
        if not count:
            return None
        edges = self._edges(count, duration_s)
        segments, confidence = stretches_of(self._labels, self._confidence, edges)
        self._labels, self._confidence = [], []
        return Chords(
            segments,
            confidence=[confidence_in(value, self._decoding) for value in confidence],
            source=source,
            duration_s=float(edges[-1]),
            model=self._card.name,
        )


def _joint(labels: list[str], spans: list[Span]) -> tuple[list[str], list[Span]]:
    """Labels and their stretches of frames, neighbours of the same label as one."""
    joint: list[tuple[str, Span]] = []
    for label, (first, end, start_s, end_s) in zip(labels, spans, strict=True):
        if joint and joint[-1][0] == label:
            first, _, start_s, _ = joint.pop()[1]
        joint.append((label, (first, end, start_s, end_s)))
    return [label for label, _ in joint], [span for _, span in joint]


def likeliest_bass(bass: np.ndarray, decoding: ChordDecoding) -> int:
    """The bass that is likely enough to be named: 1 for C to 12 for B, or 0 for none."""
    likeliest = int(bass.argmax())
    return likeliest if bass[likeliest] >= (decoding.bass_threshold or 0.0) else 0


def confidence_in(probability: float, decoding: ChordDecoding) -> float:
    """The confidence in a chord whose class has this probability on average, in [0, 1].

    Examples
    --------
    >>> round(confidence_in(0.9, ChordDecoding(confidence=(0.5, 0.0))), 2)
    0.75
    """
    if decoding.confidence is None:
        return float(np.clip(probability, 0.0, 1.0))
    slope, offset = decoding.confidence
    return float(1 / (1 + np.exp(-(slope * log_odds(probability) + offset))))


def log_odds(probability: np.ndarray | float) -> np.ndarray:
    """Of probabilities, which count as at least `CLEAREST` from 0 and 1."""
    inside = np.clip(probability, CLEAREST, 1 - CLEAREST)
    return np.log(inside / (1 - inside))


def root_of(label: str) -> int:
    """The pitch class of a label's root, -1 where it has none."""
    chord = parse_chord(label)
    return -1 if chord is None or chord.root is None else chord.root


def likeliest_classes(probabilities: np.ndarray, decoding: ChordDecoding) -> np.ndarray:
    """Find the likeliest sequence of classes.

    Parameters
    ----------
    probabilities : np.ndarray
        ``(frames, classes)``.
    decoding : ChordDecoding

    Returns
    -------
    np.ndarray
        Class of each frame, int64 ``(frames,)``.

    Examples
    --------
    >>> flickering = np.array([[0.6, 0.4], [0.45, 0.55], [0.6, 0.4]])
    >>> likeliest_classes(flickering, ChordDecoding(change_penalty=1.0)).tolist()
    [0, 0, 0]
    """
    path = _new_path(decoding)
    return np.concatenate([path.add(_evidence(probabilities, decoding)), path.finish()])


def decided_classes(
    probabilities: np.ndarray, decoding: ChordDecoding, frame_rate: float
) -> np.ndarray:
    """Find the class of each frame as it is decided: by all frames, or after ``lag_s``.

    Parameters
    ----------
    probabilities : np.ndarray
        ``(frames, classes)``.
    decoding : ChordDecoding
    frame_rate : float
        Hz.

    Returns
    -------
    np.ndarray
        Class of each frame, int64 ``(frames,)``.
    """
    if decoding.lag_s is None:
        return likeliest_classes(probabilities, decoding)
    lag = frames_of_lag(decoding.lag_s, frame_rate)
    path = FixedLagWithPenalties(_new_path(decoding), lag)
    return np.concatenate([path.add(_evidence(probabilities, decoding)), path.finish()])


def _new_path(decoding: ChordDecoding) -> PathWithChanges | PathWithTransitions:
    initial = None if decoding.initial is None else log_probabilities(decoding.initial)
    if decoding.transition is None:
        return PathWithChanges(decoding.change_penalty, initial)
    return PathWithTransitions(log_probabilities(decoding.transition), initial)


def _evidence(probabilities: np.ndarray, decoding: ChordDecoding) -> np.ndarray:
    evidence = log_probabilities(probabilities)
    if decoding.prior is not None:
        evidence = evidence - log_probabilities(decoding.prior)
    return evidence


def log_probabilities(probabilities: np.ndarray | list) -> np.ndarray:
    """Logarithms, of 0 that of the smallest number."""
    return np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST))
