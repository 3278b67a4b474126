"""Songs played by bands they were not written for, with every label known.

A stretch of a song (`mirzoo.studio.score.songs`) gets a random backing (`accompany`) and a lead
that plays or doesn't play its melody (`mirzoo.studio.sound.leads`), each on stems of their own,
mixed at any ratio and sent through effects. `render_song` is a maker for
`mirzoo.data.corpus.prepare`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import F0_HOP, Item, item_rng
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.studio.score import arranging, charts, general_midi, songs
from mirzoo.studio.score.fretboard import implied_triad
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import Song
from mirzoo.studio.sound import effects, leads, recorded_leads, soloists, stems
from mirzoo.studio.sound.leads import Lead
from mirzoo.studio.sound.stems import Studio

SONG_S = 50.0
LEAD_DB = (-12.0, 9.0)
ELECTRIFIED_SHARE = 0.6
MODES = {"full": 0.8, "melody alone": 0.08, "backing alone": 0.12}
PATTERNS = {"held": 3, "strummed": 3, "broken": 3, "offbeat": 1, "pulsed": 1.5}
KITS = (0, 8, 16, 24, 25, 32, 40, 48)


@dataclass(frozen=True)
class Backing:
    """An accompaniment: its parts, and the chords that sound in it."""

    parts: tuple[Part, ...]
    chords: tuple[ChordSpan, ...]

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of what plays."""
        programs = [part.program for part in self.parts if not part.drums]
        return general_midi.names(programs, any(part.drums for part in self.parts))


