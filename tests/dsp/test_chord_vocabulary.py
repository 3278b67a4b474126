"""Chord labels: what they mean, how they reduce, and what models learn of them."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirzoo.dsp.chord_vocabulary import (
    QUALITIES,
    ROOT_NAMES,
    UNKNOWN,
    VOCABULARIES,
    degree_name,
    degree_semitones,
    intervals_of,
    parse_chord,
    targets,
    transpose_label,
    vocabulary,
    with_bass,
)
from mirzoo.errors import DataError, RecipeError

LARGE, MAJMIN = VOCABULARIES["large"], VOCABULARIES["majmin"]

LABELS = [
    "C", "A:min", "F#:maj7", "Bb:7", "G:sus4", "D:sus2", "E:dim7", "B:hdim7", "Ab:minmaj7",
    "C#:aug", "Cb:maj", "E#:min6", "Fbb:maj6", "C:9", "C:maj9", "C:min9", "C:13", "C:min11",
    "C:maj/3", "A:min7/b3", "G:7/b7", "C:maj/2", "D:(1,4,b7)", "C:maj(9)", "C:9(*3)/5",
    "C:min(*b3)", "C:5", "C:1", "C/5", "Db:maj6(9)", "F:maj(#11)", "C:min7(*5,11)",
]  # fmt: skip


@pytest.mark.parametrize("label", LABELS)
def test_labels_mean_what_mir_eval_takes_them_for(label):
    root, bitmap, bass = mir_eval.chord.encode(label, reduce_extended_chords=False)
    _, folded, _ = mir_eval.chord.encode(label, reduce_extended_chords=True)
    chord = parse_chord(label)
    assert chord.root == root
    assert chord.bass == (root + bass) % 12
    extended = set(np.flatnonzero(bitmap)) | set(np.flatnonzero(folded))
    assert extended <= set(chord.intervals)
    has_extension = any(degree in label for degree in ("9", "11", "13"))
    assert has_extension or extended == set(chord.intervals)


@pytest.mark.parametrize("label", sorted({*LARGE.labels, *MAJMIN.labels}))
def test_every_label_of_the_vocabularies_is_that_of_mir_eval(label):
    root, bitmap, bass = mir_eval.chord.encode(label)
    chord = parse_chord(label)
    if label == "N":
        assert root == -1 and chord.root is None and not bitmap.any() and not chord.intervals
        return
    assert (chord.root, chord.bass) == (root, (root + bass) % 12)
    assert chord.intervals == chord.stated == set(np.flatnonzero(bitmap))


@pytest.mark.parametrize("quality", [*QUALITIES, "sus4(b7)", "(1,5)"])
def test_intervals_and_degrees_are_those_of_mir_eval(quality):
    _, bitmap, _ = mir_eval.chord.encode(f"C:{quality}")
    assert intervals_of(quality) == tuple(np.flatnonzero(bitmap))
    for interval in intervals_of(quality):
        degree = degree_name(interval, intervals_of(quality))
        assert degree_semitones(degree) == interval
        assert mir_eval.chord.scale_degree_to_semitone(degree) == interval


@pytest.mark.parametrize(
    ("label", "large", "majmin"),
    [
        ("N", "N", "N"),
        ("C", "C:maj", "C:maj"),
        ("Db:min", "C#:min", "C#:min"),
        ("Cb:7", "B:7", "B:maj"),
        ("G:9", "G:7", "G:maj"),
        ("G:7(#9)", "G:7", "G:maj"),
        ("G:7(13)", "G:7", "G:maj"),
        ("G:13", "G:7", "G:maj"),
        ("A:min9", "A:min7", "A:min"),
        ("A:min11", "A:min7", "A:min"),
        ("F:maj13", "F:maj7", "F:maj"),
        ("C:maj(9)", "C:maj", "C:maj"),
        ("C:maj(b7)", "C:7", "C:maj"),
        ("C:maj6(9)", "C:maj6", "C:maj"),
        ("C:maj/2", "C:maj", "C:maj"),
        ("C:maj/b7", "C:7", "C:maj"),
        ("C:sus4(b7)", "C:sus4", None),
        ("C:9(*3)/5", "C:sus2", None),
        ("C:7(*5)", "C:7", "C:maj"),
        ("C:(1,b3,5,b7)", "C:min7", "C:min"),
        ("B:hdim7", "B:hdim7", None),
        ("B:dim7/b3", "B:dim7", None),
        ("E:aug", "E:aug", None),
        ("C:5", None, None),
        ("C:1", None, None),
        ("X", None, None),
    ],
)
def test_labels_reduce_to_the_class_that_says_most(label, large, majmin):
    for vocabulary_, expected in ((LARGE, large), (MAJMIN, majmin)):
        index = vocabulary_.index(label)
        assert (None if index == UNKNOWN else vocabulary_.labels[index]) == expected


@pytest.mark.parametrize("vocabulary_", [LARGE, MAJMIN], ids=["large", "majmin"])
def test_every_class_is_its_own_label_s(vocabulary_):
    assert [vocabulary_.index(label) for label in vocabulary_.labels] == list(
        range(len(vocabulary_))
    )
    assert not vocabulary_.pitch_classes[0].any()


def test_classes_are_root_major():
    assert len(LARGE) == 169
    assert len(MAJMIN) == 25
    assert LARGE.labels[1:4] == ("C:maj", "C:min", "C:dim")
    assert LARGE.labels[15] == "C#:maj"
    assert tuple(label.split(":")[1] for label in LARGE.labels[1:15]) == tuple(QUALITIES)


@given(st.sampled_from(LABELS), st.integers(-24, 24))
def test_transposing_a_label_transposes_everything(label, semitones):
    moved = transpose_label(label, semitones)
    for vocabulary_ in (LARGE, MAJMIN):
        expected = vocabulary_.transpose(vocabulary_.index(label), semitones)
        assert vocabulary_.index(moved) == expected
    before, after = parse_chord(label), parse_chord(moved)
    assert after.bass == (before.bass + semitones) % 12
    assert after.intervals == before.intervals


def test_what_is_no_chord_stays_where_it_is():
    classes = np.array([-1, 0, 5])
    assert LARGE.transpose(classes, 7)[:2].tolist() == [-1, 0]
    assert [transpose_label(label, 5) for label in "NX"] == ["N", "X"]


def test_targets_tell_what_is_known():
    found = targets(["N", "Eb:maj/3", "C:5", "X"], LARGE)
    assert found.chords.tolist() == [0, LARGE.index("Eb:maj"), -1, -1]
    assert found.roots.tolist() == [0, 4, 1, -1]
    assert found.basses.tolist() == [0, 8, 1, -1]
    assert np.flatnonzero(found.pitches[1]).tolist() == [3, 7, 10]
    assert np.flatnonzero(found.pitches[2]).tolist() == [0, 7]
    assert (found.pitches[0] == 0).all()
    assert (found.pitches[3] == -1).all()


@pytest.mark.parametrize("root", ROOT_NAMES)
@pytest.mark.parametrize("quality", QUALITIES)
def test_inversions_are_harte_s_and_have_the_bass(root, quality):
    label = f"{root}:{quality}"
    chord = parse_chord(label)
    for bass in range(12):
        inverted = with_bass(label, bass)
        if bass in chord.pitch_classes:
            assert parse_chord(inverted).bass == bass
            assert parse_chord(inverted).intervals == chord.intervals
            mir_eval.chord.validate_chord_label(inverted)
        else:
            assert inverted == label


@pytest.mark.parametrize("label", ["", "Am7", "Cmaj7", "H:maj", "C:", "C:maj/x", "C:maj(14)", "n"])
def test_what_is_not_harte_s_syntax_is_refused(label):
    with pytest.raises(DataError, match="Harte|quality"):
        parse_chord(label)


def test_an_unknown_vocabulary_is_named():
    with pytest.raises(RecipeError, match=r"'huge'.*majmin, large"):
        vocabulary("huge")
