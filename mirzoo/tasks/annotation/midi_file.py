"""Annotations as Standard MIDI Files, pitch bends included.

A file begins with its tempo, 120 beats a minute, at which a tick is 1/960 s. A note has a channel
on which nothing else would be taken for it: where any note of the file bends, a channel to itself
while it sounds, since a bend moves a whole channel; else one on which its pitch does not sound,
since a note-off names only channel and pitch. Channel 10 is percussion's and never used. Where 15
channels are not enough, the file has more tracks (type 1), each with a port and so 15 channels of
its own: nothing is left out.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

from mirzoo.errors import AnnotationError

TICKS_PER_BEAT = 480
MICROSECONDS_PER_BEAT = 500_000
TICKS_PER_SECOND = TICKS_PER_BEAT * 1_000_000 // MICROSECONDS_PER_BEAT
DRUM_CHANNEL = 9
CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
BEND_RANGES = (2, 24, 127)
"""Of pitch bends (semitones): the default, what most synthesizers have, the most."""
BEND_STEPS = 8191
RPN_MSB, RPN_LSB, DATA_ENTRY = 101, 100, 6
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND, META = 0x80, 0x90, 0xB0, 0xC0, 0xE0, 0xFF
TRACK_NAME, PORT, END_OF_TRACK, TEMPO = 0x03, 0x21, 0x2F, 0x51


class BentNote(NamedTuple):
    """A note: start and end (s), MIDI pitch, velocity (1 to 127) and bends.

    ``bends`` are semitones above ``pitch``, at ``bend_times`` (s).
    """

    start_s: float
    end_s: float
    pitch: int
    velocity: int = 96
    bend_times: np.ndarray | tuple[float, ...] = ()
    bends: np.ndarray | tuple[float, ...] = ()


class _Placed(NamedTuple):
    """A note in ticks, on a channel of a track."""

    note: BentNote
    start: int
    end: int
    track: int
    channel: int


def midi_bytes(notes: Iterable[BentNote], *, name: str, program: int = 0) -> bytes:
    """Write notes into a MIDI file, of one track where its 15 channels are enough.

    Parameters
    ----------
    notes : iterable of BentNote
    name : str
        Of the track.
    program : int
        General MIDI program (0 to 127).

    Returns
    -------
    bytes

    Raises
    ------
    AnnotationError
        If a pitch is not one of MIDI's 128, or a note bends by more than 127 semitones.

    Examples
    --------
    >>> import io, mido
    >>> twice = [BentNote(0.0, 2.0, 60), BentNote(1.0, 3.0, 60)]
    >>> file = mido.MidiFile(file=io.BytesIO(midi_bytes(twice, name="C twice")))
    >>> [(m.type, m.channel, m.time) for m in file if m.type.startswith("note")]
    [('note_on', 0, 0), ('note_on', 1, 1.0), ('note_off', 0, 1.0), ('note_off', 1, 1.0)]
    """
    ordered = sorted(notes, key=lambda note: note[:4])
    return midi_of(lambda: iter(ordered), name=name, program=program)


def midi_of(notes: Callable[[], Iterable[BentNote]], *, name: str, program: int = 0) -> bytes:
    """Write notes into a MIDI file as `midi_bytes` does, holding only those that sound.

    Parameters
    ----------
    notes : callable
        Gives the notes in the order of their starts, each time it is called.
    name, program
        As in `midi_bytes`.

    Raises
    ------
    AnnotationError
        As `midi_bytes` does.
    """
    widest = 0.0
    for note in notes():
        if not 0 <= note.pitch <= 127:
            raise AnnotationError(f"MIDI has the pitches 0 to 127; received {note.pitch}")
        if len(note.bends):
            widest = max(widest, float(np.abs(note.bends).max()))
    bend_range = next((known for known in BEND_RANGES if widest <= known), None)
    if bend_range is None:
        raise AnnotationError(
            f"MIDI bends notes by at most {BEND_RANGES[-1]} semitones; received {widest:g}"
        )
    bends = widest > 0
    used: list[set[int]] = [set()]
    for placed in _placed(notes(), bends):
        used += [set()] * (placed.track + 1 - len(used))
        used[placed.track] = used[placed.track] | {placed.channel}
    tracks = [_Track() for _ in used]
    for number, (track, channels) in enumerate(zip(tracks, used, strict=True)):
        track.add(0, _meta(TRACK_NAME, name.encode("utf-8")))
        if number == 0:
            track.add(0, _meta(TEMPO, MICROSECONDS_PER_BEAT.to_bytes(3, "big")))
        if len(tracks) > 1:
            track.add(0, _meta(PORT, bytes([number])))
        for channel in sorted(channels):
            track.add(0, bytes([PROGRAM | channel, program]))
            for controller, value in ((RPN_MSB, 0), (RPN_LSB, 0), (DATA_ENTRY, bend_range)):
                track.add(0, bytes([CONTROL | channel, controller, value]))
    for ticks, number, event in _events(_placed(notes(), bends), bend_range if bends else None):
        tracks[number].add(ticks, event)
    header = struct.pack(">4sIHHH", b"MThd", 6, len(tracks) > 1, len(tracks), TICKS_PER_BEAT)
    return header + b"".join(track.chunk() for track in tracks)


class _Track:
    """A track while it is written: each event after the ticks since the last one."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._now = 0
        self._status = 0

    def add(self, ticks: int, event: bytes) -> None:
        self._content += _variable_length(ticks - self._now)
        self._now = ticks
        repeats = event[0] == self._status
        self._content += event[1:] if repeats else event
        self._status = 0 if event[0] == META else event[0]

    def chunk(self) -> bytes:
        content = bytes(self._content) + b"\0" + _meta(END_OF_TRACK, b"")
        return struct.pack(">4sI", b"MTrk", len(content)) + content


