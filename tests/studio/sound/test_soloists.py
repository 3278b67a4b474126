"""Soloists: notes come into their range and into the studio's tuning."""

from pathlib import Path

import numpy as np
import pytest

from mirzoo.studio.score.midi import MidiNote
from mirzoo.studio.sound import leads, recorded_leads, soloists
from mirzoo.studio.sound.recorded_leads import Player
from mirzoo.studio.sound.stems import Studio

FLUTE = 73
STUDIO = Studio(3.0, Path("font"), 30.0)
LOW = [MidiNote(0.2, 1.2, 24), MidiNote(1.4, 2.6, 26)]


@pytest.fixture(autouse=True)
def silence(monkeypatch):
    monkeypatch.setattr(Studio, "play", lambda studio, parts: np.zeros(studio.n_samples))


def test_a_program_plays_in_its_range_and_in_tune_with_the_band():
    lead, stem = soloists.play(LOW, FLUTE, STUDIO, np.random.default_rng(0))
    lowest, highest = leads.range_of(FLUTE)
    assert all(lowest <= note.pitch <= highest for note in lead.notes)
    assert [note.pitch % 12 for note in lead.notes] == [0, 2]
    off = np.nanmedian(lead.pitch[60:100] - lead.notes[0].pitch)
    assert off == pytest.approx(0.3, abs=0.15)
    assert stem.shape == (48000,)


def test_recorded_notes_play_in_their_range_and_say_what_is_heard(monkeypatch):
    asked = []

    def play(lead, player, seconds, rng):
        asked.append((player, seconds, [note.pitch for note in lead.notes]))
        return np.ones(48000), "as heard"

    monkeypatch.setattr(recorded_leads, "play", play)
    monkeypatch.setattr(Player, "range", (60, 72))
    player = Player(Path("flute"), FLUTE)
    lead, stem = soloists.play(LOW, player, STUDIO, np.random.default_rng(0))
    assert lead == "as heard" and stem.all()
    ((who, seconds, pitches),) = asked
    assert (who, seconds) == (player, 3.0)
    assert all(60 <= pitch <= 72 for pitch in pitches)
