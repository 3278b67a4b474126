"""`mirzoo annotate` over many files, in this process: what is skipped, refused and reported."""

import base64
import errno
import io
import json
import os
import shutil
import sys

import numpy as np
import pytest
import soundfile
from fake_models import FakeRunner
from places import ROOT

from mirzoo import annotate as library
from mirzoo.annotate import annotate
from mirzoo.card import Card
from mirzoo.cli._shared import complain
from mirzoo.tasks.tagging import Tags

CHORDS = ROOT / "saved_models" / "cqt_crnn_chords"


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 4000), 16000)
    return path


@pytest.fixture
def album(song, tmp_path):
    """Four recordings and a bad one, in the order of their names."""
    folder = tmp_path / "album"
    folder.mkdir()
    for name in (b"1.wav", b"2\xff.wav", b"3\n.wav", b"x" * 251 + b".wav"):
        (folder / os.fsdecode(name)).write_bytes(song.read_bytes())
    (folder / "5.wav").touch()
    return folder


def typed(monkeypatch, content, *, terminal=False):
    stdin = io.TextIOWrapper(io.BytesIO(content))
    stdin.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stdin", stdin)


def test_odd_names_end_nothing_and_a_second_run_skips_what_is_there(run, models, album, tmp_path):
    out = tmp_path / "out"
    command = ("annotate", models / "loud_tagger", album, album / "nowhere.wav", "-o", out)
    status, _, err = run(*command)
    assert status == 1
    assert err.splitlines()[-1] == (
        "mirzoo: 4 of 6 written, 2 failed: 1 × is empty, 1 × does not exist"
    )
    names = sorted(os.fsencode(path.name) for path in out.glob("[!.]*"))
    assert names[:3] == [b"1.json", b"2\xff.json", b"3\n.json"]
    assert len(names) == 4 and len(names[3]) == 255
    before = {path: path.stat().st_mtime_ns for path in out.glob("[!.]*")}
    status, printed, err = run(*command, "--json")
    assert status == 1
    assert "0 of 6 written, 4 were there already (--overwrite makes them anew), 2 failed" in err
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("[!.]*")}
    *records, summary = map(json.loads, printed.splitlines())
    assert [record["status"] for record in records] == ["skipped"] * 3 + ["failed", "skipped"] + [
        "failed"
    ]
    assert summary["summary"]["skipped"] == 4 and summary["summary"]["failed"] == 2
    status, _, err = run(*command, "--overwrite")
    assert "4 of 6 written" in err
    assert all(path.stat().st_mtime_ns > before[path] for path in out.glob("[!.]*"))


def test_the_report_has_every_file_and_every_name(run, models, album, tmp_path):
    _, out, _ = run("annotate", models / "loud_tagger", album, "-o", tmp_path / "o", "--json")
    *records, last = map(json.loads, out.splitlines())
    assert [os.fsencode(record["source"]) for record in records] == [
        os.fsencode(path) for path in sorted(album.iterdir())
    ]
    assert [record["status"] for record in records] == ["written"] * 3 + ["failed", "written"]
    assert records[0]["files"] == [str(tmp_path / "o" / "1.json")]
    (failure,) = records[3]["failures"]
    assert failure["kind"] == "AudioError" and "is empty" in failure["message"]
    summary = last["summary"]
    assert (summary["files"], summary["written"], summary["failed"]) == (5, 4, 1)
    assert summary["stopped"] is None and summary["reasons"] == {"is empty": 1}
    empty = album / os.fsdecode(b"\xfe.wav")
    empty.touch()
    _, out, _ = run("annotate", models / "loud_tagger", empty, "--json")
    assert base64.b64decode(json.loads(out)["source_base64"]) == os.fsencode(empty)


def test_several_formats_are_written_at_once_and_all_count_when_skipping(
    run, models, song, tmp_path
):
    out = tmp_path / "out"
    command = ("annotate", models / "loud_tagger", song, "-o", out)
    assert run(*command, "--format", "csv")[0] == 0
    made = (out / "song.csv").stat().st_mtime_ns
    for formats in (["--format", "json, csv"], ["--format", "jams", "--format", "csv"]):
        assert run(*command, *formats)[0] == 0
    assert sorted(path.name for path in out.glob("[!.]*")) == ["song.csv", "song.jams", "song.json"]
    assert (out / "song.csv").stat().st_mtime_ns == made
    status, printed, err = run(*command, "--format", "csv,json,jams")
    assert (status, printed) == (0, "") and "--overwrite makes it anew" in err
    status, _, err = run(*command, "--format", "csv,xyz")
    assert status == 2 and ".xyz is no format for tags, which loud_tagger" in err


