"""Guitars and pianos: shapes that are the chords they are called, strums, recorded strings."""

import shutil
from collections import Counter
from pathlib import Path

import mir_eval
import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.data.labels import ChordSpan
from mirzoo.errors import DataError
from mirzoo.studio import guitar
from mirzoo.studio.score import fretboard
from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.score.songs import QUALITIES, TimedChord
from mirzoo.studio.sound import plucked, stems

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not any(Path(path).exists() for path in stems.SOUNDFONTS),
    reason="fluidsynth, or a soundfont for it, is not installed",
)


def tones(root, quality):
    return {(root + interval) % 12 for interval in fretboard.INTERVALS[quality]}


@pytest.mark.parametrize("quality", fretboard.open_shapes())
def test_every_shape_is_the_chord_it_is_called(quality):
    for root, pitches in fretboard.open_shapes()[quality]:
        left_out = tones(root, quality) - {pitch % 12 for pitch in pitches}
        assert {pitch % 12 for pitch in pitches} <= tones(root, quality), (root, pitches)
        assert not left_out or (quality == "7" and left_out == {(root + 7) % 12}), (root, pitches)
        assert list(pitches) == sorted(pitches)


def test_there_are_shapes_for_every_quality_and_root():
    rng = np.random.default_rng(0)
    for quality in fretboard.INTERVALS:
        for root in range(12):
            pitches = fretboard.shape(root, quality, rng)
            assert {pitch % 12 for pitch in pitches} <= tones(root, quality)
            assert min(pitches) >= 40 and max(pitches) <= 64 + 13


@pytest.mark.parametrize(
    "tuning", [fretboard.GUITAR, fretboard.MANDOLIN, fretboard.BANJO, fretboard.UKULELE]
)
def test_close_voicings_can_be_fretted(tuning):
    rng = np.random.default_rng(0)
    found = 0
    for quality in ("maj", "min7", "hdim7", "sus4", "dim"):
        for root in range(12):
            pitches = fretboard.voiced_on(tuning, root, quality, rng)
            if pitches is None:
                continue
            found += 1
            assert {pitch % 12 for pitch in pitches} <= tones(root, quality)
            assert len({pitch % 12 for pitch in pitches}) >= min(3, len(tones(root, quality)))
    assert found > 40


@pytest.mark.parametrize("quality", fretboard.INTERVALS)
def test_keyboard_chords_are_what_they_are_called(quality):
    rng = np.random.default_rng(0)
    labels = set()
    for _ in range(60):
        root = int(rng.integers(12))
        pitches = fretboard.keyed(root, quality, rng)
        assert {pitch % 12 for pitch in pitches} == tones(root, quality)
        label = fretboard.label_of(pitches, root, quality)
        root_number, bitmap, bass = mir_eval.chord.encode(label)
        assert root_number == root
        assert (root + bass) % 12 == min(pitches) % 12
        assert {(root + k) % 12 for k in np.flatnonzero(bitmap)} == tones(root, quality)
        labels.add(label.partition("/")[2])
    assert ("" in labels) and (len(labels) > 1) == (quality not in fretboard.AMBIGUOUS)


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


def test_isolated_chords_last_as_long_as_they_are_heard():
    stem = np.zeros(int(guitar.ITEM_S * SAMPLE_RATE), np.float32)
    stem[16000:32000] = 0.5
    stem[80000:88000] = 0.5
    spans = guitar._until_silent([(1.0, 5.0, "C:maj"), (5.0, 9.0, "A:min/b3")], stem)
    assert spans == (
        ChordSpan(0.0, 1.0, "N"),
        ChordSpan(1.0, 2.0, "C:maj"),
        ChordSpan(2.0, 5.0, "N"),
        ChordSpan(5.0, 5.5, "A:min/b3"),
        ChordSpan(5.5, 30.0, "N"),
    )


def test_instruments_of_all_kinds_are_drawn():
    rng = np.random.default_rng(0)
    drawn = [guitar.draw_instrument("strummed", rng) for _ in range(300)]
    kinds = Counter(instrument.samples for instrument in drawn)
    assert set(kinds) == {"", "guitar", "mandolin", "banjo"}
    assert 0.2 < np.mean([instrument.gain for instrument in drawn]) < 0.6
    assert guitar.draw_instrument("piano", rng).tuning == ()


def test_a_loose_hand_also_hits_open_strings_beside_the_chord():
    rng = np.random.default_rng(0)
    b7, e, d = (47, 51, 57, 59, 66), (40, 47, 52, 56, 59, 64), (50, 57, 62, 66)
    struck = {shape: {fretboard.overstruck(shape, rng) for _ in range(60)} for shape in (b7, e, d)}
    assert struck[b7] == {(40, *b7), (40, *b7[:-1], 64)}
    assert struck[e] == {e}
    assert struck[d] == {(45, *d), (40, 45, *d), (45, *d[:-1], 64), (40, 45, *d[:-1], 64)}


