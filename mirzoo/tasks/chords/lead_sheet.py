"""Chords as text: bars of a song with the chords on their beats, as musicians write them.

::

    Song: 120.0 BPM, 4 beats a bar

     0:01  | C  .  .  .  | Am .  .  .  | F  .  G7 .  | C  .  .  .  |

A name stands where a chord begins and at the beginning of every bar, a dot for a beat on which it
goes on. Four bars a line, with the time of its first; the beats before the first bar line are a bar
that is not complete.

Roots are spelled as the song's key signature has them, which is the one whose scale holds most of
what its chords sound; basses as the degree that they are of their chord.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from mirzoo.dsp.chord_vocabulary import NO_CHORD, parse_chord
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


LETTERS = "FCGDAEB"
"""Fifths apart. Names are numbered by fifths, C being 0: -2 is Bb, 4 is E, 6 is F#."""

FIFTHS_OF_DEGREE = {1: 0, 2: 2, 3: 4, 4: -1, 5: 1, 6: 3, 7: 5}
FLATTEST, SHARPEST = -6, 10
"""Roots are Gb to A#: what would be beyond is named by the same key of a piano."""

FLATTEST_BASS, SHARPEST_BASS = -8, 12
"""Basses are Fb to B#, with one accidental."""


def popular_name(label: str, signature: int | None = None) -> str:
    """Name a chord as lead sheets do.

    Parameters
    ----------
    label : str
        In Harte's syntax.
    signature : int, optional
        How many sharps the key has, flats below 0, by which the root is spelled; by default it is
        spelled as in the label.

    Examples
    --------
    >>> [popular_name(label) for label in ("C:maj", "F#:min7", "E:7/3", "Bb:maj(9)", "N")]
    ['C', 'F#m7', 'E7/G#', 'Bb(9)', 'N.C.']
    >>> popular_name("Ab:min", signature=4), popular_name("Ab:min", signature=-5)
    ('G#m', 'Abm')
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
    fifths = _fifths_of(root)
    if signature is not None:
        fifths = _within(_spelled(chord.root, signature), FLATTEST, SHARPEST)
    below = ""
    if bass:
        below = f"/{_name(_within(fifths + _fifths_above(bass), FLATTEST_BASS, SHARPEST_BASS))}"
    return f"{root if signature is None else _name(fifths)}{known}{below}"


def key_signature(segments: Sequence[tuple[float, float, str]]) -> int:
    """Tell how many sharps a song has, flats below 0: -5 to 6.

    Parameters
    ----------
    segments : sequence of (float, float, str)
        Start (s), end (s) and label of each chord.

    Returns
    -------
    int
        That of the major scale which holds most of what chords sound, by time; of equal ones the
        nearest to none.

    Examples
    --------
    >>> key_signature([(0.0, 2.0, "E:maj"), (2.0, 3.0, "Ab:min"), (3.0, 4.0, "A:maj7")])
    4
    """
    lasting = np.zeros(12)
    for start, end, label in segments:
        chord = parse_chord(label)
        if chord is not None:
            lasting[list(chord.pitch_classes)] += end - start
    scales = {
        sharps: [(7 * fifths) % 12 for fifths in range(sharps - 1, sharps + 6)]
        for sharps in sorted(range(-5, 7), key=abs)
    }
    return max(scales, key=lambda sharps: float(lasting[scales[sharps]].sum()))


def _spelled(pitch_class: int, signature: int) -> int:
    """The name of a pitch class that is nearest to a key, in fifths."""
    lowest = signature - 5
    return lowest + (7 * pitch_class - lowest) % 12


def _fifths_of(root: str) -> int:
    return LETTERS.index(root[0]) - 1 + 7 * (root.count("#") - root.count("b"))


def _fifths_above(degree: str) -> int:
    number = (int(degree.lstrip("#b")) - 1) % 7 + 1
    return FIFTHS_OF_DEGREE[number] + 7 * (degree.count("#") - degree.count("b"))


def _within(fifths: int, flattest: int, sharpest: int) -> int:
    """The name of the same key of a piano that is within two."""
    while fifths > sharpest:
        fifths -= 12
    while fifths < flattest:
        fifths += 12
    return fifths


def _name(fifths: int) -> str:
    signs, letter = divmod(fifths + 1, 7)
    return LETTERS[letter] + ("#" * signs or "b" * -signs)


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
    signature = key_signature(segments)
    names = [popular_name(label, signature) for _, _, label in segments]
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
