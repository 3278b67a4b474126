"""Chord labels: what a label in Harte's syntax means, and the classes that models tell apart.

A label is ``root:quality(degrees)/bass``: ``C``, ``A:min7/b3``, ``G:9(*3)/5``, ``D:(1,4,b7)``;
``N`` means that no chord sounds and ``X`` that it can't be named. A root without a quality is
major; ``*3`` leaves the third out; the bass is a degree above the root and part of the chord.

A `Vocabulary` lists classes, ``N`` first and then every quality of C, every quality of C# and so
on. Any label is reduced to the class that states most of it and nothing that is not
there: ``C:9`` to ``C:7``, ``C:sus4(b7)`` to ``C:sus4``; a fifth that is left out counts as
perfect. Where nothing fits (``X``, the power chord ``C:5``) the class is `UNKNOWN`, -1.

References
----------
C. Harte, M. Sandler, S. Abdallah, E. Gómez, "Symbolic representation of musical chords: a
proposed syntax for text annotations", ISMIR 2005. The 14 qualities of the large vocabulary are
those of B. McFee and J. P. Bello, "Structured training for large-vocabulary chord recognition",
ISMIR 2017.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple, overload

from mirzoo.errors import DataError, RecipeError

if TYPE_CHECKING:
    import numpy as np

NO_CHORD = "N"
UNNAMED = "X"
UNKNOWN = -1
ROOT_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Of the letters that name notes."""

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "min6": (0, 3, 7, 9),
    "maj6": (0, 4, 7, 9),
    "min7": (0, 3, 7, 10),
    "minmaj7": (0, 3, 7, 11),
    "maj7": (0, 4, 7, 11),
    "7": (0, 4, 7, 10),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
}
"""Semitones above the root of each quality of the large vocabulary."""

_EXTENSIONS: dict[str, tuple[str, tuple[int, ...]]] = {
    "9": ("7", (2,)),
    "b9": ("7", (1,)),
    "#9": ("7", (3,)),
    "11": ("7", (2, 5)),
    "#11": ("7", (2, 6)),
    "13": ("7", (2, 5, 9)),
    "b13": ("7", (2, 5, 8)),
    "maj9": ("maj7", (2,)),
    "maj11": ("maj7", (2, 5)),
    "maj13": ("maj7", (2, 5, 9)),
    "min9": ("min7", (2,)),
    "min11": ("min7", (2, 5)),
    "min13": ("min7", (2, 5, 9)),
    "minmaj9": ("minmaj7", (2,)),
    "aug7": ("aug", (10,)),
}
_INCOMPLETE = {"1": (0,), "5": (0, 7)}
_DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 11, 8: 0, 9: 2, 10: 4, 11: 5, 12: 7, 13: 9}
_DEGREE_NAMES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7")
_SYNTAX = re.compile(
    r"(?P<root>[A-G][#b]*)"
    r"(?::(?P<quality>[a-z0-9#]*)(?:\((?P<degrees>[^()]*)\))?)?"
    r"(?:/(?P<bass>[#b]*\d+))?"
)
_DEGREE = re.compile(r"(?P<accidentals>[#b]*)(?P<number>\d+)")
_THIRDS = frozenset({3, 4})
_FIFTHS = frozenset({6, 7, 8})
_PERFECT_FIFTH = 7


