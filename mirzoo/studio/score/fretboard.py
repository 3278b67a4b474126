"""Chords as hands play them: shapes on guitar necks, inversions on keyboards.

A voicing is a tuple of MIDI pitches, lowest string or finger first. Whatever is in the bass is part
of the label (`label_of`).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from mirzoo.dsp.chord_vocabulary import degree_name, intervals_of
from mirzoo.studio.score.songs import QUALITIES, ROOTS

GUITAR = (40, 45, 50, 55, 59, 64)
MANDOLIN = (55, 62, 69, 76)
BANJO = (50, 55, 59, 62)
UKULELE = (67, 60, 64, 69)
BASS = (28, 33, 38, 43)

POWER = "(1,5)"
INTERVALS = {**QUALITIES, POWER: intervals_of(POWER)}

SHAPES = """
    C:maj x32010  D:maj xx0232  E:maj 022100  G:maj 320003  G:maj 320033  A:maj x02220
    A:min x02210  D:min xx0231  E:min 022000
    A:7 x02020  B:7 x21202  C:7 x32310  D:7 xx0212  E:7 020100  E:7 022130  G:7 320001
    A:min7 x02010  D:min7 xx0211  E:min7 022030  E:min7 020000
    A:maj7 x02120  C:maj7 x32000  D:maj7 xx0222  F:maj7 xx3210  G:maj7 320002  E:maj7 021100
    A:sus2 x02200  D:sus2 xx0230  A:sus4 x02230  D:sus4 xx0233  E:sus4 022200
    D:maj 200232  G:maj x20003  C:maj 332010  C:maj 032010  A:min7 302210
    B:dim x2343x  D:dim xx0131  C:aug x32110  E:aug 032110  D:aug xx0332
    D:dim7 xx0101  A:dim7 x01212  B:hdim7 x2323x  D:hdim7 xx0111  A:hdim7 x0101x
    A:maj6 x02222  E:maj6 022120  G:maj6 320000
    D:min6 xx0201  A:min6 x02212  E:min6 022020
    A:minmaj7 x02110  E:minmaj7 021000  D:minmaj7 xx0221
    A:sus4(b7) x02030  E:sus4(b7) 020200
    E:(1,5) 02xxxx  E:(1,5) 022xxx  A:(1,5) x02xxx  A:(1,5) x022xx  D:(1,5) xx023x
