"""Guitars, their kin and pianos that play chords: single, strummed, picked, clean and distorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE, Item, item_rng
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.dsp.chord_vocabulary import QUALITIES
from mirzoo.studio import _items
from mirzoo.studio.score import arranging, charts, fretboard, general_midi
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import ROOTS, Song, TimedChord
from mirzoo.studio.sound import effects, stems
from mirzoo.studio.sound.plucked import Instrument, Pluck, play, strum, voicing
from mirzoo.studio.sound.stems import Studio

ITEM_S = 30.0
CLEAN, ELECTRIC, PIANOS = (24, 25, 26, 27), (26, 27, 28, 29, 30), (0, 1, 2, 3, 4, 5, 6)
KINDS = {"strummed": 0.32, "picked": 0.18, "isolated": 0.24, "piano": 0.12, "isolated piano": 0.14}
STRUMS = (
    "D...D...D...D...",
    "D...D.D.D...D.D.",
    "D...D.U...U.D.U.",
    "D.D.D.D.D.D.D.D.",
    "D.......D.......",
    "D...............",
    "D.U.D.U.D.U.D.U.",
    "....D.......D...",
    "..U...U...U...U.",
    "D..D..D...D..D..",
    "DDDDDDDDDDDDDDDD",
)
"""Down and up strokes on the sixteenths of a bar."""
TUNINGS = {"guitar": fretboard.GUITAR, "mandolin": fretboard.MANDOLIN, "banjo": fretboard.BANJO}
AUDIBLE_DB = -38.0


def draw_instrument(kind: str, rng: np.random.Generator) -> Instrument:
    """An instrument for a kind of item."""
    if "piano" in kind:
        program = int(rng.choice(PIANOS))
        return Instrument(general_midi.PROGRAMS[program], (), program)
    if rng.random() < 0.4:
        samples = str(rng.choice(["guitar", "guitar", "guitar", "mandolin", "banjo"]))
        gain = samples == "guitar" and rng.random() < 0.25
        return Instrument(samples, TUNINGS[samples], 24, samples, gain)
    gain = rng.random() < 0.45
    program = int(rng.choice(ELECTRIC if gain else CLEAN))
    tuning: tuple[int, ...] = fretboard.GUITAR
    if not gain and rng.random() < 0.12:
        program, tuning = [
            (105, fretboard.BANJO),
            (24, fretboard.UKULELE),
            (25, fretboard.MANDOLIN),
        ][rng.integers(3)]
    amplified = gain and (program not in (29, 30) or rng.random() < 0.3)
    return Instrument(general_midi.PROGRAMS[program], tuning, program, gain=amplified)


def render_plucked(
    item: Item, *, samples: Path, looseness: float = 0.0
) -> tuple[np.ndarray, Labels]:
    """Play chords on a guitar, a relative of it or a piano, 30 s: waveform and labels.

    ``samples`` is the folder of Philharmonia's instruments. ``looseness`` is the probability that
    a strummed guitar's chord has strings in it which should not sound; the label is
    that of the chord meant.
    """
    rng = item_rng(item)
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    instrument = draw_instrument(kind, rng)
    if "isolated" in kind:
        return _isolated(item, kind, instrument, samples, looseness, rng)
    return _progression(item, kind, instrument, samples, looseness, rng)


def _struck(
    pitches: tuple[int, ...], instrument: Instrument, looseness: float, rng: np.random.Generator
) -> tuple[int, ...]:
    if looseness and instrument.tuning == fretboard.GUITAR and rng.random() < looseness:
        return fretboard.overstruck(pitches, rng)
    return pitches


def _draw_studio(
    item: Item, instrument: Instrument, samples: Path, rng: np.random.Generator
) -> Studio:
    """Any soundfont and tuning; recorded notes stay in the tuning that they have."""
    soundfont, tuning_cents = stems.choose_soundfont(item.split, rng), stems.draw_tuning(rng)
    return Studio(ITEM_S, soundfont, 0.0 if instrument.samples else tuning_cents, samples)


def _sound(
    plucks: Sequence[Pluck], instrument: Instrument, studio: Studio, rng: np.random.Generator
) -> np.ndarray:
    stem = play(plucks, instrument, studio, rng)
    return effects.amplify(stem, rng) if instrument.gain else stem


def _draw_chord(instrument: Instrument, rng: np.random.Generator) -> tuple[int, str]:
    root = int(rng.integers(12))
    drawn = rng.random()
    if instrument.tuning == fretboard.GUITAR and drawn < (0.4 if instrument.gain else 0.06):
        return root, fretboard.POWER
    if drawn < 0.6:
        return root, str(rng.choice(["maj", "min"]))
    return root, str(rng.choice(list(QUALITIES)))


def _isolated(
    item: Item,
    kind: str,
    instrument: Instrument,
    samples: Path,
    looseness: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, Labels]:
    """Single chords with silence between them; each lasts as long as it is audible."""
    plucks: list[Pluck] = []
    chords: list[tuple[float, float, str]] = []
    now = rng.uniform(0.2, 1.5)
    while now < ITEM_S - 1.5:
        root, quality = _draw_chord(instrument, rng)
        pitches = voicing(instrument, root, quality, rng)
        length = rng.uniform(0.8, 4.5)
        end_s = min(now + length, ITEM_S - 0.1)
        gap_s = rng.choice([0.0, 0.004, 0.015, 0.04]) if instrument.tuning else 0.002
        struck = _struck(pitches, instrument, looseness, rng)
        plucks.extend(
            strum(struck, now, end_s, True, rng, gap_s=gap_s, velocity=int(rng.integers(60, 115)))
        )
        silence_s = rng.choice([0.15, 0.5, 1.5]) * rng.uniform(0.7, 1.4)
        chords.append((now, end_s + silence_s, fretboard.label_of(pitches, root, quality)))
        now = end_s + silence_s
    studio = _draw_studio(item, instrument, samples, rng)
    stem = _sound(plucks, instrument, studio, rng)
    spans = _until_silent(chords, stem)
    return effects.produce(stem, rng), Labels(
        chords=spans, instruments=(instrument.name,), tags=(kind,)
    )


def _until_silent(
    chords: Sequence[tuple[float, float, str]], stem: np.ndarray
) -> tuple[ChordSpan, ...]:
    """Each chord as long as the stem is within 38 dB of its loudest; N before and after."""
    size = SAMPLE_RATE // 50
    blocks = stem[: len(stem) // size * size].reshape(-1, size)
    loud_db = 10 * np.log10(np.mean(np.square(blocks, dtype=np.float64), axis=1) + 1e-12)
    lasting: list[tuple[float, float, str]] = []
    for start_s, next_s, label in chords:
        first, last = int(start_s * 50), min(int(next_s * 50), len(loud_db))
        inside = loud_db[first:last]
        audible = np.flatnonzero(inside > inside.max() + AUDIBLE_DB)
        end_s = min(next_s, float(first + audible[-1] + 1) / 50)
        lasting.append((start_s, max(end_s, start_s + 0.02), label))
    spans: list[ChordSpan] = []
    now = 0.0
    for start_s, end_s, label in lasting:
        if start_s - now > 0.01:
            spans.append(ChordSpan(now, start_s, "N"))
        spans.append(ChordSpan(start_s, end_s, label))
        now = end_s
    if ITEM_S - now > 0.01:
        spans.append(ChordSpan(now, ITEM_S, "N"))
    return tuple(spans)


@dataclass(frozen=True)
class _Played:
    """A chord of a progression, and how it is played."""

    chord: TimedChord
    label: str
    pitches: tuple[int, ...]

    @property
    def start_s(self) -> float:
        return self.chord.start_s

    @property
    def end_s(self) -> float:
        return self.chord.end_s


def _progression(
    item: Item,
    kind: str,
    instrument: Instrument,
    samples: Path,
    looseness: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, Labels]:
    """A progression in 4/4, sometimes over bass and drums."""
    tempo = float(np.clip(np.exp(rng.normal(np.log(105), 0.28)), 60, 180))
    beat_s = 60 / tempo
    start_s = float(rng.choice([0.0, rng.uniform(0, 2)]))
    banded = rng.random() < 0.4
    playing = _chosen(instrument, tempo, start_s, banded, rng)
    if kind == "strummed":
        playing = [
            replace(played, pitches=_struck(played.pitches, instrument, looseness, rng))
            for played in playing
        ]
    plucks = [pluck for played in playing for pluck in _pattern(played, kind, beat_s, item, rng)]
    plucks = [pluck for pluck in plucks if pluck.note.start_s < ITEM_S - 0.05]
    plucks.sort(key=lambda pluck: pluck.note.start_s)
    studio = _draw_studio(item, instrument, samples, rng)
    mixed = _sound(plucks, instrument, studio, rng)
    names: tuple[str, ...] = (instrument.name,)
    beats = np.arange(start_s, ITEM_S, beat_s)
    if banded:
        parts, others = _band(playing, beats, rng)
        mixed = effects.mix(mixed, studio.play(parts), rng.uniform(-6, 9))
        names += others
    labelled = [ChordSpan(played.start_s, played.end_s, played.label) for played in playing]
    return effects.produce(mixed, rng), Labels(
        chords=charts.fill_gaps(labelled, ITEM_S),
        beats=beats,
        downbeats=beats[::4],
        instruments=names,
        tags=(kind,),
    )


def _chosen(
    instrument: Instrument, tempo: float, start_s: float, banded: bool, rng: np.random.Generator
) -> list[_Played]:
    """A chart's chords with the voicings they get; a band puts the roots into the bass."""
    bars = int((ITEM_S - start_s) * tempo / 240) + 1
    chart = charts.draw_chart(bars, rng, functional=0.6)
    powerful = instrument.gain and rng.random() < 0.5
    plain = ("maj", "min", "sus2", "sus4", "maj6", "7", "min7")
    playing = []
    for chord in charts.chords_of(chart, 4, tempo):
        chord = replace(chord, start_s=chord.start_s + start_s, end_s=chord.end_s + start_s)
        if chord.start_s >= ITEM_S:
            break
        if powerful and chord.quality in plain:
            pitches = voicing(instrument, chord.root, fretboard.POWER, rng)
            label = f"{ROOTS[chord.root]}:{fretboard.implied_triad(chord.quality)}"
        else:
            pitches = voicing(instrument, chord.root, chord.quality, rng)
            label = fretboard.label_of(pitches, chord.root, chord.quality)
        playing.append(_Played(chord, label.split("/")[0] if banded else label, pitches))
    return playing


