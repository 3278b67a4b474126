"""What a chord model is trained to output for frames: from labels, or from teachers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mirzoo.dsp.chord_vocabulary import UNKNOWN, Vocabulary, parse_chord, targets
from mirzoo.tasks.base import Labelled

BARE_FIFTH = frozenset({0, 7})


class ChordTargets:
    """Chords as labels have them.

    A bare fifth that stands alone counts as the major chord whose third its overtones hold; those
    of a progression are labelled with the triad that they imply.

    ``chords``, ``root`` and ``bass`` are one-hot rows, ``pitches`` are 0 and 1; what is not known
    is a row of zeros, or -1 in ``pitches``.

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
        for number, label in enumerate(labels):
            chord = parse_chord(label)
            if chord is not None and chord.root is not None and chord.intervals == BARE_FIFTH:
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

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        given = self._probabilities[start:stop].astype(np.float32)
        moved = np.zeros_like(given)
        moved[:, self._vocabulary.transpose(np.arange(given.shape[1]), semitones)] = given
        root = np.zeros((len(given), 13), np.float32)
        np.add.at(root.T, self._roots, moved.T)
        unknown = _unknown(len(given), given.shape[1])
        return {**unknown, "chords": self._weight * moved, "root": self._weight * root}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown(count, len(self._vocabulary))


def _unknown(count: int, classes: int) -> dict[str, np.ndarray]:
    return {
        "chords": np.zeros((count, classes), np.float32),
        "root": np.zeros((count, 13), np.float32),
        "bass": np.zeros((count, 13), np.float32),
        "pitches": np.full((count, 12), UNKNOWN, np.float32),
    }


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