def test_nothing_that_is_there_is_replaced_unasked(run, models, song, tmp_path):
    for option, name in (("-o", "mine.json"), ("-o", "mine.csv"), ("--picture", "mine.png")):
        mine = tmp_path / name
        mine.write_text("mine")
        status, out, err = run("annotate", models / "loud_tagger", song, option, mine)
        assert (status, out) == (1, "")
        assert (
            f"{mine} is there already, maybe of another recording" in err and "--overwrite" in err
        )
        assert mine.read_text() == "mine"
    assert run("annotate", models / "loud_tagger", song, "-o", mine.with_suffix(".json"),
               "--overwrite")[0] == 0  # fmt: skip
    assert Tags.read(mine.with_suffix(".json")).labels


def test_results_of_another_model_or_recording_are_not_taken_for_ones_own(
    run, models, song, tmp_path
):
    out, other = tmp_path / "out", tmp_path / "other" / "song.wav"
    other.parent.mkdir()
    soundfile.write(other, np.zeros(4000), 16000)
    command = ("annotate", models / "loud_tagger")
    options = ("-o", out, "--format", "json,csv", "--picture", out)
    kinds = [out / f"song.{suffix}" for suffix in ("json", "csv", "png")]
    assert run(*command, song, *options)[0] == 0
    made = [path.read_bytes() for path in kinds]
    for model, recording, told in (
        ("rising_tagger", song, "song.{} is of the model loud_tagger"),
        ("loud_tagger", other, f"song.{{}} is of the recording {song}"),
    ):
        status, printed, err = run("annotate", models / model, recording, *options)
        assert (status, printed) == (1, "") and "--overwrite" in err
        assert all(told.format(suffix) in err for suffix in ("json", "csv", "png"))
        assert [path.read_bytes() for path in kinds] == made
    other.write_bytes(song.read_bytes())  # a copy is the same recording
    assert run(*command, other, *options)[:2] == (0, "")
    song.unlink()  # or it was moved
    assert run(*command, other, *options)[:2] == (0, "")
    soundfile.write(other, np.zeros(4000), 16000)
    assert run(*command, other, *options)[0] == 1
    assert run("annotate", models / "rising_tagger", other, *options, "--overwrite")[0] == 0
    assert Tags.read(out / "song.json").model == "rising_tagger"
    assert run("annotate", models / "rising_tagger", other, *options)[:2] == (0, "")


def test_a_recording_that_was_replaced_fails_alone(run, models, song, tmp_path):
    album, out = tmp_path / "album", tmp_path / "out"
    album.mkdir()
    for name in ("a.wav", "b.wav"):
        (album / name).write_bytes(song.read_bytes())
    command = ("annotate", models / "loud_tagger", album, "-o", out, "--format", "csv")
    assert run(*command)[0] == 0
    made = (out / "a.csv").read_bytes()
    soundfile.write(album / "a.wav", np.zeros(4000), 16000)
    os.utime(album / "b.wav", ns=(1, 1))  # touched: its content is the same
    (album / "c.wav").write_bytes(song.read_bytes())
    status, printed, err = run(*command, "--json")
    assert status == 1 and "1 of 3 written, 1 was there already" in err
    assert f"a.csv is of what {album / 'a.wav'} was before it was changed" in err
    assert "1 failed: 1 × has other results already" in err
    assert [json.loads(line).get("status") for line in printed.splitlines()[:-1]] == [
        "failed", "skipped", "written",
    ]  # fmt: skip
    assert (out / "a.csv").read_bytes() == made and (out / "c.csv").exists()
    assert run(*command, "--overwrite")[0] == 0
    assert run(*command)[:2] == (0, "")