@dataclass(frozen=True)
class Chord:
    """What a label means.

    Parameters
    ----------
    root, bass : int or None
        Pitch classes, 0 for C to 11 for B; None where no chord sounds.
    intervals : frozenset of int
        Semitones above the root, 0 to 11, of everything that sounds, the bass included.
    stated : frozenset of int
        Those that the quality stands for, without its extensions; empty where there is none.
    """

    root: int | None
    bass: int | None
    intervals: frozenset[int] = frozenset()
    stated: frozenset[int] = frozenset()

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes that sound, in rising order from C."""
        if self.root is None:
            return ()
        return tuple(sorted((self.root + interval) % 12 for interval in self.intervals))


@lru_cache(maxsize=4096)
def parse_chord(label: str) -> Chord | None:
    """Read a label in Harte's syntax.

    Parameters
    ----------
    label : str
        ``"A:min7/b3"``, ``"N"``, …

    Returns
    -------
    Chord or None
        None for ``X``, of which nothing is known.

    Raises
    ------
    DataError
        If the label is not in that syntax.

    Examples
    --------
    >>> chord = parse_chord("A:min7/b3")
    >>> chord.root, chord.bass, chord.pitch_classes
    (9, 0, (0, 4, 7, 9))
    """
    if label == UNNAMED:
        return None
    if label == NO_CHORD:
        return Chord(None, None)
    match = _SYNTAX.fullmatch(label)
    if match is None:
        raise _not_harte(label)
    root = (PITCH_CLASSES[label[0]] + _accidentals(match["root"][1:])) % 12
    quality, degrees, bass = match["quality"], match["degrees"], match["bass"]
    if not quality and degrees is None:
        quality = "maj" if quality is None else _missing_quality(label)
    stated, added = _shorthand(quality, label)
    intervals = set(stated) | set(added)
    for degree in filter(None, (part.strip() for part in (degrees or "").split(","))):
        interval = _interval(degree.removeprefix("*"), label)
        if degree.startswith("*"):
            intervals.discard(interval)
        else:
            intervals.add(interval)
    if not quality:
        intervals.add(0)
    bass_interval = _interval(bass, label) if bass else 0
    if bass:
        intervals.add(bass_interval)
    return Chord(root, (root + bass_interval) % 12, frozenset(intervals), frozenset(stated))


def transpose_label(label: str, semitones: int) -> str:
    """Transpose a label; its root is spelled anew, as in `ROOT_NAMES`.

    Examples
    --------
    >>> transpose_label("A:min7/b3", 3), transpose_label("N", 3)
    ('C:min7/b3', 'N')
    """
    chord = parse_chord(label)
    if chord is None or chord.root is None:
        return label
    quality = re.sub(r"^[A-G][#b]*", "", label)
    return ROOT_NAMES[(chord.root + semitones) % 12] + quality


def with_bass(label: str, bass: int) -> str:
    """Put a chord tone into the bass of a label that has none.

    Parameters
    ----------
    label : str
        A label without a bass (``"C:maj"``).
    bass : int
        Pitch class.

    Returns
    -------
    str
        The inversion, or the label itself where the bass is its root or no tone of the chord.

    Examples
    --------
    >>> with_bass("C:maj", 4), with_bass("C:maj", 2), with_bass("B:dim7", 8)
    ('C:maj/3', 'C:maj', 'B:dim7/bb7')
    """
    chord = parse_chord(label)
    if chord is None or chord.root is None:
        return label
    interval = (bass - chord.root) % 12
    if interval == 0 or interval not in chord.intervals:
        return label
    return f"{label}/{degree_name(interval, chord.intervals)}"


def intervals_of(quality: str) -> tuple[int, ...]:
    """The semitones above the root of a quality, with its degrees, in rising order.

    Raises
    ------
    DataError
        If it is not in Harte's syntax.

    Examples
    --------
    >>> intervals_of("min7"), intervals_of("sus4(b7)"), intervals_of("(1,5)")
    ((0, 3, 7, 10), (0, 5, 7, 10), (0, 7))
    """
    chord = parse_chord(f"C:{quality}")
    return tuple(sorted(chord.intervals)) if chord else ()


def degree_name(semitones: int, intervals: Collection[int] = ()) -> str:
    """The degree that lies some semitones above the root, as a chord of these intervals spells it.

    Examples
    --------
    >>> degree_name(3), degree_name(9), degree_name(9, {0, 3, 6, 9})
    ('b3', '6', 'bb7')
    """
    semitones %= 12
    if semitones == 9 and {3, 6, 9} <= set(intervals):
        return "bb7"
    return _DEGREE_NAMES[semitones]


def degree_semitones(degree: str) -> int:
    """How far a degree lies above the root, 0 to 11 semitones.

    Raises
    ------
    DataError
        If it is no degree.

    Examples
    --------
    >>> degree_semitones("b7"), degree_semitones("#1"), degree_semitones("9")
    (10, 1, 2)
    """
    return _interval(degree, degree)


@dataclass(frozen=True)
class Vocabulary:
    """The classes that a chord model tells apart: ``N``, then 12 roots times its qualities.

    Parameters
    ----------
    name : str
        As recipes name it.
    qualities : tuple of str
        Keys of `QUALITIES`, in the order of the classes.

    Examples
    --------
    >>> VOCABULARIES["majmin"].labels[:5]
    ('N', 'C:maj', 'C:min', 'C#:maj', 'C#:min')
    >>> large = VOCABULARIES["large"]
    >>> len(large), large.labels[large.index("G:9(*3)/5")], large.index("C:5")
    (169, 'G:sus2', -1)
    """

    name: str
    qualities: tuple[str, ...]

    def __len__(self) -> int:
        return 1 + 12 * len(self.qualities)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every class in order."""
        chords = (f"{root}:{quality}" for root in ROOT_NAMES for quality in self.qualities)
        return (NO_CHORD, *chords)

    @cached_property
    def pitch_classes(self) -> np.ndarray:
        """Which pitch classes sound in each class, bool, shape ``(classes, 12)``; none in N."""
        import numpy as np

        sounding = np.zeros((len(self), 12), bool)
        for row, label in zip(sounding, self.labels, strict=True):
            chord = parse_chord(label)
            row[list(chord.pitch_classes if chord else ())] = True
        return sounding

    def index(self, label: str) -> int:
        """Reduce a label to the number of its class, `UNKNOWN` where none fits.

        Of the qualities all of whose tones sound, the one is taken whose third is that of the
        label's own quality, then the one with the most tones, then the one that shares the most
        with the label's own quality (``C:7(13)`` is ``C:7``, not ``C:maj6``).

        Raises
        ------
        DataError
            If the label is not in Harte's syntax.
        """
        return _class_of(self.qualities, label)

    @overload
    def transpose(self, classes: int, semitones: int) -> int: ...

    @overload
    def transpose(self, classes: np.ndarray, semitones: int) -> np.ndarray: ...

    def transpose(self, classes: np.ndarray | int, semitones: int) -> np.ndarray | int:
        """Transpose class numbers; ``N`` and `UNKNOWN` stay.

        Examples
        --------
        >>> import numpy as np
        >>> VOCABULARIES["majmin"].transpose(np.array([-1, 0, 1, 24]), 1).tolist()
        [-1, 0, 3, 2]
        """
        import numpy as np

        chords = len(self) - 1
        moved = 1 + np.mod(np.asarray(classes) - 1 + semitones * len(self.qualities), chords)
        result = np.where(np.asarray(classes) > 0, moved, classes)
        return int(result) if np.ndim(classes) == 0 else result


