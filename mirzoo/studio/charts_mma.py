"""TimedChord charts of all qualities, accompanied by MMA and rendered.

A random chart (`mirzoo.studio.score.charts.draw_chart`) goes to the program ``mma`` (Musical MIDI
Accompaniment, Debian package ``mma``) with one of its 1,969 grooves; what it plays is checked
against the chart, given other instruments, sometimes a soloist, and rendered.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from mirzoo.data.corpus import F0_HOP, Item, item_rng
from mirzoo.data.labels import Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.dsp.chord_vocabulary import degree_semitones
from mirzoo.errors import DataError
from mirzoo.studio import _items
from mirzoo.studio.score import general_midi, midi
from mirzoo.studio.score.charts import (
    Bar,
    chord_tones,
    chords_of,
    draw_chart,
    improvise,
    spans,
)
from mirzoo.studio.score.midi import Part
from mirzoo.studio.score.songs import ROOTS
from mirzoo.studio.sound import effects, leads, soloists, stems

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

    MMA takes whole numbers of beats a minute and cuts off fractions, so what it plays is brought to
    the tempo itself.

    Raises
    ------
    DataError
        When mma refuses, with the program's message.
    """
    played = int(tempo)
    lines = [f"RndSeed {seed}", f"Tempo {played}", f"Groove {groove}"]
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
        return [_at_speed(part, tempo / played) for part in midi.read(target)]


def _at_speed(part: Part, speed: float) -> Part:
    notes = [
        replace(note, start_s=note.start_s / speed, end_s=note.end_s / speed) for note in part.notes
    ]
    return replace(part, notes=notes, bends=[(time_s / speed, by) for time_s, by in part.bends])


def _mma_bar(bar: Bar, beats: int) -> str:
    if not bar.chords:
        return "z"
    names = []
    for root, quality, bass in bar.chords:
        name = ROOTS[root] + MMA_CHORDS[quality]
        if bass != "1":
            name += "/" + ROOTS[(root + degree_semitones(bass)) % 12]
        names.append(name)
    if len(names) == 1:
        return names[0]
    return " ".join([names[0], *["/"] * (beats // 2 - 1), names[1]])


def render_chart(item: Item) -> tuple[np.ndarray, Labels]:
    """Render a random chart, 45 s: waveform at 16 kHz, and its chords, beats and solo."""
    waveform, labels, _ = perform(item, Chart.drawn)
    return waveform, labels


@dataclass(frozen=True)
class Chart:
    """A chart as `perform` has it played: its bars, and what passing notes of a solo may be."""

    bars: Sequence[Bar]
    scale_at: Callable[[int], frozenset[int]] | None = None

    @classmethod
    def drawn(cls, bars: int, rng: np.random.Generator) -> Chart:
        """A random chart of all qualities."""
        return cls(draw_chart(bars, rng))


class Playable(Protocol):
    """What `perform` needs of a chart: bars, and the scale in each or None."""

    @property
    def bars(self) -> Sequence[Bar]:
        """The chords, bar by bar."""

    @property
    def scale_at(self) -> Callable[[int], frozenset[int]] | None:
        """The pitch classes that a solo may pass through in a bar; None for any."""


Drawn = TypeVar("Drawn", bound=Playable)


class Played(NamedTuple, Generic[Drawn]):
    """The chart that was played, and how long its bars last (s)."""

    chart: Drawn
    bar_s: float


def perform(
    item: Item, draw: Callable[[int, np.random.Generator], Drawn]
) -> tuple[np.ndarray, Labels, Played[Drawn]]:
    """Draw a chart and render it, 45 s: waveform at 16 kHz, its labels, and the chart.

    Parameters
    ----------
    item : Item
        Its name decides all that is random.
    draw : callable
        Writes a chart of at least so many bars.

    Raises
    ------
    DataError
        If no groove that was tried plays the chart's chords.
    """
    rng = item_rng(item)
    for _ in range(ATTEMPTS):
        groove, beats = grooves()[rng.integers(len(grooves()))]
        tempo = float(np.clip(np.exp(rng.normal(np.log(112), 0.28)), 60, 200))
        chart = draw(int(CHART_S * tempo / 60 / beats) + 1, rng)
        chords = chords_of(chart.bars, beats, tempo)
        try:
            parts = accompany(chart.bars, groove, beats, tempo, int(rng.integers(1 << 30)))
        except DataError:
            continue
        pitched = sum(len(part.notes) for part in parts if not part.drums)
        if pitched >= len(chords) and chord_tones(parts, chords) >= LEAST_CHORD_TONES:
            break
    else:
        raise DataError(f"none of {ATTEMPTS} grooves played {LEAST_CHORD_TONES:.0%} chord tones")
    parts = recast(parts, rng)
    tuning_cents = stems.draw_tuning(rng)
    soundfont = stems.choose_soundfont(item.split, rng)
    studio = stems.Studio(CHART_S, soundfont, tuning_cents)
    waveform = studio.play_band(parts)
    f0 = np.zeros(len(waveform) // F0_HOP, np.float32)
    programs = {part.program for part in parts if not part.drums}
    if rng.random() < 0.5:
        program = leads.draw_program(rng)
        notes = improvise(chords, 60 / tempo, rng, _scale_in_time(chart, beats * 60 / tempo))
        solo, stem = soloists.play(notes, program, studio, rng)
        f0 = leads.sounding_f0(solo, stem)
        waveform = effects.mix(stem, waveform, rng.uniform(-9, 9))
        programs.add(program)
    times = np.arange(0, CHART_S, 60 / tempo)
    labels = Labels(
        chords=spans(chords, CHART_S),
        f0=f0,
        beats=times,
        downbeats=times[::beats],
        instruments=general_midi.names(programs, any(part.drums for part in parts)),
        tags=(groove.split(":")[0],),
    )
    return effects.produce(waveform, rng), labels, Played(chart, beats * 60 / tempo)


def _scale_in_time(chart: Playable, bar_s: float) -> Callable[[float], frozenset[int]] | None:
    scale_at = chart.scale_at
    if scale_at is None:
        return None
    return lambda time_s: scale_at(int(time_s / bar_s + 1e-6))


def recast(
    parts: Sequence[Part], rng: np.random.Generator, *, drums_share: float = 0.75
) -> list[Part]:
    """Give some parts to other instruments, other levels, late notes; drums to a share of takes."""
    drums, change = rng.random() < drums_share, rng.choice([0.0, 0.3, 0.8])
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


_CHARTS = Collection(
    name="charts_mma",
    rendered=True,
    description="chord charts of 14 qualities, accompanied in 1,900 styles and rendered; "
    "labels: chords, beats, melody",
    obtain="Install the Debian package mma, fluidsynth and the soundfonts.",
    licence="made here; grooves and soundfonts under their own licences",
    commercial="yes",
    grouping="chart; one soundfont is held out for testing",
    items=_items.made_items("charts_mma", 260),
    maker=lambda home: render_chart,
    fetch=lambda folder: need_mma(),
    programs=("mma", "fluidsynth"),
)
COLLECTIONS.register(_CHARTS)
COLLECTIONS.register(
    replace(
        _CHARTS,
        name="charts_mma_more",
        description="more accompanied chord charts, like those of charts_mma; labels: chords, "
        "beats, melody",
        grouping="chart; all for training",
        items=_items.made_items("charts_mma_more", 800, "train"),
        source="charts_mma",
    )
)
