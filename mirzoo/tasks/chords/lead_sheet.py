"""Chords as text: bars of a song with the chords on their beats, as musicians write them.

::

    song.mp3
    Key: C major. Tempo: 120.0 BPM. Metre: 4 beats a bar.

     0:01  | C  .  .  .  | Am .  .  .  | F  .  G7 .  | C  .  .  .  |

A name stands where a chord begins and at the beginning of every bar, a dot for a beat on which it
goes on. Four bars a line, with the time of its first; the beats before the first bar line are a bar
that is not complete.

Roots are spelled as the song's key signature has them, which is the one whose scale holds most of
what its chords sound, and where a chord leads to another by what it is there. A diminished chord a
semitone below the next chord's root is on its leading note (G#dim7 to Am, in C major too); one that
leads nowhere is on that of the degree of the scale above it; one that goes down by a semitone is
written with a flat (Ebdim7 to Dm7). A dominant or half-diminished chord is a fifth above the chord
that it leads to (C#7 to F#m). Names have one accidental at most, and E#, B#, Cb and Fb are roots
where they belong to the key or lead to another chord. Basses are the degree that they are of their
chord.

The key is the major or the relative minor one of the signature: whichever has more of its tonic and
dominant, by time, the last chord counting twice; six accidentals are sharps in major and flats in
minor. Tempo and metre are those of the beats: the metre of most of the music, and in how many bars
it is another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from mirzoo._support.words import counted
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
FLATTEST, SHARPEST = -8, 12
"""Names are Fb to B#, with one accidental: what would be beyond is named by the same key of a
piano."""

FLATTEST_ROOT, SHARPEST_ROOT = -6, 10
"""Gb to A#: roots that do not belong to the key and lead to no other chord."""

SIX_SHARPS, SIX_FLATS = 6, -6

LEADING_NOTE, FLAT_SECOND, FIFTH, MINOR_TONIC = 5, -5, 1, 3
"""In fifths, above a tonic."""

DIMINISHED, HALF_DIMINISHED = ("dim", "dim7"), "hdim7"
DOMINANTS = ("7", "9", "11", "13", HALF_DIMINISHED)


def popular_name(label: str, signature: int | None = None, *, root: int | None = None) -> str:
    """Name a chord as lead sheets do.

    Parameters
    ----------
    label : str
        In Harte's syntax.
    signature : int, optional
        How many sharps the key has, flats below 0, by which the root is spelled; by default it is
        spelled as in the label.
    root : int, optional
        How the root is spelled, as `spelled_roots` gives it, in the place of the signature.

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
    written, _, quality = name.partition(":")
    shorthand, bracket, degrees = quality.partition("(")
    known = QUALITIES.get(quality)
    if known is None:
        known = QUALITIES.get(shorthand, shorthand) + bracket + degrees
    fifths = _fifths_of(written)
    if root is not None or signature is not None:
        fifths = _spelled(chord.root, signature or 0) if root is None else root
        written = _name(fifths)
    below = f"/{_name(_within(fifths + _fifths_above(bass)))}" if bass else ""
    return f"{written}{known}{below}"


def spelled_roots(labels: Sequence[str], signature: int) -> list[int | None]:
    """How the root of each chord is spelled: fifths above C, below 0 with flats; None of N and X.

    Parameters
    ----------
    labels : sequence of str
        Of chords that follow each other, in Harte's syntax.
    signature : int
        How many sharps the key has, flats below 0.

    Examples
    --------
    >>> labels = ["A:min", "Ab:dim7", "A:min", "Eb:dim7", "D:min7", "C#:7", "F#:min"]
    >>> [popular_name(label, root=root) for label, root in zip(labels, spelled_roots(labels, 0))]
    ['Am', 'G#dim7', 'Am', 'Ebdim7', 'Dm7', 'C#7', 'F#m']
    """
    found: list[int | None] = []
    following: tuple[int, int] | None = None
    for label in reversed(labels):
        chord = parse_chord(label)
        if label == NO_CHORD or chord is None or chord.root is None:
            found.append(None)
            continue
        quality = label.partition("/")[0].partition(":")[2]
        fifths = _within(_spelled_before(chord.root, quality, following, signature))
        found.append(fifths)
        following = (chord.root, fifths)
    return found[::-1]


def _spelled_before(
    root: int, quality: str, following: tuple[int, int] | None, signature: int
) -> int:
    """The name of a chord's root, given the root of the next chord and its name."""
    plain = _spelled(root, signature)
    is_diatonic = _is_diatonic(plain, signature)
    is_diminished = quality in DIMINISHED
    up, name = (None, 0) if following is None else ((following[0] - root) % 12, following[1])
    if up == 0:
        return name
    if up == 5 and quality in DOMINANTS:
        return name + FIFTH
    if is_diminished or quality == HALF_DIMINISHED:
        if up == 1:
            return name + LEADING_NOTE
        if up == 11 and is_diminished and not is_diatonic:
            return name + FLAT_SECOND
        if not is_diatonic:
            return _spelled((root + 1) % 12, signature) + LEADING_NOTE
    return plain


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


