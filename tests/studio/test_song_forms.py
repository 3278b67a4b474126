"""Songs of rock, blues, funk, jazz and hip-hop: what is played, and how it is labelled."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.data.sources import collection
from mirzoo.dsp.chord_vocabulary import VOCABULARIES, parse_chord
from mirzoo.studio import song_forms
from mirzoo.studio.sound import stems

needs_programs = pytest.mark.skipif(
    not all(map(shutil.which, ("fluidsynth", "flite")))
    or not any(Path(path).exists() for path in stems.SOUNDFONTS),
    reason="fluidsynth, flite or a soundfont is not installed",
)
CLOCK = song_forms.Clock(0.5, swings=False)


def drawn(name, seed=0):
    form = song_forms.FORMS[name][0]
    bars, band, _ = form(24, CLOCK, np.random.default_rng(seed))
    return bars, band, song_forms._timed(bars, CLOCK)


@pytest.mark.parametrize("name", song_forms.FORMS)
def test_every_label_is_understood_and_every_bar_is_there(name):
    for seed in range(6):
        bars, band, chords = drawn(name, seed)
        assert len(bars) == 24 and band.bass
        for chord in chords:
            label = parse_chord(chord.label)
            assert label.root == chord.root
            assert label.intervals == {interval % 12 for interval in chord.intervals}


def sounding(notes, chord):
    """Pitch classes above the root of notes that begin within a chord."""
    return {
        (note.pitch - chord.root) % 12
        for note in notes
        if chord.start_s - 1e-6 <= note.start_s < chord.end_s - 0.02
    }


def test_what_is_labelled_without_a_third_has_none():
    bare = 0
    for seed in range(6):
        for name in ("rock", "blues"):
            _, band, chords = drawn(name, seed)
            for chord in chords:
                if chord.quality.endswith(("(*3)", "(*b3)")):
                    bare += 1
                    played = sounding([*band.high_gain, *band.crunch, *band.comp], chord)
                    assert not played & {3, 4}
                    assert VOCABULARIES["large"].index(chord.label) == -1
    assert bare > 50


def test_hands_of_jazz_leave_the_root_to_the_bass_and_have_the_third_and_seventh():
    _, band, chords = drawn("jazz", 3)
    wide = [chord for chord in chords if chord.quality in ("7", "min7", "maj7")]
    played = [sounding(band.comp, chord) for chord in wide]
    assert sum(0 not in tones for tones in played) > 0.9 * len(played)
    for chord, tones in zip(wide, played, strict=True):
        third = 3 if chord.quality == "min7" else 4
        assert not tones or third in tones or not tones.isdisjoint({10, 11})
    first = [sounding(band.bass, chord) for chord in wide]
    assert sum(0 in tones for tones in first) > 0.8 * len(first)


def test_bars_without_a_chord_have_no_pitched_notes():
    for seed in range(8):
        bars, band, _ = drawn("hip-hop", seed)
        for number, bar in enumerate(bars):
            if not bar.chords:
                start_s, end_s = CLOCK.at(number, 0), CLOCK.at(number + 1, 0)
                began = [n for n in (*band.comp, *band.bass) if start_s <= n.start_s < end_s]
                assert not began


def test_swing_moves_the_second_half_of_a_beat():
    swung = song_forms.Clock(0.6, swings=True)
    assert swung.at(1, 2.0) == pytest.approx(6 * 0.6)
    assert swung.at(0, 0.5) == pytest.approx(0.4)
    assert CLOCK.at(0, 0.5) == 0.25


@pytest.mark.slow
@needs_programs
def test_a_song_is_rendered_with_its_labels():
    source = collection("song_forms")
    item = next(item for item in source.items(Path()) if item.split == "train")
    waveform, labels = source.maker(Path())(item)
    assert len(waveform) == song_forms.FORM_S * SAMPLE_RATE and np.abs(waveform).max() <= 1
    assert labels.chords[0].start_s == 0 and labels.chords[-1].end_s == song_forms.FORM_S
    again, _ = source.maker(Path())(item)
    np.testing.assert_array_equal(waveform, again)
    assert song_forms.speech(np.random.default_rng(0)).std() > 0.01
