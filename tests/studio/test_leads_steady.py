"""Steady leads: styles of lines, fades, and items of every kind with their labels."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.data.sources import collection
from mirzoo.studio import leads_steady
from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.sound import stems

NOTES = [MidiNote(0.25 * k, 0.25 * k + 0.2, 60 + k) for k in range(8)] + [
    MidiNote(4.0 + 0.5 * k, 4.4 + 0.5 * k, 70 - k) for k in range(8)
]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_lines_are_played_in_styles():
    assert leads_steady.styled(NOTES, "written", rng()) == NOTES
    long = leads_steady.styled(NOTES, "long", rng())
    assert len(long) < len(NOTES) and np.diff([note.start_s for note in long]).min() >= 1.0
    assert max(note.end_s - note.start_s for note in long) > 0.9
    short = leads_steady.styled(NOTES, "short", rng())
    assert len(short) == len(NOTES) and max(n.end_s - n.start_s for n in short) < 0.14
    rested = [leads_steady.styled(NOTES, "rests", rng(seed)) for seed in range(12)]
    assert {len(notes) for notes in rested} == {0, 8, 16}
    assert sum(leads_steady.STYLES.values()) == pytest.approx(1)


def test_phrases_end_where_nothing_is_played():
    assert [len(phrase) for phrase in leads_steady.phrases_of(NOTES)] == [8, 8]
    assert leads_steady.phrases_of([]) == []


def test_what_has_faded_is_no_melody():
    f0 = np.full(1000, 220.0, np.float32)
    f0[:50] = 0
    for seed in range(5):
        waveform, labels = leads_steady.faded(np.ones(160000, np.float32), f0, rng(seed))
        gain_db = 20 * np.log10(waveform[::160])
        assert (labels[gain_db <= -45.1] == 0).all() and (gain_db <= -45.1).sum() > 100
        assert np.isnan(labels[(gain_db < -22.1) & (gain_db > -44.9) & (f0 > 0)]).all()
        np.testing.assert_array_equal(labels[gain_db > -21.9], f0[gain_db > -21.9])


def test_items_have_songs_of_their_split(monkeypatch, tmp_path):
    songs = {"train": ["a.mid", "b.mid"], "valid": ["c.mid"], "test": ["d.mid"]}
    monkeypatch.setattr(leads_steady.pop909, "songs_by_split", lambda folder: songs)
    items = leads_steady.items(tmp_path)
    assert len({item.name for item in items}) == len(items) == leads_steady.ITEMS
    assert all(item.path in songs[item.split] for item in items)
    assert collection("leads_steady").programs == ("fluidsynth", "flite")


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(stems.HELD_OUT_SOUNDFONT).exists(),
    reason="fluidsynth, or the soundfont TimGM6mb, is not installed",
)
@pytest.mark.parametrize("kind", leads_steady.KINDS)
def test_an_item_has_its_kind_of_melody(kind, pop909, tmp_path, monkeypatch):
    monkeypatch.setattr(leads_steady, "KINDS", {kind: 1.0})
    monkeypatch.setattr(leads_steady, "FADED_SHARE", 0.0)
    monkeypatch.setattr(leads_steady.nuisances, "MADE", ((leads_steady.nuisances.hum, 1.0),))
    monkeypatch.setattr(leads_steady.nuisances, "speech", leads_steady.nuisances.hum)
    monkeypatch.setattr(leads_steady.nuisances, "recorded",
                        lambda files, samples, rng: rng.standard_normal(samples))  # fmt: skip
    monkeypatch.setattr(leads_steady._items, "audio_files", lambda folder: [])
    for number in range(2):
        item = Item(f"steady/{number:04d}", "leads_steady", "001", str(pop909), "test")
        waveform, labels = leads_steady.render(item, sounds=tmp_path, samples=None)
        assert len(waveform) > 10 * SAMPLE_RATE and len(labels.f0) == len(waveform) // 160
        assert labels.tags == (kind,) and np.abs(waveform).max() <= 1.0
        voiced = np.mean(np.nan_to_num(labels.f0) > 0)
        assert voiced == 0 if kind == "backing" else voiced > 0.1 or kind == "nuisances"
