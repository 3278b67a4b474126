"""What sounds in a recording, kept in little memory until all of it is known.

Where a key neither sounds nor has sounded or will sound within `MARGIN_FRAMES`, its activation
decides nothing. What is left, a tenth of it in a song, goes to a temporary file in pieces: of each
frame the activations, the rise and the strongest contour near the key. How much a rise counts is
known at the recording's end only. Then the pieces are read again, each with all that it touches:
such a group is decoded by itself, since no note reaches beyond it.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

GAP_FRAMES = 11  # a key that is below the threshold for so long no longer sounds
RISE_FRAMES = 2  # a rise counts as an onset when it holds against each of so many frames before
MARGIN_FRAMES = GAP_FRAMES + 2
"""From a frame that sounds to the farthest that matters to its note: an onset and its neighbour."""
BEND_BINS = 25
BEND_WIDTH_BINS = 5.0
IN_MEMORY_BYTES = 32 << 20


def strongest_bends(contour: np.ndarray, key: int, bins_per_semitone: int) -> np.ndarray:
    """For each frame of the contour its strongest bin near a key, above the key's own (bins)."""
    own = key * bins_per_semitone
    bins = np.arange(max(0, own - BEND_BINS), min(contour.shape[1], own + BEND_BINS + 1))
    nearness = np.exp(-0.5 * ((bins - own) / BEND_WIDTH_BINS) ** 2)
    strongest = (contour[:, bins] * nearness).argmax(axis=1)
    return bins[strongest] - own


class Group(NamedTuple):
    """Activations that touch, ``(frames, keys)``, from a frame and a key of the recording on.

    Where a group's array is not ``inside``, the recording's activations do not matter.
    ``bends`` are bins above the key's own.
    """

    first_frame: int
    first_key: int
    inside: np.ndarray
    note: np.ndarray
    onset: np.ndarray
    bends: np.ndarray


class Sounding:
    """Takes the activations of a recording while they come in, and gives them back in groups.

    Parameters
    ----------
    threshold : float
        Activation from which on a key sounds.
    all_matters : bool
        Whether single frames matter also where no key sounds.
    bins_per_semitone : int
        Of the contour.
    """

    def __init__(self, threshold: float, *, all_matters: bool, bins_per_semitone: int) -> None:
        self._threshold, self._all_matters = threshold, all_matters
        self._bins_per_semitone = bins_per_semitone
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._pieces: list[np.ndarray] = []
        self._waiting: tuple[np.ndarray, ...] | None = None
        self._before = np.zeros((0, 0), bool)
        self._done = 0
        self._steepest = self._loudest = np.float32(0.0)
        self._history = np.zeros((0, 0))

    @property
    def frames(self) -> int:
        """How many frames came in."""
        return self._done + (len(self._waiting[0]) if self._waiting is not None else 0)

    def add(self, note: np.ndarray, onset: np.ndarray, contour: np.ndarray) -> None:
        """Take the activations of the next frames, ``(frames, keys)`` and ``(frames, bins)``."""
        rises = self._rises(note)
        self._steepest = max(self._steepest, rises.max(initial=0.0))
        self._loudest = max(self._loudest, onset.max(initial=0.0))
        new: tuple[np.ndarray, ...] = (note, onset, rises, contour)
        if self._waiting is None:
            self._before = np.zeros((MARGIN_FRAMES, note.shape[1]), bool)
        else:
            new = tuple(np.concatenate(pair) for pair in zip(self._waiting, new, strict=True))
        self._waiting = new
        self._store(len(new[0]) - MARGIN_FRAMES)

    def groups(self) -> Iterator[Group]:
        """Give all that matters, in groups that do not touch."""
        if self._waiting is None:
            return
        self._store(len(self._waiting[0]))
        note, *_ = self._waiting
        pieces = np.concatenate(self._pieces)
        offsets = np.concatenate([[0], np.cumsum(pieces[:, 1] - pieces[:, 0])])
        for numbers in _touching(pieces, note.shape[1]):
            yield self._read(pieces[numbers], offsets[numbers], note.dtype, note.shape[1])

    def _rises(self, note: np.ndarray) -> np.ndarray:
        if self.frames == 0:
            self._history = np.zeros((RISE_FRAMES, note.shape[1]), note.dtype)
        joined = np.concatenate([self._history, note])
        rises = np.full_like(note, np.inf)
        for back in range(1, RISE_FRAMES + 1):
            earlier = joined[RISE_FRAMES - back : len(joined) - back]
            rises = np.minimum(rises, note - earlier)
        rises[: max(0, RISE_FRAMES - self.frames)] = 0.0
        self._history = joined[len(joined) - RISE_FRAMES :].copy()
        return np.maximum(rises, 0.0)

    def _store(self, count: int) -> None:
        """Store what matters of the first frames that wait, and forget them."""
        if count <= 0:
            return
        assert self._waiting is not None
        note, onset, rises, contour = self._waiting
        sounds = note >= self._threshold
        after = np.zeros((MARGIN_FRAMES, note.shape[1]), bool)
        known = np.concatenate([self._before, sounds, after])
        sums = np.cumsum(np.concatenate([np.zeros_like(known[:1]), known]), axis=0, dtype=np.int32)
        matters = sums[2 * MARGIN_FRAMES + 1 :][:count] > sums[:count]
        if self._all_matters:
            matters[:] = True
        pieces = _pieces(matters)
        for first, end, key in pieces.tolist():
            span = slice(first, end)
            bends = strongest_bends(contour[span], key, self._bins_per_semitone).astype(np.int8)
            for values in (note[span, key], onset[span, key], rises[span, key], bends):
                self._file.write(values.tobytes())
        pieces[:, :2] += self._done
        self._pieces.append(pieces)
        self._before = known[count : count + MARGIN_FRAMES].copy()
        self._waiting = tuple(values[count:].copy() for values in self._waiting)
        self._done += count

    def _read(self, pieces: np.ndarray, offsets: np.ndarray, dtype: np.dtype, keys: int) -> Group:
        first, last = int(pieces[:, 0].min()), int(pieces[:, 1].max())
        # A frame more at both ends: the recording's first and last frame are never looked at.
        first, last = max(0, first - 1), min(self._done, last + 1)
        low, high = max(0, int(pieces[:, 2].min()) - 1), min(keys, int(pieces[:, 2].max()) + 2)
        shape = last - first, high - low
        note, onset, rises = (np.zeros(shape, dtype) for _ in range(3))
        inside, bends = np.zeros(shape, bool), np.zeros(shape, np.int8)
        width = 3 * dtype.itemsize + 1
        for (start, end, key), offset in zip(pieces.tolist(), offsets.tolist(), strict=True):
            place = slice(start - first, end - first), key - low
            self._file.seek(offset * width)
            content = self._file.read((end - start) * width)
            split = 3 * dtype.itemsize * (end - start)
            numbers = np.frombuffer(content[:split], dtype).reshape(3, -1)
            note[place], onset[place], rises[place] = numbers
            bends[place] = np.frombuffer(content[split:], np.int8)
            inside[place] = True
        if self._steepest > 0:
            onset = np.maximum(onset, self._loudest * rises / self._steepest)
        return Group(first, low, inside, note, onset, bends)


