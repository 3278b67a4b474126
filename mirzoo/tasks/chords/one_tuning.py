"""One tuning for the whole recording, where a model measures that of each window.

A model with the output ``tuning`` moves each window by its own tuning before it names chords
(`mirzoo.models.layers.tuning.AtConcertPitch`), a number of cents from
`mirzoo.dsp.transposition.LOWEST_TUNING_CENTS` to 100 above it. Of a recording that is tuned near
the ends of that range, some windows are moved up and some down, and come out a semitone apart. How
far a window was moved follows from its output ``tuning``, and a window that was moved by another
whole number of semitones than the recording's tuning asks for has its outputs turned back by it:
chords, roots, basses, pitch classes and thirds are the same on every root but for the rotation.

The recording's tuning is that of all windows; in a recording of more than `WINDOWS_BACK` windows a
window is turned by the tuning of those up to `WINDOWS_BACK` behind it, so that memory stays
bounded. With a ``lag_s``, when chords are decided at once, it is that of all windows so far.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mirzoo.card import Contract
from mirzoo.dsp.chord_vocabulary import parse_chord
from mirzoo.dsp.transposition import FAINT_TUNING, LOWEST_TUNING_CENTS
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.tasks.tuning import SEMITONE_CENTS, TUNING, tuning_of

MOVED = "moved"
"""By how many semitones the window of each frame was moved down, ``(frames,)``: joined with the
outputs."""

WINDOWS_BACK = 32
"""How many windows behind a window tell the recording's tuning too, before it is decided."""

PITCH_CLASSES = 12