VOCABULARIES = {
    "majmin": Vocabulary("majmin", ("maj", "min")),
    "large": Vocabulary("large", tuple(QUALITIES)),
}
"""``majmin`` has 25 classes and ``large`` 169."""


def vocabulary(name: str) -> Vocabulary:
    """Look a vocabulary up.

    Raises
    ------
    RecipeError
        If there is none of that name.
    """
    try:
        return VOCABULARIES[name]
    except KeyError:
        raise RecipeError(
            f"no chord vocabulary is called {name!r}; there are {', '.join(VOCABULARIES)}"
        ) from None


class Targets(NamedTuple):
    """What a model learns from labels; -1 stands everywhere for what is not known.

    ``chords`` int32 ``(labels,)`` are classes of the vocabulary. ``roots`` and ``basses`` int32
    ``(labels,)`` are 0 for no chord and 1 for C to 12 for B. ``pitches`` float32
    ``(labels, 12)`` are 1 where a pitch class sounds, from C.
    """

    chords: np.ndarray
    roots: np.ndarray
    basses: np.ndarray
    pitches: np.ndarray


def targets(labels: Sequence[str], vocabulary: Vocabulary) -> Targets:
    """Turn labels into targets.

    A power chord has no class, but a root, a bass and pitches; ``X`` has nothing.

    Examples
    --------
    >>> found = targets(["N", "C:maj/3", "X"], VOCABULARIES["majmin"])
    >>> found.chords.tolist(), found.roots.tolist(), found.basses.tolist()
    ([0, 1, -1], [0, 1, -1], [0, 5, -1])
    >>> found.pitches[1].astype(int).tolist()
    [1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    """
    import numpy as np

    result = Targets(
        chords=np.array([vocabulary.index(label) for label in labels], np.int32),
        roots=np.full(len(labels), UNKNOWN, np.int32),
        basses=np.full(len(labels), UNKNOWN, np.int32),
        pitches=np.full((len(labels), 12), UNKNOWN, np.float32),
    )
    for row, label in enumerate(labels):
        chord = parse_chord(label)
        if chord is not None:
            result.roots[row] = 0 if chord.root is None else 1 + chord.root
            result.basses[row] = 0 if chord.bass is None else 1 + chord.bass
            result.pitches[row] = 0.0
            result.pitches[row, list(chord.pitch_classes)] = 1.0
    return result


