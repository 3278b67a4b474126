"""Recorded single notes."""

import pytest

from mirzoo.studio.sound import samples


@pytest.mark.parametrize(
    ("name", "pitch"),
    [("cello_A4_025_forte_x.mp3", 69), ("flute_Cs6_1_x.mp3", 85), ("gong__long_x.mp3", 0)],
)
def test_pitches_are_read_from_names(name, pitch):
    assert samples._pitch_in(name) == pitch
