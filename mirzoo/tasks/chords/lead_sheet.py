"""Chords as text: bars of a song with the chords on their beats, as musicians write them.

::

    Song: 120.0 BPM, 4 beats a bar

     0:01  | C  .  .  .  | Am .  .  .  | F  .  G7 .  | C  .  .  .  |

A name stands where a chord begins and at the beginning of every bar, a dot for a beat on which it
goes on. Four bars a line, with the time of its first; the beats before the first bar line are a bar
that is not complete.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from mirzoo.dsp.chord_vocabulary import NO_CHORD, ROOT_NAMES, parse_chord
from mirzoo.tasks.annotation.midi_file import TempoMap
from mirzoo.tasks.annotation.pictures import clock

BARS_A_LINE = 4
GOES_ON, SILENT = ".", "N.C."
LATE_S = 0.02
"""A chord that begins so soon after a beat is on it."""

QUALITIES = {
    "maj": "", "min": "m", "maj7": "maj7", "min7": "m7", "7": "7", "dim": "dim", "dim7": "dim7",
    "hdim7": "m7b5", "aug": "+", "sus2": "sus2", "sus4": "sus4", "maj6": "6", "min6": "m6",
    "minmaj7": "m(maj7)", "9": "9", "maj9": "maj9", "min9": "m9", "5": "5", "sus4(b7)": "7sus4",
}  # fmt: skip
"""What follows the root, by the quality in Harte's syntax; others stand as they are."""


def popular_name(label: str) -> str:
    """Name a chord as lead sheets do.

    Parameters
    ----------
    label : str
        In Harte's syntax.

    Examples
    --------
    >>> [popular_name(label) for label in ("C:maj", "F#:min7", "G:7/3", "Bb:maj(9)", "N")]
    ['C', 'F#m7', 'G7/B', 'Bb(9)', 'N.C.']
    """
    chord = parse_chord(label)
    if label == NO_CHORD or chord is None or chord.root is None:
        return SILENT if label == NO_CHORD else label
    name, _, bass = label.partition("/")
    root, _, quality = name.partition(":")
    shorthand, bracket, degrees = quality.partition("(")
    known = QUALITIES.get(quality)
    if known is None:
        known = QUALITIES.get(shorthand, shorthand) + bracket + degrees
    below = f"/{ROOT_NAMES[chord.bass]}" if bass and chord.bass is not None else ""
    return f"{root}{known}{below}"


def lead_sheet(
    segments: Sequence[tuple[float, float, str]], beats: TempoMap, title: str
) -> Iterator[str]:
    """Give the lines of a lead sheet.

    Parameters
    ----------
    segments : sequence of (float, float, str)
        Start (s), end (s) and label of each chord, in the order of time.
    beats : TempoMap
        With at least two beats, and their places in bars.
    title : str
        The first line.
    """
    assert beats.positions is not None
    yield f"{title}\n"
    names = [popular_name(label) for _, _, label in segments]
    starts = [start for start, _, _ in segments]
    edges = sorted({0, *np.flatnonzero(beats.positions == 1).tolist(), len(beats.times)})
    bars = []
    for first, end in pairwise(edges):
        before, cells = None, []
        for time in beats.times[first:end].tolist():
            place = bisect_right(starts, time + LATE_S) - 1
            sounds = place >= 0 and segments[place][1] > time + LATE_S
            name = names[place] if sounds else SILENT
            cells.append(GOES_ON if name == before else name)
            before = name
        bars.append((float(beats.times[first]), cells))
    width = max(len(cell) for _, cells in bars for cell in cells)
    lead = bars[:1] if beats.positions[0] != 1 else []
    rest = bars[len(lead) :]
    lines = [lead, *(rest[at : at + BARS_A_LINE] for at in range(0, len(rest), BARS_A_LINE))]
    for line in filter(None, lines):
        text = " | ".join(" ".join(cell.ljust(width) for cell in cells) for _, cells in line)
        yield f"\n{clock(line[0][0]):>5}  | {text} |\n"
