"""How melodies are played: contours, bends that sound as labelled, and what is heard."""

import shutil
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.studio.score import midi
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.sound import leads, stems
from mirzoo.studio.sound.leads import Manner

FLUTE = 73
LIVELY = Manner(
    vibrato=1.0,
    vibrato_cents=60,
    vibrato_delay_s=0.05,
    scoop=0.5,
    glide=0.7,
    bend=0.3,
    fall=0.3,
    drift_cents=10.0,
)
MELODY = [
    MidiNote(0.5, 1.0, 72),
    MidiNote(1.0, 1.6, 76),
    MidiNote(2.0, 3.0, 67),
    MidiNote(3.0, 3.9, 69),
]

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(stems.HELD_OUT_SOUNDFONT).exists(),
    reason="fluidsynth, or the soundfont TimGM6mb, is not installed",
)


def perform(manner, notes=MELODY, **options):
    return leads.perform(notes, FLUTE, 4.0, np.random.default_rng(1), manner=manner, **options)


def test_a_straight_lead_is_on_its_notes():
    lead = perform(Manner())
    assert [note.pitch for note in lead.notes] == [72, 76, 67, 69]
    assert np.isnan(lead.pitch[:50]).all()
    np.testing.assert_allclose(lead.pitch[50:100], 72)
    np.testing.assert_allclose(lead.pitch[100:200], 76)
    np.testing.assert_allclose(lead.f0[310:380], 440, rtol=1e-6)


def test_tuning_moves_the_label():
    np.testing.assert_allclose(perform(Manner(), tuning_cents=-40.0).pitch[50:100], 71.6)


def test_each_kind_of_bend_shows():
    vibrato = perform(Manner(vibrato=1.0, vibrato_hz=5.0, vibrato_cents=50, vibrato_delay_s=0.0))
    held = vibrato.pitch[240:300] - 67
    assert 0.25 < held.max() < 0.7 and -0.7 < held.min() < -0.25
    assert 4 <= np.count_nonzero(np.diff(np.sign(held))) <= 7
    scoop = perform(Manner(scoop=1.0, scoop_semitones=2.0)).pitch
    assert abs(scoop[51] - 72) > 0.3 and abs(scoop[95] - 72) < 0.05
    glide = perform(Manner(glide=1.0, glide_s=0.05)).pitch
    assert glide[100] == pytest.approx(72, abs=0.1) and glide[130] == pytest.approx(76, abs=0.05)
    assert glide[200] == pytest.approx(67)
    fall = perform(Manner(fall=1.0)).pitch
    assert fall[299] < 67 - 0.3


def test_what_is_sent_is_what_is_labelled():
    lead = perform(LIVELY, tuning_cents=20.0)
    for number, note in enumerate(lead.notes):
        times, bends = np.array(lead.parts[number % 2].bends).T
        for frame in range(int(np.ceil(note.start_s * 100)), int(note.end_s * 100)):
            sent = bends[np.searchsorted(times, frame / 100, side="right") - 1]
            assert note.pitch + sent == pytest.approx(lead.pitch[frame], abs=0.12)


def test_notes_take_turns_so_that_releases_are_not_bent():
    lead = perform(LIVELY)
    assert [part.program for part in lead.parts] == [FLUTE, FLUTE]
    assert [len(part.notes) for part in lead.parts] == [2, 2]
    times, _ = np.array(lead.parts[0].bends).T
    assert not np.any((times > 2.0 - 0.01 + 1.1 - 0.1 - 0.0) & (times < 1.99))


def test_overlaps_end_and_chords_become_their_top():
    notes = [MidiNote(0, 2, 60), MidiNote(1, 3, 62), MidiNote(1.01, 3, 67), MidiNote(3, 3.02, 50)]
    found = leads.one_at_a_time(notes)
    assert [(note.start_s, note.end_s, note.pitch) for note in found] == [
        (0, 1.01, 60),
        (1.01, 3, 67),
    ]
    assert leads.one_at_a_time([]) == []


@pytest.mark.parametrize("program", [32, 72, 40, 53, 81])
def test_melodies_are_moved_into_an_instruments_range(program):
    low, high = leads.range_of(program)
    found = leads.into_range(MELODY, low, high, np.random.default_rng(0))
    assert all(low <= note.pitch <= high for note in found)
    assert [note.pitch % 12 for note in found] == [note.pitch % 12 for note in MELODY]


