"""Guitar bands: strokes on the beat in the hand's shapes, amplified, with labels that are heard."""

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.data.labels import ChordSpan
from mirzoo.studio import guitar_bands
from mirzoo.studio.score import charts, fretboard
from mirzoo.studio.score.midi import MidiNote, Part
from mirzoo.studio.score.songs import QUALITIES, Song, TimedChord
from mirzoo.studio.sound import effects, stems

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(stems.HELD_OUT_SOUNDFONT).exists(),
    reason="fluidsynth, or the soundfont TimGM6mb, is not installed",
)
C, A_MINOR = (48, 52, 55), (45, 52, 57, 60, 64)
HAND = {(0, "maj"): C, (9, "min7"): A_MINOR}


@pytest.fixture
def song():
    """Four bars at 120 beats a minute: C and Am7 in turn, a bar each, then a rest of a bar."""
    chords = tuple(
        TimedChord(start, start + 2.0, root, QUALITIES[quality], quality)
        for start, root, quality in ((0.0, 0, "maj"), (2.0, 9, "min7"), (6.0, 0, "maj"))
    )
    melody = tuple(MidiNote(0.5 * k, 0.5 * k + 0.45, 67 + k % 5) for k in range(16))
    beats = np.arange(0, 8.01, 0.5)
    return Song(melody, (), chords, beats, beats[::4], "C:maj")


def strummed(song, pattern, ring=1.0, seed=0):
    return guitar_bands.strummed(song, HAND, pattern, ring, np.random.default_rng(seed))


def test_strokes_fall_where_the_pattern_says_in_the_chord_of_their_time(song):
    plucks = strummed(song, "....D.......D...")
    starts = sorted({round(pluck.note.start_s * 2) / 2 for pluck in plucks})
    assert starts == [0.5, 1.5, 2.5, 3.5, 6.5, 7.5]
    for pluck in plucks:
        in_a_minor = 2.0 <= pluck.note.start_s < 4.0
        assert pluck.note.pitch in (A_MINOR if in_a_minor else C)
        assert pluck.note.end_s <= (4.0 if in_a_minor else 8.0) + 0.06


def test_strokes_up_begin_with_the_highest_string(song):
    down, up = (
        min(
            (pluck for pluck in strummed(song, pattern) if pluck.note.start_s > 1.9),
            key=lambda pluck: pluck.note.start_s,
        ).note.pitch
        for pattern in ("D...............", "U...............")
    )
    assert (down, up) == (A_MINOR[0], A_MINOR[-1])


def test_strokes_ring_until_the_next_or_for_a_part_of_that(song):
    whole, half = (
        np.median(
            [
                pluck.note.end_s - pluck.note.start_s
                for pluck in strummed(song, "D...D...D...D...", ring=ring)
            ]
        )
        for ring in (1.0, 0.5)
    )
    assert 0.4 < whole <= 0.5
    assert 0.15 < half <= 0.25


def test_bars_begin_at_the_downbeats(song):
    late = replace(song, downbeats=song.beats[2::4])
    starts = sorted(
        {round(pluck.note.start_s * 2) / 2 for pluck in strummed(late, "D...............")}
    )
    assert starts == [0.0, 1.0, 3.0, 7.0]


def test_a_song_without_beats_or_chords_is_not_strummed(song):
    assert strummed(replace(song, beats=np.zeros(0), downbeats=np.zeros(0)), "D" * 16) == []
    assert strummed(replace(song, chords=()), "D" * 16) == []
    assert strummed(song, "." * 16) == []


def test_the_styles_are_whole():
    assert set(guitar_bands.OFTEN) == set(guitar_bands.STYLES)
    assert sum(guitar_bands.OFTEN.values()) == pytest.approx(1)
    for style in guitar_bands.STYLES.values():
        assert all(len(strum) == 16 and set(strum) <= set("DU.") for strum in style.strums)
        assert set(style.drums) <= set(guitar_bands.DRUMS)
    assert all(
        len(steps) == 16 for drums in guitar_bands.DRUMS.values() for steps in drums.values()
    )


@pytest.fixture
def silent_synthesiser(monkeypatch):
    """What is played is remembered and a hum; nothing needs fluidsynth."""
    played: list[Part] = []

    def play(parts, soundfont, **how):
        played.extend(parts)
        time_s = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
        return (0.1 * np.sin(2 * np.pi * 110 * time_s)).astype(np.float32)

    monkeypatch.setattr(stems.fluidsynth, "play", play)
    monkeypatch.setattr(
        guitar_bands,
        "_draw_guitar",
        lambda style, rng: guitar_bands.Instrument(
            "electric guitar (clean)", fretboard.GUITAR, 27, gain=rng.random() < style.gain
        ),
    )
    return played


def band(song, seed, style, monkeypatch):
    monkeypatch.setattr(guitar_bands, "OFTEN", {style: 1.0})
    studio = stems.Studio(8.0, Path("font"), 20.0, Path("none"))
    return guitar_bands.accompany(song, studio, np.random.default_rng(seed))


