"""The record of a folder's results: what kills, other processes and broken lines leave of it."""

import json
import subprocess
import sys

import pytest

from mirzoo import hub
from mirzoo.engines import record
from mirzoo.engines.record import RECORD, Found, Records, Source, made_with, recorded
from mirzoo.errors import AnnotationError

MADE = [{"model": "m", "version": "1", "decoding": {}}]
OTHER = [{"model": "m", "version": "2", "decoding": {}}]


class KilledError(Exception):
    pass


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(b"music")
    return path


@pytest.fixture
def result(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "song.lab"


def make(result, song, made=MADE, text="0 1 N\n", **options):
    with recorded(result, Source.of(str(song)), made, **options):
        result.write_text(text)


def killed(monkeypatch, result, song, *, before, made=MADE):
    """Make a result in a process that dies: before it is in its place, or right behind."""
    appended, calls = record._append, []

    def once(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KilledError
        appended(*arguments)

    def write():
        with recorded(result, Source.of(str(song)), made):
            if before:
                raise KilledError
            result.write_text("0 1 C\n")

    with monkeypatch.context() as patched:
        patched.setattr(record, "_append", once)
        with pytest.raises(KilledError):
            write()


def test_a_result_is_known_until_anything_differs(song, result, tmp_path):
    make(result, song)
    look = Records().look_at
    assert look(result, song, MADE) == Found(True)
    assert "another version of m" in look(result, song, OTHER).problem
    result.write_text("0 1")
    assert "it has 3 bytes, and 6 were written" in look(result, song, MADE).problem
    moved = song.rename(tmp_path / "moved.wav")
    make(result, moved)
    assert look(result, moved.rename(song), MADE).is_own, "a file by any other name"
    song.write_bytes(b"noise")
    assert "is of the recording" in look(result, song, MADE).problem


def test_a_kill_before_a_new_result_is_in_place_or_behind_costs_nothing(song, result, monkeypatch):
    killed(monkeypatch, result, song, before=True)
    assert not result.exists()
    killed(monkeypatch, result, song, before=False)
    assert Records().look_at(result, song, MADE) == Found(True)
    assert "another version" in Records().look_at(result, song, OTHER).problem


@pytest.mark.parametrize("before", [True, False])
def test_what_a_kill_left_to_be_replaced_is_made_anew(song, result, monkeypatch, before):
    make(result, song)
    killed(monkeypatch, result, song, before=before, made=OTHER)
    assert Records().look_at(result, song, OTHER) == Found(False)
    assert "another version" in Records().look_at(result, song, MADE).problem
    make(result, song, OTHER)
    assert Records().look_at(result, song, OTHER).is_own


def test_what_lacks_a_part_is_made_anew(song, result):
    make(result, song, complete=False)
    assert Records().look_at(result, song, MADE) == Found(False)


def test_what_another_run_writes_meanwhile_is_read(song, result):
    records = Records()
    result.write_text("mine")
    assert "is not recorded" in records.look_at(result, song, MADE).problem
    make(result, song)
    assert records.look_at(result, song, MADE).is_own
    (result.parent / RECORD).write_text("")
    assert "is not recorded" in Records().look_at(result, song, MADE).problem


def test_a_line_that_was_cut_off_costs_its_result_alone(song, result):
    make(result, song)
    file = result.parent / RECORD
    file.write_bytes(file.read_bytes() + b'{"file": "other.lab", "ma')
    other = result.with_name("next.lab")
    make(other, song)
    look = Records().look_at
    assert look(result, song, MADE).is_own and look(other, song, MADE).is_own
    whole = [line for line in file.read_text().splitlines() if line.endswith("}")]
    assert len([json.loads(line) for line in whole]) == 4


def test_processes_do_not_cut_off_each_other_s_lines(song, result):
    program = (
        "import sys; from pathlib import Path; from mirzoo.engines.record import _append\n"
        "for n in range(400): _append(Path(sys.argv[1]), {'file': f'{sys.argv[2]}{n}' * 50})"
    )
    file = result.parent / RECORD
    writers = [subprocess.Popen([sys.executable, "-c", program, str(file), name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0] * 3
    written = filter(None, file.read_text().splitlines())  # empty: one began within another's write
    assert len({json.loads(line)["file"] for line in written}) == 1200


def test_a_record_that_cannot_be_read_is_an_error(song, result):
    (result.parent / RECORD).mkdir()
    result.write_text("mine")
    with pytest.raises(AnnotationError, match="record of results .* cannot be read"):
        Records().look_at(result, song, MADE)


def test_what_makes_a_result_are_the_settings_that_change_it():
    names = ["cqt_crnn_chords", "mel_cnn_beats", "mel_cnn_tagger"]
    cards = [hub.card(name) for name in names]

    def made(decodings=({}, {}, {}), **changed):
        given = {"channel": "mean", "careful": False, "beats": None, **changed}
        return made_with(names, cards, decodings, **given)

    usual = made()
    assert made(({"change_penalty": cards[0].decoding.change_penalty}, {}, {})) == usual
    penalised = made(({"change_penalty": 1.0}, {}, {}))
    assert penalised[0]["decoding"] == {"change_penalty": 1.0} and penalised[1:] == usual[1:]
    fifths = made(({"power_chords": True}, {}, {}))  # the card leaves this setting out
    assert fifths[0]["decoding"] == {"power_chords": True}
    careful = made(careful=True)
    assert [one["careful"] for one in careful] == [True, False, False], "of chords alone"
    snapped = made(beats=1)
    assert snapped[1] == usual[1] and snapped[0]["snap"]["model"] == "mel_cnn_beats"
    other_beats = made(({}, {"min_bpm": 60.0}, {}), beats=1)
    assert other_beats[0] != snapped[0], "chords on other beats are others"
    assert all(one["channel"] == "left" for one in made(channel="left"))
