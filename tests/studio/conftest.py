"""What tests of several collections share."""

import pytest

from mirzoo.studio.score import midi
from mirzoo.studio.score.midi import MidiNote, Part


@pytest.fixture
def pop909(tmp_path):
    """Eight bars in the layout of POP909: C major, then A minor, at 120 beats a minute."""
    melody = [MidiNote(0.5 * k, 0.5 * k + 0.4, 72 + (0, 4, 7, 4)[k % 4]) for k in range(32)]
    piano = [MidiNote(2.0 * k, 2.0 * k + 1.9, pitch) for k in range(8) for pitch in (48, 55)]
    path = tmp_path / "001.mid"
    second_melody = [MidiNote(15, 16, 90)]
    midi.write([Part(melody, 0, name="MELODY"), Part(piano, 0, name="PIANO"),
                Part(second_melody, 0, name="BRIDGE")], path)  # fmt: skip
    (tmp_path / "chord_midi.txt").write_text("0 8 C:maj\n8 12 A:min7/b7\n12 16 N\n")
    (tmp_path / "beat_midi.txt").write_text(
        "".join(f"{0.5 * k} {float(k % 2 == 0)} {float(k % 4 == 0)}\n" for k in range(32))
    )
    return path
