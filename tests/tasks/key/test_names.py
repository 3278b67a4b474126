"""Names of keys in every notation."""

import mir_eval
import pytest

from mirzoo.errors import DataError
from mirzoo.tasks.key.names import LABELS, ON_THE_WHEEL, KeyName, parse_key

CAMELOT = {
    "Ab:min": "1A", "B:maj": "1B", "Eb:min": "2A", "F#:maj": "2B", "Bb:min": "3A", "Db:maj": "3B",
    "F:min": "4A", "Ab:maj": "4B", "C:min": "5A", "Eb:maj": "5B", "G:min": "6A", "Bb:maj": "6B",
    "D:min": "7A", "F:maj": "7B", "A:min": "8A", "C:maj": "8B", "E:min": "9A", "G:maj": "9B",
    "B:min": "10A", "D:maj": "10B", "F#:min": "11A", "A:maj": "11B", "C#:min": "12A",
    "E:maj": "12B",
}  # fmt: skip
"""As https://mixedinkey.com/camelot-wheel/ has them."""


def test_the_camelot_wheel():
    assert len({parse_key(key) for key in CAMELOT}) == 24
    for key, place in CAMELOT.items():
        assert parse_key(key).camelot == place
        assert parse_key(place) == parse_key(place.lower()) == parse_key(key)
    assert [LABELS[place] for place in ON_THE_WHEEL[:4]] == ["G#:min", "B:maj", "Eb:min", "F#:maj"]


def test_every_notation_comes_back():
    for number, label in enumerate(LABELS):
        key = parse_key(label)
        assert key.place == number and key.label == label
        for notation in ("label", "words", "camelot"):
            assert parse_key(key.named(notation)) == key
        mir_eval.key.validate_key(key.words)
    with pytest.raises(DataError, match="allowed are label, words, camelot"):
        key.named("open")


@pytest.mark.parametrize(
    ("text", "tonic", "mode"),
    [
        ("A", 9, "maj"), ("Am", 9, "min"), ("bb minor", 10, "min"), ("B minor", 11, "min"),
        ("F#:maj", 6, "maj"), ("Gbmaj", 6, "maj"), ("c Minor", 0, "min"), ("E:aeolian", 4, "min"),
        ("E Ionian", 4, "maj"), ("D:dorian", 2, "dorian"), ("Cb", 11, "maj"),
        ("G:mixolydian", 7, "mixolydian"), ("B locrian", 11, "locrian"),
    ],
)  # fmt: skip
def test_names_are_read(text, tonic, mode):
    assert parse_key(text) == KeyName(tonic, mode)


@pytest.mark.parametrize("text", ["", "H:min", "13A", "0B", "A:foo", "X", "8C", "A minor 7"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(DataError, match="is no key; allowed are labels"):
        parse_key(text)


def test_church_modes_stand_with_the_key_of_the_same_notes():
    notes = {"dorian": "D", "phrygian": "E", "lydian": "F", "mixolydian": "G", "locrian": "B"}
    places = {mode: parse_key(f"{tonic}:{mode}").camelot for mode, tonic in notes.items()}
    assert places == {
        "dorian": "8A", "phrygian": "8A", "lydian": "8B", "mixolydian": "8B", "locrian": "8A",
    }  # fmt: skip
    assert LABELS[parse_key("D:dorian").place] == "D:min"
