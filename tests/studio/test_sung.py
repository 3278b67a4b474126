"""Voices over other music and on other melodies."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from toy_voice import sung

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.errors import DataError
from mirzoo.studio import guitar_bands
from mirzoo.studio import sung as sung_collections
from mirzoo.studio.score import midi
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import leads, stems, tracking, voices
from mirzoo.studio.sound.leads import Manner

needs_trackers = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pyworld", "swift_f0")),
    reason="pyworld and swift-f0, the extra 'studio', are not installed",
)


needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(stems.HELD_OUT_SOUNDFONT).exists(),
    reason="fluidsynth, or the soundfont TimGM6mb, is not installed",
)


needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(stems.HELD_OUT_SOUNDFONT).exists(),
    reason="fluidsynth, or the soundfont TimGM6mb, is not installed",
)


@needs_trackers
def test_a_singer_follows_another_melody():
    source = voices.analyse(sung(220.0, 3.0, pause=(1.4, 1.6))[0])
    notes = [MidiNote(0.2, 1.0, 60), MidiNote(1.0, 2.0, 62), MidiNote(2.3, 2.9, 57)]
    manner = Manner(vibrato=1.0, vibrato_cents=40, glide=1.0, scoop=1.0)
    lead = leads.perform(notes, 52, 3.0, np.random.default_rng(0), manner=manner)
    voice, f0 = sung_collections._on_contour(source, lead, 3.0)
    assert voice.shape == (48000,) and f0.shape == (300,)
    assert np.all(f0[:19] == 0) and np.all(f0[202:229] == 0)
    assert np.all(np.nan_to_num(f0[145:158]) == 0)
    tracked = tracking.track_voice(voice)
    both = np.flatnonzero((tracked > 0) & (f0 > 0))
    assert len(both) > 150
    assert np.median(np.abs(1200 * np.log2(tracked[both] / f0[both]))) < 12


def test_long_pauses_are_cut_short():
    voiced = np.array([True] * 10 + [False] * 100 + [True] * 5 + [False] * 20 + [True])
    kept = sung_collections._without_pauses(voiced)
    assert kept[:50].all() and not kept[50:110].any() and kept[110:].all()


def test_held_out_mixes_have_equal_energy():
    voice, music = sung(220.0)[0], np.random.default_rng(1).standard_normal(32000) * 0.01
    mixed = sung_collections._equally_loud(voice, music.astype(np.float32))
    share = np.dot(mixed, voice) / np.dot(voice, voice) * np.sqrt(np.mean(voice**2))
    other = np.dot(mixed, music) / np.dot(music, music) * np.sqrt(np.mean(music**2))
    assert 20 * np.log10(share / other) == pytest.approx(0, abs=0.3)


@pytest.fixture
def mir1k(tmp_path):
    for folder, wave in (
        ("vocal", sung(220.0, 4.0)[0]),
        ("accompaniment", 0.1 * sung(97.0, 4.0)[0]),
    ):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "amy_1_01.wav", wave, SAMPLE_RATE)
    return tmp_path / "vocal" / "amy_1_01.wav"


@needs_trackers
@pytest.mark.parametrize("kind", ["own", "level", "without"])
def test_a_voice_over_its_own_music(mir1k, kind):
    item = Item(f"{kind}/amy_1_01", "sung_own", "amy", str(mir1k), "test")
    waveform, labels = sung_collections.sing_over_own(item)
    assert waveform.shape == (64000,) and labels.f0.shape == (400,)
    assert np.any(labels.f0 > 0) == (kind != "without")


@pytest.fixture
def song(tmp_path):
    """A minute of C major in the layout of POP909."""
    melody = [MidiNote(0.5 * k, 0.5 * k + 0.45, 60 + k % 5) for k in range(120)]
    midi.write([Part(melody, 0, name="MELODY")], tmp_path / "001.mid")
    (tmp_path / "chord_midi.txt").write_text("0 60 C:maj\n")
    (tmp_path / "beat_midi.txt").write_text(
        "".join(f"{0.5 * k} {float(k % 2 == 0)} {float(k % 4 == 0)}\n" for k in range(120))
    )
    return tmp_path / "001.mid"


@needs_trackers
@pytest.mark.slow
def test_a_voice_over_a_guitar_band_keeps_its_f0(mir1k, song, monkeypatch):
    asked, levels = [], []

    def accompany(song, studio, rng):
        asked.append((song.chords[0].quality, studio.soundfont, studio.samples))
        time_s = np.arange(int(studio.seconds * SAMPLE_RATE)) / SAMPLE_RATE
        hum = 0.01 * np.sin(2 * np.pi * 60 * time_s)
        return guitar_bands.Accompaniment(hum.astype(np.float32), (), ("drums",), "rock")

    monkeypatch.setattr(guitar_bands, "accompany", accompany)
    monkeypatch.setattr(stems, "choose_soundfont", lambda split, rng: Path(f"{split}.sf2"))
    for number in range(4):
        item = Item(f"band/{number}", "sung_bands", "amy", str(mir1k), "test")
        waveform, labels = sung_collections.sing_over_band(
            item, songs_of={"test": [str(song)], "train": []}, samples=Path("notes")
        )
        assert len(labels.f0) == len(waveform) // 160 and labels.tags == ("rock",)
        voiced = labels.f0 > 0
        assert np.mean(voiced) > 0.5
        f0 = float(np.median(labels.f0[voiced]))
        spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
        hz = np.fft.rfftfreq(len(waveform), 1 / SAMPLE_RATE)
        near = spectrum[np.abs(1200 * np.log2(np.maximum(hz, 1) / f0)) < 150].max()
        between = spectrum[(hz > 1.3 * f0) & (hz < 1.7 * f0)].max()
        hum = spectrum[(hz > 50) & (hz < 70)].max()
        assert near > 3 * between
        levels.append(near / hum)
    assert np.mean(levels) > 0.1
    assert asked == [("maj", Path("test.sf2"), Path("notes"))] * 4


@pytest.mark.slow
@needs_trackers
@needs_fluidsynth
def test_a_voice_over_rendered_music_and_on_its_melody(mir1k, song, tmp_path):
    songs_of = {"test": [str(song)]}
    for number in range(20):
        item = Item(f"other/{number}", "sung_other", "amy", str(mir1k), "test")
        try:
            waveform, labels = sung_collections.sing_over_other(
                item, songs_of=songs_of, music=tmp_path / "none"
            )
        except DataError:
            continue
        assert len(labels.f0) == len(waveform) // 160
        assert np.mean(labels.f0 > 0) > 0.5
        break
    else:
        pytest.fail("no item was sung over rendered music")
    item = Item("amy/001", "sung_synth", "amy", str(song), "test")
    waveform, labels = sung_collections.sing_melody(item, voices=mir1k.parent)
    assert 12 * SAMPLE_RATE <= len(waveform) <= 25 * SAMPLE_RATE
    assert len(labels.f0) == len(waveform) // 160
    assert np.mean(labels.f0 > 0) > 0.4
    assert all(span.label == "N" or span.label.endswith(":maj") for span in labels.chords)
