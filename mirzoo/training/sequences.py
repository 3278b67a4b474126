"""Training examples of frame-wise models: stretches of features with their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mirzoo.dsp.transposition import (
    CENTS_IN_SEMITONE,
    LOWEST_TUNING_CENTS,
    tuning_of_magnitudes,
)
from mirzoo.errors import DataError
from mirzoo.recipe import Augmentation
from mirzoo.tasks.base import FrameTargets
from mirzoo.training.alterations import alter_magnitudes


@dataclass(frozen=True)
class FeatureTrack:
    """Cached features with their targets, item by item.

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
    tracks : sequence of FeatureTrack
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
    twins : bool
        Whether the second half of a training epoch's batches is the first in other tunings: moved
        by ``transpose`` to one between `LOWEST_TUNING_CENTS` and 100 cents above it, within which
        a model takes music for the same. Both are altered each by itself. Of an odd
        ``batch_size`` one is left out; a single one has its twin.
    excerpt_probability : float
        Of a stretch being silent and unknown but for a part of any length, as a short clip is.
    events : bool
        Whether targets stand for moments, in one frame each, that a change of tempo must keep.
    shuffle : bool
    seed : int
    """

    def __init__(
        self,
        tracks: Sequence[FeatureTrack],
        *,
        length: int,
        per_item: int,
        batch_size: int,
        frequencies: np.ndarray,
        outputs: Sequence[str] | None = None,
        augmentation: Augmentation | None = None,
        transpose: Callable[[np.ndarray, float], np.ndarray] | None = None,
        transpose_semitones: tuple[int, int] = (0, 0),
        twins: bool = False,
        excerpt_probability: float = 0.0,
        events: bool = False,
        shuffle: bool = True,
        seed: int = 0,
    ) -> None:
        self.tracks = tuple(tracks)
        self.length = length
        self.batch_size = batch_size
        self.frequencies = frequencies
        self.outputs = outputs
        self.augmentation = augmentation
        self.transpose = transpose
        self.transpose_semitones = transpose_semitones
        self.twins = twins and shuffle
        self._each = max(1, batch_size // 2) if self.twins else batch_size
        self.excerpt_probability = excerpt_probability if shuffle else 0.0
        self.events = events
        self.shuffle = shuffle
        self.seed = seed
        self._places = np.array(
            [
                (number, item, stretch)
                for number, track in enumerate(self.tracks)
                for item, frames in enumerate(track.stops - track.starts)
                for stretch in range(int(np.clip(frames // length, 1, per_item)))
            ]
        ).reshape(-1, 3)
        if self.transpose is None and self.transpose_semitones != (0, 0):
            raise ValueError("transpose_semitones needs a function that transposes features")
        if self.transpose is None and self.twins:
            raise ValueError("twins need a function that transposes features")
        if len(self) == 0:
            raise DataError(
                f"{len(self._places)} stretches do not fill one batch of {self._each}; prepare "
                "more audio or take a smaller batch_size"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        if self.shuffle:
            return len(self._places) // self._each
        return -(-len(self._places) // self.batch_size)

    def batch(self, epoch: int, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Batch ``number`` of an epoch.

        Magnitudes are float32 ``(batch, frames, bins, channels)``, the targets of each output
        ``(batch, frames, size)``.
        """
        order = np.arange(len(self._places))
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self._places))
        chosen = self._places[order[number * self._each : (number + 1) * self._each]]
        rng = np.random.default_rng([self.seed, epoch, number])
        stretches = [self._stretch(place, rng) for place in chosen]
        if self.twins:
            stretches += [(self._detuned(features, rng), known) for features, known in stretches]
        magnitudes = np.stack([features for features, _ in stretches]).astype(np.float32)
        if self.shuffle and self.augmentation is not None:
            magnitudes = alter_magnitudes(magnitudes, self.augmentation, rng, self.frequencies)
        return magnitudes, {
            output: np.stack([known[output] for _, known in stretches])
            for output in self.outputs or stretches[0][1]
        }

    def _detuned(self, features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        assert self.transpose is not None  # as twins need it
        wanted = LOWEST_TUNING_CENTS + rng.uniform(0, CENTS_IN_SEMITONE)
        cents = wanted - tuning_of_magnitudes(features, self.frequencies)
        return self.transpose(features, cents / CENTS_IN_SEMITONE)

    def _stretch(
        self, place: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        number, item, stretch = place.tolist()
        track = self.tracks[number]
        begin, end = int(track.starts[item]), int(track.stops[item])
        length, places = self.length, None
        start, semitones = begin + stretch * length, 0
        if self.shuffle:
            if self.augmentation is not None and self.augmentation.tempo != (1.0, 1.0):
                places = played_frames(self.length, self.augmentation.tempo, rng)
                length = round(float(places[-1]) + 0.5)
            slack = length // 10
            start = int(rng.integers(begin - slack, max(begin, end - length + slack) + 1))
            low, high = self.transpose_semitones
            semitones = int(rng.integers(low, high + 1))
        part = np.array([0, length])
        if self.excerpt_probability and rng.random() < self.excerpt_probability:
            part = np.sort(rng.integers(0, length + 1, size=2))
        inner = slice(*np.clip(start + part, begin, end).tolist())
        before = inner.start - start
        after = length - before - (inner.stop - inner.start)
        features = track.magnitudes[inner]
        if semitones and self.transpose is not None:
            features = self.transpose(features, semitones)
        known = track.targets.read(inner.start, inner.stop, semitones)
        outside = (track.targets.unknown(before), track.targets.unknown(after))
        features = np.pad(features, ((before, after), (0, 0), (0, 0)))
        targets = {
            output: np.concatenate([outside[0][output], rows, outside[1][output]])
            for output, rows in known.items()
        }
        if places is None:
            return features, targets
        return retimed_features(features, places), {
            output: retimed_targets(rows, places, events=self.events)
            for output, rows in targets.items()
        }


DRIFTING = 0.5
"""Share of the examples whose tempo drifts, where tempi are changed."""

DRIFT = 0.1
"""Standard deviation of the drift from an example's beginning to its end (natural logarithm)."""


def played_frames(count: int, tempo: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Draw which of a recording's frames, in fractions, are played as an example's ``count``.

    The speed is drawn evenly on a logarithmic scale; half of the examples drift to another one.

    Parameters
    ----------
    count : int
    tempo : (float, float)
        The range of speeds.
    rng : np.random.Generator

    Examples
    --------
    >>> played_frames(4, (2.0, 2.0), np.random.default_rng(0)).tolist()
    [0.5, 2.5, 4.5, 6.5]
    """
    slowest, fastest = np.log(tempo)
    first = rng.uniform(slowest, fastest)
    last = first
    if rng.random() < DRIFTING:
        last = np.clip(first + rng.normal(0, DRIFT), slowest, fastest)
    speeds = np.exp(np.linspace(first, last, count))
    return np.cumsum(speeds) - speeds / 2 - 0.5


def retimed_features(features: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Interpolate magnitudes ``(frames, bins, channels)`` at places in frames, ``(new frames,)``.

    Examples
    --------
    >>> places = np.array([-0.25, 0.25, 0.75, 1.25])
    >>> retimed_features(np.arange(2.0).reshape(2, 1, 1), places).ravel().tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    places = np.clip(places, 0, len(features) - 1)
    before = places.astype(np.int64)
    after = np.minimum(before + 1, len(features) - 1)
    share = (places - before).astype(np.float32)[:, np.newaxis, np.newaxis]
    values = features.astype(np.float32, copy=False)
    return values[before] * (1 - share) + values[after] * share


def retimed_targets(rows: np.ndarray, places: np.ndarray, *, events: bool) -> np.ndarray:
    """Give targets ``(frames, size)`` at ascending places in frames, ``(new frames,)``.

    Each has the target of the nearest frame; of events, what is above 0, each is in the one frame
    that its own has become.

    Examples
    --------
    >>> rows = np.array([[0], [1], [0], [0]])
    >>> slow, fast = np.arange(8) / 2 - 0.25, np.array([0.5, 2.5])
    >>> retimed_targets(rows, slow, events=True).ravel().tolist()
    [0, 0, 0, 1, 0, 0, 0, 0]
    >>> retimed_targets(rows, fast, events=True).ravel().tolist()
    [1, 0]
    """
    nearest = np.clip(np.round(places), 0, len(rows) - 1).astype(np.int64)
    retimed = rows[nearest]
    if events:
        retimed = np.where(retimed > 0, 0, retimed).astype(rows.dtype)
        frames, columns = np.nonzero(rows > 0)
        edges = (places[1:] + places[:-1]) / 2
        retimed[np.searchsorted(edges, frames, side="right"), columns] = rows[frames, columns]
    return retimed
