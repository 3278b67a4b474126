"""Chord charts with beats and bars of every kind, accompanied by MMA and rendered.

Grooves are played in bars of 2 to 7 beats, 6/8 included: those that MMA's library has, and others
made by leaving out beats of each bar or of each second one, as 7/4 is made of 4/4 and 3/4. The
tempo is steady, sways, drifts, leaps or is played rubato; recordings begin anywhere in a bar; half
of them have no drums, and a third of these one or two players.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mirzoo.data.corpus import Item, item_rng
from mirzoo.data.labels import Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.errors import DataError
from mirzoo.studio import _items
from mirzoo.studio.charts_mma import ATTEMPTS, CHART_S, accompany, grooves, need_mma, recast
from mirzoo.studio.score import general_midi
from mirzoo.studio.score.charts import Bar, chords_of, draw_chart, improvise
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import effects, leads, stems

DRUMS_SHARE = 0.5
SPARSE_SHARE = 0.33
SOLO_SHARE = 0.4
EARLY_BEATS = 0.06
"""Notes up to so much before a beat belong to it (beats of MMA)."""

SLOWEST, USUAL, FASTEST = 48.0, 108.0, 205.0
"""Tempi (beats a minute)."""


@dataclass(frozen=True)
class Metre:
    """A metre, and how it is made of grooves.

    Parameters
    ----------
    counted : int
        Beats of a bar of the groove, as MMA counts them.
    kept : tuple of int
        How many of them remain of each groove's bar; those of the whole tuple make one bar.
    pulse : int
        How many of MMA's beats one beat lasts: 3 in 6/8.
    share : float
        How many charts have it.
    """

    counted: int
    kept: tuple[int, ...]
    pulse: int = 1
    share: float = 0.05


METRES = {
    "4/4": Metre(4, (4,), share=0.55),
    "3/4": Metre(3, (3,), share=0.15),
    "6/8": Metre(6, (6,), pulse=3, share=0.1),
    "2/4": Metre(4, (2,), share=0.06),
    "7/4": Metre(4, (4, 3), share=0.05),
    "5/4": Metre(3, (3, 2), share=0.04),
    "5/4 jazz": Metre(5, (5,), share=0.03),
    "6/4": Metre(4, (4, 2), share=0.02),
}

TEMPI = {"steady": 0.4, "sway": 0.22, "drift": 0.15, "leap": 0.05, "rubato": 0.18}
"""How the tempo goes, and in what share of charts."""


def render_chart(item: Item) -> tuple[np.ndarray, Labels]:
    """Render a random chart, 45 s: waveform at 16 kHz, and its beats, bars and instruments.

    Raises
    ------
    DataError
        If MMA plays nothing with any groove that was tried.
    """
    rng = item_rng(item)
    name = str(rng.choice(list(METRES), p=[metre.share for metre in METRES.values()]))
    metre = METRES[name]
    tempo = float(np.clip(np.exp(rng.normal(np.log(USUAL), 0.32)), SLOWEST, FASTEST))
    parts, groove, chart = _played(metre, tempo * metre.pulse, rng)
    if rng.random() < SOLO_SHARE:
        parts.append(_solo(chart, metre, tempo * metre.pulse, rng))
    course = _course(metre, tempo, rng)
    parts = recast(course.moved(parts), rng, drums_share=DRUMS_SHARE)
    if not any(part.drums for part in parts) and rng.random() < SPARSE_SHARE:
        parts = _fewer(parts, rng)
    studio = stems.Studio(CHART_S, stems.choose_soundfont(item.split, rng), stems.draw_tuning(rng))
    waveform = studio.play_band(parts)
    beats, downbeats = course.beats()
    programs = {part.program for part in parts if not part.drums}
    labels = Labels(
        beats=beats,
        downbeats=downbeats,
        instruments=general_midi.names(programs, any(part.drums for part in parts)),
        tags=(name, course.kind, groove.split(":")[0]),
    )
    return effects.produce(waveform, rng), labels


def _played(
    metre: Metre, tempo: float, rng: np.random.Generator
) -> tuple[list[Part], str, list[Bar]]:
    """What MMA plays, its groove and the chart; as many bars as any course of the tempo needs."""
    fitting = [groove for groove, beats in grooves() if beats == metre.counted]
    kept = sum(metre.kept) / len(metre.kept)
    bars = int(1.6 * CHART_S * tempo / 60 / kept) + 2 * len(metre.kept)
    for _ in range(ATTEMPTS):
        groove = str(rng.choice(fitting))
        chart = [bar for bar in draw_chart(2 * bars, rng) if bar.chords][:bars]
        try:
            parts = accompany(chart, groove, metre.counted, tempo, int(rng.integers(1 << 30)))
        except DataError:
            continue
        if sum(len(part.notes) for part in parts if not part.drums) >= bars:
            return parts, groove, chart
    raise DataError(f"none of {ATTEMPTS} grooves in {metre.counted} played the chart")


def _solo(chart: Sequence[Bar], metre: Metre, tempo: float, rng: np.random.Generator) -> Part:
    chords = chords_of(chart, metre.counted, tempo)
    program = leads.draw_program(rng)
    lowest, highest = leads.range_of(program)
    notes = improvise(chords, 60 / tempo * metre.pulse, rng)
    return Part(leads.into_range(notes, lowest, highest, rng), program)


def _fewer(parts: Sequence[Part], rng: np.random.Generator) -> list[Part]:
    """One or two of the parts, the busier the likelier."""
    counts = np.array([len(part.notes) for part in parts], float)
    some = int(np.count_nonzero(counts))
    if not some:
        return list(parts)
    chosen = rng.choice(
        len(parts), size=min(some, int(rng.integers(1, 3))), replace=False, p=counts / counts.sum()
    )
    return [parts[number] for number in sorted(chosen)]


@dataclass(frozen=True)
class Course:
    """Where the beats of a chart lie in time, and what is left of its bars.

    Parameters
    ----------
    metre : Metre
    tempo : float
        As MMA played the chart (its beats a minute).
    kind : str
        One of `TEMPI`.
    times : np.ndarray
        When each of MMA's beats that remain comes (s), ``(beats,)``; those before 0 do not sound.
    """

    metre: Metre
    tempo: float
    kind: str
    times: np.ndarray

    def moved(self, parts: Sequence[Part]) -> list[Part]:
        """The parts as they are played: beats left out, in the course's time."""
        moved = []
        for part in parts:
            notes = [note for note in map(self._moved, part.notes) if note is not None]
            moved.append(replace(part, notes=notes))
        return [part for part in moved if part.notes]

    def _moved(self, note: MidiNote) -> MidiNote | None:
        start, end = (time_s * self.tempo / 60 for time_s in (note.start_s, note.end_s))
        counted, kept = self.metre.counted, self.metre.kept
        bar = int((start + EARLY_BEATS) // counted)
        within = start - bar * counted
        cycle, number = divmod(bar, len(kept))
        if within + EARLY_BEATS >= kept[number]:
            return None
        first = cycle * sum(kept) + sum(kept[:number])
        length = end - start
        if kept[number] < counted:
            length = min(length, kept[number] - within)
        start_s, end_s = self._time_of(first + within), self._time_of(first + within + length)
        if start_s < -0.01 or end_s <= max(start_s, 0.0):
            return None
        return replace(note, start_s=max(start_s, 0.0), end_s=end_s)

    def _time_of(self, beat: float) -> float:
        places = np.arange(len(self.times))
        if beat < 0:
            return float(self.times[0] + beat * (self.times[1] - self.times[0]))
        return float(np.interp(beat, places, self.times))

    def beats(self) -> tuple[np.ndarray, np.ndarray]:
        """Times of beats and of downbeats (s) in the recording."""
        times, pulse, bar = self.times, self.metre.pulse, sum(self.metre.kept)
        numbers = np.arange(len(times))
        inside = (times >= -0.01) & (times < CHART_S)
        beats = np.maximum(times, 0.0)
        return (
            beats[inside & (numbers % bar % pulse == 0)],
            beats[inside & (numbers % bar == 0)],
        )


def _course(metre: Metre, tempo: float, rng: np.random.Generator) -> Course:
    kind = str(rng.choice(list(TEMPI), p=list(TEMPI.values())))
    bar = sum(metre.kept)
    count = int(1.5 * CHART_S * tempo * metre.pulse / 60) + bar
    speed = _speeds(kind, count, bar, rng)
    times = np.concatenate([[0.0], np.cumsum(60 / (tempo * metre.pulse) / speed)])
    skipped = float(rng.integers(0, 2 * bar)) / 2 if rng.random() < 0.5 else 0.0
    silence_s = rng.uniform(0.0, 1.5) if rng.random() < 0.4 else 0.0
    start_s = float(np.interp(skipped, np.arange(len(times)), times))
    return Course(metre, tempo * metre.pulse, kind, times - start_s + silence_s)


def _speeds(kind: str, count: int, bar: int, rng: np.random.Generator) -> np.ndarray:
    """How fast each beat goes, 1 being the tempo, ``(count,)``."""
    numbers = np.arange(count)
    if kind == "sway":
        knots = np.arange(0, count + 8, 8)
        return 1 + np.interp(numbers, knots, np.clip(rng.normal(0, 0.03, len(knots)), -0.08, 0.08))
    if kind == "drift":
        last = float(np.exp(rng.uniform(np.log(0.75), np.log(1.3))))
        return last ** (numbers / count)
    if kind == "leap":
        place = int(rng.integers(1, max(2, count // bar))) * bar
        return np.where(numbers < place, 1.0, np.exp(rng.uniform(np.log(0.7), np.log(1.4))))
    if kind == "rubato":
        uneven, now = np.empty(count), 0.0
        for number, step in enumerate(rng.normal(0, 0.03, count)):
            now = 0.85 * now + step
            uneven[number] = now
        phrase = bar * int(rng.choice([4, 4, 8]))
        slowing = rng.uniform(0.0, 0.3) * np.clip((numbers % phrase - phrase + 3) / 3, 0, 1)
        return np.clip(1 + uneven - slowing, 0.6, 1.4)
    return np.ones(count)


COLLECTIONS.register(
    Collection(
        name="charts_beats",
        rendered=True,
        description="chord charts in 2/4, 3/4, 4/4, 5/4, 6/4, 6/8 and 7/4, with changing tempi, "
        "half of them without drums, accompanied in 1,900 styles and rendered; labels: beats",
        obtain="Install the Debian package mma, fluidsynth and the soundfonts.",
        licence="made here; grooves and soundfonts under their own licences",
        commercial="yes",
        grouping="chart; one soundfont is held out for testing",
        items=_items.made_items("charts_beats", 400),
        maker=lambda home: render_chart,
        fetch=lambda folder: need_mma(),
        source="charts_mma",
        programs=("mma", "fluidsynth"),
    )
)
