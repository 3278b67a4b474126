"""Charts in keys: their sections, their chords, their labels."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from mirzoo.data.labels import KeySpan
from mirzoo.studio import charts_mma
from mirzoo.studio.score import charts
from mirzoo.studio.score.keyed_charts import (
    CADENCES,
    FEWEST_BARS,
    SCALES,
    KeyedChart,
    draw_keyed_chart,
    longest_key,
)
from mirzoo.tasks.key.names import parse_key
from mirzoo.tasks.key.targets import key_of_chords


def drawn(count, bars=20):
    return [draw_keyed_chart(bars, np.random.default_rng(seed)) for seed in range(count)]


def test_charts_are_in_every_key_and_some_modulate():
    made = drawn(300)
    assert {len(chart.bars) for chart in made} == {20}
    sections = Counter(len(chart.sections) for chart in made)
    assert sections[1] / 300 == pytest.approx(0.6, abs=0.1) and sections[3] > 10
    assert {chart.sections[0][1:] for chart in made} == {
        (tonic, mode) for tonic in range(12) for mode in ("maj", "min")
    }
    for chart in made:
        starts = [first for first, _, _ in chart.sections]
        assert starts[0] == 0 and all(b - a >= FEWEST_BARS for a, b in pairwise([*starts, 20]))
        assert all(a[1:] != b[1:] for a, b in pairwise(chart.sections))
    assert len(draw_keyed_chart(3, np.random.default_rng(0)).bars) == 3


def test_what_is_played_is_what_mma_knows_and_mostly_in_the_scale():
    inside = total = 0
    for chart in drawn(60):
        for number, bar in enumerate(chart.bars):
            assert 1 <= len(bar.chords) <= 2
            for root, quality, _ in bar.chords:
                assert quality in charts_mma.MMA_CHORDS
                inside += root in chart.scale_at(number)
                total += 1
    assert inside / total > 0.93


def test_keys_become_labels_in_time():
    chart = KeyedChart((), ((0, 9, "min"), (6, 0, "maj"), (14, 2, "maj")))
    assert chart.keys(2.0, 30.0) == (
        KeySpan(0.0, 12.0, "A:min"), KeySpan(12.0, 28.0, "C:maj"), KeySpan(28.0, 30.0, "D:maj"),
    )  # fmt: skip
    assert chart.keys(2.0, 28.0)[-1].key == "C:maj"
    assert longest_key(chart.keys(2.0, 30.0)) == "C:maj"
    assert chart.scale_at(5) == {9, 11, 0, 2, 4, 5, 7} == chart.scale_at(6)
    assert 1 in chart.scale_at(99)


def test_progressions_tell_their_key():
    """Each cadence, and charts in one key: the chords alone find the key they are made in."""
    for mode, endings in CADENCES.items():
        assert all(ending.endswith(f"1:{mode}") for ending in endings)
    right = []
    for chart in drawn(120):
        if len(chart.sections) == 1:
            spans = charts.spans(charts.chords_of(chart.bars, 4, 120), 40.0)
            right.append(key_of_chords(spans) == parse_key(chart.keys(2.0, 40.0)[0].key))
    assert np.mean(right) > 0.85


def test_solos_keep_to_the_scale():
    chart = draw_keyed_chart(16, np.random.default_rng(3))
    chords = charts.chords_of(chart.bars, 4, 120)
    solo = charts.improvise(
        chords, 0.5, np.random.default_rng(0), lambda time_s: chart.scale_at(int(time_s / 2))
    )
    outside = 0
    for note in solo:
        bar = int(note.start_s / 2 + 1e-6)
        tones = {
            (c.root + interval) % 12
            for c in chords
            if c.start_s <= note.start_s + 1e-6 < c.end_s
            for interval in c.intervals
        }
        outside += note.pitch % 12 not in chart.scale_at(bar) | tones
    assert len(solo) > 30 and outside == 0
    free = charts.improvise(chords, 0.5, np.random.default_rng(0))
    assert {note.pitch % 12 for note in free} - set().union(*map(chart.scale_at, range(16)))
    assert set(SCALES) == {"maj", "min"}
