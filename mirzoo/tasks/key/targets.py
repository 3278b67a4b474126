"""What a key model is trained to output for frames: the key, where the chords confirm it.

A recording's key label is one word for all of it. It may be that of another section, or its
relative; where the chords are known too, it counts only if it is also the key that fits the chords
best (`key_of_chords`). Keys over time (`mirzoo.data.labels.KeySpan`) need no such confirmation:
whoever labels spans has looked at them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.dsp.chord_vocabulary import parse_chord
from mirzoo.tasks.base import Labelled
from mirzoo.tasks.key.config import KEYS
from mirzoo.tasks.key.names import LABELS, MAJOR, MINOR, KeyName, parse_key

SCALES = {MAJOR: (0, 2, 4, 5, 7, 9, 11), MINOR: (0, 2, 3, 5, 7, 8, 10, 11)}
"""Semitones above the tonic; of minor, those of the natural and of the harmonic scale."""

TONIC_WEIGHT, DOMINANT_WEIGHT, OUTSIDE_WEIGHT = 1.0, 0.3, -1.0
LAST_WEIGHT = 0.25
"""How much the last chord counts as the tonic, compared with all chords' time."""


class KeyTargets:
    """Keys as labels have them: rows with a one, or zeros where the key is not known.

    Parameters
    ----------
    known : Labelled
    frame_times : sequence of np.ndarray
        The times of each item's frames (s).
    """

    def __init__(self, known: Labelled, frame_times: Sequence[np.ndarray]) -> None:
        rows = []
        for index, times in enumerate(frame_times):
            row = np.full(len(times), -1, np.int8)
            for start_s, end_s, key in key_spans(known.labels(index)):
                inside = slice(*np.searchsorted(times, [start_s, end_s]))
                row[inside] = key.place
            rows.append(row)
        self._keys = np.concatenate(rows) if rows else np.zeros(0, np.int8)

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        keys = self._keys[start:stop].astype(np.int64)
        moved = np.where(keys < 0, -1, (keys + 2 * semitones) % len(LABELS))
        rows = np.zeros((len(keys), len(LABELS)), np.float32)
        known = np.flatnonzero(moved >= 0)
        rows[known, moved[known]] = 1.0
        return {KEYS: rows}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return {KEYS: np.zeros((count, len(LABELS)), np.float32)}


def key_spans(labels: Labels) -> Iterator[tuple[float, float, KeyName]]:
    """The keys that labels tell for certain: start (s), end (s) and key.

    Those in church modes are left out, since none of 24 keys is right there.
    """
    if labels.keys:
        spans = [(span.start_s, span.end_s, parse_key(span.key)) for span in labels.keys]
    elif labels.key and is_confirmed(labels):
        spans = [(-np.inf, np.inf, parse_key(labels.key))]
    else:
        spans = []
    return (span for span in spans if span[2].mode in SCALES)


def is_confirmed(labels: Labels) -> bool:
    """Whether the chords, where they are known, say that the key is the one on the label.

    Examples
    --------
    >>> chords = tuple(
    ...     ChordSpan(n, n + 1, chord) for n, chord in enumerate(("A:min", "D:min", "E:7", "A:min"))
    ... )
    >>> [is_confirmed(Labels(key=key, chords=chords)) for key in ("A:min", "C:maj")]
    [True, False]
    """
    found = key_of_chords(labels.chords or ())
    return labels.key is not None and found in (None, parse_key(labels.key))


def key_of_chords(chords: Sequence[ChordSpan]) -> KeyName | None:
    """The key that fits chords best (`fit_of_keys`); None where there are none, or two fit alike.

    Examples
    --------
    >>> key_of_chords([ChordSpan(0.0, 2.0, "G:7"), ChordSpan(2.0, 4.0, "C:maj")]).label
    'C:maj'
    """
    fit = fit_of_keys(chords)
    if fit is None:
        return None
    best, second = np.sort(fit)[[-1, -2]]
    return None if best - second < 1e-9 else parse_key(LABELS[int(fit.argmax())])


def fit_of_keys(chords: Sequence[ChordSpan]) -> np.ndarray | None:
    """How well each key fits chords, ``(24,)`` in the order of `LABELS`; None without chords.

    A key is worth the time of the chords whose tones are all in its scale, less that of the
    others, and more for its tonic and its dominant chord: the triads that tell relative keys
    apart. The last chord is likely to be the tonic.
    """
    named = [
        (span, chord)
        for span in chords
        if (chord := parse_chord(span.label)) is not None and chord.root is not None
    ]
    if not named:
        return None
    total = sum(span.end_s - span.start_s for span, _ in named)
    worth = np.zeros(len(LABELS))
    for number, (span, chord) in enumerate(named):
        share = (span.end_s - span.start_s) / total
        thirds = {3: MINOR, 4: MAJOR}
        modes = {mode for third, mode in thirds.items() if third in chord.intervals}
        root = chord.root
        assert root is not None  # those without one are left out above
        for place, label in enumerate(LABELS):
            key = parse_key(label)
            scale = {(key.tonic + step) % 12 for step in SCALES[key.mode]}
            fits = set(chord.pitch_classes) <= scale
            worth[place] += share * (1.0 if fits else OUTSIDE_WEIGHT)
            if root == key.tonic and modes == {key.mode}:
                worth[place] += share * TONIC_WEIGHT
                worth[place] += LAST_WEIGHT * (number == len(named) - 1)
            elif (root - key.tonic) % 12 == 7 and MAJOR in modes:
                worth[place] += share * DOMINANT_WEIGHT
    return worth
