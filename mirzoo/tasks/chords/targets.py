"""What a chord model is trained to output for frames: from labels, or from teachers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirzoo.dsp.chord_vocabulary import UNKNOWN, Vocabulary, parse_chord, targets
from mirzoo.tasks.base import Labelled
from mirzoo.tasks.chords.thirds import KINDS, MAJOR, MINOR, NONE, THIRD, third_of

BARE_FIFTH = frozenset({0, 7})
THIRDS = frozenset({3, 4})
ROOTS = 12


class ChordTargets:
    """Chords as labels have them.

    A bare fifth that stands alone (``A:5``) counts as the major chord whose third its overtones
    hold. One of a song is labelled with the triad that it implies without its third
    (``A:min(*b3)``): root, bass and pitch classes are known of it, and that there is no third, but
    which of the chords it is, is not.

    ``chords``, ``root`` and ``bass`` are one-hot rows, ``pitches`` are 0 and 1, ``third`` is a row
    for all roots with a single 1 (`mirzoo.tasks.chords.thirds`); what is not known is a row of
    zeros, or -1 in ``pitches``.

    Parameters
    ----------
    corpus : Labelled
    frame_times : sequence of np.ndarray
        The times of each item's frames (s).
    vocabulary : Vocabulary
    """

    def __init__(
        self, corpus: Labelled, frame_times: Sequence[np.ndarray], vocabulary: Vocabulary
    ) -> None:
        self._vocabulary = vocabulary
        labels: dict[str, int] = {"X": 0}
        rows = []
        for index, times in enumerate(frame_times):
            row = np.zeros(len(times), np.int32)
            for span in corpus.labels(index).chords or ():
                inside = slice(*np.searchsorted(times, [span.start_s, span.end_s]))
                row[inside] = labels.setdefault(span.label, len(labels))
            rows.append(row)
        self._label_of = np.concatenate(rows)
        self._of_label = targets(list(labels), vocabulary)
        self._thirds = np.full((len(labels), 2), UNKNOWN)
        for number, label in enumerate(labels):
            chord = parse_chord(label)
            if chord is None or chord.root is None:
                continue
            intervals = chord.intervals
            kind = MAJOR if 4 in intervals else MINOR if 3 in intervals else NONE
            self._thirds[number] = chord.root, kind
            if intervals == BARE_FIFTH and not chord.stated & THIRDS:
                major = vocabulary.transpose(vocabulary.index("C:maj"), chord.root)
                self._of_label.chords[number] = major

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        which = self._label_of[start:stop]
        found = self._of_label
        chords = np.asarray(self._vocabulary.transpose(found.chords[which], semitones))
        pitches = np.roll(found.pitches[which], semitones, axis=1)
        return {
            "chords": _one_hot(chords, len(self._vocabulary)),
            "root": _one_hot(_moved(found.roots[which], semitones), 13),
            "bass": _one_hot(_moved(found.basses[which], semitones), 13),
            "pitches": pitches,
            THIRD: _third_rows(self._thirds[which], semitones),
        }

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown(count, len(self._vocabulary))


class DistilledChordTargets:
    """Chords as teachers predict them: probabilities instead of labels.

    Parameters
    ----------
    probabilities : np.ndarray
        ``(frames, classes)`` of the vocabulary; a row of zeros where nothing is known.
    vocabulary : Vocabulary
    weight : float
        How much they count compared with labels.
    """

    def __init__(self, probabilities: np.ndarray, vocabulary: Vocabulary, weight: float) -> None:
        self._probabilities = probabilities
        self._vocabulary = vocabulary
        self._weight = np.float32(weight)
        self._roots = np.array([_root_class(label) for label in vocabulary.labels])
        kinds = [third_of(label.partition(":")[2]) for label in vocabulary.labels[1:]]
        self._thirds = 3 * (self._roots[1:] - 1) + np.array(kinds)

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        given = self._probabilities[start:stop].astype(np.float32)
        moved = np.zeros_like(given)
        moved[:, self._vocabulary.transpose(np.arange(given.shape[1]), semitones)] = given
        root = np.zeros((len(given), 13), np.float32)
        np.add.at(root.T, self._roots, moved.T)
        third = np.zeros((len(given), ROOTS * len(KINDS)), np.float32)
        np.add.at(third.T, self._thirds, moved.T[1:])
        unknown = _unknown(len(given), given.shape[1])
        return {
            **unknown,
            "chords": self._weight * moved,
            "root": self._weight * root,
            THIRD: self._weight * third,
        }

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown(count, len(self._vocabulary))


def _unknown(count: int, classes: int) -> dict[str, np.ndarray]:
    return {
        "chords": np.zeros((count, classes), np.float32),
        "root": np.zeros((count, 13), np.float32),
        "bass": np.zeros((count, 13), np.float32),
        "pitches": np.full((count, 12), UNKNOWN, np.float32),
        THIRD: np.zeros((count, ROOTS * len(KINDS)), np.float32),
    }


def _third_rows(thirds: np.ndarray, semitones: int) -> np.ndarray:
    """One-hot rows of the third on one root, of ``(frames, 2)``: root and kind, or -1."""
    rows = np.zeros((len(thirds), ROOTS * len(KINDS)), np.float32)
    known = np.flatnonzero(thirds[:, 0] >= 0)
    roots, kinds = (thirds[known, 0] + semitones) % ROOTS, thirds[known, 1]
    rows[known, len(KINDS) * roots + kinds] = 1.0
    return rows


def _root_class(label: str) -> int:
    """0 for no chord, 1 for C to 12 for B."""
    chord = parse_chord(label)
    return 0 if chord is None or chord.root is None else 1 + chord.root


def _moved(classes: np.ndarray, semitones: int) -> np.ndarray:
    """Transpose ``0`` for none and ``1`` to ``12`` for pitch classes; -1 stays."""
    return np.where(classes > 0, 1 + (classes - 1 + semitones) % 12, classes)


def _one_hot(classes: np.ndarray, count: int) -> np.ndarray:
    rows = np.zeros((len(classes), count), np.float32)
    known = np.flatnonzero(classes >= 0)
    rows[known, classes[known]] = 1.0
    return rows