def render_song(item: Item, *, samples: Path | None = None) -> tuple[np.ndarray, Labels]:
    """Render up to 50 s of the song ``item.path``: waveform at 16 kHz, and all its labels.

    With ``samples``, a folder of instruments with recorded notes, those play the lead
    (`mirzoo.studio.sound.recorded_leads`).
    """
    rng = item_rng(item)
    song, seconds = draw_stretch(songs.read(item.path), SONG_S, rng)
    mode = str(rng.choice(list(MODES), p=list(MODES.values())))
    tuning_cents = stems.draw_tuning(rng)
    studio = Studio(seconds, stems.choose_soundfont(item.split, rng), tuning_cents, samples)
    downbeats = song.downbeats if song.bars_confirmed else None
    labels = Labels(beats=song.beats, downbeats=downbeats, key=song.key, tags=(mode,))
    waveform = np.zeros(studio.n_samples, np.float32)
    f0 = np.zeros(len(waveform) // F0_HOP, np.float32)
    instruments: tuple[str, ...] = ()
    if mode != "melody alone":
        backing = accompany(song, seconds, rng)
        waveform = studio.play_band(backing.parts)
        instruments = backing.instruments
        labels = replace(labels, chords=backing.chords)
    if mode != "backing alone" and song.melody:
        lead, stem = _play_lead(song, studio, rng)
        f0 = leads.sounding_f0(lead, stem)
        stem = accompanied(lead, stem, song, studio, rng)
        if rng.random() < 0.4:
            stem = effects.reverberate(stem, rng)
        waveform = effects.mix(stem, waveform, rng.uniform(*LEAD_DB))
        name = general_midi.PROGRAMS[lead.parts[0].program]
        instruments += tuple({name} - set(instruments))
    return effects.produce(waveform, rng), replace(labels, f0=f0, instruments=instruments)


def _play_lead(song: Song, studio: Studio, rng: np.random.Generator) -> tuple[Lead, np.ndarray]:
    """A song's melody as a lead, and its stem: synthesised, or of recorded notes."""
    if studio.samples is None:
        return soloists.play(song.melody, leads.draw_program(rng), studio, rng)
    player = recorded_leads.draw_player(studio.samples, rng)
    lead, stem = soloists.play(song.melody, player, studio, rng)
    if player.name == recorded_leads.ELECTRIFIED and rng.random() < ELECTRIFIED_SHARE:
        stem = effects.amplify(stem, rng)
    return lead, stem


def draw_stretch(song: Song, longest_s: float, rng: np.random.Generator) -> tuple[Song, float]:
    """A stretch of a song, at most ``longest_s`` (s), at another tempo and in another key.

    Returns the stretch, from 0 s on, and its length (s). The tempo also sways by a few per cent.
    """
    speed = float(np.clip(np.exp(rng.normal(0, 0.13)), 0.72, 1.4))
    latest = song.beats[-1] - longest_s * speed
    starts = song.downbeats[song.downbeats <= max(latest, song.downbeats[0])]
    start_s = max(0.0, float(rng.choice(starts)) - rng.choice([0.0, 0.02, 0.5]))
    semitones = int(rng.integers(-5, 7))
    piece = songs.excerpt(song, start_s, longest_s * 1.2, speed=speed, semitones=semitones)
    if rng.random() < 0.5:
        piece = songs.warped(piece, _sway(longest_s * 1.2, rng))
    seconds = min(longest_s, float(piece.beats[-1]) if len(piece.beats) else longest_s)
    seconds = int(seconds * 100) / 100
    return songs.excerpt(piece, 0.0, seconds), seconds


def _sway(seconds: float, rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """A time map whose speed wanders by about 2 per cent, changing every 3 s; never behind 0 s."""
    knots = np.arange(0, seconds + 6, 3.0)
    steps = 3.0 * (1 + np.clip(rng.normal(0, 0.02, len(knots) - 1), -0.06, 0.06))
    moved = np.concatenate([[0.0], np.cumsum(steps)])
    return lambda times: np.interp(times, knots, moved)


def accompany(song: Song, seconds: float, rng: np.random.Generator) -> Backing:
    """Arrange a song's chords for a random band: chord players, bass, drums, countermelody."""
    jitter_s = float(rng.choice([0.0, 0.008, 0.02]))
    powerful = rng.random() < 0.07
    parts = []
    for _ in range(int(rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2]))):
        if powerful:
            program, notes = int(rng.choice([29, 30])), arranging.CHORD_PATTERNS["power"](song)
        else:
            program, notes = int(rng.choice(general_midi.CHORDAL)), chordal(song, rng)
        parts.append(played(notes, program, jitter_s, rng))
    bass = rng.random() < 0.75
    if bass:
        program = int(rng.choice((*general_midi.BASSES, 32, 33, 33, 34, 38, 43, 58)))
        parts.append(played(bass_line(song, rng), program, jitter_s, rng))
    if rng.random() < 0.65 and len(song.downbeats) > 1:
        pattern = arranging.DRUM_PATTERNS[str(rng.choice(list(arranging.DRUM_PATTERNS)))]
        notes = arranging.drum_notes(song, pattern)
        parts.append(played(notes, int(rng.choice(KITS)), jitter_s, rng, drums=True))
    if rng.random() < 0.2 and not powerful:
        notes = _countermelody(song, rng)
        parts.append(
            replace(
                played(notes, leads.draw_program(rng), jitter_s, rng),
                volume=int(rng.integers(35, 70)),
            )
        )
    parts = [
        replace(part, notes=[note for note in part.notes if note.start_s < seconds - 0.05])
        for part in parts
    ]
    chords = [
        replace(
            chord,
            quality=implied_triad(chord.quality) if powerful else chord.quality,
            bass=chord.bass if bass and not powerful else "1",
        )
        for chord in song.chords
    ]
    return Backing(tuple(parts), charts.spans(chords, seconds))


def played(
    notes: Sequence[MidiNote],
    program: int,
    jitter_s: float,
    rng: np.random.Generator,
    *,
    drums: bool = False,
) -> Part:
    """Notes for a program, unevenly loud and up to ``jitter_s`` (s) late."""
    uneven = [
        replace(
            note,
            start_s=note.start_s + late,
            end_s=max(note.end_s, note.start_s + 0.04) + late,
            pitch=int(np.clip(note.pitch, 21, 108)),
            velocity=int(np.clip(note.velocity + accent, 25, 127)),
        )
        for note, late, accent in zip(
            notes,
            rng.uniform(0, 1, len(notes)) * jitter_s,
            rng.integers(-14, 15, len(notes)),
            strict=True,
        )
    ]
    return Part(
        uneven, program, drums, volume=int(rng.integers(55, 120)), pan=int(rng.integers(30, 99))
    )


