"""Chord charts of all qualities, accompanied by MMA and rendered.

A random chart (`draw_chart`) goes to the program ``mma`` (Musical MIDI Accompaniment, Debian
package ``mma``) with one of its 1,969 grooves; what it plays is checked against the chart, given
other instruments, sometimes a soloist, and rendered. `render_chart` is a maker for
`mirzoo.data.corpus.prepare`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import F0_HOP, Item, item_rng
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.errors import DataError
from mirzoo.studio import effects, general_midi, leads, midi, soloists, stems
from mirzoo.studio.midi import Note, Part
from mirzoo.studio.songs import QUALITIES, ROOTS, Chord

CHART_S = 45.0
MMA_LIBRARY = Path("/usr/share/mma/lib")
LEAST_CHORD_TONES = 0.85
ATTEMPTS = 8
MMA_CHORDS = {
    "maj": "",
    "min": "m",
    "dim": "dim3",
    "aug": "aug",
    "min6": "m6",
    "maj6": "6",
    "min7": "m7",
    "minmaj7": "mM7",
    "maj7": "M7",
    "7": "7",
    "dim7": "dim7",
    "hdim7": "m7b5",
    "sus2": "sus2",
    "sus4": "sus4",
}
"""The qualities of charts, as MMA writes them."""

MOVES = {5: 5, 7: 3, 2: 3, 10: 2, 1: 1, 11: 1, 3: 1.5, 9: 2, 4: 1, 8: 1.5, 6: 0.5, 0: 1}
"""How far the root moves (semitones up), and how often."""

PROGRESSIONS = (
    "1:maj 5:maj 6:min 4:maj",
    "1:maj 4:maj 5:maj 4:maj",
    "6:min 4:maj 1:maj 5:maj",
    "1:maj 6:min 4:maj 5:7",
    "2:min7 5:7 1:maj7 6:min7",
    "2:hdim7 5:7 1:minmaj7 1:min6",
    "1:maj 1:aug 1:maj6 1:7",
    "1:maj #1:dim7 2:min7 5:7",
    "4:maj 4:min6 1:maj 1:sus4",
    "1:min b7:maj b6:maj 5:7",
    "1:min b6:maj b3:maj b7:maj",
    "1:sus2 1:maj 4:sus2 4:maj",
    "5:sus4 5:maj 1:maj 1:sus4",
    "1:7 4:7 1:7 5:7",
    "1:min 4:min 5:7 1:min",
    "1:maj7 4:maj7",
    "1:min7 4:7",
    "1:maj b7:maj 4:maj 1:maj",
    "1:min 1:minmaj7 1:min7 1:min6",
    "1:maj 3:7 6:min 2:7",
    "7:hdim7 3:7 6:min 6:min7",
    "1:min 2:dim 5:7 1:min",
    "1:maj 7:dim 6:min 4:min6",
    "1:maj 3:min 4:maj 4:min",
    "1:maj6 2:min7 5:sus4 5:7",
)
SCALE = {
    "1": 0,
    "#1": 1,
    "2": 2,
    "b3": 3,
    "3": 4,
    "4": 5,
    "5": 7,
    "b6": 8,
    "6": 9,
    "b7": 10,
    "7": 11,
}
BASS_DEGREES = {3: "b3", 4: "3", 7: "5", 6: "b5", 8: "#5", 10: "b7", 11: "7"}


@dataclass(frozen=True)
class Bar:
    """A bar of a chart: its chords, evenly spread; none where only drums play."""

    chords: tuple[tuple[int, str, str], ...]


def draw_chart(bars: int, rng: np.random.Generator, *, functional: float = 0.35) -> list[Bar]:
    """Write a chart: root, quality and bass of one or two chords a bar.

    A share of the phrases, ``functional`` (0 to 1), are progressions of pop, blues and jazz; the
    others draw every quality equally often over plausible movements of the root. Phrases of four
    or eight bars return.
    """
    phrases = [
        _phrase(int(rng.choice([4, 4, 8])), functional, rng) for _ in range(rng.integers(2, 5))
    ]
    chart: list[Bar] = []
    if rng.random() < 0.3:
        chart.append(Bar(()))
    while len(chart) < bars:
        chart.extend(phrases[rng.integers(len(phrases))])
        if rng.random() < 0.06:
            chart.append(Bar(()))
    return chart[:bars]


def _phrase(bars: int, functional: float, rng: np.random.Generator) -> list[Bar]:
    draw = _functional if rng.random() < functional else _wandering
    chords = draw(2 * bars, rng)
    chords = [(root, quality, _draw_bass(quality, rng)) for root, quality in chords]
    busy = rng.choice([0.1, 0.5, 0.9])
    phrase = []
    for _ in range(bars):
        count = 2 if rng.random() < busy else 1
        phrase.append(Bar(tuple(chords[:count])))
        chords = chords[count:]
    return phrase


def _wandering(count: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    moves, weights = np.array(list(MOVES)), np.array(list(MOVES.values()))
    steps = rng.choice(moves, size=count, p=weights / weights.sum())
    roots = (rng.integers(12) + np.cumsum(steps)) % 12
    return [(int(root), str(rng.choice(list(MMA_CHORDS)))) for root in roots]


def _functional(count: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    key = int(rng.integers(12))
    chords: list[tuple[int, str]] = []
    while len(chords) < count:
        for chord in str(rng.choice(PROGRESSIONS)).split():
            step, quality = chord.split(":")
            chords.append(((key + SCALE[step]) % 12, quality))
    return chords[:count]


def _draw_bass(quality: str, rng: np.random.Generator) -> str:
    if rng.random() > 0.2 or quality in ("dim7", "sus2", "sus4", "aug", "maj6", "min6"):
        return "1"
    interval = int(rng.choice(QUALITIES[quality][1:]))
    return BASS_DEGREES[interval]


def need_mma() -> None:
    """Raise DataError where the program mma or its library isn't installed."""
    if not MMA_LIBRARY.is_dir() or shutil.which("mma") is None:
        raise DataError("the program mma is not installed; install the Debian package mma")


