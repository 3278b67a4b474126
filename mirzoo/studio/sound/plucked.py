"""Guitars, their kin and pianos played string by string.

Most guitars are General MIDI's, a string a channel; the others are put together from recorded notes
of real instruments (Philharmonia's guitar, banjo and mandolin).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError
from mirzoo.studio.score import fretboard
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import QUALITIES
from mirzoo.studio.sound import samples
from mirzoo.studio.sound.stems import Studio

SHIFT_SEMITONES = 3


@dataclass(frozen=True)
class Pluck:
    """One string or key struck: a note, and which string it is on."""

    note: MidiNote
    string: int


@dataclass(frozen=True)
class Instrument:
    """What plays.

    Parameters
    ----------
    name : str
        In General MIDI's words.
    tuning : tuple of int
        MIDI pitches of the strings, lowest first; empty for keyboards.
    program : int
        General MIDI program.
    samples : str
        A folder of Philharmonia's; empty where the synthesiser plays.
    gain : bool
        Whether it goes through a distorting amplifier.
    """

    name: str
    tuning: tuple[int, ...]
    program: int
    samples: str = ""
    gain: bool = False


def voicing(
    instrument: Instrument, root: int, quality: str, rng: np.random.Generator
) -> tuple[int, ...]:
    """How the instrument plays a chord: a shape, a close voicing, or keys."""
    if not instrument.tuning:
        return fretboard.keyed(root, quality, rng)
    guitar = instrument.tuning == fretboard.GUITAR
    shaped = guitar and (quality == fretboard.POWER or rng.random() < 0.65)
    if not shaped:
        for _ in range(6):
            found = fretboard.voiced_on(instrument.tuning, root, quality, rng)
            if found is not None:
                return found
    if guitar:
        return fretboard.shape(root, quality, rng)
    lowest = min(instrument.tuning)
    return tuple(lowest + (root - lowest) % 12 + interval for interval in QUALITIES[quality])


def strum(
    pitches: Sequence[int],
    start_s: float,
    end_s: float,
    down: bool,
    rng: np.random.Generator,
    *,
    gap_s: float = 0.012,
    velocity: int = 95,
) -> list[Pluck]:
    """Strike the strings one after the other, ``gap_s`` (s) apart: downwards lowest first."""
    order = list(range(len(pitches)))
    if not down:
        order = order[::-1]
        order = order[: max(2, int(rng.integers(2, len(order) + 1)))]
    plucks = []
    for place, string in enumerate(order):
        at = start_s + place * gap_s * rng.uniform(0.7, 1.3)
        loud = int(np.clip(velocity + rng.integers(-12, 13) - 3 * place, 25, 127))
        plucks.append(
            Pluck(MidiNote(at, max(end_s, at + 0.05), int(pitches[string]), loud), string)
        )
    return plucks


def play_sampled(
    plucks: Sequence[Pluck],
    folder: Path,
    seconds: float,
    rng: np.random.Generator,
    *,
    tuning_cents: float = 0.0,
) -> np.ndarray:
    """Play plucks with recorded notes, each moved by at most three semitones and the tuning.

    Strings are up to 8 cents out of tune. Raises DataError where no note is near enough.
    """
    detuned = rng.uniform(-0.08, 0.08, 8)
    stem = np.zeros(round(seconds * SAMPLE_RATE) + SAMPLE_RATE, np.float32)
    notes = samples.single_notes(folder)
    normal = [(path, pitch) for path, pitch in notes if "normal" in path.name]
    at_pitch = np.array([pitch for _, pitch in normal])
    ringing: dict[int, int] = {}
    for number, pluck in enumerate(plucks):
        ringing[pluck.string] = number
    following: dict[int, float] = {}
    ends = []
    for pluck in reversed(plucks):
        ends.append(min(pluck.note.end_s, following.get(pluck.string, np.inf)))
        following[pluck.string] = pluck.note.start_s
    for pluck, end_s in zip(plucks, ends[::-1], strict=True):
        away = np.abs(at_pitch - pluck.note.pitch)
        if away.min() > SHIFT_SEMITONES:
            raise DataError(f"'{folder}' has no note near MIDI pitch {pluck.note.pitch}")
        near = np.flatnonzero(away <= away.min() + 0.5)
        path, pitch = normal[near[rng.integers(len(near))]]
        cents = 100 * (pluck.note.pitch - pitch + detuned[pluck.string % 8]) + tuning_cents
        wave = _recorded(path, round(cents / 2) * 2)
        start = round(pluck.note.start_s * SAMPLE_RATE)
        length = round((end_s - pluck.note.start_s) * SAMPLE_RATE)
        wave = _damped(wave[: length + SAMPLE_RATE // 12], length)[: max(0, len(stem) - start)]
        stem[start : start + len(wave)] += wave * np.float32(pluck.note.velocity / 100) ** 2
    return stem[: round(seconds * SAMPLE_RATE)]


def _damped(wave: np.ndarray, length: int) -> np.ndarray:
    """The wave with what is beyond ``length`` samples faded out."""
    wave = wave.copy()
    rest = len(wave) - length
    if rest > 0:
        wave[length:] *= np.linspace(1, 0, rest, dtype=np.float32)
    return wave


@lru_cache(maxsize=400)
def _recorded(path: Path, cents: int) -> np.ndarray:
    """A recorded note from its attack on, at its peak of 0.5, resampled ``cents`` higher."""
    from scipy import signal

    note = samples.from_attack(path)
    ratio = 2 ** (cents / 1200)
    places = np.arange(0, len(note) - 1, ratio)
    if ratio > 1:
        note = signal.sosfiltfilt(signal.butter(4, 0.95 / ratio, output="sos"), note).astype(
            np.float32
        )
    return np.interp(places, np.arange(len(note)), note).astype(np.float32)


def play(
    plucks: Sequence[Pluck], instrument: Instrument, studio: Studio, rng: np.random.Generator
) -> np.ndarray:
    """Play plucks, in the order of time, without an amplifier: float32 ``(samples,)`` at 16 kHz.

    Strings are up to 8 cents out of tune.
    """
    if instrument.samples:
        return play_sampled(
            plucks,
            studio.recorded(instrument.samples),
            studio.seconds,
            rng,
            tuning_cents=studio.tuning_cents,
        )
    if instrument.tuning:
        return studio.play(_strings(plucks, instrument.program, studio.tuning_cents, rng))
    return studio.play([Part([pluck.note for pluck in plucks], instrument.program)])


def _strings(
    plucks: Sequence[Pluck], program: int, tuning_cents: float, rng: np.random.Generator
) -> list[Part]:
    """Each string on its own channel, stopped by its next note."""
    parts = []
    for string in sorted({pluck.string for pluck in plucks}):
        notes = sorted(
            (pluck.note for pluck in plucks if pluck.string == string),
            key=lambda note: note.start_s,
        )
        cut = [
            replace(note, end_s=min(note.end_s, later.start_s - 0.002))
            for note, later in zip(notes, [*notes[1:], MidiNote(1e9, 1e9, 0)], strict=True)
        ]
        detuned = tuning_cents + rng.uniform(-8, 8)
        parts.append(
            Part(
                [note for note in cut if note.end_s > note.start_s + 0.01],
                program,
                bends=((0.0, detuned / 100),),
                pan=64,
            )
        )
    return parts