@lru_cache(maxsize=16384)
def _class_of(qualities: tuple[str, ...], label: str) -> int:
    chord = parse_chord(label)
    if chord is None:
        return UNKNOWN
    if chord.root is None:
        return 0
    intervals = chord.intervals
    if intervals & _THIRDS and not intervals & _FIFTHS:
        intervals |= {_PERFECT_FIFTH}
    fitting = [
        number
        for number, quality in enumerate(qualities)
        if intervals.issuperset(QUALITIES[quality])
    ]
    if not fitting:
        return UNKNOWN
    stated_third = chord.stated & _THIRDS

    def rank(number: int) -> tuple:
        tones = frozenset(QUALITIES[qualities[number]])
        return (
            bool(tones & stated_third) or not stated_third,
            len(tones),
            len(tones & chord.stated),
            bool(tones & _THIRDS),
            -number,
        )

    return 1 + chord.root * len(qualities) + max(fitting, key=rank)


def _shorthand(quality: str | None, label: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if not quality:
        return (), ()
    if quality in QUALITIES:
        return QUALITIES[quality], ()
    if quality in _INCOMPLETE:
        return _INCOMPLETE[quality], ()
    if quality in _EXTENSIONS:
        core, added = _EXTENSIONS[quality]
        return QUALITIES[core], added
    raise DataError(
        f"the chord label {label!r} has the quality {quality!r}; allowed are "
        f"{', '.join([*QUALITIES, *_EXTENSIONS, *_INCOMPLETE])}"
    )


def _interval(degree: str, label: str) -> int:
    match = _DEGREE.fullmatch(degree)
    if match is None or int(match["number"]) not in _DEGREES:
        raise _not_harte(label)
    return (_DEGREES[int(match["number"])] + _accidentals(match["accidentals"])) % 12


def _accidentals(signs: str) -> int:
    return signs.count("#") - signs.count("b")


def _missing_quality(label: str) -> str:
    raise _not_harte(label)


def _not_harte(label: str) -> DataError:
    return DataError(
        f"{label!r} is no chord label in Harte's syntax; allowed are N, X and "
        "root:quality(degrees)/bass such as 'A:min7/b3' or 'C#:maj(9)'. "
        "Is it written 'Am7' or 'Cmaj7'?"
    )