@lru_cache(maxsize=1)
def grooves() -> tuple[tuple[str, int], ...]:
    """All grooves of MMA's library that count in 3 to 6: ``folder/file:name`` and beats a bar.

    Raises
    ------
    DataError
        When the library isn't installed.
    """
    need_mma()
    found = []
    for path in sorted(MMA_LIBRARY.rglob("*.mma")):
        beats = 4
        for line in path.read_text(encoding="latin-1").splitlines():
            if match := re.match(r"\s*Time\s+(\d+)", line):
                beats = int(match[1])
            elif match := re.match(r"\s*DefGroove\s+(\S+)", line):
                place = path.relative_to(MMA_LIBRARY).with_suffix("")
                found.append((f"{place}:{match[1]}", beats))
    return tuple((name, beats) for name, beats in found if 3 <= beats <= 6)


def accompany(chart: Sequence[Bar], groove: str, beats: int, tempo: float, seed: int) -> list[Part]:
    """Have MMA play a chart: its parts, times in seconds.

    Raises
    ------
    DataError
        When mma refuses, with what it said.
    """
    lines = [f"RndSeed {seed}", f"Tempo {tempo:g}", f"Groove {groove}"]
    for number, bar in enumerate(chart, 1):
        lines.append(f"{number} {_mma_bar(bar, beats)}")
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
        source, target = Path(folder, "chart.mma"), Path(folder, "chart.mid")
        source.write_text("\n".join(lines) + "\n")
        done = subprocess.run(
            ["mma", "-w", str(source), "-f", str(target)],
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode or not target.exists():
            raise DataError(f"mma failed with the groove {groove}: {done.stdout.strip()[-300:]}")
        return midi.read(target)


def _mma_bar(bar: Bar, beats: int) -> str:
    if not bar.chords:
        return "z"
    names = []
    for root, quality, bass in bar.chords:
        name = ROOTS[root] + MMA_CHORDS[quality]
        if bass != "1":
            interval = next(value for value, degree in BASS_DEGREES.items() if degree == bass)
            name += "/" + ROOTS[(root + interval) % 12]
        names.append(name)
    if len(names) == 1:
        return names[0]
    return " ".join([names[0], *["/"] * (beats // 2 - 1), names[1]])


def chords_of(chart: Sequence[Bar], beats: int, tempo: float) -> list[Chord]:
    """The chart's chords in time; bars without a chord leave a gap."""
    beat_s = 60 / tempo
    found = []
    for number, bar in enumerate(chart):
        start = number * beats
        edges = (
            [start, start + beats // 2, start + beats]
            if len(bar.chords) == 2
            else [start, start + beats]
        )
        for (root, quality, bass), first, last in zip(bar.chords, edges, edges[1:]):
            found.append(
                Chord(first * beat_s, last * beat_s, root, QUALITIES[quality], quality, bass)
            )
    return found


def chord_tones(parts: Sequence[Part], chords: Sequence[Chord], margin_s: float = 0.05) -> float:
    """How much of what the pitched parts play belongs to the chord of its time (0 to 1).

    Notes are weighted by their length; those that start within ``margin_s`` (s) before a chord
    count as its own.
    """
    starts = np.array([chord.start_s for chord in chords])
    inside = whole = 0.0
    for part in parts:
        for note in () if part.drums else part.notes:
            index = int(np.searchsorted(starts, note.start_s + margin_s, side="right")) - 1
            if index < 0:
                continue
            chord = chords[index]
            tones = {(chord.root + interval) % 12 for interval in chord.intervals}
            length = min(note.end_s, chord.end_s) - note.start_s
            whole += max(length, 0.02)
            inside += max(length, 0.02) * (note.pitch % 12 in tones)
    return inside / whole if whole else 0.0


def spans(chords: Sequence[Chord], seconds: float) -> tuple[ChordSpan, ...]:
    """Chords as labels from 0 to ``seconds`` (s), N in the gaps, equal neighbours joined."""
    return fill_gaps(
        [ChordSpan(chord.start_s, chord.end_s, chord.label) for chord in chords], seconds
    )


def fill_gaps(found: Sequence[ChordSpan], seconds: float) -> tuple[ChordSpan, ...]:
    """Spans cut to ``seconds`` (s) with N between them; gaps under 10 ms are closed."""
    filled: list[ChordSpan] = []

    def add(start_s: float, end_s: float, label: str) -> None:
        if filled and filled[-1].label == label:
            filled[-1] = replace(filled[-1], end_s=end_s)
        else:
            filled.append(ChordSpan(start_s, end_s, label))

    now = 0.0
    for span in sorted(found, key=lambda span: span.start_s):
        start_s, end_s = max(now, span.start_s), min(span.end_s, seconds)
        if start_s - now < 0.01:
            start_s = now
        if end_s - start_s < 0.01:
            continue
        if start_s > now:
            add(now, start_s, "N")
        add(start_s, end_s, span.label)
        now = end_s
    if seconds - now >= 0.01:
        add(now, seconds, "N")
    return tuple(filled)


def render_chart(item: Item) -> tuple[np.ndarray, Labels]:
    """Render a random chart, 45 s: waveform at 16 kHz, and its chords, beats and solo."""
    rng = item_rng(item)
    for _ in range(ATTEMPTS):
        groove, beats = grooves()[rng.integers(len(grooves()))]
        tempo = float(np.clip(np.exp(rng.normal(np.log(112), 0.28)), 60, 200))
        chart = draw_chart(int(CHART_S * tempo / 60 / beats) + 1, rng)
        chords = chords_of(chart, beats, tempo)
        try:
            parts = accompany(chart, groove, beats, tempo, int(rng.integers(1 << 30)))
        except DataError:
            continue
        pitched = sum(len(part.notes) for part in parts if not part.drums)
        if pitched >= len(chords) and chord_tones(parts, chords) >= LEAST_CHORD_TONES:
            break
    else:
        raise DataError(f"none of {ATTEMPTS} grooves played {LEAST_CHORD_TONES:.0%} chord tones")
    parts = _recast(parts, rng)
    tuning_cents = stems.draw_tuning(rng)
    soundfont = stems.choose_soundfont(item.split, rng)
    studio = stems.Studio(CHART_S, soundfont, tuning_cents)
    waveform = studio.play_band(parts)
    f0 = np.zeros(len(waveform) // F0_HOP, np.float32)
    programs = {part.program for part in parts if not part.drums}
    if rng.random() < 0.5:
        program = leads.draw_program(rng)
        solo, stem = soloists.play(improvise(chords, 60 / tempo, rng), program, studio, rng)
        f0 = leads.heard(solo, stem)
        waveform = effects.mix(stem, waveform, rng.uniform(-9, 9))
        programs.add(program)
    times = np.arange(0, CHART_S, 60 / tempo)
    return effects.produce(waveform, rng), Labels(
        chords=spans(chords, CHART_S),
        f0=f0,
        beats=times,
        downbeats=times[::beats],
        instruments=general_midi.names(programs, any(part.drums for part in parts)),
        tags=(groove.split(":")[0],),
    )


def _recast(parts: Sequence[Part], rng: np.random.Generator) -> list[Part]:
    """Give some parts to other instruments, other levels, uneven loudness; sometimes no drums."""
    drums, change = rng.random() < 0.75, rng.choice([0.0, 0.3, 0.8])
    recast = []
    for part in parts:
        if part.drums and not drums:
            continue
        program = part.program
        if not part.drums and rng.random() < change:
            bass = np.median([note.pitch for note in part.notes]) < 48
            program = int(rng.choice(general_midi.BASSES if bass else general_midi.CHORDAL))
        late = rng.uniform(0, rng.choice([0.0, 0.01, 0.02]), len(part.notes))
        notes = tuple(
            replace(note, start_s=note.start_s + delay, end_s=note.end_s + delay)
            for note, delay in zip(part.notes, late, strict=True)
            if note.start_s < CHART_S
        )
        recast.append(
            replace(
                part,
                notes=notes,
                program=program,
                volume=int(rng.integers(60, 120)),
                pan=int(rng.integers(30, 99)),
            )
        )
    return recast


def improvise(chords: Sequence[Chord], beat_s: float, rng: np.random.Generator) -> list[Note]:
    """A solo over chords: chord tones on the beats, steps between them, rests between phrases."""
    notes: list[Note] = []
    pitch = int(rng.integers(60, 76))
    subdivision = int(rng.choice([1, 2, 2, 3, 4]))
    step_s = beat_s / subdivision
    rest = rng.uniform(0.05, 0.3)
    for chord in chords:
        now, number = chord.start_s, 0
        tones = {(chord.root + interval) % 12 for interval in chord.intervals}
        while now < chord.end_s - 0.02:
            length_s = min(step_s * rng.choice([1, 1, 1, 2, 3]), chord.end_s - now)
            if rng.random() > rest:
                reach = rng.choice([2, 4, 9], p=[0.5, 0.35, 0.15])
                near = [p for p in range(pitch - reach, pitch + reach + 1) if 52 <= p <= 88]
                fitting = [p for p in near if p % 12 in tones]
                passing = number % 2 and rng.random() < 0.4
                pitch = int(rng.choice(near if passing or not fitting else fitting))
                notes.append(
                    Note(
                        now,
                        now + length_s * rng.uniform(0.6, 1.0),
                        pitch,
                        int(rng.integers(70, 115)),
                    )
                )
            now += length_s
            number += 1
    return notes
