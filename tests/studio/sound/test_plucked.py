"""Strings are struck in order, stopped by their next note and played at their pitch."""

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError
from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.sound import plucked


def test_strums_go_down_and_up():
    rng = np.random.default_rng(0)
    pitches = (40, 47, 52, 56, 59, 64)
    down = plucked.strum(pitches, 1.0, 2.0, True, rng, gap_s=0.02)
    assert [pluck.note.pitch for pluck in down] == list(pitches)
    assert 0.05 < down[-1].note.start_s - down[0].note.start_s < 0.16
    up = plucked.strum(pitches, 1.0, 2.0, False, rng)
    assert [pluck.string for pluck in up] == list(range(5, 5 - len(up), -1))


@pytest.fixture
def recorded(tmp_path):
    """A guitar of recorded notes: decaying tones, two octaves apart by minor thirds."""
    folder = tmp_path / "guitar"
    folder.mkdir()
    time_s = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    for name, pitch in (
        ("A2", 45),
        ("C3", 48),
        ("Ds3", 51),
        ("Fs3", 54),
        ("A3", 57),
        ("C4", 60),
        ("Ds4", 63),
        ("Fs4", 66),
    ):
        wave = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time_s) * np.exp(-time_s)
        soundfile.write(
            folder / f"guitar_{name}_very-long_forte_normal.mp3",
            np.pad(0.5 * wave, (4000, 0)),
            SAMPLE_RATE,
        )
    return folder


@pytest.mark.parametrize("tuning_cents", [0.0, 40.0])
def test_recorded_notes_are_moved_to_their_pitch_and_time(recorded, tuning_cents):
    pluck = plucked.Pluck(MidiNote(1.0, 2.5, 50, 100), 0)
    stem = plucked.play_sampled(
        [pluck], recorded, 4.0, np.random.default_rng(0), tuning_cents=tuning_cents
    )
    assert stem.shape == (64000,)
    sounding = np.flatnonzero(np.abs(stem) > 0.05)
    assert sounding[0] / SAMPLE_RATE == pytest.approx(1.0, abs=0.02)
    assert 2.3 < sounding[-1] / SAMPLE_RATE < 2.62
    stretch = stem[18000:38000] * np.hanning(20000)
    hz = np.argmax(np.abs(np.fft.rfft(stretch, 1 << 19))) * SAMPLE_RATE / (1 << 19)
    assert abs(1200 * np.log2(hz / (440 * 2 ** ((50 - 69) / 12))) - tuning_cents) < 12


def test_a_string_is_stopped_by_its_next_note(recorded):
    plucks = [
        plucked.Pluck(MidiNote(0.0, 3.0, 45, 100), 0),
        plucked.Pluck(MidiNote(1.0, 3.0, 57, 100), 0),
    ]
    stem = plucked.play_sampled(plucks, recorded, 3.0, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(stem[24000:40000] * np.hanning(16000)))
    assert spectrum[218:222].max() > 50 * spectrum[105:115].max()


def test_notes_too_far_from_any_recorded_one_are_refused(recorded):
    pluck = plucked.Pluck(MidiNote(0.0, 1.0, 80, 100), 0)
    with pytest.raises(DataError, match="no note near MIDI pitch 80"):
        plucked.play_sampled([pluck], recorded, 2.0, np.random.default_rng(0))
