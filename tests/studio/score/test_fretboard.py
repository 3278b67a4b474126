"""Chords on guitars and keyboards are the chords that they are labelled with."""

import mir_eval
import numpy as np
import pytest

from mirzoo.studio.score import fretboard


def tones(root, quality):
    return {(root + interval) % 12 for interval in fretboard.INTERVALS[quality]}


@pytest.mark.parametrize("quality", fretboard.open_shapes())
def test_every_shape_is_the_chord_it_is_called(quality):
    for root, pitches in fretboard.open_shapes()[quality]:
        left_out = tones(root, quality) - {pitch % 12 for pitch in pitches}
        assert {pitch % 12 for pitch in pitches} <= tones(root, quality), (root, pitches)
        assert not left_out or (quality == "7" and left_out == {(root + 7) % 12}), (root, pitches)
        assert list(pitches) == sorted(pitches)


def test_there_are_shapes_for_every_quality_and_root():
    rng = np.random.default_rng(0)
    for quality in fretboard.INTERVALS:
        for root in range(12):
            pitches = fretboard.shape(root, quality, rng)
            assert {pitch % 12 for pitch in pitches} <= tones(root, quality)
            assert min(pitches) >= 40 and max(pitches) <= 64 + 13


@pytest.mark.parametrize(
    "tuning", [fretboard.GUITAR, fretboard.MANDOLIN, fretboard.BANJO, fretboard.UKULELE]
)
def test_close_voicings_can_be_fretted(tuning):
    rng = np.random.default_rng(0)
    found = 0
    for quality in ("maj", "min7", "hdim7", "sus4", "dim"):
        for root in range(12):
            pitches = fretboard.voiced_on(tuning, root, quality, rng)
            if pitches is None:
                continue
            found += 1
            assert {pitch % 12 for pitch in pitches} <= tones(root, quality)
            assert len({pitch % 12 for pitch in pitches}) >= min(3, len(tones(root, quality)))
    assert found > 40


@pytest.mark.parametrize("quality", fretboard.INTERVALS)
def test_keyboard_chords_are_what_they_are_called(quality):
    rng = np.random.default_rng(0)
    labels = set()
    for _ in range(60):
        root = int(rng.integers(12))
        pitches = fretboard.keyed(root, quality, rng)
        assert {pitch % 12 for pitch in pitches} == tones(root, quality)
        label = fretboard.label_of(pitches, root, quality)
        root_number, bitmap, bass = mir_eval.chord.encode(label)
        assert root_number == root
        assert (root + bass) % 12 == min(pitches) % 12
        assert {(root + k) % 12 for k in np.flatnonzero(bitmap)} == tones(root, quality)
        labels.add(label.partition("/")[2])
    assert ("" in labels) and (len(labels) > 1) == (quality not in fretboard.AMBIGUOUS)


def test_a_loose_hand_also_hits_open_strings_next_to_the_chord():
    rng = np.random.default_rng(0)
    b7, e, d = (47, 51, 57, 59, 66), (40, 47, 52, 56, 59, 64), (50, 57, 62, 66)
    struck = {shape: {fretboard.overstruck(shape, rng) for _ in range(60)} for shape in (b7, e, d)}
    assert struck[b7] == {(40, *b7), (40, *b7[:-1], 64)}
    assert struck[e] == {e}
    assert struck[d] == {(45, *d), (40, 45, *d), (45, *d[:-1], 64), (40, 45, *d[:-1], 64)}