def _pattern(
    played: _Played, kind: str, beat_s: float, item: Item, rng: np.random.Generator
) -> list[Pluck]:
    """One chord's plucks; the pattern of an item stays the same from chord to chord."""
    habit = item_rng(item, seed=1)
    ring = 0.35 if habit.random() < 0.2 else habit.uniform(0.8, 1.0)
    late_s = habit.choice([0.0, 0.008, 0.02])
    if kind == "strummed":
        return _strummed(played, beat_s, ring, late_s, habit, rng)
    if kind == "picked":
        return _picked(played, beat_s, late_s, habit, rng)
    times = np.linspace(played.start_s, played.end_s, int(habit.choice([1, 2, 4])) + 1)
    return [
        pluck
        for at, until in pairwise(times)
        for pluck in strum(
            played.pitches,
            at,
            at + (until - at) * ring,
            True,
            rng,
            gap_s=0.003,
            velocity=int(rng.integers(60, 110)),
        )
    ]


def _strummed(
    played: _Played,
    beat_s: float,
    ring: float,
    late_s: float,
    habit: np.random.Generator,
    rng: np.random.Generator,
) -> list[Pluck]:
    pattern = STRUMS[habit.integers(len(STRUMS))]
    gap_s = habit.choice([0.004, 0.01, 0.02, 0.035])
    step_s = beat_s / 4
    steps = round((played.end_s - played.start_s) / step_s)
    strokes = [step for step in range(steps) if pattern[step % 16] != "."]
    plucks: list[Pluck] = []
    for step, following in pairwise([*strokes, steps]):
        at = played.start_s + step * step_s + rng.uniform(0, late_s)
        plucks.extend(
            strum(
                played.pitches,
                at,
                at + (following - step) * step_s * ring,
                pattern[step % 16] == "D",
                rng,
                gap_s=gap_s,
                velocity=105 if step % 8 == 0 else 85,
            )
        )
    return plucks


