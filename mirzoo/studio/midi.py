"""Standard MIDI files: as much of them as notes, instruments and tempo need."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mirzoo.errors import DataError

TICKS_PER_SECOND = 960
PARAMETER_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}
DRUM_CHANNEL = 9
VOLUME, PAN, REVERB, CHORUS = 7, 10, 91, 93
BEND_RANGE = 12
BEND_MIDDLE = 8192


@dataclass(frozen=True)
class Note:
    """A note: when it starts and ends (s), its MIDI pitch and its velocity (1 to 127)."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int = 96


@dataclass(frozen=True)
class Part:
    """Notes played by one General MIDI program (0 to 127), or by a drum kit.

    Volume and pan are MIDI controller values (0 to 127; pan 64 is the middle). ``bends`` are
    times (s) and what all of the part's notes are bent by from then on (semitones, within
    `BEND_RANGE`).
    """

    notes: Sequence[Note]
    program: int
    drums: bool = False
    volume: int = 100
    pan: int = 64
    name: str = ""
    bends: Sequence[tuple[float, float]] = ()


def write(parts: Sequence[Part], path: Path, *, reverb: int = 40) -> None:
    """Write parts as a MIDI file of format 1 with 960 ticks a second.

    Raises
    ------
    DataError
        When there are more than 15 pitched parts.
    """
    channels = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    if sum(not part.drums for part in parts) > len(channels):
        raise DataError(f"{len(parts)} parts do not fit into MIDI's 15 pitched channels")
    tracks = [_track([])]
    for part in parts:
        channel = DRUM_CHANNEL if part.drums else channels.pop(0)
        tracks.append(_track(_part_events(part, channel, reverb)))
    header = b"MThd" + struct.pack(">IHHH", 6, 1, len(tracks), TICKS_PER_SECOND // 2)
    Path(path).write_bytes(header + b"".join(tracks))


def _part_events(part: Part, channel: int, reverb: int) -> list[tuple[int, int, bytes]]:
    events = [
        (0, 0, bytes([0xB0 | channel, control, value]))
        for control, value in ((VOLUME, part.volume), (PAN, part.pan), (REVERB, reverb))
    ]
    events.append((0, 0, bytes([0xC0 | channel, part.program])))
    if part.name:
        name = part.name.encode("latin-1")
        events.append((0, 0, b"\xff\x03" + _variable_length(len(name)) + name))
    events.extend(_bend_events(part, channel))
    for note in part.notes:
        start = round(note.start_s * TICKS_PER_SECOND)
        end = max(start + 1, round(note.end_s * TICKS_PER_SECOND))
        events.append((start, 2, bytes([0x90 | channel, note.pitch, note.velocity])))
        events.append((end, 1, bytes([0x80 | channel, note.pitch, 0])))
    return sorted(events)


def _bend_events(part: Part, channel: int) -> list[tuple[int, int, bytes]]:
    """Set the bend range by its registered parameter, then bend; all before notes of that tick."""
    if not part.bends:
        return []
    controls = ((101, 0), (100, 0), (6, BEND_RANGE), (38, 0), (101, 127), (100, 127))
    events = [
        (0, order - len(controls), bytes([0xB0 | channel, control, value]))
        for order, (control, value) in enumerate(controls)
    ]
    for time_s, semitones in part.bends:
        value = round(BEND_MIDDLE * (1 + semitones / BEND_RANGE))
        value = min(max(value, 0), 2 * BEND_MIDDLE - 1)
        tick = max(0, round(time_s * TICKS_PER_SECOND))
        events.append((tick, 0, bytes([0xE0 | channel, value & 0x7F, value >> 7])))
    return events


def _track(events: list[tuple[int, int, bytes]]) -> bytes:
    body = bytearray()
    now = 0
    for tick, _, message in events:
        body += _variable_length(tick - now) + message
        now = tick
    body += b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + bytes(body)


def _variable_length(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def read(path: Path | str) -> list[Part]:
    """Read the notes of a MIDI file, a part for each track and channel, times in seconds.

    Raises
    ------
    DataError
        When the file isn't a MIDI file timed in ticks per quarter note, or breaks off.
    """
    data = Path(path).read_bytes()
    if data[:4] != b"MThd" or len(data) < 14:
        raise DataError(f"'{path}' is not a MIDI file")
    _, n_tracks, division = struct.unpack(">HHH", data[8:14])
    if division & 0x8000:
        raise DataError(f"'{path}' is timed in SMPTE frames; only ticks per quarter are read")
    try:
        tracks = _read_tracks(data, n_tracks)
    except (IndexError, KeyError) as error:
        raise DataError(f"'{path}' breaks off or is damaged ({error!r})") from None
    tempo_changes = sorted(
        (tick, int.from_bytes(message[1:], "big") / 1e6)
        for events in tracks
        for tick, status, message in events
        if status == 0xFF and message[:1] == b"\x51"
    )
    return [part for events in tracks for part in _parts(events, division, tempo_changes)]


def _read_tracks(data: bytes, n_tracks: int) -> list[list[tuple[int, int, bytes]]]:
    tracks = []
    at = 14
    while len(tracks) < n_tracks:
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if len(kind) < 4 or at + 8 + size > len(data):
            raise IndexError("the last track is incomplete")
        if kind == b"MTrk":
            tracks.append(_read_events(data[at + 8 : at + 8 + size]))
        at += 8 + size
    return tracks


def _read_events(body: bytes) -> list[tuple[int, int, bytes]]:
    """``(tick, status, parameters)``; a meta event's parameters begin with its type."""
    events = []
    at = tick = status = 0

    def number() -> int:
        nonlocal at
        value = 0
        while True:
            value = value << 7 | body[at] & 0x7F
            at += 1
            if not body[at - 1] & 0x80:
                return value

    while at < len(body):
        tick += number()
        if body[at] & 0x80:
            status = body[at]
            at += 1
        if status == 0xFF:
            kind = body[at : at + 1]
            at += 1
            size = number()
            parameters = kind + body[at : at + size]
        elif status in (0xF0, 0xF7):
            size = number()
            parameters = body[at : at + size]
        else:
            size = PARAMETER_BYTES[status >> 4]
            parameters = body[at : at + size]
        at += size
        events.append((tick, status, parameters))
    return events


def _parts(
    events: list[tuple[int, int, bytes]], division: int, tempo_changes: list[tuple[int, float]]
) -> list[Part]:
    name = ""
    notes: dict[int, list[Note]] = {}
    programs: dict[int, int] = {}
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    for tick, status, parameters in events:
        kind, channel = status >> 4, status & 0xF
        if status == 0xFF and parameters[:1] == b"\x03":
            name = parameters[1:].decode("latin-1").strip()
        elif kind == 0xC:
            programs.setdefault(channel, parameters[0])
        elif kind in (0x8, 0x9):
            pitch, velocity = parameters
            time_s = _seconds(tick, division, tempo_changes)
            started = sounding.pop((channel, pitch), None)
            if started is not None:
                start_s, loudness = started
                notes.setdefault(channel, []).append(Note(start_s, time_s, pitch, loudness))
            if kind == 0x9 and velocity:
                sounding[channel, pitch] = (time_s, velocity)
    return [
        Part(
            tuple(sorted(played, key=lambda note: (note.start_s, note.pitch))),
            programs.get(channel, 0),
            channel == DRUM_CHANNEL,
            name=name,
        )
        for channel, played in notes.items()
    ]


def _seconds(tick: int, division: int, tempo_changes: list[tuple[int, float]]) -> float:
    seconds, last, quarter_s = 0.0, 0, 0.5
    for changed, new_quarter_s in tempo_changes:
        if changed >= tick:
            break
        seconds += (changed - last) / division * quarter_s
        last, quarter_s = changed, new_quarter_s
    return seconds + (tick - last) / division * quarter_s