def key_of(segments: Sequence[tuple[float, float, str]], signature: int) -> str | None:
    """Name the key of a song: of the two keys of a signature the one that its chords are for.

    Examples
    --------
    >>> key_of([(0.0, 2.0, "A:min"), (2.0, 3.0, "E:7"), (3.0, 4.0, "A:min")], 0)
    'A minor'
    """
    chords = [
        (parse_chord(label), end - start) for start, end, label in segments if label != NO_CHORD
    ]
    known = [
        (chord.root, chord.intervals, lasts)
        for chord, lasts in chords
        if chord is not None and chord.root is not None
    ]
    if not known:
        return None
    known.append(known[-1])
    tonics = {"major": signature, "minor": signature + MINOR_TONIC}
    weights = dict.fromkeys(tonics, 0.0)
    for root, intervals, lasts in known:
        for mode, tonic in tonics.items():
            above = (root - 7 * tonic) % 12
            third = 4 if mode == "major" or above == 7 else 3
            if above in (0, 7) and third in intervals:
                weights[mode] += lasts
    mode = max(weights, key=lambda name: weights[name])
    return f"{_name(tonics[mode])} {mode}"


def _spelled(pitch_class: int, signature: int) -> int:
    """The name of a root that is nearest to a key, in fifths."""
    lowest = signature - 5
    fifths = lowest + (7 * pitch_class - lowest) % 12
    if _is_diatonic(fifths, signature):
        return fifths
    return _within(fifths, FLATTEST_ROOT, SHARPEST_ROOT)


def _is_diatonic(fifths: int, signature: int) -> bool:
    return signature - 1 <= fifths <= signature + 5


def _fifths_of(root: str) -> int:
    return LETTERS.index(root[0]) - 1 + 7 * (root.count("#") - root.count("b"))


def _fifths_above(degree: str) -> int:
    number = (int(degree.lstrip("#b")) - 1) % 7 + 1
    return FIFTHS_OF_DEGREE[number] + 7 * (degree.count("#") - degree.count("b"))


def _within(fifths: int, flattest: int = FLATTEST, sharpest: int = SHARPEST) -> int:
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
    from mirzoo.tasks.beats.annotation import Beats

    assert beats.positions is not None
    signature = key_signature(segments)
    if signature == SIX_SHARPS and (key_of(segments, signature) or "").endswith("minor"):
        signature = SIX_FLATS
    key, found = key_of(segments, signature), Beats(beats.times, beats.positions)
    edges = sorted({0, *np.flatnonzero(beats.positions == 1).tolist(), len(beats.times)})
    head = {
        "Key": key,
        "Tempo": None if found.tempo is None else f"{found.tempo:.1f} BPM",
        "Metre": None if found.metre is None else _metre(found.metre, found.metres[edges[:-1]]),
    }
    told = [f"{word}: {value}." for word, value in head.items() if value is not None]
    yield f"{title}\n{' '.join(told)}\n"
    labels = [label for _, _, label in segments]
    roots = spelled_roots(labels, signature)
    names = [popular_name(label, root=root) for label, root in zip(labels, roots, strict=True)]
    starts = [start for start, _, _ in segments]
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


def _metre(usual: int, of_bars: np.ndarray) -> str:
    """The metre of most of the music, and in how many bars it is another."""
    others = Counter(int(beats) for beats in of_bars if beats != usual)
    told = [f"{beats} in {count} of {len(of_bars)} bars" for beats, count in sorted(others.items())]
    return ", ".join([f"{counted(usual, 'beat')} a bar", *told])
