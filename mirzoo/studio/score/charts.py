"""TimedChord charts drawn at random, their chords in time, and solos over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mirzoo.data.labels import ChordSpan
from mirzoo.dsp.chord_vocabulary import QUALITIES, degree_name, degree_semitones
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import TimedChord

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
    chords = [(root, quality, _draw_bass(quality, rng)) for root, quality in draw(2 * bars, rng)]
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
    return [(int(root), str(rng.choice(list(QUALITIES)))) for root in roots]


def _functional(count: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    key = int(rng.integers(12))
    chords: list[tuple[int, str]] = []
    while len(chords) < count:
        for chord in str(rng.choice(PROGRESSIONS)).split():
            step, quality = chord.split(":")
            chords.append(((key + degree_semitones(step)) % 12, quality))
    return chords[:count]


def _draw_bass(quality: str, rng: np.random.Generator) -> str:
    if rng.random() > 0.2 or quality in ("dim7", "sus2", "sus4", "aug", "maj6", "min6"):
        return "1"
    interval = int(rng.choice(QUALITIES[quality][1:]))
    return degree_name(interval)


def chords_of(chart: Sequence[Bar], beats: int, tempo: float) -> list[TimedChord]:
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
                TimedChord(first * beat_s, last * beat_s, root, QUALITIES[quality], quality, bass)
            )
    return found


def chord_tones(
    parts: Sequence[Part], chords: Sequence[TimedChord], margin_s: float = 0.05
) -> float:
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


def spans(chords: Sequence[TimedChord], seconds: float) -> tuple[ChordSpan, ...]:
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


def improvise(
    chords: Sequence[TimedChord],
    beat_s: float,
    rng: np.random.Generator,
    scale: Callable[[float], frozenset[int]] | None = None,
) -> list[MidiNote]:
    """A solo over chords: chord tones on the beats, steps between them, rests between phrases.

    With ``scale``, which gives the pitch classes at a time (s), passing notes are of these or of
    the chord.
    """
    notes: list[MidiNote] = []
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
                if scale is not None:
                    allowed = tones | scale(now)
                    near = [p for p in near if p % 12 in allowed] or near
                pitch = int(rng.choice(near if passing or not fitting else fitting))
                notes.append(
                    MidiNote(
                        now,
                        now + length_s * rng.uniform(0.6, 1.0),
                        pitch,
                        int(rng.integers(70, 115)),
                    )
                )
            now += length_s
            number += 1
    return notes
