"""Chord charts: all qualities, in time, and solos over them."""

from collections import Counter
from itertools import pairwise

import mir_eval
import numpy as np
import pytest

from mirzoo.data.labels import ChordSpan
from mirzoo.studio import charts_mma
from mirzoo.studio.score import charts
from mirzoo.studio.score.charts import Bar
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import QUALITIES, TimedChord

CHART = [Bar(()), Bar(((0, "maj", "1"), (9, "min", "b3"))), Bar(((6, "hdim7", "1"),))]


def test_all_qualities_are_drawn_and_none_is_rare():
    rng = np.random.default_rng(0)
    drawn = Counter(
        quality
        for _ in range(150)
        for bar in charts.draw_chart(24, rng)
        for _, quality, _ in bar.chords
    )
    assert set(drawn) == set(charts_mma.MMA_CHORDS)
    assert min(drawn.values()) > 0.025 * drawn.total()


def test_a_chart_has_the_bars_asked_and_slash_chords_of_chord_tones():
    rng = np.random.default_rng(1)
    basses = Counter()
    for _ in range(40):
        chart = charts.draw_chart(16, rng)
        assert len(chart) == 16
        for bar in chart:
            assert len(bar.chords) <= 2
            for root, quality, bass in bar.chords:
                assert 0 <= root < 12
                basses[bass] += 1
                chord = TimedChord(0, 1, root, QUALITIES[quality], quality, bass)
                assert (chord.bass_pitch_class - root) % 12 in QUALITIES[quality]
                mir_eval.chord.encode(chord.label)
    assert {"1", "3", "b3", "5", "b7"} <= set(basses)
    assert 0.6 < basses["1"] / basses.total() < 0.97


def test_a_chart_becomes_chords_in_time():
    chords = charts.chords_of(CHART, 4, 120)
    assert [(chord.start_s, chord.end_s, chord.label) for chord in chords] == [
        (2, 3, "C:maj"), (3, 4, "A:min/b3"), (4, 6, "F#:hdim7"),
    ]  # fmt: skip
    thirds = charts.chords_of(CHART, 3, 60)
    assert [(chord.start_s, chord.end_s) for chord in thirds] == [(3, 4), (4, 6), (6, 9)]


def test_gaps_are_filled_with_no_chord():
    found = charts.spans(charts.chords_of(CHART, 4, 120), 5.0)
    assert found == (
        ChordSpan(0, 2, "N"),
        ChordSpan(2, 3, "C:maj"),
        ChordSpan(3, 4, "A:min/b3"),
        ChordSpan(4, 5, "F#:hdim7"),
    )
    joined = charts.fill_gaps(
        [
            ChordSpan(0.004, 1, "A:min"),
            ChordSpan(1.002, 2, "A:min"),
            ChordSpan(2.5, 9, "N"),
            ChordSpan(11, 12, "B:7"),
        ],
        10.0,
    )
    assert joined == (ChordSpan(0.0, 2, "A:min"), ChordSpan(2, 10.0, "N"))
    assert charts.fill_gaps([], 3.0) == (ChordSpan(0.0, 3.0, "N"),)


def test_chord_tones_are_weighed_by_length():
    chords = charts.chords_of([Bar(((0, "maj", "1"),))], 4, 60)
    fitting = Part([MidiNote(0, 3, 60), MidiNote(0, 3, 64)], 0)
    passing = Part([MidiNote(0, 2, 61)], 0)
    drums = Part([MidiNote(0, 4, 38)], 0, drums=True)
    assert charts.chord_tones([fitting, drums], chords) == 1
    assert charts.chord_tones([fitting, passing], chords) == pytest.approx(0.75)
    assert charts.chord_tones([drums], chords) == 0


def test_a_solo_stays_in_its_chords_and_alone():
    chords = charts.chords_of([Bar(((2, "min7", "1"),)), Bar(((7, "7", "1"),))] * 8, 4, 100)
    solo = charts.improvise(chords, 0.6, np.random.default_rng(3))
    assert len(solo) > 20
    assert all(52 <= note.pitch <= 88 for note in solo)
    assert charts.chord_tones([Part(solo, 0)], chords, 0.0) > 0.7
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(solo))
