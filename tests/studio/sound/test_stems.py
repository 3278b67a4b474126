"""Stems: which soundfont plays, in which tuning, and how loud drums may be beside the rest."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import effects, stems

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(stems.HELD_OUT_SOUNDFONT).exists(),
    reason="fluidsynth, or the soundfont TimGM6mb, is not installed",
)


def strongest_hz(waveform):
    padded = np.fft.rfft(waveform * np.hanning(len(waveform)), 1 << 19)
    return np.abs(padded).argmax() * SAMPLE_RATE / (1 << 19)


def test_the_held_out_soundfont_is_for_tests_alone(monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda self: True)
    rng = np.random.default_rng(0)
    assert stems.choose_soundfont("test", rng) == Path(stems.HELD_OUT_SOUNDFONT)
    trained = {
        str(stems.choose_soundfont(split, rng)) for split in ("train", "valid") for _ in range(60)
    }
    assert trained == set(stems.SOUNDFONTS)
    monkeypatch.setattr(Path, "exists", lambda self: False)
    with pytest.raises(DataError, match="timgm6mb-soundfont"):
        stems.choose_soundfont("test", rng)


def test_tuning_bends_what_has_pitch_and_no_bends_of_its_own():
    own = ((0.0, 0.4), (0.5, -0.1))
    parts = [
        Part([MidiNote(0, 1, 60)], 0),
        Part([MidiNote(0, 1, 38)], 0, drums=True),
        Part([MidiNote(0, 1, 60)], 0, bends=own),
    ]
    pitched, drums, bent = stems.Studio(1.0, Path("font"), -25.0).tuned(parts)
    assert pitched.bends == ((0.0, -0.25),)
    assert drums.bends == ()
    assert bent.bends == own
    assert stems.Studio(1.0, Path("font")).tuned(parts) == parts


def test_a_stem_is_as_long_as_the_take(monkeypatch):
    for heard in (8000, 24000):
        monkeypatch.setattr(
            stems.fluidsynth, "play", lambda parts, soundfont, heard=heard, **how: np.ones(heard)
        )
        stem = stems.Studio(1.0, Path("font")).play([Part([MidiNote(0, 1, 60)], 0)])
        assert stem.shape == (16000,) and stem.sum() == min(heard, 16000)


@needs_fluidsynth
@pytest.mark.parametrize("play", [stems.Studio.play, stems.Studio.play_band])
def test_a_tuned_stem_sounds_as_far_off_as_asked(play):
    part = Part([MidiNote(0.0, 1.9, 69)], 79)
    plain, tuned = (
        play(stems.Studio(2.0, Path(stems.HELD_OUT_SOUNDFONT), cents), [part]) for cents in (0, 40)
    )
    cents = 1200 * np.log2(strongest_hz(tuned) / strongest_hz(plain))
    assert cents == pytest.approx(40, abs=3)


@needs_fluidsynth
@pytest.mark.parametrize(("volume", "raised"), [(120, True), (15, False)])
def test_drums_leave_the_chords_to_be_heard(volume, raised):
    studio = stems.Studio(4.0, Path(stems.HELD_OUT_SOUNDFONT))
    strings = Part([MidiNote(0.0, 3.9, 57), MidiNote(0.0, 3.9, 60)], 50, volume=60)
    drums = Part(
        [MidiNote(0.25 * k, 0.25 * k + 0.2, 36) for k in range(16)], 0, True, volume=volume
    )
    alone, beaten = (studio.play([part]) for part in (strings, drums))
    heard = studio.play_band([strings, drums]) - beaten
    assert np.allclose(heard, alone, atol=1e-5) == (not raised)
    below_db = 20 * np.log10(effects.rms(beaten) / effects.rms(heard))
    assert below_db == pytest.approx(6.0, abs=0.1) if raised else below_db < 6.0
    assert not studio.play_band([]).any()


def test_what_music_is_tuned_to_has_a_name():
    rng = np.random.default_rng(0)
    drawn = np.array([stems.draw_tuning(rng) for _ in range(2000)])
    assert 0.3 < np.mean(drawn == 0) < 0.4 and 40 < np.abs(drawn).max() <= 44