def _meta(kind: int, content: bytes) -> bytes:
    return bytes([META, kind]) + _variable_length(len(content)) + content


def _variable_length(number: int) -> bytes:
    """A number in MIDI's way: seven bits a byte, the highest first, each but the last marked."""
    pieces = [number & 0x7F]
    while number := number >> 7:
        pieces.append(number & 0x7F | 0x80)
    return bytes(reversed(pieces))


def _placed(notes: Iterable[BentNote], bends: bool) -> Iterator[_Placed]:
    """Choose a channel for each note: the first, of all tracks, on which nothing hinders it."""
    sounding: dict[tuple[int, int], dict[int, _Placed]] = {}
    for note in _in_order(notes):
        start, end = _ticks(note.start_s), max(_ticks(note.start_s) + 1, _ticks(note.end_s))
        track, place = 0, 0
        while True:
            before = sounding.setdefault((track, CHANNELS[place]), {})
            if bends:
                free = all(b.end <= start and b.note.end_s <= note.start_s for b in before.values())
            else:
                free = note.pitch not in before or before[note.pitch].end <= start
            if free:
                break
            track, place = (track, place + 1) if place + 1 < len(CHANNELS) else (track + 1, 0)
        if bends:
            before.clear()
        before[note.pitch] = _Placed(note, start, end, track, CHANNELS[place])
        yield before[note.pitch]


def _in_order(notes: Iterable[BentNote]) -> Iterator[BentNote]:
    """Notes sorted by start, those of the same start by end, pitch and velocity."""
    for _, group in groupby(notes, key=lambda note: note.start_s):
        yield from sorted(group, key=lambda note: note[:4])


def _events(notes: Iterable[_Placed], bend_range: int | None) -> Iterator[tuple[int, int, bytes]]:
    """Ticks, track and bytes of every event in the order of time: ends, then bends, then starts."""
    waiting: list[tuple[int, int, int, int, bytes]] = []
    count = 0
    for placed in notes:
        while waiting and waiting[0][0] < placed.start:
            ticks, _, _, track, event = heapq.heappop(waiting)
            yield ticks, track, event
        for ticks, order, event in _events_of(placed, bend_range):
            heapq.heappush(waiting, (ticks, order, count, placed.track, event))
            count += 1
    while waiting:
        ticks, _, _, track, event = heapq.heappop(waiting)
        yield ticks, track, event


def _events_of(placed: _Placed, bend_range: int | None) -> Iterator[tuple[int, int, bytes]]:
    note, channel = placed.note, placed.channel
    if bend_range is not None:
        times = np.asarray(note.bend_times, np.float64).tolist() or [note.start_s]
        bends = np.asarray(note.bends, np.float64).tolist() or [0.0]
        for time, bend in zip(times, bends):
            value = round(bend / bend_range * BEND_STEPS) + BEND_STEPS + 1
            event = bytes([BEND | channel, value & 0x7F, value >> 7])
            yield min(max(placed.start, _ticks(time)), placed.end), 1, event
    yield placed.start, 2, bytes([NOTE_ON | channel, note.pitch, note.velocity])
    yield placed.end, 0, bytes([NOTE_OFF | channel, note.pitch, 0])


def _ticks(time_s: float) -> int:
    return max(0, round(float(time_s) * TICKS_PER_SECOND))
