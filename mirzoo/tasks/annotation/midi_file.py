"""Annotations as Standard MIDI Files, pitch bends included.

A file begins with its tempo, 120 beats a minute, at which a tick is 1/960 s; with a `TempoMap` its
beats are the music's, and so are its tempi and time signatures, which changes no time. A note has
a channel on which nothing else would be taken for it: where any note of the file bends, a channel
to itself while it sounds, since a bend moves a whole channel; else one on which its pitch does not
sound, since a note-off names only channel and pitch. Channel 10 is percussion's and never used.
Where 15 channels are not enough, the file has more tracks (type 1), each with a port and so 15
channels of its own: nothing is left out.
"""

from __future__ import annotations

import heapq
import math
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, pairwise
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
TRACK_NAME, PORT, END_OF_TRACK, TEMPO, TIME_SIGNATURE = 0x03, 0x21, 0x2F, 0x51, 0x58
QUARTER, CLOCKS_A_CLICK, THIRTY_SECONDS_A_BEAT = 2, 24, 8
"""Of a time signature: what a beat is, as a power of 1/2, and what MIDI's clock makes of it."""

LONGEST_BEAT_S = 8.0
"""MIDI has room for 16.7 s."""


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


class TempoMap(NamedTuple):
    """The beats of the music: their times (s), ascending, and the place of each in its bar.

    ``positions`` are 1 on downbeats, then 2 and so on; None where bars are not known.
    """

    times: np.ndarray
    positions: np.ndarray | None = None


class _Clock:
    """Ticks of times, and the events that make a player's times the same."""

    def __init__(self, tempo_map: TempoMap | None) -> None:
        times = [] if tempo_map is None else np.asarray(tempo_map.times, float).tolist()
        if len(times) < 2:
            self._times, self._ticks = [0.0], [0]
            self._per_second = float(TICKS_PER_SECOND)
            self.events = [(0, _meta(TEMPO, MICROSECONDS_PER_BEAT.to_bytes(3, "big")))]
            return
        # What is before the first beat lasts a whole number of beats, as near to the tempo as it
        # goes, so that the music's beats are the file's.
        lead = 0 if times[0] < 1e-6 else max(1, round(times[0] / (times[1] - times[0])))
        beats = [max(lead, math.ceil(times[0] / LONGEST_BEAT_S)) if lead else 0]
        for before, after in pairwise(times):
            beats.append(max(1, math.ceil((after - before) / LONGEST_BEAT_S)))
        self._times, self._ticks = [0.0], [0]
        self.events, microseconds, now = [], 0, 0
        for time, count in zip(times, beats, strict=True):
            if not count:
                continue
            # Rounded from the beginning on: errors do not add up.
            each = max(1, round((time * 1e6 - now) / count))
            if each != microseconds:
                self.events.append((self._ticks[-1], _meta(TEMPO, each.to_bytes(3, "big"))))
                microseconds = each
            now += each * count
            self._times.append(time)
            self._ticks.append(self._ticks[-1] + count * TICKS_PER_BEAT)
        self._per_second = TICKS_PER_BEAT * 1e6 / microseconds
        if tempo_map is not None and tempo_map.positions is not None:
            first = len(self._ticks) - len(times)
            self.events += self._bars(np.asarray(tempo_map.positions), self._ticks[first:])
            self.events.sort(key=lambda event: event[0])

    @staticmethod
    def _bars(positions: np.ndarray, ticks: list[int]) -> Iterator[tuple[int, bytes]]:
        """A time signature wherever bars get another number of beats."""
        edges = [ticks[number] for number in np.flatnonzero(positions == 1)]
        if edges and edges[0] > 0:
            edges.insert(0, 0)
        metre = 0
        for start, stop in pairwise(edges):
            beats = (stop - start) // TICKS_PER_BEAT
            if beats != metre and beats < 256:
                metre = beats
                signature = [beats, QUARTER, CLOCKS_A_CLICK, THIRTY_SECONDS_A_BEAT]
                yield start, _meta(TIME_SIGNATURE, bytes(signature))

    @property
    def end(self) -> int:
        """The tick of the last beat; a track lasts at least until there."""
        return self._ticks[-1]

    def ticks(self, time_s: float) -> int:
        place = bisect_right(self._times, time_s) - 1
        if place < 0:
            return 0
        if place + 1 == len(self._times):
            return self._ticks[-1] + round((time_s - self._times[-1]) * self._per_second)
        start, stop = self._times[place], self._times[place + 1]
        share = (time_s - start) / (stop - start)
        return round(self._ticks[place] + share * (self._ticks[place + 1] - self._ticks[place]))


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


