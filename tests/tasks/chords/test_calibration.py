"""The settings that a trained model's validation recordings suggest."""

import numpy as np
import pytest

from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.dsp.chord_vocabulary import VOCABULARIES
from mirzoo.tasks.base import Validated
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.chords.calibration import calibrate_chords
from mirzoo.tasks.chords.decoder import confidence_in

MAJMIN = VOCABULARIES["majmin"]
SECONDS, RATE = 400, 10


def recording(rng, *, right, bass_is_known):
    """A chord every 2 s, of which a share is right at a probability of 0.9; basses alike."""
    times = np.arange(SECONDS * RATE) / RATE
    chords = np.full((len(times), 25), 0.1 / 24, np.float32)
    bass = np.full((len(times), 13), 0.3 / 12, np.float32)
    spans = []
    for start in range(0, SECONDS, 2):
        true = 1 + 2 * int(rng.integers(12))
        said = true if rng.random() < right else 1 + (true + 1) % 24
        inside = slice(start * RATE, (start + 2) * RATE)
        chords[inside, said] = 0.9
        root = (true - 1) // 2
        third = (root + 4) % 12
        inverted = rng.random() < 0.5
        strength = 0.75 if inverted or not bass_is_known else 0.45
        bass[inside] = (1 - strength) / 12
        bass[inside, 1 + third] = strength
        spans.append(ChordSpan(start, start + 2.0, MAJMIN.labels[true] + "/3" * inverted))
    return Validated(Labels(chords=tuple(spans)), times, {"chords": chords, "bass": bass})


def calibrated(right=0.7, *, threshold=0.6, bass_is_known=True):
    rng = np.random.default_rng(0)
    items = [recording(rng, right=right, bass_is_known=bass_is_known)]
    return calibrate_chords(ChordDecoding(bass_threshold=threshold), [items], MAJMIN, RATE)


@pytest.mark.parametrize("right", [0.6, 0.8])
def test_a_confidence_is_the_share_of_chords_that_are_right(right):
    assert confidence_in(0.9, calibrated(right)) == pytest.approx(right, abs=0.05)
    assert confidence_in(0.9, ChordDecoding()) == 0.9


def test_the_threshold_of_the_bass_is_where_most_basses_are_right():
    assert calibrated(threshold=0.3, right=1.0).bass_threshold == 0.7
    assert calibrated(threshold=None, right=1.0).bass_threshold is None


def test_too_few_segments_calibrate_nothing():
    times = np.arange(20) / RATE
    chords = np.full((20, 25), 0.04, np.float32)
    chords[:, 1] = 0.9
    one = Validated(Labels(chords=(ChordSpan(0.0, 2.0, "C:maj"),)), times, {"chords": chords})
    assert calibrate_chords(ChordDecoding(), [[one]], MAJMIN, RATE).confidence is None


def with_fifths(*, fifths):
    """An A:maj and an A:5 in turn, the latter with no third at 0.34, the former at 0.1."""
    times = np.arange(SECONDS * RATE) / RATE
    chords = np.full((len(times), 25), 0.1 / 24, np.float32)
    chords[:, MAJMIN.index("A:maj")] = 0.9
    thirds = np.full((len(times), 12, 3), 1 / 3, np.float32)
    spans = []
    for number, start in enumerate(range(0, SECONDS, 4)):
        for label, first, none in (("A:maj", start, 0.1), ("N", start + 2, 0.0)):
            inside = slice(first * RATE, (first + 2) * RATE)
            if label == "N":
                chords[inside] = np.eye(25)[0]
            elif number % 2:
                label, none = "A:min(*b3)", 0.34
            thirds[inside, 9] = 0.9 - none, 0.1, none
            if fifths or "(" not in label:
                spans.append(ChordSpan(first, first + 2.0, label))
    outputs = {"chords": chords, "third": thirds.reshape(len(times), 36)}
    return Validated(Labels(chords=tuple(spans)), times, outputs)


def test_power_chords_are_named_where_bare_fifths_lie():
    found = calibrate_chords(ChordDecoding(), [[with_fifths(fifths=True)]], MAJMIN, RATE)
    assert found.fifth_threshold == 0.3


def test_without_bare_fifths_their_threshold_stays():
    found = calibrate_chords(ChordDecoding(), [[with_fifths(fifths=False)]], MAJMIN, RATE)
    assert found.fifth_threshold == ChordDecoding().fifth_threshold == 0.5


def test_settings_at_their_default_are_not_written():
    """Older versions of mirzoo read what does not need the newer ones."""
    assert not ChordDecoding.later & ChordDecoding().model_dump().keys()
    written = ChordDecoding(power_chords=True, confidence=(0.5, 0.1)).model_dump()
    assert written["power_chords"] and tuple(written["confidence"]) == (0.5, 0.1)
