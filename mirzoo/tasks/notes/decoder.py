"""Note transcription: what is played when, by any number of voices, and how its pitch moves.

A note model gives every frame three activations: how likely each key of the piano sounds
(``note``), how likely it is struck just now (``onset``), and a finer salience of pitch
(``contour``). Notes are read off in two passes. First, backwards in time, one from each peak of
the onsets, for as long as its key sounds. Then, from the strongest activation that no note has
used, notes that have no onset, in both directions. What a note uses up is no longer there for
others, nor in the neighbouring keys. A key's sudden rise counts as an onset too, measured by the
steepest rise of the whole recording, which is why a recording's activations stay in memory until
its end: 0.6 GB for each hour.

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
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.tasks.notes.annotation import Note, Notes
from mirzoo.tasks.notes.config import NotesDecoding

NOTE, ONSET, CONTOUR = "note", "onset", "contour"

GAP_FRAMES = 11  # a key that is below the threshold for so long no longer sounds
RISE_FRAMES = 2  # a rise counts as an onset when it holds against each of so many frames before
BEND_BINS = 25
BEND_WIDTH_BINS = 5.0


class FrameNote(NamedTuple):
    """A note in frames: ``end`` is the frame behind its last one, ``key`` its column."""

    start: int
    end: int
    key: int
    amplitude: float


class NoteDecoder:
    """Turns a note model's outputs into notes; see `mirzoo.tasks.base.Decoder`."""

    def __init__(self, card: Contract) -> None:
        assert isinstance(card.decoding, NotesDecoding)  # the task has checked the card
        self._card, self._decoding = card, card.decoding
        self._joiner = FrameJoiner(card)
        self._pieces: dict[str, list[np.ndarray]] = {
            NOTE: [],
            ONSET: [],
            CONTOUR: [],
        }

    def add(self, outputs: dict[str, np.ndarray], starts: np.ndarray) -> None:
        """Take the outputs of the next windows."""
        joined = self._joiner.join(outputs, starts)
        for name, pieces in self._pieces.items():
            pieces.append(joined[name])

    def finish(self, *, duration_s: float, source: str | None = None) -> Notes:
        """Give the notes of a recording of ``duration_s`` seconds."""
        decoding = self._decoding
        count = self._joiner.count(duration_s)
        note, onset, contour = (
            np.concatenate(self._pieces.pop(name))[:count] for name in (NOTE, ONSET, CONTOUR)
        )
        shortest = decoding.shortest_s * self._joiner.frame_rate
        times = self._joiner.times(count)
        return Notes(
            [
                Note(
                    start_s=float(times[found.start]),
                    end_s=float(times[found.end]),
                    pitch=found.key + decoding.lowest_pitch,
                    amplitude=min(1.0, found.amplitude),
                    bends=tuple(
                        follow_bends(contour, found, decoding.contour_bins_per_semitone).tolist()
                    ),
                )
                for found in find_notes(note, onset, decoding, shortest)
            ],
            source=source,
            duration_s=duration_s,
            model=self._card.name,
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
    threshold = decoding.frame_threshold
    unused = np.array(note)
    found = []
    for start, key in _struck(with_rises(onset, note), decoding.onset_threshold):
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
    own = note.key * bins_per_semitone
    bins = np.arange(max(0, own - BEND_BINS), min(contour.shape[1], own + BEND_BINS + 1))
    nearness = np.exp(-0.5 * ((bins - own) / BEND_WIDTH_BINS) ** 2)
    strongest = (contour[note.start : note.end, bins] * nearness).argmax(axis=1)
    return (bins[strongest] - own) / bins_per_semitone


def _struck(onset: np.ndarray, threshold: float) -> Iterator[tuple[int, int]]:
    """Peaks over time, the latest first; of the same frame, the highest key first."""
    inner = onset[1:-1]
    peaks = (inner > onset[:-2]) & (inner > onset[2:]) & (inner >= threshold)
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
