"""Songs in new keys, tempi and bands: labels stay true."""

import shutil
from dataclasses import replace
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.dsp.chord_vocabulary import degree_name
from mirzoo.studio.score import midi, songs
from mirzoo.studio.score.charts import chord_tones
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import leads, renditions, stems

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(stems.HELD_OUT_SOUNDFONT).exists(),
    reason="fluidsynth, or the soundfont TimGM6mb, is not installed",
)


@pytest.fixture
def path(tmp_path):
    """Forty bars in the layout of POP909 at 120 beats a minute, with slash chords and a rest."""
    melody = [MidiNote(0.5 * k, 0.5 * k + 0.4, 72 + (0, 4, 7, 4)[k % 4]) for k in range(160)]
    piano = [MidiNote(2.0 * k, 2.0 * k + 1.9, pitch) for k in range(40) for pitch in (48, 55)]
    midi.write([Part(melody, 0, name="MELODY"), Part(piano, 0, name="PIANO")], tmp_path / "001.mid")
    (tmp_path / "chord_midi.txt").write_text(
        "".join(
            f"{4 * k} {4 * k + 4} {('C:maj', 'A:min7/b7', 'N', 'F:maj7/3')[k % 4]}\n"
            for k in range(20)
        )
    )
    (tmp_path / "beat_midi.txt").write_text(
        "".join(f"{0.5 * k} {float(k % 2 == 0)} {float(k % 4 == 0)}\n" for k in range(160))
    )
    (tmp_path / "key_audio.txt").write_text("0.1 80.0 Gb:maj\n")
    return tmp_path / "001.mid"


def test_slash_chords_and_the_key_survive(path):
    song = songs.read(path)
    assert [chord.label for chord in song.chords][:3] == ["C:maj", "A:min7/b7", "F:maj7/3"]
    assert [chord.bass_pitch_class for chord in song.chords][:3] == [0, 7, 9]
    assert song.key == "F#:maj"
    moved = songs.excerpt(song, 0, 20, semitones=-1)
    assert [chord.label for chord in moved.chords][:3] == ["B:maj", "Ab:min7/b7", "E:maj7/3"]
    assert moved.key == "F:maj"
    (path.parent / "key_audio.txt").write_text("0.1 40.0 C:maj\n40.0 80.0 D:maj\n")
    assert songs.read(path).key is None


def test_degrees_are_spelled_as_chords_spell_them():
    assert degree_name(10) == "b7"
    assert degree_name(9) == "6"
    assert degree_name(9, songs.QUALITIES["dim7"]) == "bb7"
    assert degree_name(-5) == "5"


@pytest.mark.parametrize("seed", range(6))
def test_a_stretch_keeps_melody_chords_and_beats_together(path, seed):
    whole = songs.read(path)
    song, seconds = renditions.draw_stretch(whole, 20.0, np.random.default_rng(seed))
    assert 15 < seconds <= 20
    assert (np.diff(song.beats) > 0).all()
    beat_s = np.diff(song.beats)
    assert beat_s.min() > 0.5 / 1.4 * 0.93 and beat_s.max() < 0.5 / 0.72 * 1.07
    on_beat = [note.start_s for note in song.melody]
    np.testing.assert_allclose(on_beat, song.beats[-len(on_beat) :], atol=1e-6)
    changes = [chord.start_s for chord in song.chords if chord.start_s > 0]
    assert all(np.min(np.abs(song.downbeats - change)) < 1e-6 for change in changes)
    transposed = {(note.pitch - 72) % 12 for note in song.melody}
    root = next(chord.root for chord in song.chords if chord.label.endswith(":maj"))
    assert transposed == {root, (root + 4) % 12, (root + 7) % 12}


@pytest.mark.parametrize("seed", range(8))
def test_backings_play_the_chords_they_are_labelled_with(path, seed):
    song = replace(songs.read(path), accompaniment=())
    backing = renditions.accompany(song, 40.0, np.random.default_rng(seed))
    pitched = [part for part in backing.parts if not part.drums]
    assert chord_tones(pitched, song.chords, 0.03) > 0.97
    assert backing.chords[0].start_s == 0 and backing.chords[-1].end_s == 40.0
    assert {"N"} < {span.label for span in backing.chords}
    assert len(backing.instruments) >= 1
    for span in backing.chords:
        mir_eval.chord.encode(span.label)


