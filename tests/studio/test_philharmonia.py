"""Phrases put together from single notes."""

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.errors import DataError
from mirzoo.studio import philharmonia


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


def pitch_at(waveform, start_s, length_s=0.3):
    """The strongest frequency (Hz) in a stretch of a waveform at 16 kHz."""
    start = int(start_s * SAMPLE_RATE)
    stretch = waveform[start : start + int(length_s * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch)), 1 << 16))
    return np.argmax(spectrum) * SAMPLE_RATE / (1 << 16)


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


def test_instruments_without_notes_are_refused(tmp_path):
    (tmp_path / "flute").mkdir()
    with pytest.raises(DataError, match="no notes"):
        philharmonia.play_phrase(Item("flute/1", "p", "flute", str(tmp_path), "train"))