def _picked(
    played: _Played,
    beat_s: float,
    late_s: float,
    habit: np.random.Generator,
    rng: np.random.Generator,
) -> list[Pluck]:
    order = habit.permutation(8)
    division = int(habit.choice([2, 2, 4, 3]))
    count = max(1, round((played.end_s - played.start_s) / beat_s * division))
    strings = [0] + [int(order[place % 8]) % len(played.pitches) for place in range(1, count)]
    struck = [
        *enumerate(strings),
        *((0, string) for string in _not_played(played.pitches, strings)),
    ]
    plucks = []
    for place, string in struck:
        at = played.start_s + place * beat_s / division + rng.uniform(0, late_s)
        note = MidiNote(
            at,
            max(played.end_s, at + 0.05),
            int(played.pitches[string]),
            int(rng.integers(65, 110)),
        )
        plucks.append(Pluck(note, string))
    return plucks


def _not_played(pitches: Sequence[int], strings: Sequence[int]) -> list[int]:
    """A string for each pitch class of a chord that none of ``strings`` sounds."""
    played = {pitches[string] % 12 for string in strings}
    found = {pitch % 12: string for string, pitch in enumerate(pitches)}
    return [string for pitch_class, string in found.items() if pitch_class not in played]


def _band(
    playing: Sequence[_Played], beats: np.ndarray, rng: np.random.Generator
) -> tuple[list[Part], tuple[str, ...]]:
    """A bass on the roots, and often drums."""
    bass: list[MidiNote] = []
    for played in playing:
        root = 28 + (played.chord.root - 4) % 12
        times = np.linspace(played.start_s, played.end_s, int(rng.choice([1, 2, 4])) + 1)
        bass.extend(
            MidiNote(at, until - 0.02, root, int(rng.integers(80, 115)))
            for at, until in pairwise(times)
            if at < ITEM_S - 0.05
        )
    program = int(rng.choice(general_midi.BASSES))
    parts = [Part(bass, program, volume=int(rng.integers(80, 115)))]
    if rng.random() < 0.7:
        song = Song((), (), (), beats, beats[::4])
        pattern = arranging.DRUM_PATTERNS[str(rng.choice(list(arranging.DRUM_PATTERNS)))]
        notes = [note for note in arranging.drum_notes(song, pattern) if note.start_s < ITEM_S]
        parts.append(
            Part(
                notes,
                int(rng.choice([0, 8, 16, 24, 32])),
                drums=True,
                volume=int(rng.integers(60, 115)),
            )
        )
    return parts, general_midi.names([program], len(parts) > 1)