def test_every_lead_program_has_a_kind_and_manners_suit_it():
    rng = np.random.default_rng(0)
    drawn = [leads.draw_program(rng) for _ in range(300)]
    for programs, weight in leads.KINDS:
        assert sum(program in programs for program in drawn) > 300 * weight / 2
    manners = [leads.draw_manner(0, rng) for _ in range(20)]
    assert all(replace(manner, late_s=0.0) == leads.STRAIGHT for manner in manners)
    assert any(leads.draw_manner(53, rng).vibrato for _ in range(20))


def test_what_is_heard_is_voiced():
    lead = perform(Manner(), [MidiNote(0.5, 2.0, 69)])
    envelope_db = np.interp(
        np.arange(64000) / SAMPLE_RATE,
        [0, 0.5, 0.501, 1.0, 2.0, 2.001, 2.2, 2.6, 4],
        [-200, -200, 0, 0, -60, -10, -10, -100, -200],
    )
    noise = np.random.default_rng(0).standard_normal(64000)
    f0 = leads.sounding_f0(lead, (noise * 10 ** (envelope_db / 20)).astype(np.float32))
    assert np.all(f0[:49] == 0)
    np.testing.assert_allclose(f0[52:140], 440)
    assert np.isnan(f0[155:165]).all()
    assert np.all(f0[178:195] == 0)
    np.testing.assert_allclose(f0[203:218], 440)
    assert np.all(f0[250:] == 0)


def test_bends_are_written_with_their_range(tmp_path):
    part = Part([MidiNote(0.5, 1, 60)], FLUTE, bends=((0.0, 0.5), (0.5, -12.0), (0.7, 12.0)))
    midi.write([part], tmp_path / "a.mid")
    (_, track) = mido.MidiFile(tmp_path / "a.mid").tracks
    written = [tuple(message.bytes()) for message in track]
    order = [
        written.index(event)
        for event in (
            (0xB0, 101, 0),
            (0xB0, 100, 0),
            (0xB0, 6, midi.BEND_RANGE),
            (0xB0, 101, 127),
            (0xE0, (8192 + 341) & 127, (8192 + 341) >> 7),
            (0xE0, 0, 0),
            (0x90, 60, 96),
            (0xE0, 127, 127),
        )
    ]
    assert order == sorted(order)
    assert midi.read(tmp_path / "a.mid")[0].notes == (MidiNote(0.5, 1, 60, 96),)


def strongest_hz(waveform, start_s, length_s):
    stretch = waveform[int(start_s * SAMPLE_RATE) : int((start_s + length_s) * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch)), 1 << 19))
    return np.argmax(spectrum[: 1 << 17]) * SAMPLE_RATE / (1 << 19)


@needs_fluidsynth
def test_the_synthesiser_sounds_the_label():
    lead = leads.perform(
        [MidiNote(0.2, 1.4, 72), MidiNote(1.5, 3.0, 76)],
        FLUTE,
        3.5,
        np.random.default_rng(0),
        manner=Manner(),
        tuning_cents=37.0,
    )
    stem = stems.Studio(3.5, Path(stems.HELD_OUT_SOUNDFONT), 37.0).play(lead.parts)
    assert stem.shape == (56000,)
    for start_s, pitch in ((0.5, 72.37), (1.9, 76.37)):
        cents = 1200 * np.log2(strongest_hz(stem, start_s, 0.8) / (440 * 2 ** ((pitch - 69) / 12)))
        assert abs(cents) < 10
    f0 = leads.sounding_f0(lead, stem)
    assert np.mean(f0[25:135] > 0) > 0.95
    assert np.all(f0[:19] == 0)
    assert np.all(f0[340:] == 0)


def test_a_lead_has_as_many_frames_as_its_audio_whatever_its_length():
    for seconds in (32.51, 4.1, 19.99):
        lead = leads.perform(MELODY, FLUTE, seconds, np.random.default_rng(0))
        assert len(lead.pitch) == round(seconds * SAMPLE_RATE) // 160