@pytest.mark.slow
def test_the_bass_is_labelled_only_where_one_plays(path):
    song = replace(songs.read(path), accompaniment=())
    labelled = 0
    for seed in range(30):
        backing = renditions.accompany(song, 40.0, np.random.default_rng(seed))
        for span in backing.chords:
            if span.label == "F:maj7/3":
                pitches = [
                    note.pitch
                    for part in backing.parts
                    if not part.drums
                    for note in part.notes
                    if span.start_s <= note.start_s < span.start_s + 0.05
                ]
                assert min(pitches) % 12 == 9
                labelled += 1
    assert 0 < labelled < 30 * 5


def test_second_voices_are_thirds_within_the_chord(path):
    song = songs.read(path)
    lead = leads.perform(song.melody, 53, 40.0, np.random.default_rng(0), manner=leads.Manner())
    below = renditions._thirds(lead, song, -1)
    assert set(below.values()) <= {-3, -4, -5}
    inside = [note for note in lead.notes if 0.1 < note.start_s < 3.9]
    assert all((note.pitch + below[note]) % 12 in (0, 4, 7) for note in inside)


@pytest.mark.slow
@needs_fluidsynth
@pytest.mark.parametrize("mode", renditions.MODES)
def test_a_rendered_song_has_the_labels_of_its_mode(path, mode, monkeypatch):
    monkeypatch.setattr(renditions, "MODES", {mode: 1.0})
    monkeypatch.setattr(renditions, "SONG_S", 12.0)
    waveform, labels = renditions.render_song(Item("001", "songs", "001", str(path), "test"))
    assert len(labels.f0) == len(waveform) // 160
    assert 10 * SAMPLE_RATE < len(waveform) <= 12 * SAMPLE_RATE
    assert np.sqrt(np.mean(waveform**2)) > 0.005
    assert (labels.chords is None) == (mode == "melody alone")
    assert np.any(labels.f0 > 0) == (mode != "backing alone")
    assert len(labels.beats) > len(labels.downbeats) > 2
    assert labels.instruments


@needs_fluidsynth
def test_an_item_is_rendered_the_same_again(path, monkeypatch):
    monkeypatch.setattr(renditions, "SONG_S", 6.0)
    item = Item("001", "songs", "001", str(path), "test")
    (first, first_labels), (again, again_labels) = (renditions.render_song(item) for _ in "12")
    assert first_labels == again_labels
    np.testing.assert_array_equal(first_labels.f0, again_labels.f0)
    np.testing.assert_allclose(first, again, atol=1e-4)


@pytest.mark.slow
def test_bands_that_play_bare_fifths_keep_the_thirds_of_the_song(path):
    song = songs.read(path)
    labels = set()
    for seed in range(80):
        backing = renditions.accompany(song, 40.0, np.random.default_rng(seed))
        if all(part.program in (29, 30) for part in backing.parts if len(part.notes) > 100):
            labels |= {span.label for span in backing.chords}
    assert {"C:maj", "A:min", "F:maj"} <= labels
    assert not any("(1,5)" in label for label in labels)


@pytest.mark.slow
def test_songs_are_played_by_bands(path, monkeypatch):
    played = []

    def play_band(studio, parts):
        played.append({part.drums for part in parts})
        return np.ones(studio.n_samples, np.float32)

    monkeypatch.setattr(renditions.Studio, "play_band", play_band)
    monkeypatch.setattr(renditions.stems, "choose_soundfont", lambda split, rng: None)
    monkeypatch.setattr(renditions, "MODES", {"backing alone": 1.0})
    for number in range(6):
        renditions.render_song(Item(f"song/{number}", "songs", "song", str(path), "train"))
    assert len(played) == 6 and {False, True} in played