_GUITAR = Collection(
    name="guitar",
    rendered=True,
    description="chords strummed, picked and single, on guitars, their kin and pianos, of "
    "soundfonts and of recorded notes; labels: chords, beats",
    obtain="Check out the GitHub repository skratchdot/philharmonia-samples into "
    "src/philharmonia; install fluidsynth and the soundfonts.",
    licence="CC BY-SA 3.0 (notes); soundfonts under their own licences",
    commercial="yes",
    grouping="item; one soundfont is held out for testing",
    checksum="ed761d651f41cb8181e19911d863940150e6ee44b0c76fd7a4bd3cbacd7490c2",
    items=_items.made_items("guitar", 240),
    maker=lambda home: partial(render_plucked, samples=home / "src" / "philharmonia" / "audio"),
    source="philharmonia",
    programs=("fluidsynth",),
)
COLLECTIONS.register(_GUITAR)
COLLECTIONS.register(
    replace(
        _GUITAR,
        name="guitar_more",
        description="more chords of plucked strings and pianos, like those of guitar; labels: "
        "chords, beats",
        grouping="item; all for training",
        items=_items.made_items("guitar_more", 600, "train"),
    )
)
COLLECTIONS.register(
    replace(
        _GUITAR,
        name="guitar_loose",
        description="chords like those of guitar, where half of the strummed ones have open "
        "strings in them that do not belong; labels: chords, beats",
        grouping="item; all for training",
        items=_items.made_items("guitar_loose", 400, "train"),
        maker=lambda home: partial(
            render_plucked, samples=home / "src" / "philharmonia" / "audio", looseness=0.5
        ),
    )
)
