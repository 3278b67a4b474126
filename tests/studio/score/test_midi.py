"""MIDI files: what is written is read again."""

import pytest

from mirzoo.errors import DataError
from mirzoo.studio.score import midi
from mirzoo.studio.score.midi import MidiNote, Part


def test_what_is_written_as_midi_is_read_again(tmp_path):
    parts = [
        Part(
            (MidiNote(0.0, 0.5, 60, 100), MidiNote(0.5, 1.25, 64, 80), MidiNote(0.5, 3.0, 67, 127)),
            73,
        ),
        Part((MidiNote(0.25, 0.3, 38, 90),), 0, drums=True),
        Part((MidiNote(200.0, 201.0, 30, 64),), 33, name="BASS"),
    ]
    midi.write(parts, tmp_path / "song.mid")
    again = midi.read(tmp_path / "song.mid")
    assert [part.notes for part in again] == [part.notes for part in parts]
    assert [part.program for part in again] == [73, 0, 33]
    assert [part.name for part in again] == ["", "", "BASS"]
    assert [part.drums for part in again] == [False, True, False]


def test_tempo_changes_running_status_and_names_are_read(tmp_path):
    track = bytes.fromhex(
        "00 ff0304 50494e4f"  # the track's name
        "00 ff5103 07a120"  # 0.5 s a quarter
        "00 90 3c 64"  # note 60 on
        "60 3c 00"  # after 96 ticks its end, by running status
        "00 ff5103 0f4240"  # 1 s a quarter
        "30 90 3c 50 60 80 3c 00"  # note 60 again from 48 ticks later, for 96
        "00 ff2f00"
    )
    header = b"MThd" + bytes.fromhex("00000006 0000 0001 0060")
    (tmp_path / "a.mid").write_bytes(header + b"MTrk" + len(track).to_bytes(4, "big") + track)
    (part,) = midi.read(tmp_path / "a.mid")
    assert part.name == "PINO"
    assert part.notes == (MidiNote(0.0, 0.5, 60, 100), MidiNote(1.0, 2.0, 60, 80))


def test_what_is_not_midi_is_refused(tmp_path):
    path = tmp_path / "a.mid"
    midi.write([Part((MidiNote(0, 1, 60),), 0)], path)
    whole = path.read_bytes()
    for data in (b"", b"RIFF" + whole, whole[:-10], whole[:12] + b"\xe7\x28" + whole[14:]):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"a\.mid"):
            midi.read(path)
    with pytest.raises(DataError, match="15 pitched channels"):
        midi.write([Part((), 0)] * 16, path)
