"""From symbols to sound: MIDI, songs, arrangements, phrases and voices over music."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE, Item, prepare
from mirzoo.errors import DataError
from mirzoo.studio import mir1k, philharmonia
from mirzoo.studio.score import arranging, midi, songs
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import render, samples

SOUNDFONTS = [
    Path(folder, name)
    for folder in render.SOUNDFONT_FOLDERS
    for name in ("TimGM6mb.sf2", "FluidR3_GM.sf2")
    if Path(folder, name).exists()
]
needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not SOUNDFONTS,
    reason="fluidsynth, or a soundfont for it, is not installed",
)


def pitch_at(waveform, start_s, length_s=0.3):
    """The strongest frequency (Hz) in a stretch of a waveform at 16 kHz."""
    start = int(start_s * SAMPLE_RATE)
    stretch = waveform[start : start + int(length_s * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch)), 1 << 16))
    return np.argmax(spectrum) * SAMPLE_RATE / (1 << 16)


# MIDI


def test_what_is_written_as_midi_is_read_again(tmp_path):
    parts = [
        Part(
            (MidiNote(0.0, 0.5, 60, 100), MidiNote(0.5, 1.25, 64, 80), MidiNote(0.5, 3.0, 67, 127)),
            73,
        ),
        Part((MidiNote(0.25, 0.3, 38, 90),), 0, drums=True),
        Part((MidiNote(200.0, 201.0, 30, 64),), 33, name="BASS"),
    ]
    midi.write(parts, tmp_path / "song.mid")
    again = midi.read(tmp_path / "song.mid")
    assert [part.notes for part in again] == [part.notes for part in parts]
    assert [part.program for part in again] == [73, 0, 33]
    assert [part.name for part in again] == ["", "", "BASS"]
    assert [part.drums for part in again] == [False, True, False]


def test_tempo_changes_running_status_and_names_are_read(tmp_path):
    track = bytes.fromhex(
        "00 ff0304 50494e4f"  # the track's name
        "00 ff5103 07a120"  # 0.5 s a quarter
        "00 90 3c 64"  # note 60 on
        "60 3c 00"  # after 96 ticks its end, by running status
        "00 ff5103 0f4240"  # 1 s a quarter
        "30 90 3c 50 60 80 3c 00"  # note 60 again from 48 ticks later, for 96
        "00 ff2f00"
    )
    header = b"MThd" + bytes.fromhex("00000006 0000 0001 0060")
    (tmp_path / "a.mid").write_bytes(header + b"MTrk" + len(track).to_bytes(4, "big") + track)
    (part,) = midi.read(tmp_path / "a.mid")
    assert part.name == "PINO"
    assert part.notes == (MidiNote(0.0, 0.5, 60, 100), MidiNote(1.0, 2.0, 60, 80))


def test_what_is_not_midi_is_refused(tmp_path):
    path = tmp_path / "a.mid"
    midi.write([Part((MidiNote(0, 1, 60),), 0)], path)
    whole = path.read_bytes()
    for data in (b"", b"RIFF" + whole, whole[:-10], whole[:12] + b"\xe7\x28" + whole[14:]):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"a\.mid"):
            midi.read(path)
    with pytest.raises(DataError, match="15 pitched channels"):
        midi.write([Part((), 0)] * 16, path)


# Songs


@pytest.fixture
def pop909(tmp_path):
    """Eight bars in the layout of POP909: C major, then A minor, at 120 beats a minute."""
    melody = [MidiNote(0.5 * k, 0.5 * k + 0.4, 72 + (0, 4, 7, 4)[k % 4]) for k in range(32)]
    piano = [MidiNote(2.0 * k, 2.0 * k + 1.9, pitch) for k in range(8) for pitch in (48, 55)]
    path = tmp_path / "001.mid"
    second_melody = [MidiNote(15, 16, 90)]
    midi.write([Part(melody, 0, name="MELODY"), Part(piano, 0, name="PIANO"),
                Part(second_melody, 0, name="BRIDGE")], path)  # fmt: skip
    (tmp_path / "chord_midi.txt").write_text("0 8 C:maj\n8 12 A:min7/b7\n12 16 N\n")
    (tmp_path / "beat_midi.txt").write_text(
        "".join(f"{0.5 * k} {float(k % 2 == 0)} {float(k % 4 == 0)}\n" for k in range(32))
    )
    return path


def test_a_song_of_pop909(pop909):
    song = songs.read(pop909)
    assert len(song.melody) == 32
    assert len(song.accompaniment) == 16
    assert [(c.start_s, c.end_s, c.root, c.intervals) for c in song.chords] == [
        (0, 8, 0, (0, 4, 7)), (8, 12, 9, (0, 3, 7, 10)),
    ]  # fmt: skip
    np.testing.assert_allclose(song.beats, np.arange(32) / 2)
    np.testing.assert_allclose(song.downbeats, np.arange(8) * 2)


LEAD_SHEET = """<score-partwise><part id="P1">
<measure><attributes><divisions>2</divisions><time><beats>3</beats><beat-type>4</beat-type></time>
</attributes>
<harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root>
<kind>dominant-ninth</kind></harmony>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>2</duration></note>
<note><rest/><duration>2</duration></note>
<note><pitch><step>F</step><alter>1</alter><octave>5</octave></pitch><duration>2</duration>
<tie type="start"/></note></measure>
<measure><harmony><root><root-step>E</root-step></root><kind>minor</kind></harmony>
<note><pitch><step>F</step><alter>1</alter><octave>5</octave></pitch><duration>6</duration>
<tie type="stop"/></note></measure></part></score-partwise>"""


def test_a_lead_sheet(tmp_path):
    path = tmp_path / "sheet.mxl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("sheet.xml", LEAD_SHEET)
    song = songs.read(path)
    assert song.melody == (MidiNote(0, 0.5, 60), MidiNote(1, 3, 78))
    assert [(c.start_s, c.end_s, c.root, c.intervals) for c in song.chords] == [
        (0, 1.5, 10, (0, 4, 7, 10)), (1.5, 3, 4, (0, 3, 7)),
    ]  # fmt: skip
    np.testing.assert_allclose(song.beats, np.arange(6) / 2)
    np.testing.assert_allclose(song.downbeats, [0, 1.5])


def test_an_excerpt_is_cut_sped_up_and_transposed(pop909):
    part = songs.excerpt(songs.read(pop909), 4.0, 4.0, speed=2.0, semitones=3)
    assert part.melody[0] == MidiNote(0, pytest.approx(0.2), 75, 96)
    assert len(part.melody) == 16
    assert [(c.start_s, c.end_s, c.root) for c in part.chords] == [(0, 2, 3), (2, 4, 0)]
    np.testing.assert_allclose(part.beats, np.arange(16) / 4)
    np.testing.assert_allclose(part.downbeats, [0, 1, 2, 3])


# Arrangements


@pytest.mark.parametrize("name", arranging.ENSEMBLES)
def test_every_ensemble_plays_in_tune_and_in_time(pop909, name):
    song = songs.read(pop909)
    ensemble = arranging.ENSEMBLES[name]
    parts = arranging.arrange(song, ensemble, np.random.default_rng(0))
    expected = bool(ensemble.lead) + len(ensemble.chords) + bool(ensemble.bass)
    assert len(parts) == expected + bool(ensemble.drums)
    allowed = {0, 4, 7, 9, 2}
    for part in parts:
        assert part.notes
        assert 0 <= part.program < 128
        for note in part.notes:
            assert note.end_s > note.start_s >= 0
            assert note.start_s < 16.5
            assert 1 <= note.velocity <= 127
            assert 20 < note.pitch < 110
            if not part.drums:
                assert note.pitch % 12 in allowed, (name, part.program, note)
        assert any(note.start_s < 2.1 for note in part.notes)
        assert any(note.start_s > 7 for note in part.notes)


def test_drum_patterns_are_sixteen_steps():
    for pattern in arranging.DRUM_PATTERNS.values():
        assert {len(steps) for steps in pattern.values()} == {16}


# Sound


@needs_fluidsynth
def test_synthesis_gives_the_notes_at_their_times_and_the_level_asked_for():
    notes = (MidiNote(0.0, 0.9, 69), MidiNote(1.0, 1.9, 81))
    waveform = render.synthesise([Part(notes, 79)], SOUNDFONTS[0], reverb=0, rms_db=-20)
    assert waveform.dtype == np.float32
    assert pitch_at(waveform, 0.3) == pytest.approx(440, rel=0.02)
    assert pitch_at(waveform, 1.3) == pytest.approx(880, rel=0.02)
    assert 20 * np.log10(np.sqrt(np.mean(waveform**2))) == pytest.approx(-20, abs=0.1)


@needs_fluidsynth
def test_a_rendered_item_is_the_same_each_time(pop909, monkeypatch):
    monkeypatch.setattr(render, "EXCERPT_S", 4.0)
    monkeypatch.setattr(render, "SOUNDFONT_WEIGHTS", {SOUNDFONTS[0].name: 1})
    first, again, other = (
        render.render_item(Item(name, "pop909", name, str(pop909), "train"))
        for name in ("a", "a", "b")
    )
    np.testing.assert_allclose(first, again, atol=1e-3)
    assert len(first) != len(other) or np.abs(first - other).max() > 0.05
    assert len(first) > 4 * SAMPLE_RATE
    assert 0.5 < np.abs(first).max() <= 1 or np.sqrt(np.mean(first**2)) > 0.1


def test_what_synthesis_lacks_is_named(monkeypatch):
    monkeypatch.setattr(render, "SOUNDFONT_FOLDERS", ("/nowhere",))
    with pytest.raises(DataError, match="fluid-soundfont-gm"):
        render.choose_soundfont(np.random.default_rng(0))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(DataError, match="fluidsynth is not installed"):
        render.synthesise([], Path("a.sf2"))


# Phrases and voices


@pytest.fixture
def notes_folder(tmp_path):
    """Two instruments that play pure tones, with silence before each."""
    for instrument in ("flute", "guitar"):
        (tmp_path / instrument).mkdir()
        for name, hz in (("A4", 440.0), ("E5", 659.3), ("As5", 932.3)):
            time_s = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
            wave = np.where(time_s < 0.5, 0, 0.5 * np.sin(2 * np.pi * hz * time_s))
            soundfile.write(
                tmp_path / instrument / f"{instrument}_{name}_1_forte_normal.mp3", wave, SAMPLE_RATE
            )
    return tmp_path


@pytest.mark.parametrize("group", ["flute", "guitar", "ensemble"])
def test_a_phrase_holds_the_instruments_notes(notes_folder, group):
    item = Item(f"{group}/1", "philharmonia", group, str(notes_folder), "train")
    phrase = philharmonia.play_phrase(item)
    np.testing.assert_array_equal(phrase, philharmonia.play_phrase(item))
    assert 12 * SAMPLE_RATE <= len(phrase) <= 20 * SAMPLE_RATE
    assert np.abs(phrase).max() <= 1
    loud = [
        np.sqrt(np.mean(phrase[k : k + SAMPLE_RATE] ** 2))
        for k in range(0, len(phrase) - SAMPLE_RATE, SAMPLE_RATE)
    ]
    assert min(loud) > 0.01
    spectrum = np.abs(np.fft.rfft(phrase)) ** 2
    hz = np.arange(len(spectrum)) * SAMPLE_RATE / len(phrase)
    near = np.any([np.abs(hz - note) < 40 for note in (440, 659.3, 932.3)], axis=0)
    assert spectrum[near].sum() > 0.7 * spectrum.sum()


def test_a_note_begins_where_it_sounds_and_fades_at_its_end(notes_folder):
    note = philharmonia._trimmed(next((notes_folder / "flute").iterdir()), SAMPLE_RATE)
    assert len(note) == SAMPLE_RATE
    assert np.abs(note[:200]).max() > 0.3
    assert np.abs(note[-200:]).max() < 0.2


@pytest.mark.parametrize(
    ("name", "pitch"),
    [("cello_A4_025_forte_x.mp3", 69), ("flute_Cs6_1_x.mp3", 85), ("gong__long_x.mp3", 0)],
)
def test_pitches_are_read_from_names(name, pitch):
    assert samples._pitch_in(name) == pitch


def test_instruments_without_notes_are_refused(tmp_path):
    (tmp_path / "flute").mkdir()
    with pytest.raises(DataError, match="no notes"):
        philharmonia.play_phrase(Item("flute/1", "p", "flute", str(tmp_path), "train"))


def make_tone(item):
    return (
        0.3 * np.sin(2 * np.pi * float(item.path) * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE)
    ).astype(np.float32)


def test_a_voice_is_heard_over_its_own_or_other_music_of_its_split(tmp_path):
    for kind, hz in (("vocal", 300), ("accompaniment", 1000)):
        (tmp_path / kind).mkdir()
        tone = make_tone(Item("", "", "", str(hz), ""))[:32000]
        soundfile.write(tmp_path / kind / "amy_1.wav", tone, SAMPLE_RATE)
    backing = prepare(
        [Item("a", "d", "a", "2000", "train"), Item("b", "d", "b", "3000", "valid")],
        tmp_path / "backing",
        make=make_tone,
        min_seconds=1,
        processes=1,
    )
    voice = str(tmp_path / "vocal" / "amy_1.wav")
    for name, split, music_hz in (
        ("own/amy_1", "train", 1000), ("other/amy_1", "train", 2000),
        ("other/amy_1", "valid", 3000),
    ):  # fmt: skip
        mix = mir1k.sing(Item(name, "mir1k", "amy", voice, split), backing=backing.directory)
        assert len(mix) == 32000
        spectrum = np.abs(np.fft.rfft(mix * np.hanning(len(mix))))
        peaks = {hz: spectrum[hz * 2 - 2 : hz * 2 + 3].max() for hz in (300, 1000, 2000, 3000)}
        ratio_db = 20 * np.log10(peaks[300] / peaks[music_hz])
        assert mir1k.VOICE_DB[0] - 0.5 < ratio_db < mir1k.VOICE_DB[1] + 0.5
        assert all(peaks[hz] < 0.01 * peaks[300] for hz in peaks if hz not in (300, music_hz))
    with pytest.raises(DataError, match="split 'test'"):
        mir1k.sing(Item("other/x", "mir1k", "amy", voice, "test"), backing=backing.directory)
