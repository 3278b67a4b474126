"""Songs of POP909 and lead sheets, and excerpts of them."""

import zipfile

import numpy as np
import pytest

from mirzoo.studio.score import songs
from mirzoo.studio.score.midi import MidiNote


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


def test_bars_that_chords_do_not_confirm_stay_unconfirmed_in_excerpts():
    beats = np.arange(64) * 0.5
    every_two = tuple(
        songs.TimedChord(at, at + 1.0, at % 12, (0, 4, 7), "maj") for at in range(0, 32)
    )
    confirmed = songs.chords_confirm_bars(every_two, beats, np.arange(64) % 4 == 0)
    assert not confirmed
    song = songs.Song((), (), every_two, beats, beats[::4], None, confirmed)
    assert not songs.excerpt(song, 2.0, 10.0).bars_confirmed
    assert not songs.warped(song, lambda times: 2 * times).bars_confirmed