def midi_of(
    notes: Callable[[], Iterable[BentNote]],
    *,
    name: str,
    program: int = 0,
    tempo_map: TempoMap | None = None,
) -> bytes:
    """Write notes into a MIDI file as `midi_bytes` does, holding only those that sound.

    Parameters
    ----------
    notes : callable
        Gives the notes in the order of their starts, each time it is called.
    name, program
        As in `midi_bytes`.
    tempo_map : TempoMap, optional
        The music's beats; by default the file has 120 a minute. What is before the first of them
        is a whole number of beats, and a bar with what is before the first downbeat.

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
    clock = _Clock(tempo_map)
    used: list[set[int]] = [set()]
    for placed in _placed(notes(), bends, clock):
        used += [set()] * (placed.track + 1 - len(used))
        used[placed.track] = used[placed.track] | {placed.channel}
    tracks = [_Track() for _ in used]
    for number, (track, channels) in enumerate(zip(tracks, used, strict=True)):
        track.add(0, _meta(TRACK_NAME, name.encode("utf-8")))
        if number == 0:
            for event in [event for ticks, event in clock.events if ticks == 0]:
                track.add(0, event)
        if len(tracks) > 1:
            track.add(0, _meta(PORT, bytes([number])))
        for channel in sorted(channels):
            track.add(0, bytes([PROGRAM | channel, program]))
            for controller, value in ((RPN_MSB, 0), (RPN_LSB, 0), (DATA_ENTRY, bend_range)):
                track.add(0, bytes([CONTROL | channel, controller, value]))
    played = _events(_placed(notes(), bends, clock), bend_range if bends else None, clock)
    later = ((ticks, 0, event) for ticks, event in clock.events if ticks > 0)
    for ticks, number, event in heapq.merge(later, played, key=lambda event: event[0]):
        tracks[number].add(ticks, event)
    header = struct.pack(">4sIHHH", b"MThd", 6, len(tracks) > 1, len(tracks), TICKS_PER_BEAT)
    return header + b"".join(track.chunk(clock.end) for track in tracks)


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

    def chunk(self, until: int) -> bytes:
        rest = _variable_length(max(0, until - self._now))
        content = bytes(self._content) + rest + _meta(END_OF_TRACK, b"")
        return struct.pack(">4sI", b"MTrk", len(content)) + content


def _meta(kind: int, content: bytes) -> bytes:
    return bytes([META, kind]) + _variable_length(len(content)) + content


def _variable_length(number: int) -> bytes:
    """A number in MIDI's way: seven bits a byte, the highest first, each but the last marked."""
    pieces = [number & 0x7F]
    while number := number >> 7:
        pieces.append(number & 0x7F | 0x80)
    return bytes(reversed(pieces))


def _placed(notes: Iterable[BentNote], bends: bool, clock: _Clock) -> Iterator[_Placed]:
    """Choose a channel for each note: the first, of all tracks, on which nothing hinders it."""
    sounding: dict[tuple[int, int], dict[int, _Placed]] = {}
    for note in _in_order(notes):
        start = clock.ticks(float(note.start_s))
        end = max(start + 1, clock.ticks(float(note.end_s)))
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


def _events(
    notes: Iterable[_Placed], bend_range: int | None, clock: _Clock
) -> Iterator[tuple[int, int, bytes]]:
    """Ticks, track and bytes of every event in the order of time: ends, then bends, then starts."""
    waiting: list[tuple[int, int, int, int, bytes]] = []
    count = 0
    for placed in notes:
        while waiting and waiting[0][0] < placed.start:
            ticks, _, _, track, event = heapq.heappop(waiting)
            yield ticks, track, event
        for ticks, order, event in _events_of(placed, bend_range, clock):
            heapq.heappush(waiting, (ticks, order, count, placed.track, event))
            count += 1
    while waiting:
        ticks, _, _, track, event = heapq.heappop(waiting)
        yield ticks, track, event


def _events_of(
    placed: _Placed, bend_range: int | None, clock: _Clock
) -> Iterator[tuple[int, int, bytes]]:
    note, channel = placed.note, placed.channel
    if bend_range is not None:
        times = np.asarray(note.bend_times, np.float64).tolist() or [note.start_s]
        bends = np.asarray(note.bends, np.float64).tolist() or [0.0]
        for time, bend in zip(times, bends):
            value = round(bend / bend_range * BEND_STEPS) + BEND_STEPS + 1
            event = bytes([BEND | channel, value & 0x7F, value >> 7])
            yield min(max(placed.start, clock.ticks(time)), placed.end), 1, event
    yield placed.start, 2, bytes([NOTE_ON | channel, note.pitch, note.velocity])
    yield placed.end, 0, bytes([NOTE_OFF | channel, note.pitch, 0])
