"""Targets, teachers, the network and the recipe of key models."""

from types import SimpleNamespace

import numpy as np
import pytest

from mirzoo.data.labels import ChordSpan, KeySpan, Labels
from mirzoo.errors import RecipeError
from mirzoo.tasks.chords import Chords
from mirzoo.tasks.key.calibration import calibrate_keys
from mirzoo.tasks.key.config import KeyDecoding
from mirzoo.tasks.key.names import LABELS, parse_key
from mirzoo.tasks.key.targets import KeyTargets, key_of_chords
from mirzoo.tasks.key.teachers import distilled_keys

TIMES = np.arange(5) * 0.2


class Known:
    def __init__(self, *labels):
        self._labels = labels

    def labels(self, index):
        return self._labels[index]


def named(rows):
    return [LABELS[row.argmax()] if row.any() else None for row in rows]


def test_targets_are_one_hot_and_move():
    known = Known(
        Labels(key="A:min"),
        Labels(keys=(KeySpan(0.0, 0.3, "C:maj"), KeySpan(0.5, 1.0, "F#:min"))),
        Labels(),
        Labels(key="D:dorian"),
        Labels(key="A:min", chords=(ChordSpan(0.0, 1.0, "C:maj"),)),
    )
    targets = KeyTargets(known, [TIMES] * 5)
    assert named(targets.read(0, 5, 0)["keys"]) == ["A:min"] * 5
    assert named(targets.read(0, 5, 4)["keys"]) == ["C#:min"] * 5
    assert named(targets.read(5, 10, -1)["keys"]) == ["B:maj", "B:maj", None, "F:min", "F:min"]
    assert not targets.read(10, 25, 0)["keys"].any()
    assert targets.unknown(3)["keys"].shape == (3, 24) and not targets.unknown(3)["keys"].any()


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        ("C:maj A:min F:maj G:7 C:maj", "C:maj"),
        ("A:min D:min E:7 A:min", "A:min"),
        ("A:min F:maj C:maj G:maj A:min", "A:min"),
        ("Bb:min Gb:maj Eb:min F:7 Bb:min", "Bb:min"),
        ("D:maj7 G:maj7 A:7 D:maj7", "D:maj"),
        ("N N", None),
        ("", None),
    ],
)
def test_the_key_that_fits_chords(chords, key):
    spans = tuple(ChordSpan(n, n + 1.0, label) for n, label in enumerate(chords.split()))
    found = key_of_chords(spans)
    assert (found and found.label) == key
    moved = tuple(ChordSpan(span.start_s, span.end_s, _up(span.label, 5)) for span in spans)
    expected = None if key is None else parse_key(key).transposed(5).label
    assert (key_of_chords(moved) and key_of_chords(moved).label) == expected


def _up(label, semitones):
    if label == "N":
        return label
    root, _, quality = label.partition(":")
    tonic = parse_key(root).transposed(semitones).label.partition(":")[0]
    return f"{tonic}:{quality}"


def test_teachers_count_as_far_as_they_agree():
    other_order = list(reversed(LABELS))
    cards = {"one": list(LABELS), "two": other_order}
    given = {
        "one": ["A:min", "C:maj", "F:maj"],
        "two": ["A:min", "G:maj", "F:maj"],
    }

    def predictions(name, ready):
        for key in given[name]:
            row = np.zeros(24, np.float32)
            row[cards[name].index(key)] = 1.0
            yield {"keys": row}

    teachers = SimpleNamespace(
        names=("one", "two"),
        corpus=SimpleNamespace(directory=SimpleNamespace(name="toys")),
        model=lambda name: SimpleNamespace(card=SimpleNamespace(labels=cards[name], task="key")),
        predictions=predictions,
    )
    targets = distilled_keys(teachers, [TIMES[:2]] * 3, 0.5)
    rows = targets.read(0, 6, 2)["keys"]
    assert (rows[::2] == rows[1::2]).all() and np.allclose(rows.sum(axis=1), 0.5)
    assert (named(rows)[0], named(rows)[4], rows[0].max()) == ("B:min", "G:maj", 0.5)
    assert [rows[2, parse_key(key).place] for key in ("D:maj", "A:maj")] == [0.25, 0.25]
    teachers.names = ("one",)
    with pytest.raises(RecipeError, match="2 or more are needed"):
        distilled_keys(teachers, [TIMES], 1.0)


def test_a_teacher_of_chords_counts_by_the_keys_that_they_fit():
    chords = {1.0: "A:min D:min E:7 A:min", 2.0: "C:maj F:maj G:7 C:maj", 3.0: "N N"}

    class ChordModel:
        card = SimpleNamespace(task="chords", labels=["N"])

        def annotate(self, waveform, *, source_rate):
            names = chords[float(waveform[0])].split()
            return Chords([(n, n + 1.0, name) for n, name in enumerate(names)])

    teachers = SimpleNamespace(
        names=("chords", "again"),
        corpus=SimpleNamespace(directory=SimpleNamespace(name="toys")),
        model=lambda name: ChordModel(),
        predictions=lambda key, ready: [ready()(np.full(64000, level)) for level in chords],
    )
    rows = distilled_keys(teachers, [TIMES[:1]] * 3, 1.0).read(0, 3, 0)["keys"]
    assert named(rows) == ["A:min", "C:maj", None]
    assert 0.5 < rows[0].max() < 1.0


def test_the_penalty_is_the_highest_that_costs_nothing():
    """Parts of 20 s that tell their key faintly: a high penalty takes them for one."""
    spans = tuple(KeySpan(20.0 * n, 20.0 * n + 20.0, ("C:maj", "D:maj")[n % 2]) for n in range(6))
    modulates = Labels(keys=spans)
    times = np.arange(600) * 0.2
    truth = KeyTargets(Known(modulates), [times]).read(0, 600, 0)["keys"]

    def penalty(clear):
        validation = [[(modulates, times, {"keys": clear * truth + (1 - clear) / 24})]]
        return calibrate_keys(KeyDecoding(), validation).change_penalty

    # A part between others has 100 frames of log(1 + 24 clear / (1 - clear)) nats each, 31 and 11
    # nats in all, for which it must outweigh two changes.
    assert [penalty(clear) for clear in (0.5, 0.015, 0.005)] == [60.0, 15.0, 5.0]
    assert calibrate_keys(KeyDecoding(change_penalty=7.0), [[]]).change_penalty == 7.0