def test_results_of_other_settings_are_not_taken_for_ones_own(run, song, tmp_path):
    command = ("annotate", CHORDS, song, "-o", tmp_path / "out", "--format", "lab")
    assert run(*command, "--decoding", "change_penalty=3")[0] == 0
    for options, told in (
        ((), 'with decoding {"change_penalty": 3.0}, and this would have as on the card'),
        (("--decoding", "change_penalty=2"), 'this would have {"change_penalty": 2.0}'),
        (("--decoding", "change_penalty=3", "--careful"), "with careful false, and this would ha"),
        (("--decoding", "change_penalty=3", "--channel", "left"), 'with channel "mean", and this'),
    ):
        status, printed, err = run(*command, *options)
        assert (status, printed) == (1, "") and told in err
    assert run(*command, "--decoding", "change_penalty=3", "--allow-damaged")[:2] == (0, "")


def test_results_of_another_version_of_a_model_are_told(run, models, song, tmp_path):
    folder = tmp_path / "loud_tagger"
    shutil.copytree(models / "loud_tagger", folder)
    command = ("annotate", folder, song, "-o", tmp_path / "out", "--format", "csv")
    assert run(*command)[0] == 0
    card = Card.load(folder)
    card.updated(description="Told in other words.").save(folder)
    assert run(*command)[:2] == (0, "")
    card.updated(labels=["quiet", "rising"]).save(folder)
    status, _, err = run(*command)
    assert status == 1 and "song.csv is of another version of loud_tagger" in err