def test_only_guitars_are_struck_loosely_and_only_as_often_as_asked():
    nylon = plucked.Instrument("nylon guitar", fretboard.GUITAR, 24)
    banjo = plucked.Instrument("banjo", fretboard.BANJO, 105)
    b7, rng = (47, 51, 57, 59, 66), np.random.default_rng(0)
    assert guitar._struck(b7, banjo, 1.0, rng) == b7
    before = rng.bit_generator.state
    assert guitar._struck(b7, nylon, 0.0, rng) == b7
    assert rng.bit_generator.state == before
    loose = [guitar._struck(b7, nylon, 0.5, rng) != b7 for _ in range(400)]
    assert 0.4 < np.mean(loose) < 0.6


@pytest.mark.parametrize(
    ("kind", "is_loose"), [("isolated", True), ("strummed", True), ("picked", False)]
)
def test_the_label_of_a_chord_struck_loosely_is_of_the_chord_meant(kind, is_loose, monkeypatch):
    nylon = plucked.Instrument("nylon guitar", fretboard.GUITAR, 24)
    struck = []
    monkeypatch.setattr(guitar, "draw_instrument", lambda kind, rng: nylon)
    monkeypatch.setattr(guitar, "voicing", lambda *chord: (47, 51, 57, 59, 66))
    monkeypatch.setattr(guitar, "_draw_chord", lambda *drawn: (11, "7"))
    monkeypatch.setattr(
        guitar.charts,
        "chords_of",
        lambda chart, beats, tempo: [
            TimedChord(start_s, start_s + 2.0, 11, QUALITIES["7"], "7")
            for start_s in range(0, 30, 2)
        ],
    )
    monkeypatch.setattr(
        guitar.Studio, "play", lambda studio, parts: np.zeros(studio.n_samples, np.float32)
    )
    monkeypatch.setattr(guitar, "KINDS", {kind: 1.0})
    monkeypatch.setattr(
        guitar,
        "play",
        lambda plucks, *rest: (
            struck.extend(plucks)
            or np.random.default_rng(0)
            .normal(0, 0.1, int(guitar.ITEM_S * SAMPLE_RATE))
            .astype(np.float32)
        ),
    )
    monkeypatch.setattr(guitar.stems, "choose_soundfont", lambda split, rng: None)
    _, labels = guitar.render_plucked(
        Item("loose/1", "loose", "1", "", "train"), samples=None, looseness=1.0
    )
    assert {span.label for span in labels.chords} <= {"B:7", "N"}
    assert (40 in {pluck.note.pitch for pluck in struck}) == is_loose


@pytest.mark.parametrize("number", range(8))
def test_all_of_a_picked_chord_is_heard_however_few_its_notes(number):
    chord = TimedChord(1.0, 2.0, 4, QUALITIES["min7"], "min7")
    played = guitar._Played(chord, chord.label, (40, 47, 52, 55, 62))
    item = Item(f"picked/{number}", "picked", "1", "", "train")
    plucks = guitar._pattern(played, "picked", 0.5, item, np.random.default_rng(number))
    assert {pluck.note.pitch % 12 for pluck in plucks} == tones(4, "min7")
    first = [pluck for pluck in plucks if pluck.note.start_s < 1.1]
    assert min(pluck.note.pitch for pluck in first) == 40


@pytest.mark.slow
@needs_fluidsynth
@pytest.mark.parametrize("kind", guitar.KINDS)
def test_every_kind_is_rendered_with_labels(kind, monkeypatch, tmp_path):
    monkeypatch.setattr(guitar, "KINDS", {kind: 1.0})
    monkeypatch.setattr(plucked, "ITEM_S", 8.0)
    number = 0
    while guitar.draw_instrument(kind, np.random.default_rng(number)).samples:
        number += 1
    found = guitar.draw_instrument(kind, np.random.default_rng(number))
    monkeypatch.setattr(plucked, "draw_instrument", lambda kind, rng: found)
    waveform, labels = guitar.render_plucked(
        Item("guitar/1", "guitar", "1", "", "train"), samples=tmp_path
    )
    assert waveform.shape == (8 * SAMPLE_RATE,)
    assert labels.chords[0].start_s == 0 and labels.chords[-1].end_s == 8.0
    assert any(span.label != "N" for span in labels.chords)
    for span in labels.chords:
        mir_eval.chord.encode(span.label)


def test_bare_fifths_of_a_progression_carry_the_thirds_that_they_imply():
    instrument = plucked.Instrument("distorted guitar", fretboard.GUITAR, 30, gain=True)
    bare = []
    for seed in range(12):
        chosen = guitar._chosen(instrument, 120, 0.0, True, np.random.default_rng(seed))
        bare += [p for p in chosen if len({pitch % 12 for pitch in p.pitches}) == 2]
    assert {played.label.split(":")[1] for played in bare} == {"maj", "min"}
    for played in bare:
        third = fretboard.implied_triad(played.chord.quality)
        assert played.label == f"{fretboard.ROOTS[played.chord.root]}:{third}"
    assert [fretboard.implied_triad(quality) for quality in ("min7", "min6", "7", "sus2")] == [
        "min",
        "min",
        "maj",
        "maj",
    ]
