"""Chords of guitars and pianos: single, strummed and picked, with true labels."""

import shutil
from collections import Counter
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.data.labels import ChordSpan
from mirzoo.studio import guitar
from mirzoo.studio.score import fretboard
from mirzoo.studio.score.songs import QUALITIES, TimedChord
from mirzoo.studio.sound import plucked, stems

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not any(Path(path).exists() for path in stems.SOUNDFONTS),
    reason="fluidsynth, or a soundfont for it, is not installed",
)


def tones(root, quality):
    return {(root + interval) % 12 for interval in fretboard.INTERVALS[quality]}


def test_isolated_chords_last_as_long_as_they_are_audible():
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
def test_all_of_a_picked_chord_sounds_however_few_its_notes(number):
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
    monkeypatch.setattr(guitar, "ITEM_S", 8.0)
    number = 0
    while guitar.draw_instrument(kind, np.random.default_rng(number)).samples:
        number += 1
    found = guitar.draw_instrument(kind, np.random.default_rng(number))
    monkeypatch.setattr(guitar, "draw_instrument", lambda kind, rng: found)
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
