"""Charts whose metres and tempi are made: where beats lie, and that the notes go with them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.studio import charts_beats
from mirzoo.studio.charts_beats import METRES, TEMPI, Course
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import stems

needs_studio = pytest.mark.skipif(
    shutil.which("mma") is None
    or shutil.which("fluidsynth") is None
    or not any(Path(path).exists() for path in stems.SOUNDFONTS),
    reason="mma, fluidsynth or a soundfont is not installed",
)


def clicks(counted, bars, tempo=120.0):
    """A part with a note on every beat of the groove, its pitch the place in the groove's bar."""
    return Part(
        [
            MidiNote(beat * 60 / tempo, (beat + 0.5) * 60 / tempo, 60 + beat % counted)
            for beat in range(counted * bars)
        ],
        0,
    )


@pytest.mark.parametrize("name", METRES)
@pytest.mark.parametrize("kind", TEMPI)
def test_every_beat_that_remains_sounds_where_it_is_labelled(name, kind):
    metre, rng = METRES[name], np.random.default_rng(3)
    speeds = charts_beats._speeds(kind, 150, sum(metre.kept), rng)
    assert speeds.min() >= 0.5 and len(speeds) == 150
    times = np.concatenate([[0.0], np.cumsum(0.5 / speeds)]) - 1.1
    course = Course(metre, 120.0, kind, times)
    (part,) = course.moved([clicks(metre.counted, 60)])
    starts = np.array([note.start_s for note in part.notes])
    beats, downbeats = course.beats()
    assert len(beats) > 20
    assert np.abs(beats[:, None] - starts).min(axis=1).max() < 0.011
    on_first = starts[[note.pitch == 60 for note in part.notes]]
    assert np.abs(downbeats[:, None] - on_first).min(axis=1).max() < 0.011
    assert set(np.diff(np.searchsorted(beats, downbeats))) == {sum(metre.kept) // metre.pulse}


def test_bars_of_seven_are_four_and_three():
    course = Course(METRES["7/4"], 120.0, "steady", np.arange(100) * 0.5)
    (part,) = course.moved([clicks(4, 8)])
    assert [note.pitch - 60 for note in part.notes][:14] == [0, 1, 2, 3, 0, 1, 2] * 2
    assert [note.start_s for note in part.notes][:14] == [n * 0.5 for n in range(14)]


def test_the_shares_of_metres_and_tempi_are_whole():
    assert sum(metre.share for metre in METRES.values()) == pytest.approx(1)
    assert sum(TEMPI.values()) == pytest.approx(1)


@pytest.mark.slow
@needs_studio
def test_a_rendered_chart_has_beats_and_bars():
    waveform, labels = charts_beats.render_chart(
        Item("charts_beats/0003", "charts_beats", "3", "", "train")
    )
    assert waveform.shape == (int(charts_beats.CHART_S * SAMPLE_RATE),)
    assert set(labels.downbeats) <= set(labels.beats)
    assert len(labels.beats) > len(labels.downbeats) > 5
    assert labels.tags[0] in METRES and labels.tags[1] in TEMPI
