"""Training examples of models that answer per frame: stretches of features, and labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.dsp.chord_vocabulary import UNKNOWN, Vocabulary, parse_chord, targets
from mirzoo.errors import DataError
from mirzoo.recipe import Augmentation
from mirzoo.tasks.melody import MelodyConfig
from mirzoo.training.alterations import alter_magnitudes
from mirzoo.training.taught_melody import PredictedMelody


class Labelled(Protocol):
    """Recordings with labels, for one a `mirzoo.data.corpus.Corpus`."""

    def labels(self, index: int) -> Labels:
        """What is known of one of them."""


BARE_FIFTH = frozenset({0, 7})
SPREAD_CENTS = 20.0


class FrameTargets(Protocol):
    """What a model is to say of the frames of a corpus, its items one after the other."""

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        """The targets of frames, transposed; each output's array has a row a frame."""

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        """Targets of frames of which nothing is known, so that they cost nothing."""


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
            if chord is not None and chord.intervals == BARE_FIFTH:
                major = vocabulary.transpose(vocabulary.index("C:maj"), chord.root)
                self._of_label.chords[number] = major

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        which = self._label_of[start:stop]
        found = self._of_label
        chords = self._vocabulary.transpose(found.chords[which], semitones)
        pitches = np.roll(found.pitches[which], semitones, axis=1)
        return {
            "chords": _one_hot(chords, len(self._vocabulary)),
            "root": _one_hot(_moved(found.roots[which], semitones), 13),
            "bass": _one_hot(_moved(found.basses[which], semitones), 13),
            "pitches": pitches,
        }

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown_chords(count, len(self._vocabulary))


class TaughtChordTargets:
    """Chords as a teacher hears them: probabilities instead of labels.

    Parameters
    ----------
    probabilities : np.ndarray
        ``(frames, classes)`` of the vocabulary; a row of zeros where nothing is known.
    vocabulary : Vocabulary
    weight : float
        How much they count against labels.
    """

    def __init__(self, probabilities: np.ndarray, vocabulary: Vocabulary, weight: float) -> None:
        self._probabilities = probabilities
        self._vocabulary = vocabulary
        self._weight = np.float32(weight)
        self._roots = np.array(
            [0 if label == "N" else 1 + parse_chord(label).root for label in vocabulary.labels]
        )

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        given = self._probabilities[start:stop].astype(np.float32)
        moved = np.zeros_like(given)
        moved[:, self._vocabulary.transpose(np.arange(given.shape[1]), semitones)] = given
        root = np.zeros((len(given), 13), np.float32)
        np.add.at(root.T, self._roots, moved.T)
        unknown = _unknown_chords(len(given), given.shape[1])
        return {**unknown, "chords": self._weight * moved, "root": self._weight * root}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown_chords(count, len(self._vocabulary))


def _unknown_chords(count: int, classes: int) -> dict[str, np.ndarray]:
    return {
        "chords": np.zeros((count, classes), np.float32),
        "root": np.zeros((count, 13), np.float32),
        "bass": np.zeros((count, 13), np.float32),
        "pitches": np.full((count, 12), UNKNOWN, np.float32),
    }


def _moved(classes: np.ndarray, semitones: int) -> np.ndarray:
    """Transpose ``0`` for none and ``1`` to ``12`` for pitch classes; -1 stays."""
    return np.where(classes > 0, 1 + (classes - 1 + semitones) % 12, classes)


def _one_hot(classes: np.ndarray, count: int) -> np.ndarray:
    rows = np.zeros((len(classes), count), np.float32)
    known = np.flatnonzero(classes >= 0)
    rows[known, classes[known]] = 1.0
    return rows


