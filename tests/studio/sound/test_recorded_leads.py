"""Leads of recorded notes: the right note, along the contour, at the f0 that the label says."""

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE, Item
from mirzoo.errors import DataError
from mirzoo.studio.score import songs
from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.sound import leads, recorded_leads, renditions, stems

NAMES = {
    57: "A3",
    60: "C4",
    63: "Ds4",
    66: "Fs4",
    69: "A4",
    70: "As4",
    72: "C5",
    75: "Ds5",
    78: "Fs5",
    81: "A5",
}
NOTES = [MidiNote(0.2, 0.9, 69, 90), MidiNote(0.95, 1.6, 71, 60), MidiNote(2.0, 3.2, 68, 110)]


def tone(hertz: float, seconds: float) -> np.ndarray:
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * sum(np.sin(2 * np.pi * k * hertz * time_s) / k for k in (1, 2, 3))).astype("f")


def pitch_of(waveform: np.ndarray) -> float:
    """Hz of the strongest partial below 1.5 kHz, the lowest of a tone."""
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), 1 << 18))
    return float(
        np.argmax(spectrum[: int(1500 * (1 << 18) / SAMPLE_RATE)]) * SAMPLE_RATE / (1 << 18)
    )


@pytest.fixture(params=[40.0, -90.0], ids=["sharp", "misnamed"])
def player(request, tmp_path, monkeypatch):
    """A flautist who is off by some cents, with notes of a quarter and one and a half seconds."""
    recorded_leads._recording.cache_clear()
    folder = tmp_path / "flute"
    folder.mkdir()
    for pitch, name in NAMES.items():
        for word, seconds in (("025", 0.25), ("15", 1.5)):
            hertz = 440 * 2 ** ((pitch - 69 + request.param / 100) / 12)
            soundfile.write(
                folder / f"flute_{name}_{word}_forte_normal.mp3", tone(hertz, seconds), SAMPLE_RATE
            )
    soundfile.write(folder / "flute_A4_15_forte_trill.mp3", tone(100.0, 1.5), SAMPLE_RATE)
    soundfile.write(folder / "flute_A4_phrase_forte_normal.mp3", tone(100.0, 3.0), SAMPLE_RATE)
    monkeypatch.setattr(
        recorded_leads,
        "track_voice",
        lambda note: np.full(len(note) // F0_HOP, pitch_of(note), np.float32),
    )
    return recorded_leads.draw_player(tmp_path, np.random.default_rng(0))


def test_an_instrument_is_known_by_its_folder(player):
    assert player.name == "flute" and player.program == 73
    assert player.range == (57, 81)


@pytest.mark.parametrize("tuning_cents", [0.0, 30.0])
def test_what_is_heard_is_what_the_label_says(player, tuning_cents):
    lead = leads.perform(
        NOTES,
        player.program,
        4.0,
        np.random.default_rng(3),
        manner=leads.STRAIGHT,
        tuning_cents=tuning_cents,
    )
    stem, lead = recorded_leads.play(lead, player, 4.0, np.random.default_rng(0))
    assert stem.shape == (4 * SAMPLE_RATE,)
    f0 = leads.sounding_f0(lead, stem)
    for note in lead.notes:
        inside = slice(round((note.start_s + 0.1) * 100), round((note.end_s - 0.1) * 100))
        heard = pitch_of(stem[inside.start * F0_HOP : inside.stop * F0_HOP])
        written = 440 * 2 ** ((note.pitch - 69 + tuning_cents / 100) / 12)
        assert abs(1200 * np.log2(heard / written)) < 3
        assert np.abs(1200 * np.log2(f0[inside] / written)).max() < 1
    assert not f0[:15].any() and not f0[175:195].any()


def test_a_swinging_contour_is_followed(player):
    manner = leads.Manner(vibrato=1.0, vibrato_cents=80.0, vibrato_hz=2.0, vibrato_delay_s=0.0)
    lead = leads.perform(NOTES[2:], player.program, 4.0, np.random.default_rng(1), manner=manner)
    stem, lead = recorded_leads.play(lead, player, 4.0, np.random.default_rng(0))
    f0 = leads.sounding_f0(lead, stem)
    swing = 1200 * np.log2(f0[220:300] / f0[220:300].min())
    assert swing.max() > 60
    for frame in range(220, 300, 5):
        heard = pitch_of(stem[(frame - 5) * F0_HOP : (frame + 5) * F0_HOP])
        assert abs(1200 * np.log2(heard / f0[frame])) < 20


def test_a_musicians_own_vibrato_is_in_the_label(player, monkeypatch):
    def wavering(note):
        swing = 0.3 * np.sin(2 * np.pi * 5 * np.arange(len(note) // F0_HOP) / 100)
        return (pitch_of(note) * 2 ** (swing / 12)).astype(np.float32)

    monkeypatch.setattr(recorded_leads, "track_voice", wavering)
    recorded_leads._recording.cache_clear()
    lead = leads.perform(
        NOTES[2:], player.program, 4.0, np.random.default_rng(1), manner=leads.STRAIGHT
    )
    stem, lead = recorded_leads.play(lead, player, 4.0, np.random.default_rng(0))
    f0 = leads.sounding_f0(lead, stem)[210:310]
    assert 40 < 1200 * np.log2(f0.max() / f0.min()) < 70


def test_long_notes_get_recordings_that_last(player):
    lead = leads.perform(
        NOTES[2:], player.program, 4.0, np.random.default_rng(1), manner=leads.STRAIGHT
    )
    stem, _ = recorded_leads.play(lead, player, 4.0, np.random.default_rng(0))
    assert np.abs(stem[round(3.0 * SAMPLE_RATE) : round(3.1 * SAMPLE_RATE)]).max() > 0.1
    assert np.abs(stem[round(3.3 * SAMPLE_RATE) :]).max() == 0


def test_faults_are_named(player, tmp_path):
    lead = leads.perform([MidiNote(0.1, 0.5, 40)], player.program, 1.0, np.random.default_rng(0))
    with pytest.raises(DataError, match="no note near MIDI pitch 40"):
        recorded_leads.play(lead, player, 1.0, np.random.default_rng(0))
    with pytest.raises(DataError, match="none of the instruments guitar, "):
        recorded_leads.draw_player(tmp_path / "flute", np.random.default_rng(0))
    (tmp_path / "oboe").mkdir()
    soundfile.write(tmp_path / "oboe" / "oboe_A4_1_forte_trill.mp3", tone(440, 1), SAMPLE_RATE)
    with pytest.raises(DataError, match="'flute_A4_1_forte_normal.mp3'"):
        assert recorded_leads.Player(tmp_path / "oboe", 68).range


def test_the_last_frame_of_a_note_is_in_its_recording(player):
    notes = [MidiNote(number / 100, number / 100 + 0.1, 69, 90) for number in range(10, 3500, 23)]
    lead = leads.perform(
        notes, player.program, 36.0, np.random.default_rng(5), manner=leads.STRAIGHT
    )
    _, lead = recorded_leads.play(lead, player, 36.0, np.random.default_rng(5))
    assert np.abs(lead.pitch[15:3490] - 69).max() < 0.1


def test_a_song_is_led_by_recorded_notes(player, tmp_path, monkeypatch):
    """The band is silent, so that all that sounds is the recorded lead."""
    melody = tuple(MidiNote(0.5 * k, 0.5 * k + 0.4, 69 + k % 3) for k in range(40))
    beats = np.arange(0, 20.0, 0.5)
    song = songs.Song(melody, (), (), beats, beats[::4])
    monkeypatch.setattr(songs, "read", lambda path: song)
    monkeypatch.setattr(stems, "choose_soundfont", lambda split, rng: tmp_path)
    monkeypatch.setattr(stems.Studio, "play", lambda studio, parts: np.zeros(studio.n_samples))
    item = Item("a song/recorded", "songs_recorded", "a song", "", "train")
    waveform, labels = renditions.render_song(item, samples=tmp_path)
    assert np.abs(waveform).max() > 0.01
    assert labels.instruments[-1] == "flute"
    assert len(labels.f0) == len(waveform) // F0_HOP and (labels.f0 > 0).mean() > 0.5


def test_a_silent_note_is_named(tmp_path):
    (tmp_path / "oboe").mkdir()
    soundfile.write(tmp_path / "oboe" / "oboe_C4_1_forte_normal.mp3", np.zeros(16000), SAMPLE_RATE)
    lead = leads.perform([MidiNote(0.1, 0.5, 61)], 68, 1.0, np.random.default_rng(0))
    with pytest.raises(DataError, match="oboe_C4_1_forte_normal.mp3' is silent"):
        recorded_leads.play(
            lead, recorded_leads.Player(tmp_path / "oboe", 68), 1.0, np.random.default_rng(0)
        )
