"""Note transcription: what is played when, by any number of voices, and how its pitch moves.

A note model gives every frame three activations: how likely each key of the piano sounds
(``note``), how likely it is struck just now (``onset``), and a finer salience of pitch
(``contour``). Notes are read off in two passes. First, backwards in time, one from each peak of
the onsets, for as long as its key sounds. Then, from the strongest activation that no note has
used, notes that have no onset, in both directions. What a note uses up is no longer there for
others, nor in the neighbouring keys. A key's sudden rise counts as an onset too, measured by the
steepest rise of the whole recording, which is known at its end only; until then what sounds waits
in a temporary file (`mirzoo.tasks.notes.sounding`).

Conventions: ``note`` and ``onset`` are ``(frames, keys)``, from ``lowest_pitch`` up; ``contour``
has ``contour_bins_per_semitone`` bins to a key, the first of a key's at its own pitch. A note's
amplitude is the mean activation of its key; its bends are those of the strongest contour near it.

References
----------
Bittner, Bosch, Rubinstein, Meseguer-Brocal & Ewert, "A lightweight instrument-agnostic model for
polyphonic note transcription and multipitch estimation", ICASSP 2022, arXiv:2203.09893, section
2.3; the constants are those of their package, basic-pitch 0.4.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mirzoo.card import Contract
from mirzoo.errors import ArtefactError
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.tasks.notes.annotation import Note, Notes
from mirzoo.tasks.notes.config import NotesDecoding
from mirzoo.tasks.notes.sounding import (
    BEND_BINS,
    GAP_FRAMES,
    RISE_FRAMES,
    Group,
    Sounding,
    strongest_bends,
)

NOTE, ONSET, CONTOUR = "note", "onset", "contour"
BATCHES_BACK = 2
"""How many batches of windows at the end may lie behind the recording's end."""


class FrameNote(NamedTuple):
    """A note in frames: ``end`` is the frame behind its last one, ``key`` its column."""

    start: int
    end: int
    key: int
    amplitude: float


class NoteDecoder:
    """Turns a note model's outputs into notes; see `mirzoo.tasks.base.Decoder`.

    What was added last waits, since some of it may lie behind the recording's end.
    """

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, NotesDecoding)  # the task has checked the card
        self._card, self._decoding = card, card.decoding
        self._joiner = FrameJoiner(card)
        self._shortest_frames = card.decoding.shortest_s * self._joiner.frame_rate
        self._sounding = Sounding(
            card.decoding.frame_threshold,
            all_matters=self._shortest_frames <= 1,
            bins_per_semitone=card.decoding.contour_bins_per_semitone,
        )
        # The same numbers again and again: shared, they need little memory.
        bins = range(-BEND_BINS, BEND_BINS + 1)
        self._semitones = {bin: bin / card.decoding.contour_bins_per_semitone for bin in bins}
        self._last: list[dict[str, np.ndarray]] = []

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        self._last.append(self._joiner.join(outputs, starts))
        while len(self._last) > BATCHES_BACK:
            self._take(self._last.pop(0))

    def finish(self, *, duration_s: float, source: str | None = None) -> Notes:
        """Give the notes of a recording of ``duration_s`` seconds.

        Raises
        ------
        ArtefactError
            If more was added than a recording of this length has.
        """
        count = self._joiner.count(duration_s)
        if count < self._sounding.frames:
            raise ArtefactError(
                f"{self._card.name} was given {self._sounding.frames} frames and more of a "
                f"recording of {duration_s:.3f} s, which has {count}"
            )
        for joined in self._last:
            missing = count - self._sounding.frames
            self._take({name: values[:missing] for name, values in joined.items()})
        return Notes(
            [note for group in self._sounding.groups() for note in self._notes(group)],
            source=source,
            duration_s=duration_s,
            model=self._card.name,
        )

    def _take(self, joined: dict[str, np.ndarray]) -> None:
        if len(joined[NOTE]):
            self._sounding.add(joined[NOTE], joined[ONSET], joined[CONTOUR])

    def _notes(self, group: Group) -> Iterator[Note]:
        decoding = self._decoding
        struck = _latest_first(_peaks(group.onset, decoding.onset_threshold, group.inside))
        found = _read_off(group.note, struck, decoding.frame_threshold, self._shortest_frames)
        for frames in found:
            first, end = frames.start + group.first_frame, frames.end + group.first_frame
            start_s, end_s = self._joiner.times_of(np.array([first, end])).tolist()
            bends = group.bends[frames.start : frames.end, frames.key].tolist()
            yield Note(
                start_s=start_s,
                end_s=end_s,
                pitch=frames.key + group.first_key + decoding.lowest_pitch,
                amplitude=min(1.0, frames.amplitude),
                bends=tuple(map(self._semitones.__getitem__, bends)),
            )


def find_notes(
    note: np.ndarray, onset: np.ndarray, decoding: NotesDecoding, shortest_frames: float
) -> list[FrameNote]:
    """Read notes off activations.

    Parameters
    ----------
    note, onset : np.ndarray
        ``(frames, keys)``, in [0, 1].
    decoding : NotesDecoding
    shortest_frames : float
        Notes shorter than this are dropped (frames).

    Returns
    -------
    list of FrameNote

    Examples
    --------
    >>> note, onset = np.zeros((2, 60, 88))
    >>> note[10:40, 30], onset[10, 30] = 0.75, 0.8
    >>> find_notes(note, onset, NotesDecoding(), shortest_frames=11)
    [FrameNote(start=10, end=40, key=30, amplitude=0.75)]
    """
    peaks = _peaks(with_rises(onset, note), decoding.onset_threshold)
    return _read_off(note, _latest_first(peaks), decoding.frame_threshold, shortest_frames)


