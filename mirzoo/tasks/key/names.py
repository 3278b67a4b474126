"""Names of keys: tonic and mode, as labels, as words, and as DJs number them.

A key's label is ``tonic:mode`` in the manner of Harte's chords: ``"A:min"``, ``"Eb:maj"``,
``"D:dorian"``. What models tell apart are the 24 major and minor keys, `LABELS`, the major and the
minor key of C first, then those of C# and so on, each spelled with the fewest accidentals.

The *Camelot wheel* (M. Davis, https://mixedinkey.com/camelot-wheel/) numbers the circle of fifths
from 1 to 12, with A for minor and B for major keys: a fifth up is one more, relative keys share
their number. ``8B`` is C major and ``8A`` is A minor.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from mirzoo.dsp.chord_vocabulary import PITCH_CLASSES
from mirzoo.errors import DataError

MAJOR, MINOR = "maj", "min"
TONICS = {
    MAJOR: ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    MINOR: ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
"""How tonics are spelled, from C up."""

THIRDS = {
    "ionian": MAJOR,
    "dorian": MINOR,
    "phrygian": MINOR,
    "lydian": MAJOR,
    "mixolydian": MAJOR,
    "aeolian": MINOR,
    "locrian": MINOR,
}
"""The church modes, and whether their third is that of major or of minor."""

WORDS = {MAJOR: "major", MINOR: "minor"}
MODES = {
    "": MAJOR, "m": MINOR, "maj": MAJOR, "major": MAJOR, "min": MINOR, "minor": MINOR,
    "ionian": MAJOR, "aeolian": MINOR, **{mode: mode for mode in list(THIRDS)[1:5]},
    "locrian": "locrian",
}  # fmt: skip
"""Every way to write a mode, and its name in labels."""

FIFTH = 7
FIRST_ON_WHEEL = 7  # C major is 8 on the wheel: seven steps behind 1
NAME = re.compile(
    r"\s*(?P<letter>[A-Ga-g])(?P<accidentals>[#b]{0,2})\s*:?\s*(?P<mode>[A-Za-z]*)\s*"
)
ON_WHEEL = re.compile(r"\s*(?P<number>1[0-2]|[1-9])(?P<side>[ABab])\s*")

Notation = Literal["label", "words", "camelot"]


class KeyName(NamedTuple):
    """A key.

    Parameters
    ----------
    tonic : int
        Its pitch class, 0 for C.
    mode : str
        ``"maj"``, ``"min"``, or a church mode that is neither: ``"dorian"``.
    """

    tonic: int
    mode: str

    @property
    def third(self) -> str:
        """``"maj"`` or ``"min"``: what the third above the tonic is."""
        return THIRDS.get(self.mode, self.mode)

    @property
    def label(self) -> str:
        """As labels have it: ``"A:min"``."""
        return f"{TONICS[self.third][self.tonic]}:{self.mode}"

    @property
    def words(self) -> str:
        """As people and ``.key`` files have it: ``"A minor"``."""
        return f"{TONICS[self.third][self.tonic]} {WORDS.get(self.mode, self.mode)}"

    @property
    def camelot(self) -> str:
        """Its place on the Camelot wheel: ``"8A"``.

        Church modes stand where the major or minor key of the same notes stands.
        """
        away = {"dorian": 2, "phrygian": 4, "lydian": 5, "mixolydian": 7, "locrian": 11, MINOR: 9}
        relative_major = (self.tonic - away.get(self.mode, 0)) % 12
        number = (relative_major * FIFTH + FIRST_ON_WHEEL) % 12 + 1
        return f"{number}{'B' if self.third == MAJOR else 'A'}"

    @property
    def place(self) -> int:
        """Its place in `LABELS`; a church mode counts by its third."""
        return 2 * self.tonic + int(self.third == MINOR)

    def transposed(self, semitones: int) -> KeyName:
        """The same mode on another tonic."""
        return KeyName((self.tonic + semitones) % 12, self.mode)

    def named(self, notation: Notation = "label") -> str:
        """Give the name in a notation.

        Raises
        ------
        DataError
            If there is no such notation.
        """
        names = {"label": self.label, "words": self.words, "camelot": self.camelot}
        if notation not in names:
            raise DataError(f"no notation {notation!r} of keys; allowed are {', '.join(names)}")
        return names[notation]


def parse_key(text: str) -> KeyName:
    """Read a key's name, in whatever notation.

    Parameters
    ----------
    text : str
        A label (``"Eb:min"``), words (``"E flat"`` is not understood, ``"Eb minor"`` and
        ``"Ebm"`` are), or a place on the Camelot wheel (``"2A"``). A tonic alone is major.

    Returns
    -------
    KeyName

    Raises
    ------
    DataError
        If it is none of these.

    Examples
    --------
    >>> parse_key("F# minor").label, parse_key("Gbm").words, parse_key("11a").camelot
    ('F#:min', 'F# minor', '11A')
    >>> parse_key("D:dorian")
    KeyName(tonic=2, mode='dorian')
    """
    if match := ON_WHEEL.fullmatch(text):
        of_major = (int(match["number"]) - 1 - FIRST_ON_WHEEL) * FIFTH % 12
        is_minor = match["side"] in "Aa"
        return KeyName((of_major + 9 * is_minor) % 12, MINOR if is_minor else MAJOR)
    match = NAME.fullmatch(text)
    mode = None if match is None else MODES.get(match["mode"].lower())
    if match is None or mode is None:
        raise DataError(
            f"{text!r} is no key; allowed are labels such as 'A:min' and 'D:dorian', words such "
            "as 'Eb major' and 'F#m', and places on the Camelot wheel such as '8A'"
        )
    accidentals = match["accidentals"]
    tonic = PITCH_CLASSES[match["letter"].upper()]
    return KeyName((tonic + accidentals.count("#") - accidentals.count("b")) % 12, mode)


LABELS = tuple(KeyName(tonic, mode).label for tonic in range(12) for mode in (MAJOR, MINOR))
"""The 24 keys in the order of models' outputs."""

ON_THE_WHEEL = tuple(parse_key(f"{number}{side}").place for number in range(1, 13) for side in "AB")
"""Places in `LABELS` in the order of the Camelot wheel, so that related keys are neighbours."""
