"""Annotations as Standard MIDI Files, pitch bends included."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from mirzoo.errors import AnnotationError

TICKS_PER_SECOND = 960
TICKS_PER_BEAT = 480  # at MIDI's default tempo of two beats a second
DRUM_CHANNEL = 9
CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
DEFAULT_BEND_RANGE, WIDE_BEND_RANGE = 2, 24
BEND_STEPS = 8191
RPN_MSB, RPN_LSB, DATA_ENTRY = 101, 100, 6


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


def midi_bytes(notes: Iterable[BentNote], *, name: str, program: int = 0) -> bytes:
    """Write notes into a MIDI file of one track.

    Where any note bends, each has a channel to itself while it sounds, as far as MIDI's 15
    pitched channels go; a sixteenth at the same time sounds without its bends.

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
        If a pitch is not one of MIDI's 128.
    """
    import mido

    notes = sorted(notes, key=lambda note: note[:4])
    wrong = [note.pitch for note in notes if not 0 <= note.pitch <= 127]
    if wrong:
        raise AnnotationError(f"MIDI has the pitches 0 to 127; received {wrong[0]}")
    widest = max((float(np.abs(note.bends).max()) for note in notes if len(note.bends)), default=0)
    bend_range = DEFAULT_BEND_RANGE if widest <= DEFAULT_BEND_RANGE else WIDE_BEND_RANGE
    channels = CHANNELS if widest else CHANNELS[:1]
    events: list[tuple[int, int, mido.Message]] = []
    used: dict[int, float] = {}
    for note in notes:
        channel, is_alone = _channel(note, channels, used)
        start, end = _ticks(note.start_s), max(_ticks(note.start_s) + 1, _ticks(note.end_s))
        if is_alone and widest:
            bends = list(zip(note.bend_times, note.bends)) or [(note.start_s, 0.0)]
            for time, bend in bends:
                value = round(np.clip(bend / bend_range, -1, 1) * BEND_STEPS)
                message = mido.Message("pitchwheel", channel=channel, pitch=value)
                events.append((max(start, _ticks(time)), 1, message))
        pitched = {"channel": channel, "note": note.pitch}
        on = mido.Message("note_on", velocity=note.velocity, **pitched)
        events.append((start, 2, on))
        events.append((end, 0, mido.Message("note_off", velocity=0, **pitched)))

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    for channel in sorted(used):
        track.append(mido.Message("program_change", channel=channel, program=program))
        for controller, value in ((RPN_MSB, 0), (RPN_LSB, 0), (DATA_ENTRY, bend_range)):
            track.append(
                mido.Message("control_change", channel=channel, control=controller, value=value)
            )
    now = 0
    for ticks, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=ticks - now))
        now = ticks
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track], charset="utf-8")
    written = io.BytesIO()
    file.save(file=written)
    return written.getvalue()


def _channel(note: BentNote, channels: tuple[int, ...], used: dict[int, float]) -> tuple[int, bool]:
    """A channel, and whether nothing else sounds on it; ``used`` holds until when each does."""
    channel = min(channels, key=lambda channel: max(used.get(channel, 0.0), note.start_s))
    is_alone = used.get(channel, 0.0) <= note.start_s
    used[channel] = max(used.get(channel, 0.0), note.end_s)
    return channel, is_alone


def _ticks(time_s: float) -> int:
    return max(0, round(float(time_s) * TICKS_PER_SECOND))