def test_a_run_from_another_folder_knows_its_results(run, models, song, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ("annotate", models / "loud_tagger")
    assert run(*command, "song.wav", "-o", "out", "--format", "json,csv")[0] == 0
    assert Tags.read("out/song.json").source == str(song)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for record in (True, False):  # without one, the .json alone tells what it is of
        status, printed, err = run(*command, "../song.wav", "-o", "../out")
        assert (status, printed) == (0, "") and "was left" in err
        if record:
            (tmp_path / "out" / ".mirzoo_results.jsonl").unlink()
    soundfile.write("song.wav", np.zeros(4000), 16000)
    assert run(*command, "song.wav", "-o", "../out")[0] == 1


def test_results_that_are_not_recorded_are_never_taken_for_ones_own(run, models, song, tmp_path):
    """But for a .json, which states its model and recording, as those of before the record do."""
    out = tmp_path / "out"
    command = ("annotate", models / "loud_tagger", song, "-o", out, "--format")
    assert run(*command, "json,csv")[0] == 0
    (out / ".mirzoo_results.jsonl").unlink()
    assert run(*command, "json")[:2] == (0, "")
    status, _, err = run(*command, "csv")
    assert status == 1 and "song.csv is not recorded as a result of it" in err
    assert run(*command, "csv", "--overwrite")[0] == 0
    assert run(*command, "csv")[:2] == (0, "")


@pytest.mark.parametrize("recorded", [True, False])
def test_a_result_that_was_cut_off_is_told(run, models, song, tmp_path, recorded):
    out = tmp_path / "out"
    command = ("annotate", models / "loud_tagger", song, "-o", out)
    assert run(*command)[0] == 0
    whole = (out / "song.json").read_text()
    (out / "song.json").write_text(whole[: len(whole) - 30])
    if not recorded:
        (out / ".mirzoo_results.jsonl").unlink()
    status, _, err = run(*command)
    assert status == 1 and "song.json is damaged" in err and "--overwrite" in err
    (out / "song.json").unlink()
    assert run(*command)[0] == 0
    assert (out / "song.json").read_text() == whole


def test_a_file_asked_for_by_name_leaves_no_record_but_is_in_one(run, models, song, tmp_path):
    command = ("annotate", models / "loud_tagger")
    assert run(*command, song, "-o", tmp_path / "song.csv")[0] == 0
    assert not list(tmp_path.glob(".mirzoo*"))
    out, other = tmp_path / "out", tmp_path / "other.wav"
    soundfile.write(other, np.zeros(4000), 16000)
    assert run(*command, song, "-o", out, "--format", "csv")[0] == 0
    assert run(*command, other, "-o", out / "song.csv", "--overwrite")[0] == 0
    status, _, err = run(*command, song, "-o", out, "--format", "csv")
    assert status == 1 and f"song.csv is of the recording {other}" in err


def test_the_standard_input_is_never_taken_for_the_one_before(
    run, models, song, tmp_path, monkeypatch
):
    for status in (0, 1):
        typed(monkeypatch, song.read_bytes())
        ended, _, err = run("annotate", models / "loud_tagger", "-", "-o", tmp_path / "out")
        assert ended == status
    assert "stdin.json is there already" in err


def test_a_result_over_its_own_input_is_refused(run, models, song, tmp_path):
    sound = tmp_path / "song.json"
    song.rename(sound)
    content = sound.read_bytes()
    for target in (sound, tmp_path):
        status, out, err = run(
            "annotate", models / "loud_tagger", sound, "-o", target, "--overwrite"
        )
        assert (status, out) == (2, "")
        assert "is one of the recordings" in err
    assert sound.read_bytes() == content


def test_results_of_the_same_name_are_refused_before_work(run, models, song, tmp_path):
    other = tmp_path / "other" / "song.wav"
    other.parent.mkdir()
    other.write_bytes(song.read_bytes())
    out = tmp_path / "out"
    status, printed, err = run("annotate", models / "loud_tagger", song, other, "-o", out)
    assert (status, printed) == (2, "") and "song.wav.json" in err and not out.exists()
    status, printed, _ = run(
        "annotate", models / "loud_tagger", other.parent, other, "-o", out, "--json"
    )
    assert status == 0 and len(printed.splitlines()) == 2, "a recording given twice is one"


def test_the_standard_input_is_a_recording(run, models, song, tmp_path, monkeypatch):
    typed(monkeypatch, song.read_bytes())
    status, out, err = run("annotate", models / "loud_tagger", "-", "--json")
    assert (status, err) == (0, "")
    expected = annotate(FakeRunner(), song).to_dict()
    told = json.loads(out)
    assert told["source"] == "stdin"
    np.testing.assert_allclose(told["probabilities"], expected["probabilities"], atol=1e-5)
    typed(monkeypatch, song.read_bytes())
    assert run("annotate", models / "loud_tagger", "-", song, "-o", tmp_path / "out")[0] == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == [
        "song.json",
        "stdin.json",
    ]
    typed(monkeypatch, b"")
    status, _, err = run("annotate", models / "loud_tagger", "-")
    assert status == 1 and "'stdin' is empty" in err
    typed(monkeypatch, b"", terminal=True)
    status, _, err = run("annotate", models / "loud_tagger", "-")
    assert status == 2 and "pipe a sound file into it" in err


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 3, "the disk is full"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_what_stops_a_batch_has_a_status_and_a_summary(
    run, models, album, tmp_path, monkeypatch, error, status, word
):
    real, calls = library.annotate_together, []

    def second_time(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(library, "annotate_together", second_time)
    out = tmp_path / "out"
    command = ("annotate", models / "loud_tagger", album, "-o", out)
    ended, printed, err = run(*command, "--json")
    assert ended == status
    assert len(calls) == 2
    assert f"mirzoo: {word}: 1 of 5 written" in err and "not reached" in err
    assert json.loads(printed.splitlines()[-1])["summary"]["stopped"] == word
    assert [path.name for path in out.glob("[!.]*")] == ["1.json"]
    assert "3 of 5 written, 1 was there already" in run(*command)[2]


def test_help_tells_of_every_status(run):
    status, out, _ = run("annotate", "--help")
    words = " ".join(out.split())
    assert status == 0
    for known in ("0 all is written", "1 some", "2 the command", "3 stopped", "130", "143"):
        assert known in words


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--timeout", "0"], "not more than 0"),
        (["--timeout", "5", "--workers", "0"], "needs a worker"),
        (["--workers", "-1"], "--workers"),
    ],
)
def test_misuse(run, models, song, options, said):
    status, _, err = run("annotate", models / "loud_tagger", song, *options)
    assert status == 2 and said in err


def test_escapes_in_names_do_not_reach_the_terminal(run, models, tmp_path):
    status, _, err = run("annotate", models / "loud_tagger", tmp_path / "a\x1b[31m\n.wav")
    assert status == 1
    assert "\x1b" not in err and r"a\x1b[31m\n.wav" in err


def test_complaints_have_lines_but_no_escapes(capsys):
    complain("one\x1b[31m\ntwo")
    assert capsys.readouterr().err == "mirzoo: one\\x1b[31m\ntwo\n"