def test_a_sampled_guitar_is_called_what_it_is(song, silent_synthesiser, monkeypatch):
    monkeypatch.setattr(
        guitar_bands,
        "_draw_guitar",
        lambda style, rng: guitar_bands.Instrument(
            "guitar", fretboard.GUITAR, 27, samples="guitar"
        ),
    )
    monkeypatch.setattr(
        guitar_bands.plucked,
        "play_sampled",
        lambda plucks, folder, seconds, rng, tuning_cents: np.ones(
            round(seconds * SAMPLE_RATE), np.float32
        ),
    )
    made = band(song, 0, "ballad", monkeypatch)
    assert "guitar" in made.instruments and "electric guitar (clean)" not in made.instruments


@pytest.mark.slow
def test_fifths_alone_are_labelled_by_the_triad_that_they_imply(
    song, silent_synthesiser, monkeypatch
):
    monkeypatch.setitem(
        guitar_bands.STYLES, "metal", replace(guitar_bands.STYLES["metal"], fifths=1.0, keys=1.0)
    )
    for seed in range(6):
        silent_synthesiser.clear()
        made = band(song, seed, "metal", monkeypatch)
        assert [span.label for span in made.chords] == ["C:maj", "A:min", "N", "C:maj"]
        guitars = [part for part in silent_synthesiser if part.program == 27 and not part.drums]
        for part in guitars:
            for note in part.notes:
                root = 9 if 1.99 < note.start_s < 4.0 else 0
                assert (note.pitch - root) % 12 in (0, 7)


def test_whole_chords_are_labelled_as_they_are_strummed(song, silent_synthesiser, monkeypatch):
    silent_synthesiser.clear()
    made = band(song, 1, "reggae", monkeypatch)
    assert [span.label for span in made.chords] == ["C:maj", "A:min7", "N", "C:maj"]
    assert made.chords[-1].end_s == 8.0 and made.style == "reggae"
    assert made.instruments[0] == "electric guitar (clean)"
    assert len(set(made.instruments)) == len(made.instruments)
    pitched = [part for part in silent_synthesiser if not part.drums]
    assert charts.chord_tones(pitched, song.chords, 0.03) > 0.97
    assert all(part.bends for part in pitched)
    heard = {note.pitch % 12 for part in pitched for note in part.notes if 2.0 < note.start_s < 3.9}
    assert heard == {9, 0, 4, 7}


@pytest.mark.parametrize("fifths", [True, False])
def test_fifths_are_distorted_more_than_whole_chords(song, silent_synthesiser, monkeypatch, fifths):
    drives = []
    monkeypatch.setattr(
        effects, "amplify", lambda wave, rng, drive_db: drives.append(drive_db) or wave
    )
    monkeypatch.setitem(
        guitar_bands.STYLES, "metal", replace(guitar_bands.STYLES["metal"], fifths=float(fifths))
    )
    band(song, 0, "metal", monkeypatch)
    wanted = guitar_bands.HIGH_GAIN_DB if fifths else guitar_bands.CRUNCH_DB
    assert drives and set(drives) == {wanted}


def test_echoes_are_softer_and_late():
    click = np.zeros(3 * SAMPLE_RATE, np.float32)
    click[100] = 1.0
    for seed in range(5):
        echoed = effects.echo(click, np.random.default_rng(seed))
        places = np.flatnonzero(echoed)
        assert places[0] == 100 and echoed[100] == 1.0 and 3 <= len(places) <= 5
        assert len({following - place for place, following in pairwise(places.tolist())}) == 1
        assert 0.12 <= (places[1] - 100) / SAMPLE_RATE <= 0.5
        assert (np.diff(echoed[places]) < 0).all() and echoed[places[1]] < 0.4
        assert click[places[1]] == 0


@pytest.mark.slow
@needs_fluidsynth
def test_a_rendered_band_has_all_labels(song, monkeypatch, tmp_path):
    monkeypatch.setattr(guitar_bands.songs, "read", lambda path: song)
    monkeypatch.setattr(
        guitar_bands.renditions, "draw_stretch", lambda song, longest, rng: (song, 8.0)
    )
    monkeypatch.setattr(guitar_bands, "INSTRUMENTAL", 0.0)
    monkeypatch.setattr(guitar_bands, "LEAD_KINDS", {"voice": 1.0})
    monkeypatch.setattr(
        guitar_bands,
        "_draw_guitar",
        lambda style, rng: guitar_bands.Instrument(
            "electric guitar (clean)", fretboard.GUITAR, 27, gain=True
        ),
    )
    item = Item("001", "guitar_bands", "001", "", "test")
    waveform, labels = guitar_bands.render_band(item, samples=tmp_path)
    assert waveform.shape == (8 * SAMPLE_RATE,) and np.sqrt(np.mean(waveform**2)) > 0.005
    assert labels.f0.shape == (800,) and np.mean(labels.f0 > 0) > 0.5
    assert labels.chords[0] == ChordSpan(0.0, 2.0, "C:maj") and labels.key == "C:maj"
    assert labels.tags[0] in guitar_bands.STYLES
    again, _ = guitar_bands.render_band(item, samples=tmp_path)
    np.testing.assert_array_equal(waveform, again)
