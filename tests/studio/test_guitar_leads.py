"""Guitar leads: whole songs with what their guitar surely plays, and nothing said of the rest."""

import numpy as np
import pytest
import soundfile

from mirzoo.errors import DataError
from mirzoo.studio import guitar_leads

RATE = 16000


def note(hertz, seconds):
    time_s = np.arange(round(seconds * RATE)) / RATE
    return sum(np.sin(2 * np.pi * hertz * k * time_s) / k for k in range(1, 8)) * 0.1


def silence(seconds):
    return np.zeros(round(seconds * RATE))


@pytest.fixture
def song(tmp_path):
    """A guitar with a note, a rest, two notes at once and a blip; a longer band beside it."""
    folder = tmp_path / "songs" / "somebody" / "a song"
    folder.mkdir(parents=True)
    two = note(220, 1.0) + note(293, 1.0)
    guitar = np.concatenate([note(330, 1.0), silence(1.0), two, silence(0.5), note(440, 0.08),
                             silence(0.42)])  # fmt: skip
    soundfile.write(folder / "guitar.ogg", guitar, RATE)
    soundfile.write(folder / "song.ogg", 0.5 * note(98, 5.0), RATE)
    return tmp_path


def test_the_song_is_whole_and_its_sure_notes_alone_are_labelled(song):
    pytest.importorskip("swift_f0")
    pytest.importorskip("pyworld")
    (item,) = guitar_leads.lead_items(song)
    assert (item.name, item.group, item.split) == ("a song", "somebody", "test")
    waveform, labels = guitar_leads.read_lead(item)
    assert len(waveform) == 5 * RATE
    assert np.abs(waveform[int(4.7 * RATE) :]).max() > 0.02, "the band goes on alone"
    known = labels.f0[10:90]
    np.testing.assert_allclose(known, 330, rtol=0.01)
    assert np.isnan(labels.f0[110:190]).all(), "a rest of the guitar may be somebody else's solo"
    assert np.isnan(labels.f0[350:]).all(), "a blip is not sure enough"


def test_steps_end_what_is_steady():
    f0 = np.concatenate([np.full(20, 220.0), np.full(5, 440.0), np.full(20, 330.0), [np.nan, 0.0]])
    steady = guitar_leads._steady(f0)
    assert (
        steady[:20].all()
        and not steady[20:25].any()
        and steady[25:45].all()
        and not steady[45:].any()
    )


def test_a_slow_bend_is_steady():
    assert guitar_leads._steady(220 * 2 ** (np.linspace(0, 2, 60) / 12)).all()


def test_a_folder_without_stems_is_told(tmp_path):
    (tmp_path / "song.ogg").touch()
    with pytest.raises(DataError, match=r"no song with guitar\.ogg and song\.ogg next"):
        guitar_leads.lead_items(tmp_path)