"""
"""Shapes at the end of the neck; a barre or a capo moves any of them up."""

SLIPS_FROM_FRET = 3

AMBIGUOUS = {"maj6", "min6", "sus2", "sus4", "aug", "dim7", "sus4(b7)", POWER}
"""Qualities that are other chords when inverted."""


@lru_cache(maxsize=1)
def open_shapes() -> dict[str, list[tuple[int, tuple[int, ...]]]]:
    """Quality → pairs of root (0 = C) and pitches, of all `SHAPES`."""
    found: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
    entries = SHAPES.split()
    for name, frets in zip(entries[::2], entries[1::2], strict=True):
        root, quality = name.split(":")
        pitches = tuple(
            string + int(fret) for string, fret in zip(GUITAR, frets, strict=True) if fret != "x"
        )
        found.setdefault(quality, []).append((ROOTS.index(root), pitches))
    return found


def implied_triad(quality: str) -> str:
    """The triad that is perceived where a progression plays a chord as a bare fifth.

    The chords around it tell its third, which is not played.

    Examples
    --------
    >>> implied_triad("min7"), implied_triad("sus4")
    ('min', 'maj')
    """
    intervals = INTERVALS[quality]
    return "min" if 3 in intervals and 4 not in intervals else "maj"


def shape(root: int, quality: str, rng: np.random.Generator) -> tuple[int, ...]:
    """An open shape, moved up by a barre or a capo where it has to be; at most to fret 9."""
    placed = [
        tuple(pitch + (root - at) % 12 for pitch in pitches)
        for at, pitches in open_shapes()[quality]
        if (root - at) % 12 <= 9
    ]
    return placed[rng.integers(len(placed))]


@lru_cache(maxsize=4096)
def close_voicings(
    strings: tuple[int, ...], root: int, quality: str
) -> tuple[tuple[int, ...], ...]:
    """All ways to fret a chord on some strings, one tone each, within four frets below the 13th.

    Tones may be doubled where there are more strings than tones; with fewer, the fifth is left out.
    """
    intervals = INTERVALS[quality]
    tones = {(root + interval) % 12 for interval in intervals}
    needed = tones if len(strings) >= len(tones) else tones - {(root + 7) % 12}
    found = []
    for position in range(10):
        choices = [
            [
                string + fret
                for fret in (0, *range(max(1, position), position + 4))
                if (string + fret) % 12 in tones
            ]
            for string in strings
        ]
        for pitches in product(*choices):
            if needed <= {pitch % 12 for pitch in pitches}:
                found.append(pitches)
    return tuple(sorted(set(found)))


def voiced_on(
    tuning: tuple[int, ...], root: int, quality: str, rng: np.random.Generator
) -> tuple[int, ...] | None:
    """A chord on three or four neighbouring strings (jazz voicings, triads); None if there is none.

    `AMBIGUOUS` qualities get their root in the bass.
    """
    count = 4 if len(INTERVALS[quality]) == 4 or rng.random() < 0.3 else 3
    first = int(rng.integers(len(tuning) - count + 1))
    found = close_voicings(tuning[first : first + count], root, quality)
    fitting = [pitches for pitches in found if sounds_as(pitches, root, quality)]
    return fitting[rng.integers(len(fitting))] if fitting else None


def keyed(root: int, quality: str, rng: np.random.Generator) -> tuple[int, ...]:
    """A chord on a keyboard: close or spread, in any inversion, sometimes with the left hand."""
    intervals = INTERVALS[quality]
    inversion = 0 if quality in AMBIGUOUS else int(rng.integers(len(intervals)))
    pitches = [
        root + interval + 12 * (place < inversion) for place, interval in enumerate(intervals)
    ]
    lowest = int(rng.integers(43, 68))
    pitches = sorted(pitches)
    up = 12 * -((pitches[0] - lowest) // 12)
    pitches = [pitch + up for pitch in pitches]
    if rng.random() < 0.25 and len(pitches) > 2:
        pitches[1] += 12
    if rng.random() < 0.4:
        left = root + 12 * -(-(28 - root) // 12) + 12 * int(rng.integers(0, 2))
        pitches += [left] + ([left + 12] if rng.random() < 0.5 else [])
    keys = tuple(sorted(set(pitches)))
    if sounds_as(keys, root, quality):
        return keys
    return tuple(sorted(root + 48 + interval for interval in intervals))


def overstruck(pitches: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """What sounds when a hand strums a guitar's chord and neighbouring open strings.

    One or more of the strings below ring too, where the chord leaves any, and sometimes the
    highest string slips open.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> {overstruck((47, 51, 57, 59, 66), rng) for _ in range(20)} == {
    ...     (40, 47, 51, 57, 59, 66), (40, 47, 51, 57, 59, 64)}
    True
    """
    below = [string for string in GUITAR[: len(GUITAR) - len(pitches)] if string < pitches[0]]
    if below:
        pitches = (*below[int(rng.integers(len(below))) :], *pitches)
    highest = GUITAR[-1]
    if highest < pitches[-1] <= highest + SLIPS_FROM_FRET and rng.random() < 0.3:
        pitches = (*pitches[:-1], highest)
    return pitches


def sounds_as(pitches: tuple[int, ...], root: int, quality: str) -> bool:
    """Whether the bass leaves a chord what it is called (a C6 over A would be an Am7)."""
    interval = (min(pitches) - root) % 12
    if quality in AMBIGUOUS:
        return interval == 0
    return not (quality in ("min7", "hdim7") and interval == 3)


def label_of(pitches: tuple[int, ...], root: int, quality: str) -> str:
    """The chord in Harte syntax, with what is in the bass."""
    interval = (min(pitches) - root) % 12
    bass = "" if interval == 0 else "/" + degree_name(interval, INTERVALS[quality])
    return f"{ROOTS[root]}:{quality}{bass}"