class MelodyTargets:
    """The melody as salience and voicing.

    ``salience`` is a Gaussian bump of 20 cents over the bins of the pitch (it sums to 1), or
    zeros where no pitch is known; ``voicing`` is 0 or 1, or -1 where it isn't known.

    Parameters
    ----------
    corpus : Labelled
    frame_times : sequence of np.ndarray
        The times of each item's frames (s).
    task : MelodyConfig
    """

    def __init__(
        self, corpus: Labelled, frame_times: Sequence[np.ndarray], task: MelodyConfig
    ) -> None:
        self._task = task
        self._f0 = np.concatenate(
            [_sampled(corpus.labels(index).f0, times) for index, times in enumerate(frame_times)]
        )

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        f0 = self._f0[start:stop]
        voicing = np.where(np.isnan(f0), -1.0, f0 > 0).astype(np.float32)[:, np.newaxis]
        return {"salience": _bumps(f0 * 2 ** (semitones / 12), self._task), "voicing": voicing}

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown_melody(count, self._task)


class TaughtMelodyTargets:
    """The melody as teachers hear it: probabilities instead of labels.

    ``salience`` is a bump as that of `MelodyTargets`, as high as a melody is likely and its pitch
    sure; ``voicing`` is as likely as the teachers find it.

    Parameters
    ----------
    heard : PredictedMelody
    task : MelodyConfig
    """

    def __init__(self, heard: PredictedMelody, task: MelodyConfig) -> None:
        self._heard = heard
        self._task = task

    def read(self, start: int, stop: int, semitones: int) -> dict[str, np.ndarray]:
        f0, confidence, voicing = (row[start:stop].astype(np.float32) for row in self._heard)
        bumps = _bumps(f0 * 2 ** (semitones / 12), self._task)
        return {
            "salience": bumps * (confidence * voicing)[:, np.newaxis],
            "voicing": voicing[:, np.newaxis],
        }

    def unknown(self, count: int) -> dict[str, np.ndarray]:
        return _unknown_melody(count, self._task)


def _unknown_melody(count: int, task: MelodyConfig) -> dict[str, np.ndarray]:
    return {
        "salience": np.zeros((count, task.n_bins), np.float32),
        "voicing": np.full((count, 1), -1.0, np.float32),
    }


def _bumps(f0: np.ndarray, task: MelodyConfig) -> np.ndarray:
    """A Gaussian bump over the bins of each pitch (Hz) that is known and inside, else zeros."""
    bins = np.arange(task.n_bins, dtype=np.float32)
    salience = np.zeros((len(f0), len(bins)), np.float32)
    sounding = np.flatnonzero(np.nan_to_num(f0) > 0)
    place = task.bins_per_octave * np.log2(f0[sounding] / task.fmin)
    inside = (place >= 0) & (place <= len(bins) - 1)
    spread = SPREAD_CENTS * task.bins_per_octave / 1200
    distance = (bins - place[inside, np.newaxis].astype(np.float32)) / spread
    bumps = np.exp(-0.5 * np.square(distance))
    salience[sounding[inside]] = bumps / bumps.sum(axis=1, keepdims=True)
    return salience


def _sampled(f0: np.ndarray | None, times: np.ndarray) -> np.ndarray:
    if f0 is None:
        return np.full(len(times), np.nan, np.float32)
    nearest = np.minimum(np.round(times * F0_RATE).astype(int), len(f0) - 1)
    return f0[nearest]


@dataclass(frozen=True)
class Score:
    """Kept features with their targets, item by item.

    ``magnitudes`` is ``(frames, bins, channels)``; item ``i`` of those to use has the rows
    ``starts[i]`` to ``stops[i]``.
    """

    magnitudes: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    targets: FrameTargets


