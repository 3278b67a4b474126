"""Arrangements for ensembles."""

import numpy as np
import pytest

from mirzoo.studio.score import arranging, songs


@pytest.mark.parametrize("name", arranging.ENSEMBLES)
def test_every_ensemble_plays_in_tune_and_in_time(pop909, name):
    song = songs.read(pop909)
    ensemble = arranging.ENSEMBLES[name]
    parts = arranging.arrange(song, ensemble, np.random.default_rng(0))
    expected = bool(ensemble.lead) + len(ensemble.chords) + bool(ensemble.bass)
    assert len(parts) == expected + bool(ensemble.drums)
    allowed = {0, 4, 7, 9, 2}
    for part in parts:
        assert part.notes
        assert 0 <= part.program < 128
        for note in part.notes:
            assert note.end_s > note.start_s >= 0
            assert note.start_s < 16.5
            assert 1 <= note.velocity <= 127
            assert 20 < note.pitch < 110
            if not part.drums:
                assert note.pitch % 12 in allowed, (name, part.program, note)
        assert any(note.start_s < 2.1 for note in part.notes)
        assert any(note.start_s > 7 for note in part.notes)


def test_drum_patterns_are_sixteen_steps():
    for pattern in arranging.DRUM_PATTERNS.values():
        assert {len(steps) for steps in pattern.values()} == {16}