def _read_off(
    note: np.ndarray, struck: Iterator[tuple[int, int]], threshold: float, shortest_frames: float
) -> list[FrameNote]:
    unused = np.array(note)
    found = []
    shortest_frames = max(1, shortest_frames)
    for start, key in struck:
        end = _fades(unused, start, key, threshold)
        if end - start >= shortest_frames:
            unused[start:end, _neighbourhood(key)] = 0.0
            found.append(FrameNote(start, end, key, _amplitude(note, start, end, key)))
    for middle, key in _strongest_first(unused, threshold):
        if unused[middle, key] == 0.0:
            continue
        unused[middle, key] = 0.0
        start, end = _use_up(unused, middle, key, threshold)
        if end - start >= shortest_frames:
            found.append(FrameNote(start, end, key, _amplitude(note, start, end, key)))
    return found


def with_rises(onset: np.ndarray, note: np.ndarray) -> np.ndarray:
    """Add the sudden rises of keys to the onsets, scaled to the same maximum.

    Parameters
    ----------
    onset, note : np.ndarray
        ``(frames, keys)``.

    Returns
    -------
    np.ndarray
        ``(frames, keys)``: the larger of the onset and of the smallest rise against each of the
        two frames before.

    Examples
    --------
    >>> note = np.array([[0.0], [0.0], [0.0], [0.5], [0.9], [0.9]])
    >>> with_rises(0.2 * (note == 0.9), note)[:, 0].round(2).tolist()
    [0.0, 0.0, 0.0, 0.2, 0.2, 0.2]
    """
    rises = np.full_like(note, np.inf)
    for back in range(1, RISE_FRAMES + 1):
        rises[back:] = np.minimum(rises[back:], note[back:] - note[:-back])
    rises[:RISE_FRAMES] = 0.0
    rises = np.maximum(rises, 0.0)
    steepest = rises.max()
    if steepest == 0.0:
        return onset
    return np.maximum(onset, onset.max() * rises / steepest)


def follow_bends(contour: np.ndarray, note: FrameNote, bins_per_semitone: int) -> np.ndarray:
    """Follow the contour near a note's pitch.

    The strongest bin of each frame is taken, after a Gaussian around the note's own bin.

    Parameters
    ----------
    contour : np.ndarray
        ``(frames, bins)``.
    note : FrameNote
    bins_per_semitone : int

    Returns
    -------
    np.ndarray
        Semitones above the note's pitch, one for each of its frames.

    Examples
    --------
    >>> contour = np.zeros((3, 264))
    >>> contour[[0, 1, 2], [90, 91, 93]] = 0.9
    >>> follow_bends(contour, FrameNote(0, 3, 30, 1.0), 3).round(2).tolist()
    [0.0, 0.33, 1.0]
    """
    contour = contour[note.start : note.end]
    return strongest_bends(contour, note.key, bins_per_semitone) / bins_per_semitone


def _peaks(onset: np.ndarray, threshold: float, inside: np.ndarray | None = None) -> np.ndarray:
    """Where an onset is above the frames before and after, all of them inside."""
    inner = onset[1:-1]
    peaks = (inner > onset[:-2]) & (inner > onset[2:]) & (inner >= threshold)
    if inside is not None:
        peaks &= inside[:-2] & inside[1:-1] & inside[2:]
    return peaks


def _latest_first(peaks: np.ndarray) -> Iterator[tuple[int, int]]:
    """Frame and key of each peak, the latest first; of the same frame, the highest key first."""
    frames, keys = np.nonzero(peaks)
    return zip((frames[::-1] + 1).tolist(), keys[::-1].tolist(), strict=True)


def _strongest_first(activation: np.ndarray, threshold: float) -> Iterator[tuple[int, int]]:
    frames, keys = np.nonzero(activation > threshold)
    order = np.argsort(-activation[frames, keys], kind="stable")
    return zip(frames[order].tolist(), keys[order].tolist(), strict=True)


def _neighbourhood(key: int) -> slice:
    return slice(max(0, key - 1), key + 2)


def _amplitude(note: np.ndarray, start: int, end: int, key: int) -> float:
    return float(note[start:end, key].mean())


def _fades(activation: np.ndarray, start: int, key: int, threshold: float) -> int:
    """The frame behind the last one that sounds, of a note from ``start`` on."""
    read, silent = _until_silent(activation[start + 1 : -1, key], threshold)
    return start + 1 + read - silent


def _use_up(activation: np.ndarray, middle: int, key: int, threshold: float) -> tuple[int, int]:
    """Edges of a note around ``middle``; what was listened to is set to 0, neighbours too."""
    read, silent = _until_silent(activation[middle + 1 : -1, key], threshold)
    activation[middle + 1 : middle + 1 + read, _neighbourhood(key)] = 0.0
    end = middle + read - silent
    read, silent = _until_silent(activation[1:middle, key][::-1], threshold)
    activation[middle - read : middle, _neighbourhood(key)] = 0.0
    return middle - read + silent, end


def _until_silent(activation: np.ndarray, threshold: float) -> tuple[int, int]:
    """How many frames are read until a gap is long enough, and the length of the last gap."""
    silent = 0
    for read, value in enumerate(_in_pieces(activation), start=1):
        silent = silent + 1 if value < threshold else 0
        if silent == GAP_FRAMES:
            return read, silent
    return len(activation), silent


def _in_pieces(activation: np.ndarray, size: int = 256) -> Iterator[float]:
    """The numbers one by one, as Python's own, which are quicker to compare."""
    for start in range(0, len(activation), size):
        yield from activation[start : start + size].tolist()