class TunedJoiner(FrameJoiner):
    """Joins the frames of windows, and tells of each how far its window was moved."""

    def join(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> dict[str, np.ndarray]:
        joined = super().join(outputs, starts)
        if TUNING in joined:
            each = len(joined[TUNING]) // len(starts)
            joined[MOVED] = np.repeat(moved_semitones(outputs[TUNING]), each)
        return joined


class TunedAtOnceJoiner(TunedJoiner):
    """Joins the frames of windows, each turned back at once by the tuning of all windows so far."""

    def __init__(self, card: Contract) -> None:
        super().__init__(card)
        self._so_far = RecordingTuning()

    def join(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> dict[str, np.ndarray]:
        joined = super().join(outputs, starts)
        if TUNING not in joined:
            return joined
        windows = []
        for window in windows_of(joined, len(starts)):
            self._so_far.add(window[TUNING])
            windows.append(in_one_tuning(self._card, window, self._so_far.semitones))
        return {name: np.concatenate([each[name] for each in windows]) for name in windows[0]}


class RecordingTuning:
    """The tuning of all frames so far, which goes on where a semitone ends.

    Examples
    --------
    >>> tuning = RecordingTuning()
    >>> for turn in (-0.5, -0.5, -0.65):
    ...     angle = 2 * np.pi * turn
    ...     tuning.add(np.array([[0.5 + 0.4 * np.cos(angle), 0.5 + 0.4 * np.sin(angle)]]))
    >>> round(tuning.semitones, 2)
    -0.55
    """

    def __init__(self) -> None:
        self.semitones: float | None = None
        self._sum, self._frames = np.zeros(2), 0

    def add(self, directions: np.ndarray) -> None:
        """Take the output ``tuning`` of the next frames, ``(frames, 2)``."""
        self._sum += directions.sum(axis=0, dtype=float)
        self._frames += len(directions)
        if not self._frames:
            return
        cents = tuning_of(self._sum[np.newaxis] / self._frames, LOWEST_TUNING_CENTS)
        if cents is not None:
            semitones = cents / SEMITONE_CENTS
            before = semitones if self.semitones is None else self.semitones
            self.semitones = semitones + round(before - semitones)

    def semitones_beyond(self, cents: float | None) -> int:
        """How many whole semitones its tuning lies above what is stated for the recording."""
        if cents is None or self.semitones is None:
            return 0
        return round(self.semitones - cents / SEMITONE_CENTS)


def windows_of(joined: Mapping[str, np.ndarray], windows: int) -> list[dict[str, np.ndarray]]:
    """The frames of each of so many windows, of what was joined of them."""
    if windows == 1:
        return [dict(joined)]
    parts = {name: np.array_split(values, windows) for name, values in joined.items()}
    return [{name: values[number] for name, values in parts.items()} for number in range(windows)]


def moved_semitones(directions: np.ndarray) -> np.ndarray:
    """By how many semitones a model moved windows down, ``(windows,)``.

    Parameters
    ----------
    directions : np.ndarray
        The output ``tuning``, ``(windows, frames, 2)``.

    Examples
    --------
    >>> clear = np.array([[[0.5, 1.0]], [[0.1, 0.5 - 0.2]]])
    >>> moved_semitones(clear).round(2).tolist()
    [0.25, -0.42]
    """
    cosine, sine = (2 * directions.mean(axis=1, dtype=float) - 1).T
    lowest = LOWEST_TUNING_CENTS / SEMITONE_CENTS
    semitones = (np.arctan2(sine, cosine) / (2 * np.pi) - lowest) % 1.0 + lowest
    clear = cosine**2 + sine**2
    return semitones * clear / (clear + FAINT_TUNING**2)


def in_one_tuning(
    card: Contract, outputs: Mapping[str, np.ndarray], semitones: float | None
) -> dict[str, np.ndarray]:
    """Turn frames back whose windows were moved otherwise than the recording's tuning asks for.

    Parameters
    ----------
    card : Contract
    outputs : mapping of str to np.ndarray
        Frames that a `TunedJoiner` joined.
    semitones : float or None
        The recording's tuning; with None all stays as it is.

    Returns
    -------
    dict of str to np.ndarray
        Without `MOVED`.
    """
    turned = {name: values for name, values in outputs.items() if name != MOVED}
    moved = outputs.get(MOVED)
    if moved is None or semitones is None:
        return turned
    turns = np.rint(moved - semitones).astype(int)
    for turn in np.unique(turns[turns != 0]).tolist():
        which = turns == turn
        for name, values in turned.items():
            came_from = _before_a_turn(card, name, turn)
            if came_from is not None:
                rows = values.copy()
                rows[which] = values[which][:, came_from]
                turned[name] = rows
    return turned


def whole_in_one_tuning(
    card: Contract, joined: Mapping[str, np.ndarray], tuning_cents: float | None = None
) -> dict[str, np.ndarray]:
    """A whole recording's frames in one tuning: the one that is given, or else their own."""
    if tuning_cents is None and TUNING in joined:
        tuning_cents = tuning_of(joined[TUNING], LOWEST_TUNING_CENTS)
    semitones = None if tuning_cents is None else tuning_cents / SEMITONE_CENTS
    return in_one_tuning(card, joined, semitones)


def turned_classes(labels: list[str], semitones: int) -> np.ndarray:
    """The class of each label transposed up, itself where there is no such label, ``(labels,)``.

    Examples
    --------
    >>> turned_classes(["N", "C:maj", "C#:maj", "B:maj"], 1).tolist()
    [0, 2, 2, 1]
    """
    found: dict[tuple[int, str], int] = {}
    kinds = []
    for number, label in enumerate(labels):
        chord = parse_chord(label)
        root = None if chord is None else chord.root
        kinds.append(None if root is None else (root, label.partition(":")[2]))
        if root is not None:
            found[root, label.partition(":")[2]] = number
    return np.array(
        [
            number
            if kind is None
            else found.get(((kind[0] + semitones) % PITCH_CLASSES, kind[1]), number)
            for number, kind in enumerate(kinds)
        ]
    )


def turned_bass(bass: np.ndarray, semitones: int) -> np.ndarray:
    """Probabilities of no bass and of the basses C to B, ``(..., 13)``, transposed up."""
    return bass[..., _turned_roots(semitones)]


def _turned_roots(semitones: int) -> np.ndarray:
    return np.array([0, *(1 + (np.arange(PITCH_CLASSES) - semitones) % PITCH_CLASSES)])


def _before_a_turn(card: Contract, name: str, semitones: int) -> np.ndarray | None:
    """Which number of an output each of its numbers was before; None where none moves."""
    if name == TUNING:
        return None
    if name == card.outputs[0].name:
        return np.argsort(turned_classes(card.labels, semitones))
    size = next((o.axes[-1].size for o in card.outputs if o.name == name), None)
    if size == PITCH_CLASSES + 1:
        return _turned_roots(semitones)
    if size and size % PITCH_CLASSES == 0:
        each = size // PITCH_CLASSES
        return (np.arange(size) - each * semitones) % size
    return None