def _pieces(matters: np.ndarray) -> np.ndarray:
    """First frame, frame behind the last, and key of each stretch, sorted by the first."""
    edges = np.diff(matters.T.astype(np.int8), prepend=0, append=0)
    keys, firsts = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    pieces = np.stack([firsts, ends, keys], axis=1)
    return pieces[np.argsort(firsts, kind="stable")]


class _Members:
    """Pieces that belong together; ``into`` is the group that took these in."""

    def __init__(self, number: int, end: int) -> None:
        self.numbers, self.end = [number], end
        self.into: _Members | None = None

    def found(self) -> _Members:
        group = self
        while group.into is not None:
            group = group.into
        return group

    def joined(self, other: _Members) -> _Members:
        if other is self:
            return self
        more, fewer = (self, other) if len(self.numbers) >= len(other.numbers) else (other, self)
        more.numbers += fewer.numbers
        more.end = max(more.end, fewer.end)
        fewer.into, fewer.numbers = more, []
        return more


def _touching(pieces: np.ndarray, keys: int) -> Iterator[list[int]]:
    """Numbers of the pieces, sorted by start, that touch, of the same key or of neighbours."""
    recent: list[list[tuple[int, _Members]]] = [[] for _ in range(keys + 2)]
    growing: set[_Members] = set()
    for number, (first, end, key) in enumerate(pieces.tolist()):
        mine = _Members(number, end)
        growing.add(mine)
        for near in (key, key + 1, key + 2):
            recent[near] = [entry for entry in recent[near] if entry[0] >= first]
            for _, members in recent[near]:
                mine = mine.joined(members.found())
        recent[key + 1].append((end, mine))
        if number % 64 == 0:
            growing = {members for members in growing if members.into is None}
            over = [members for members in growing if members.end < first]
            growing.difference_update(over)
            yield from (sorted(members.numbers) for members in over)
    yield from (sorted(members.numbers) for members in growing if members.into is None)
