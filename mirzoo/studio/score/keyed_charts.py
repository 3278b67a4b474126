"""Chord charts in known keys, with modulations, drawn at random.

A chart is one section or several, each in a key: phrases of progressions as pop, folk, blues, jazz
and film music have them, in triads or in sevenths, with borrowed chords and secondary dominants;
most sections end on their tonic. A modulation goes to a near key, up by a step, or to the parallel
key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mirzoo.data.labels import KeySpan
from mirzoo.dsp.chord_vocabulary import degree_semitones
from mirzoo.studio.score.charts import Bar
from mirzoo.studio.score.songs import ROOTS

MAJOR, MINOR = "maj", "min"
MINOR_SHARE = 0.45
SCALES = {MAJOR: (0, 2, 4, 5, 7, 9, 11), MINOR: (0, 2, 3, 5, 7, 8, 10)}
"""Semitones above the tonic that melodies step through."""

PHRASES = {
    MAJOR: (
        "1:maj 5:maj 6:min 4:maj", "1:maj 4:maj 5:maj 1:maj", "1:maj 6:min 4:maj 5:maj",
        "1:maj 4:maj 1:maj 5:maj", "1:maj 1:maj 4:maj 5:maj", "4:maj 1:maj 5:maj 1:maj",
        "1:maj 3:min 4:maj 5:maj", "6:min 4:maj 1:maj 5:maj", "2:min 5:maj 1:maj 1:maj",
        "1:maj 2:min 5:maj 1:maj", "1:maj b7:maj 4:maj 1:maj", "1:maj 4:maj 4:min 1:maj",
        "1:maj 3:7 6:min 4:maj", "1:maj 2:7 5:maj 1:maj", "3:min 6:min 2:min 5:maj",
        "1:maj 1:7 4:maj 4:min", "1:maj 5:maj 4:maj 5:maj", "1:7 4:7 1:7 5:7",
        "1:maj 5:sus4 5:maj 1:maj", "1:maj 7:dim 6:min 5:maj", "1:maj 6:7 2:min 5:maj",
        "1:maj 4:maj 6:min 5:maj",
    ),
    MINOR: (
        "1:min b6:maj b3:maj b7:maj", "1:min b7:maj b6:maj 5:maj", "1:min 4:min 5:maj 1:min",
        "1:min 4:min 1:min 5:7", "1:min b7:maj b6:maj b7:maj", "1:min b3:maj b7:maj 4:min",
        "1:min 1:min 4:min 5:maj", "1:min 2:dim 5:7 1:min", "1:min 5:min b6:maj 4:min",
        "b6:maj b7:maj 1:min 1:min", "1:min b6:maj 4:min 5:maj", "4:min b7:maj b3:maj b6:maj",
        "1:min 5:7 1:min b7:maj", "1:min b6:maj b7:maj 1:min", "1:min 4:min b6:maj 5:maj",
        "1:min b7:maj 4:min 1:min", "1:min 4:min b7:maj 1:min", "1:min 7:dim 1:min 5:7",
    ),
}  # fmt: skip
CADENCES = {
    MAJOR: ("5:maj 1:maj", "5:7 1:maj", "4:maj 1:maj", "2:min 5:7 1:maj", "4:min 1:maj"),
    MINOR: ("5:maj 1:min", "5:7 1:min", "4:min 1:min", "2:dim 5:7 1:min", "b7:maj 1:min"),
}
SEVENTHS = {"1:maj": "maj7", "4:maj": "maj7", "5:maj": "7", "b6:maj": "maj7", "b3:maj": "maj7",
            "b7:maj": "7", "2:dim": "hdim7", "7:dim": "dim7"}  # fmt: skip
"""What chords of progressions become in sevenths; minor ones become ``min7``."""

MODULATIONS = {
    MAJOR: ((2, MAJOR, 3), (1, MAJOR, 2), (7, MAJOR, 3), (5, MAJOR, 3), (9, MINOR, 4),
            (0, MINOR, 1.5), (3, MAJOR, 0.7), (4, MAJOR, 0.7)),
    MINOR: ((3, MAJOR, 4), (2, MINOR, 2), (1, MINOR, 1.5), (5, MINOR, 2.5), (7, MINOR, 2.5),
            (0, MAJOR, 1.5)),
}  # fmt: skip
"""Semitones up, mode there, and how often, by the mode left."""

SECTIONS = {1: 0.6, 2: 0.28, 3: 0.12}
FEWEST_BARS = 6
"""Of a section."""


@dataclass(frozen=True)
class KeyedChart:
    """A chart and its keys.

    Parameters
    ----------
    bars : tuple of Bar
    sections : tuple of (int, int, str)
        First bar, tonic (0 = C) and mode of each section.
    """

    bars: tuple[Bar, ...]
    sections: tuple[tuple[int, int, str], ...] = field(default=())

    def keys(self, bar_s: float, seconds: float) -> tuple[KeySpan, ...]:
        """The keys as labels, where a bar lasts ``bar_s`` (s), cut to ``seconds`` (s)."""
        starts = [first * bar_s for first, _, _ in self.sections]
        spans = []
        for (_, tonic, mode), start_s, end_s in zip(
            self.sections, starts, [*starts[1:], seconds], strict=True
        ):
            if min(end_s, seconds) - start_s > 0.01:
                spans.append(KeySpan(start_s, min(end_s, seconds), key_label(tonic, mode)))
        return tuple(spans)

    def scale_at(self, bar: int) -> frozenset[int]:
        """The pitch classes of the scale in a bar."""
        _, tonic, mode = next(s for s in reversed(self.sections) if s[0] <= max(bar, 0))
        return frozenset((tonic + step) % 12 for step in SCALES[mode])


def key_label(tonic: int, mode: str) -> str:
    """As labels have a key: ``"Eb:maj"``."""
    return f"{ROOTS[tonic]}:{mode}"


def longest_key(keys: tuple[KeySpan, ...]) -> str:
    """The key in which most of the time is spent, the earlier of two alike.

    Examples
    --------
    >>> longest_key((KeySpan(0, 2, "C:maj"), KeySpan(2, 9, "D:maj"), KeySpan(9, 12, "C:maj")))
    'D:maj'
    """
    seconds: dict[str, float] = {}
    for span in keys:
        seconds[span.key] = seconds.get(span.key, 0.0) + span.end_s - span.start_s
    return max(seconds, key=lambda key: seconds[key])


def draw_keyed_chart(bars: int, rng: np.random.Generator) -> KeyedChart:
    """Write a chart of so many bars, in one key or in several.

    Parameters
    ----------
    bars : int
    rng : numpy.random.Generator
    """
    tonic = int(rng.integers(12))
    mode = MINOR if rng.random() < MINOR_SHARE else MAJOR
    counts, shares = zip(*SECTIONS.items(), strict=True)
    count = min(int(rng.choice(counts, p=shares)), max(1, bars // FEWEST_BARS))
    seventh_share = float(rng.choice([0.0, 0.0, 0.2, 1.0]))
    busy = float(rng.choice([0.1, 0.4, 0.8]))
    edges = _edges(bars, count, rng)
    chart: list[Bar] = []
    sections: list[tuple[int, int, str]] = []
    for first, end in pairwise(edges):
        if sections:
            tonic, mode = _modulated(tonic, mode, rng)
        sections.append((first, tonic, mode))
        chart += _section(end - first, tonic, mode, seventh_share, busy, rng)
    return KeyedChart(tuple(chart), tuple(sections))


def _edges(bars: int, count: int, rng: np.random.Generator) -> list[int]:
    """Where sections begin, and the end; each is long enough to tell its key."""
    while True:
        inner = sorted(rng.integers(1, bars, count - 1).tolist()) if count > 1 else []
        edges = [0, *inner, bars]
        if count == 1 or min(np.diff(edges)) >= FEWEST_BARS:
            return edges


def _modulated(tonic: int, mode: str, rng: np.random.Generator) -> tuple[int, str]:
    ways = MODULATIONS[mode]
    weights = np.array([weight for _, _, weight in ways])
    up, new_mode, _ = ways[int(rng.choice(len(ways), p=weights / weights.sum()))]
    return (tonic + up) % 12, new_mode


def _section(
    bars: int, tonic: int, mode: str, seventh_share: float, busy: float, rng: np.random.Generator
) -> list[Bar]:
    """Bars in a key: two phrases that return, and mostly a cadence at the end."""
    phrases = [str(rng.choice(PHRASES[mode])).split() for _ in range(2)]
    filled: list[Bar] = []
    while len(filled) < bars:
        chords = phrases[int(rng.random() < 0.35)]
        # Two chords a bar or one; a phrase fills whole bars in either case.
        each = 2 if rng.random() < busy else 1
        for at in range(0, len(chords), each):
            filled.append(_bar(chords[at : at + each], tonic, seventh_share, rng))
    filled = filled[:bars]
    if rng.random() < 0.75:
        ending = str(rng.choice(CADENCES[mode])).split()
        ends = [_bar([chord], tonic, seventh_share, rng) for chord in ending][-bars:]
        filled[bars - len(ends) :] = ends
    return filled


def _bar(chords: list[str], tonic: int, seventh_share: float, rng: np.random.Generator) -> Bar:
    found = []
    for chord in chords:
        degree, quality = chord.split(":")
        if rng.random() < seventh_share:
            quality = SEVENTHS.get(chord, "min7" if quality == MINOR else quality)
        bass = "1"
        if quality in (MAJOR, MINOR) and rng.random() < 0.12:
            bass = str(rng.choice(["3" if quality == MAJOR else "b3", "5"]))
        found.append(((tonic + degree_semitones(degree)) % 12, quality, bass))
    return Bar(tuple(found))
