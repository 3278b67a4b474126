"""Standard MIDI files as notes, instruments and times in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mirzoo.errors import DataError

if TYPE_CHECKING:
    import mido

TICKS_PER_SECOND = 960
DRUM_CHANNEL = 9
VOLUME, PAN, REVERB, CHORUS = 7, 10, 91, 93
BEND_RANGE = 12
BEND_MIDDLE = 8192


@dataclass(frozen=True)
class MidiNote:
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

    notes: Sequence[MidiNote]
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
    import mido

    channels = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    if sum(not part.drums for part in parts) > len(channels):
        raise DataError(f"{len(parts)} parts do not fit into MIDI's 15 pitched channels")
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_SECOND // 2)
    file.add_track()
    for part in parts:
        channel = DRUM_CHANNEL if part.drums else channels.pop(0)
        file.tracks.append(_track(_part_events(part, channel, reverb)))
    file.save(path)


Event = tuple[int, int, "mido.Message | mido.MetaMessage"]
"""A tick, the place among the events of one tick, and the message."""


def _part_events(part: Part, channel: int, reverb: int) -> list[Event]:
    from mido import Message, MetaMessage

    events: list[Event] = [
        (0, 0, Message("control_change", channel=channel, control=control, value=value))
        for control, value in ((VOLUME, part.volume), (PAN, part.pan), (REVERB, reverb))
    ]
    events.append((0, 0, Message("program_change", channel=channel, program=part.program)))
    if part.name:
        events.append((0, 0, MetaMessage("track_name", name=part.name)))
    events.extend(_bend_events(part, channel))
    for note in part.notes:
        start = round(note.start_s * TICKS_PER_SECOND)
        end = max(start + 1, round(note.end_s * TICKS_PER_SECOND))
        pitch, velocity = int(note.pitch), int(note.velocity)
        events.append(
            (start, 2, Message("note_on", channel=channel, note=pitch, velocity=velocity))
        )
        events.append((end, 1, Message("note_off", channel=channel, note=pitch, velocity=0)))
    return events


def _bend_events(part: Part, channel: int) -> list[Event]:
    """Set the bend range by its registered parameter, then bend; all before notes of that tick."""
    from mido import Message

    if not part.bends:
        return []
    controls = ((101, 0), (100, 0), (6, BEND_RANGE), (38, 0), (101, 127), (100, 127))
    events: list[Event] = [
        (
            0,
            order - len(controls),
            Message("control_change", channel=channel, control=control, value=value),
        )
        for order, (control, value) in enumerate(controls)
    ]
    for time_s, semitones in part.bends:
        value = round(BEND_MIDDLE * (1 + semitones / BEND_RANGE)) - BEND_MIDDLE
        value = min(max(value, -BEND_MIDDLE), BEND_MIDDLE - 1)
        tick = max(0, round(time_s * TICKS_PER_SECOND))
        events.append((tick, 0, Message("pitchwheel", channel=channel, pitch=value)))
    return events


def _track(events: Iterable[Event]) -> mido.MidiTrack:
    """Events as a track, those of one tick and place in the order of their bytes."""
    import mido

    track = mido.MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: (*event[:2], event[2].bytes())):
        message.time = tick - now
        track.append(message)
        now = tick
    return track


def read(path: Path | str) -> list[Part]:
    """Read the notes of a MIDI file, a part for each track and channel, times in seconds.

    Raises
    ------
    DataError
        When the file isn't a MIDI file timed in ticks per quarter note, or breaks off.
    """
    import mido

    if Path(path).read_bytes()[:4] != b"MThd":
        raise DataError(f"'{path}' is not a MIDI file")
    try:
        file = mido.MidiFile(path)
    except (EOFError, OSError, ValueError, LookupError) as error:
        raise DataError(f"'{path}' breaks off or is damaged ({error!r})") from None
    if file.ticks_per_beat <= 0:
        raise DataError(f"'{path}' is timed in SMPTE frames; only ticks per quarter are read")
    tracks = [_with_ticks(track) for track in file.tracks]
    tempo_changes = sorted(
        (tick, message.tempo / 1e6)
        for messages in tracks
        for tick, message in messages
        if message.type == "set_tempo"
    )
    return [
        part for messages in tracks for part in _parts(messages, file.ticks_per_beat, tempo_changes)
    ]


Timed = list[tuple[int, "mido.Message | mido.MetaMessage"]]
"""Messages with their ticks from the beginning."""


def _with_ticks(track: mido.MidiTrack) -> Timed:
    tick, timed = 0, []
    for message in track:
        tick += message.time
        timed.append((tick, message))
    return timed


def _parts(
    messages: Timed, ticks_per_quarter: int, tempo_changes: list[tuple[int, float]]
) -> list[Part]:
    name = ""
    notes: dict[int, list[MidiNote]] = {}
    programs: dict[int, int] = {}
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    for tick, message in messages:
        if message.type == "track_name":
            name = message.name.strip()
        elif message.type == "program_change":
            programs.setdefault(message.channel, message.program)
        elif message.type in ("note_on", "note_off"):
            channel, pitch = message.channel, message.note
            time_s = _seconds(tick, ticks_per_quarter, tempo_changes)
            started = sounding.pop((channel, pitch), None)
            if started is not None:
                start_s, velocity = started
                notes.setdefault(channel, []).append(MidiNote(start_s, time_s, pitch, velocity))
            if message.type == "note_on" and message.velocity:
                sounding[channel, pitch] = (time_s, message.velocity)
    return [
        Part(
            tuple(sorted(played, key=lambda note: (note.start_s, note.pitch))),
            programs.get(channel, 0),
            channel == DRUM_CHANNEL,
            name=name,
        )
        for channel, played in notes.items()
    ]


def _seconds(tick: int, ticks_per_quarter: int, tempo_changes: list[tuple[int, float]]) -> float:
    seconds, last, quarter_s = 0.0, 0, 0.5
    for changed, new_quarter_s in tempo_changes:
        if changed >= tick:
            break
        seconds += (changed - last) / ticks_per_quarter * quarter_s
        last, quarter_s = changed, new_quarter_s
    return seconds + (tick - last) / ticks_per_quarter * quarter_s
