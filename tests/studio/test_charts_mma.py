"""Charts as MMA plays them, and rendered with their labels."""

import shutil
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.data.sources import COLLECTIONS
from mirzoo.errors import DataError
from mirzoo.studio import charts_keys, charts_mma
from mirzoo.studio.score import charts
from mirzoo.studio.score.charts import Bar
from mirzoo.studio.sound import stems

needs_mma = pytest.mark.skipif(shutil.which("mma") is None, reason="mma is not installed")


needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not any(Path(path).exists() for path in stems.SOUNDFONTS),
    reason="fluidsynth, or a soundfont for it, is not installed",
)


CHART = [Bar(()), Bar(((0, "maj", "1"), (9, "min", "b3"))), Bar(((6, "hdim7", "1"),))]


@needs_mma
def test_mma_plays_the_chart_in_every_kind_of_library():
    names = dict(charts_mma.grooves())
    assert len(names) > 1500
    assert set(names.values()) <= {3, 4, 5, 6}
    for groove in ("stdlib/50srock:50sRock", "casio/16beat3:16Beat3"):
        parts = charts_mma.accompany(CHART, groove, 4, 120, seed=1)
        assert charts.chord_tones(parts, charts.chords_of(CHART, 4, 120)) > 0.8
        pitched = [note for part in parts if not part.drums for note in part.notes]
        assert min(note.start_s for note in pitched) > 1.9
        assert max(note.start_s for note in pitched) < 6.1


@needs_mma
def test_a_tempo_that_is_no_whole_number_is_the_one_played():
    chart = [Bar(((0, "maj", "1"),))] * 64
    slow, exact = (
        charts_mma.accompany(chart, "stdlib/metronome:Metronome4", 4, tempo, seed=1)
        for tempo in (98.0, 98.9)
    )
    starts, expected = (
        np.array([note.start_s for part in parts for note in part.notes]) for parts in (exact, slow)
    )
    assert expected[-1] > 100
    np.testing.assert_allclose(starts, expected * 98.0 / 98.9, atol=1e-6)


@needs_mma
def test_every_quality_is_understood_by_mma():
    chart = [
        Bar(((root % 12, quality, "1"),)) for root, quality in enumerate(charts_mma.MMA_CHORDS)
    ]
    parts = charts_mma.accompany(chart, "stdlib/ballad:Ballad", 4, 120, seed=1)
    assert charts.chord_tones(parts, charts.chords_of(chart, 4, 120)) > 0.8


@needs_mma
def test_an_unknown_groove_is_refused():
    with pytest.raises(DataError, match="no/such:Groove"):
        charts_mma.accompany(CHART, "no/such:Groove", 4, 120, seed=1)


@pytest.mark.slow
@needs_mma
@needs_fluidsynth
def test_a_rendered_chart_has_all_its_labels():
    waveform, labels = charts_mma.render_chart(
        Item("charts_mma/0001", "charts_mma", "1", "", "train")
    )
    assert waveform.shape == (int(charts_mma.CHART_S * SAMPLE_RATE),)
    assert labels.f0.shape == (int(charts_mma.CHART_S * 100),)
    assert labels.chords[0].start_s == 0 and labels.chords[-1].end_s == charts_mma.CHART_S
    assert len(labels.beats) > len(labels.downbeats) > 5
    for span in labels.chords:
        mir_eval.chord.encode(span.label)


@pytest.mark.slow
@needs_mma
@needs_fluidsynth
def test_a_rendered_chart_in_keys_has_them_as_labels():
    waveform, labels = charts_keys.render_keyed_chart(
        Item("charts_keys/0003", "charts_keys", "3", "", "train")
    )
    assert waveform.shape == (int(charts_mma.CHART_S * SAMPLE_RATE),)
    assert labels.keys[0].start_s == 0 and labels.keys[-1].end_s == charts_mma.CHART_S
    assert labels.key in {span.key for span in labels.keys}
    assert labels.chords and len(labels.beats) > len(labels.downbeats) > 5
    assert "charts_keys" in COLLECTIONS