def chordal(song: Song, rng: np.random.Generator) -> list[MidiNote]:
    """A chord player's notes: the song's own accompaniment or a pattern, in some inversion."""
    if song.accompaniment and rng.random() < 0.3:
        return list(song.accompaniment)
    weights = np.array(list(PATTERNS.values()))
    pattern = str(rng.choice(list(PATTERNS), p=weights / weights.sum()))
    turn = int(rng.integers(12))
    turned = replace(
        song, chords=tuple(replace(chord, root=(chord.root + turn) % 12) for chord in song.chords)
    )
    octave = 12 * int(rng.choice([-1, 0, 0, 0, 1])) + (12 if turn > 6 else 0)
    return [
        replace(note, pitch=note.pitch - turn + octave)
        for note in arranging.CHORD_PATTERNS[pattern](turned)
    ]


def bass_line(song: Song, rng: np.random.Generator) -> list[MidiNote]:
    """The chords' basses: once a chord, once or more often a beat; some walk over chord tones."""
    division = float(rng.choice([0.5, 1, 1, 2]))
    walking = rng.random() < 0.3
    short = rng.choice([0.6, 0.95])
    low = int(rng.choice([28, 33]))
    beat_s = float(np.median(np.diff(song.beats))) if len(song.beats) > 1 else 0.5
    notes = []
    for chord in song.chords:
        count = max(1, round((chord.end_s - chord.start_s) / beat_s * division))
        times = np.linspace(chord.start_s, chord.end_s, count + 1)
        for number, (start, end) in enumerate(pairwise(times.tolist())):
            pitch_class = chord.bass_pitch_class
            if walking and number % 4:
                pitch_class = chord.root + int(rng.choice(chord.intervals))
            notes.append(
                MidiNote(start, start + (end - start) * short, low + (pitch_class - low) % 12, 100)
            )
    return notes


def _countermelody(song: Song, rng: np.random.Generator) -> list[MidiNote]:
    """Slow notes of the chords, in steps as small as they allow."""
    pitch = int(rng.integers(55, 72))
    notes = []
    for chord in song.chords:
        for start, end in pairwise(np.linspace(chord.start_s, chord.end_s, 3).tolist()):
            tones = {(chord.root + interval) % 12 for interval in chord.intervals}
            near = [p for p in range(pitch - 5, pitch + 6) if p % 12 in tones and 48 <= p <= 80]
            pitch = int(rng.choice(near)) if near else pitch
            if rng.random() < 0.7:
                notes.append(MidiNote(start, end, pitch, 80))
    return notes


def accompanied(
    lead: Lead, stem: np.ndarray, song: Song, studio: Studio, rng: np.random.Generator
) -> np.ndarray:
    """A lead's stem, sometimes with a softer second voice in unison, octaves or thirds."""
    drawn = rng.random()
    program = leads.draw_program(rng) if rng.random() < 0.5 else lead.parts[0].program
    if drawn < 0.2:
        intervals = _thirds(lead, song, 1 if rng.random() < 0.3 else -1)
    elif drawn < 0.32:
        intervals = {note: int(rng.choice([-12, -12, 12])) for note in lead.notes[:1]}
        intervals = dict.fromkeys(lead.notes, next(iter(intervals.values()), -12))
    elif drawn < 0.4:
        intervals = dict.fromkeys(lead.notes, 0)
    else:
        return stem
    parts = [
        replace(
            part,
            program=program,
            notes=[
                replace(note, pitch=int(np.clip(note.pitch + intervals[note], 24, 105)))
                for note in part.notes
            ],
        )
        for part in lead.parts
    ]
    return effects.mix(studio.play(parts), stem, rng.uniform(-12, -3))


def _thirds(lead: Lead, song: Song, direction: int) -> dict[MidiNote, int]:
    """For each note the interval (semitones) to a chord tone, or else a third, on one side."""
    starts = np.array([chord.start_s for chord in song.chords])
    found = {}
    for note in lead.notes:
        index = int(np.searchsorted(starts, note.start_s + 0.02, side="right")) - 1
        tones = set()
        if index >= 0:
            chord = song.chords[index]
            tones = {(chord.root + interval) % 12 for interval in chord.intervals}
        fitting = [step for step in (3, 4, 5) if (note.pitch + direction * step) % 12 in tones]
        found[note] = direction * (fitting or [4])[0]
    return found