class Sequences:
    """Stretches of features with their targets, an epoch at a time.

    A training epoch draws from each item as many stretches as fit into it, at least one and at
    most ``per_item``, anywhere, altered and transposed; the choice depends on the seed and the
    epoch alone. Without ``shuffle`` the stretches lie side by side and are as they are.

    Parameters
    ----------
    scores : sequence of Score
    length : int
        Frames of a stretch; what lies outside the item is silent and unknown.
    per_item, batch_size : int
    frequencies : np.ndarray
        Of each bin and channel, ``(bins, channels)`` (Hz).
    outputs : sequence of str, optional
        Those whose targets are given; by default all.
    augmentation : Augmentation
    transpose : callable, optional
        Moves magnitudes ``(frames, bins, channels)`` by a number of semitones; needed where
        ``transpose_semitones`` isn't (0, 0).
    transpose_semitones : tuple of int
        Lowest and highest transposition of a training epoch.
    excerpt_probability : float
        Of a stretch being silent and unknown but for a part of any length, as a short clip is.
    shuffle : bool
    seed : int
    """

    def __init__(
        self,
        scores: Sequence[Score],
        *,
        length: int,
        per_item: int,
        batch_size: int,
        frequencies: np.ndarray,
        outputs: Sequence[str] | None = None,
        augmentation: Augmentation | None = None,
        transpose: Callable[[np.ndarray, int], np.ndarray] | None = None,
        transpose_semitones: tuple[int, int] = (0, 0),
        excerpt_probability: float = 0.0,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        self.scores = tuple(scores)
        self.length = length
        self.batch_size = batch_size
        self.frequencies = frequencies
        self.outputs = outputs
        self.augmentation = augmentation
        self.transpose = transpose
        self.transpose_semitones = transpose_semitones
        self.excerpt_probability = excerpt_probability if shuffle else 0.0
        self.shuffle = shuffle
        self.seed = seed
        self._places = np.array(
            [
                (number, item, stretch)
                for number, score in enumerate(self.scores)
                for item, frames in enumerate(score.stops - score.starts)
                for stretch in range(int(np.clip(frames // length, 1, per_item)))
            ]
        ).reshape(-1, 3)
        if len(self) == 0:
            raise DataError(
                f"{len(self._places)} stretches do not fill one batch of {batch_size}; prepare "
                "more audio or take a smaller batch_size"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        if self.shuffle:
            return len(self._places) // self.batch_size
        return -(-len(self._places) // self.batch_size)

    def batch(self, epoch: int, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Batch ``number`` of an epoch.

        Magnitudes are float32 ``(batch, frames, bins, channels)``, the targets of each output
        ``(batch, frames, size)``.
        """
        order = np.arange(len(self._places))
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self._places))
        chosen = self._places[order[number * self.batch_size : (number + 1) * self.batch_size]]
        rng = np.random.default_rng([self.seed, epoch, number])
        stretches = [self._stretch(*place, rng) for place in chosen]
        magnitudes = np.stack([features for features, _ in stretches]).astype(np.float32)
        if self.shuffle and self.augmentation is not None:
            magnitudes = alter_magnitudes(magnitudes, self.augmentation, rng, self.frequencies)
        return magnitudes, {
            output: np.stack([known[output] for _, known in stretches])
            for output in self.outputs or stretches[0][1]
        }

    def _stretch(self, number: int, item: int, stretch: int, rng: np.random.Generator):
        score = self.scores[number]
        begin, end = int(score.starts[item]), int(score.stops[item])
        start, semitones = begin + stretch * self.length, 0
        if self.shuffle:
            slack = self.length // 10
            start = int(rng.integers(begin - slack, max(begin, end - self.length + slack) + 1))
            low, high = self.transpose_semitones
            semitones = int(rng.integers(low, high + 1))
        part = np.array([0, self.length])
        if self.excerpt_probability and rng.random() < self.excerpt_probability:
            part = np.sort(rng.integers(0, self.length + 1, size=2))
        inner = slice(*np.clip(start + part, begin, end).tolist())
        before = inner.start - start
        after = self.length - before - (inner.stop - inner.start)
        heard = score.magnitudes[inner]
        if semitones:
            heard = self.transpose(heard, semitones)
        known = score.targets.read(inner.start, inner.stop, semitones)
        outside = (score.targets.unknown(before), score.targets.unknown(after))
        return np.pad(heard, ((before, after), (0, 0), (0, 0))), {
            output: np.concatenate([outside[0][output], rows, outside[1][output]])
            for output, rows in known.items()
        }
