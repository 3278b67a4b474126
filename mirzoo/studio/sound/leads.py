"""Leads: melodies as they are sung or played, and the f0 that comes of it.

A melody's notes get a contour each (vibrato, scoops, glides, bends, falls, drift), which bends the
pitch of the synthesiser's channel and is the f0 label at once. Notes go to two channels in turn, so
that one note's release isn't bent by the next. Where each note sounds is then measured on the stem
itself (`sounding_f0`). A bend holds until the next, so each is sent half a step and the
synthesiser's delay early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE
from mirzoo.data.labels import F0_RATE
from mirzoo.studio.score.midi import MidiNote, Part

CURVE_RATE = 200
BEND_EARLY_S = 0.004
LOWEST, HIGHEST = 36, 94

VOICES = (52, 53, 54, 85, 91)
WINDS = (
    56,
    57,
    58,
    59,
    60,
    61,
    64,
    65,
    66,
    67,
    68,
    69,
    70,
    71,
    72,
    73,
    74,
    75,
    76,
    77,
    79,
    22,
    109,
    111,
)
STRINGS = (40, 41, 42, 110, 48, 49)
GUITARS = (24, 25, 26, 27, 29, 30, 104, 105, 106)
SYNTHS = (80, 81, 82, 83, 84, 62, 63)
KEYS = (0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 20, 46, 107, 108, 114)
"""Programs to play melodies with: in tune with their notes, in the octave they are written in."""

KINDS = (
    (VOICES, 0.24),
    (WINDS, 0.22),
    (STRINGS, 0.12),
    (GUITARS, 0.2),
    (SYNTHS, 0.1),
    (KEYS, 0.12),
)
UNBENT = set(KEYS)
RANGES = {
    32: (36, 60),
    42: (36, 72),
    57: (40, 72),
    58: (36, 60),
    66: (44, 76),
    67: (36, 68),
    70: (36, 72),
    40: (55, 94),
    72: (74, 94),
    73: (60, 94),
    76: (48, 76),
    52: (45, 84),
    53: (45, 84),
    54: (45, 84),
    24: (40, 84),
    25: (40, 84),
    26: (40, 86),
    27: (40, 86),
    29: (40, 88),
    30: (40, 88),
}
"""The lowest and highest MIDI pitch of a program; others have `LOWEST` to `HIGHEST`."""


@dataclass(frozen=True)
class Manner:
    """How freely a melody is played; probabilities for each note, and sizes.

    Times are in seconds, depths in cents or semitones as their names state.
    """

    vibrato: float = 0.0
    vibrato_hz: float = 5.5
    vibrato_cents: float = 30.0
    vibrato_delay_s: float = 0.2
    scoop: float = 0.0
    scoop_semitones: float = 1.0
    glide: float = 0.0
    glide_s: float = 0.06
    bend: float = 0.0
    fall: float = 0.0
    drift_cents: float = 0.0
    late_s: float = 0.0


STRAIGHT = Manner()


def draw_manner(program: int, rng: np.random.Generator) -> Manner:
    """A manner that suits the program: keys are struck straight, guitars bend, voices slide."""
    late_s = rng.uniform(0, 0.03)
    if program in UNBENT or rng.random() < 0.12:
        return Manner(late_s=late_s)
    return Manner(
        vibrato=rng.choice([0.0, 0.3, 0.6, 0.9]),
        vibrato_hz=rng.uniform(4.2, 7.0),
        vibrato_cents=float(np.exp(rng.uniform(np.log(10), np.log(80)))),
        vibrato_delay_s=rng.uniform(0.03, 0.4),
        scoop=rng.choice([0.0, 0.15, 0.3, 0.6]),
        scoop_semitones=rng.uniform(0.3, 2.5),
        glide=rng.choice([0.0, 0.1, 0.3, 0.7]),
        glide_s=float(np.exp(rng.uniform(np.log(0.015), np.log(0.12)))),
        bend=rng.choice([0.1, 0.35]) if program in GUITARS else 0.0,
        fall=rng.choice([0.0, 0.1, 0.2]),
        drift_cents=rng.choice([0.0, 5.0, 12.0, 20.0]),
        late_s=late_s,
    )


def draw_program(rng: np.random.Generator) -> int:
    """A program to play a melody with: a kind of instrument, then one of that kind."""
    weights = np.array([weight for _, weight in KINDS])
    programs, _ = KINDS[rng.choice(len(KINDS), p=weights / weights.sum())]
    return int(rng.choice(programs))


@dataclass(frozen=True)
class Lead:
    """A melody as it is played.

    Parameters
    ----------
    parts : tuple of Part
        Two parts of one program, with bends.
    notes : tuple of MidiNote
        What is played, one note at a time.
    pitch : np.ndarray
        MIDI pitch, fractional, of the last note begun, float64 ``(frames,)`` at 100 frames a
        second; NaN before the first note.
    """

    parts: tuple[Part, ...]
    notes: tuple[MidiNote, ...]
    pitch: np.ndarray

    @property
    def f0(self) -> np.ndarray:
        """Hz of the last note begun, float32 ``(frames,)``; NaN before the first note."""
        return (440 * 2 ** ((self.pitch - 69) / 12)).astype(np.float32)


def one_at_a_time(notes: Sequence[MidiNote], min_s: float = 0.04) -> list[MidiNote]:
    """The notes in order, each ended where the next begins, the highest of those together."""
    ordered: list[MidiNote] = []
    for note in sorted(notes, key=lambda note: (note.start_s, note.pitch)):
        if ordered and note.start_s - ordered[-1].start_s < min_s:
            ordered.pop()
        ordered.append(note)
    cut = [
        replace(note, end_s=min(note.end_s, following.start_s))
        for note, following in pairwise(ordered)
    ]
    return [note for note in cut + ordered[-1:] if note.end_s - note.start_s >= min_s]


def range_of(program: int) -> tuple[int, int]:
    """The lowest and the highest MIDI pitch that suit a program."""
    return RANGES.get(program, (LOWEST, HIGHEST))


def into_range(
    notes: Sequence[MidiNote], low: int, high: int, rng: np.random.Generator
) -> list[MidiNote]:
    """Move a melody by octaves between two MIDI pitches, and its strays by octaves each."""
    if not notes:
        return []
    middle = np.median([note.pitch for note in notes])
    octaves = 12 * np.arange(-4, 5)
    fitting = octaves[(low + 5 <= middle + octaves) & (middle + octaves <= high - 5)].tolist()
    usual = [shift for shift in fitting if abs(shift) <= 12] or fitting or [0]
    shift = int(rng.choice(usual))

    def fold(pitch: int) -> int:
        while pitch < low:
            pitch += 12
        while pitch > high:
            pitch -= 12
        return int(pitch)

    return [replace(note, pitch=fold(note.pitch + shift)) for note in notes]


def perform(
    notes: Sequence[MidiNote],
    program: int,
    seconds: float,
    rng: np.random.Generator,
    *,
    manner: Manner | None = None,
    tuning_cents: float = 0.0,
) -> Lead:
    """Play a melody with a program: jitter its notes, bend each, and compute the f0.

    Parameters
    ----------
    notes : sequence of MidiNote
        Overlaps are cut; see `one_at_a_time`.
    program : int
        General MIDI program, 0 to 127.
    seconds : float
        How long the whole is (s).
    manner : Manner, optional
        Drawn to suit the program where it isn't given.
    tuning_cents : float
        How much higher than 440 Hz tuning everything sounds (cents).
    """
    manner = manner or draw_manner(program, rng)
    notes = [
        replace(
            note,
            start_s=note.start_s + late,
            end_s=note.end_s + late,
            velocity=int(np.clip(note.velocity + change, 40, 127)),
        )
        for note, late, change in zip(
            notes,
            rng.uniform(0, 1, len(notes)) * manner.late_s,
            rng.integers(-15, 16, len(notes)),
            strict=True,
        )
    ]
    notes = one_at_a_time([note for note in notes if note.end_s < seconds])
    drift = _drift(round(seconds * CURVE_RATE) + CURVE_RATE, manner.drift_cents, rng)
    bends: tuple[list, list] = ([(0.0, tuning_cents / 100)], [(0.0, tuning_cents / 100)])
    pitch = np.full(round(seconds * SAMPLE_RATE) // F0_HOP, np.nan)
    for number, note in enumerate(notes):
        before = notes[number - 1] if number else None
        after = notes[number + 1].start_s if number + 1 < len(notes) else seconds
        released = notes[number + 2].start_s if number + 2 < len(notes) else seconds
        until = min(released, note.end_s + 1.0)
        times = np.arange(int(note.start_s * CURVE_RATE), int(until * CURVE_RATE)) / CURVE_RATE
        times = np.maximum(times, note.start_s)
        if len(times) == 0:
            continue
        curve = _curve(times - note.start_s, note, before, manner, rng)
        curve += drift[(times * CURVE_RATE).astype(int)] + tuning_cents / 100
        changed = np.concatenate([[True], np.abs(np.diff(curve)) > 0.001])
        sent = np.maximum(0, times[changed] - BEND_EARLY_S)
        bends[number % 2].extend(zip(sent.tolist(), curve[changed].tolist(), strict=True))
        first = int(np.ceil(note.start_s * F0_RATE))
        last = min(len(pitch), int(np.ceil(after * F0_RATE)))
        at = np.arange(first, last) / F0_RATE
        pitch[first:last] = note.pitch + np.interp(at, times, curve)
    parts = tuple(
        Part(tuple(notes[which::2]), program, name="lead", bends=tuple(bends[which]))
        for which in (0, 1)
    )
    return Lead(parts, tuple(notes), pitch)


def _drift(points: int, cents: float, rng: np.random.Generator) -> np.ndarray:
    """A slow wander of the pitch (semitones), about ``cents`` strong, a new value every 0.4 s."""
    knots = rng.standard_normal(points // 80 + 2) * cents / 100
    return np.interp(np.arange(points) / 80, np.arange(len(knots)), knots)


def _curve(
    since_s: np.ndarray,
    note: MidiNote,
    before: MidiNote | None,
    manner: Manner,
    rng: np.random.Generator,
) -> np.ndarray:
    """How a note departs from its pitch (semitones), at times since its start (s)."""
    curve = np.zeros(len(since_s))
    length_s = note.end_s - note.start_s
    drawn = rng.random(5)
    interval = None
    if before is not None and note.start_s - before.end_s < 0.06:
        interval = before.pitch - note.pitch
    if interval is not None and drawn[0] < manner.glide and abs(interval) <= 9:
        curve += interval * np.exp(-((since_s / manner.glide_s) ** 1.5))
    elif drawn[1] < manner.bend and length_s > 0.25:
        held_s, rise_s = rng.uniform(0.02, 0.15), rng.uniform(0.05, 0.15)
        step = rng.choice([1, 2])
        curve -= step * (1 - np.clip((since_s - held_s) / rise_s, 0, 1))
    elif drawn[2] < manner.scoop:
        depth = manner.scoop_semitones * rng.uniform(0.4, 1.2) * rng.choice([1, 1, 1, 1, -0.5])
        curve -= depth * np.exp(-since_s / rng.uniform(0.02, 0.09))
    if drawn[3] < manner.vibrato and length_s > 0.2:
        rate_hz = manner.vibrato_hz * rng.uniform(0.93, 1.07)
        delay_s = min(manner.vibrato_delay_s * rng.uniform(0.5, 1.5), length_s / 2)
        grown = np.clip((since_s - delay_s) / rng.uniform(0.05, 0.4), 0, 1)
        cents = manner.vibrato_cents * rng.uniform(0.6, 1.3)
        curve += cents / 100 * grown * np.sin(2 * np.pi * rate_hz * (since_s - delay_s))
    if drawn[4] < manner.fall and length_s > 0.3:
        fall_s = rng.uniform(0.08, 0.2)
        curve -= rng.uniform(0.5, 3) * np.clip((since_s - length_s + fall_s) / fall_s, 0, 1) ** 2
    return np.clip(curve, -11, 11)


SOUNDING_DB, RELEASE_DB, SILENT_DB = -28.0, -15.0, -42.0


def sounding_f0(lead: Lead, stem: np.ndarray) -> np.ndarray:
    """The lead's f0 where its stem sounds, 0 where it doesn't, NaN where that is doubtful.

    Between a note's start and end it is voiced while the stem is within 28 dB of the note's
    loudest moment, after its end while within 15 dB; 42 dB below, it is unvoiced.

    Parameters
    ----------
    lead : Lead
    stem : np.ndarray
        The lead alone as it was synthesised, float32 ``(samples,)`` at 16 kHz.

    Returns
    -------
    np.ndarray
        Float32 ``(frames,)``, Hz, 100 frames a second.
    """
    loud_db = _loudness_db(stem, len(lead.pitch))
    f0 = np.zeros(len(lead.pitch), np.float32)
    contour = lead.f0
    for number, note in enumerate(lead.notes):
        after = lead.notes[number + 1].start_s if number + 1 < len(lead.notes) else np.inf
        first = int(np.ceil(note.start_s * F0_RATE))
        end = min(int(np.ceil(note.end_s * F0_RATE)), len(f0))
        last = int(min(np.ceil(after * F0_RATE), len(f0)))
        if end <= first:
            continue
        below = loud_db[first:last] - loud_db[first : max(end, first + 1)].max()
        surely = np.where(np.arange(first, last) < end, SOUNDING_DB, RELEASE_DB)
        f0[first:last] = np.where(
            below >= surely, contour[first:last], np.where(below < SILENT_DB, 0, np.nan)
        )
    return f0


def _loudness_db(stem: np.ndarray, frames: int) -> np.ndarray:
    """Loudness (dB) around each frame, over 20 ms."""
    padded = np.pad(np.square(stem, dtype=np.float64), (F0_HOP, 2 * F0_HOP))
    total = np.concatenate([[0], np.cumsum(padded)])
    starts = np.arange(frames) * F0_HOP
    return 10 * np.log10((total[starts + 2 * F0_HOP] - total[starts]) / (2 * F0_HOP) + 1e-12)
