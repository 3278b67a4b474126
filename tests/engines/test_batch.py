"""One file and the plan of many: names, what is there, what went wrong, and the sum of it all."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_models import FakeRunner

from mirzoo._support import files
from mirzoo.annotate import AudioFile, find_recordings, name_results
from mirzoo.engines.batch import Batch, Summary, reason
from mirzoo.engines.one_file import Failure, Job, OneFile, Outcome, Setup
from mirzoo.engines.processes import available_memory, default_workers
from mirzoo.engines.record import Source, recorded
from mirzoo.errors import AnnotationError
from mirzoo.tasks.tagging import Tags

MADE = {"model": "m", "version": "1", "decoding": {}}


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 4000), 16000)
    return path


@pytest.fixture
def one_file():
    return OneFile(Setup(models=("fake",), report="json"), [FakeRunner()])


def batch_of(folder, *suffixes, overwrite=False):
    recordings = find_recordings([folder])
    results = [name_results(recordings, ["m"], folder / "out", suffix) for suffix in suffixes]
    return Batch(recordings, ["m"], results, overwrite=overwrite, made=[MADE])


def test_one_file_writes_every_format_and_tells(one_file, song, tmp_path):
    targets = tuple(str(tmp_path / "new" / f"song.{suffix}") for suffix in ("json", "csv"))
    outcome = one_file(Job(str(song), results=(targets,)))
    assert (outcome.status, outcome.files, outcome.failures) == ("written", list(targets), [])
    assert outcome.seconds > 0
    (line,) = outcome.reports
    told = json.loads(line)
    assert told["files"] == list(targets) and told["source"] == str(song)
    assert Tags.read(targets[0]).labels == tuple(told["labels"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (b"x" * 300 + b".wav", "too long"),
        (b"gone.wav", "does not exist"),
        (b"gone\xff\n.wav", r"'gone\udcff\n.wav' does not exist"),
        (b"folder.wav", "is a folder"),
        (b"empty.wav", "is empty"),
        (b"song.wav/inside.wav", "does not exist"),
    ],
)
def test_bad_files_are_outcomes(one_file, song, tmp_path, monkeypatch, name, said):
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "empty.wav").touch()
    monkeypatch.chdir(tmp_path)
    outcome = one_file(Job(os.fsdecode(name)))
    assert outcome.status == "failed"
    (failure,) = outcome.failures
    assert said in failure.message and "\n" not in failure.message
    assert failure.kind == "AudioError" and not failure.details


def test_a_file_without_permission_is_an_outcome(one_file, song):
    song.chmod(0)
    if os.access(song, os.R_OK):
        pytest.skip("the superuser may read everything")
    assert "Permission" in one_file(Job(str(song))).failures[0].message


def test_an_error_that_nobody_thought_of_names_the_file_and_has_a_traceback(song):
    runner = FakeRunner()
    runner.predict_windows = lambda windows: 1 / 0
    (failure,) = OneFile(Setup(("fake",)), [runner])(Job(str(song))).failures
    assert str(song) in failure.message and "ZeroDivisionError" in failure.message
    assert "Traceback" in failure.details


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_and_is_told_apart(
    one_file, song, tmp_path, monkeypatch, number
):
    def full(path, *_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", full)
    targets = (str(tmp_path / "out" / "a.json"), str(tmp_path / "out" / "b.json"))
    outcome = one_file(Job(str(song), results=(targets,)))
    assert outcome.disk_is_full
    assert list((tmp_path / "out").iterdir()) == []


def test_names_that_are_not_utf_8_survive_in_json(one_file, song, tmp_path):
    odd = tmp_path / os.fsdecode(b"F\xfcr Elise.wav")
    song.rename(odd)
    target = tmp_path / os.fsdecode(b"F\xfcr Elise.json")
    outcome = one_file(Job(str(odd), results=((str(target),),)))
    assert outcome.status == "written"
    assert Tags.read(target).source == str(odd)
    told = json.loads(outcome.reports[0])["source"]
    assert os.fsencode(told) == os.fsencode(tmp_path) + b"/F\xfcr Elise.wav"


def test_only_what_is_missing_is_made(song, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with recorded(out / "song.json", Source.of(str(song)), [MADE]):
        (out / "song.json").write_text("{}")
    (out / "song.csv").touch()  # of no bytes: not whole
    (job,) = batch_of(tmp_path, ".json", ".csv").jobs()
    assert job.results == ((str(out / "song.csv"),),) and job.wanted == (True,)
    with recorded(out / "song.csv", Source.of(str(song)), [MADE]):
        (out / "song.csv").write_text("x")
    (job,) = batch_of(tmp_path, ".json", ".csv").jobs()
    assert job.wanted == (False,) and job.without_work.skipped
    (job,) = batch_of(tmp_path, ".json", ".csv", overwrite=True).jobs()
    assert len(job.results[0]) == 2
    (job,) = batch_of(tmp_path).jobs()
    assert job.wanted == (True,), "without files there is nothing that can be there"


def test_a_result_never_replaces_a_recording(tmp_path, song):
    for name in ("song.json", "other.wav"):
        (tmp_path / name).hardlink_to(song)
    recordings = [AudioFile(path, Path(path.name)) for path in (song, tmp_path / "other.wav")]
    for target in (tmp_path / "song.json", tmp_path / "." / "song.wav"):
        batch = Batch(recordings, ["m"], [dict.fromkeys([(r, "m") for r in recordings], target)])
        with pytest.raises(AnnotationError, match="is one of the recordings"):
            batch.require_inputs_kept()
    batch_of(tmp_path, ".json").require_inputs_kept()


def test_leftovers_of_processes_that_are_no_more_are_removed(song, tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    out = tmp_path / "out"
    out.mkdir()
    with files.unfinished(out / "song.json") as ours:
        ours.write_text("half")
        theirs = out / ours.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
        elsewhere = out / theirs.name.replace(files._host(), "00000000")
        for left in (theirs, elsewhere, out / ".mirzoo-notes"):
            left.write_text("half")
        list(batch_of(tmp_path, ".json").jobs())
        assert not theirs.exists()
        assert sorted(out.iterdir()) == sorted([ours, elsewhere, out / ".mirzoo-notes"])
        assert files.remove_leftovers(out, process=os.getpid()) == 1
        ours.write_text("whole")


@pytest.mark.parametrize(
    ("name", "is_exact"), [("a" * 250, True), ("a" * 251, False), ("é" * 125 + "b", False)]
)
def test_names_are_exact_as_long_as_they_fit(name, is_exact, tmp_path):
    recordings = [AudioFile(Path(f"{name}.wav"), Path(f"{name}.wav"))]
    for models in (["m"], ["some_model", "other_model"]):
        results = name_results(recordings, models, tmp_path, ".json")
        for path in results.values():
            with files.unfinished(path) as new:
                new.write_text("fits")
        assert len(set(results.values())) == len(models)
        exact = all(path.name.startswith(f"{name}.") for path in results.values())
        assert exact == (is_exact and len(models) == 1)


def test_long_names_that_begin_alike_stay_apart(tmp_path):
    names = [f"{'a' * 250}{end}" for end in "xy"]
    recordings = [AudioFile(Path(f"{n}.wav"), Path(f"{n}.wav")) for n in names]
    assert len(set(name_results(recordings, ["m"], tmp_path, ".json").values())) == 2


def test_folders_that_cannot_be_written_are_told_before_work(song, tmp_path):
    recordings = find_recordings([song])
    results = name_results(recordings, ["m"], song / "inside", ".json")
    with pytest.raises(AnnotationError, match="cannot be made"):
        Batch(recordings, ["m"], [results]).make_folders()


def test_an_unreadable_folder_is_a_problem_of_its_own(tmp_path, song, monkeypatch):
    (tmp_path / "locked").mkdir()
    walked = os.walk

    def walk(folder, onerror=None):
        onerror(PermissionError(errno.EACCES, "Permission denied", f"{folder}/locked"))
        yield from walked(folder)

    monkeypatch.setattr(os, "walk", walk)
    problems = []
    assert len(find_recordings([tmp_path], lambda *found: problems.append(found))) == 1
    assert "locked cannot be read (Permission denied)" in str(problems[0][1])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("'a b.wav' states a sample rate of 12,345 Hz; allowed", "states a sample rate of … Hz"),
        ("a b.wav is too short: it has 0.1 s", "is too short"),
        ("'a b.wav' took longer than 3 s", "took longer than … s"),
        ("'a b.wav': its worker process was ended by SIGKILL; was", "its worker process was ended"),
        ("the folder a b.wav has no audio file; looked", "the folder has no audio file"),
    ],
)
def test_reasons_are_what_files_have_in_common(message, expected):
    assert reason(Failure("AudioError", message), "a b.wav").startswith(expected)


def test_the_summary_counts_files_and_groups_reasons():
    summary = Summary(2000)
    for number in range(1990):
        outcome = Outcome(f"{number}.wav")
        if number < 20:
            outcome.failures = [
                Failure("AudioError", f"'{number}.wav' is empty (0 bytes)", "m")
            ] * 2
        elif number < 30:
            outcome.skipped = True
        else:
            outcome.files = ["x"]
        summary.add(outcome)
    assert str(summary) == (
        "1,960 of 2,000 written, 10 were there already (--overwrite makes them anew), "
        "10 not reached, 20 failed: 20 × is empty"
    )
    told = summary.to_dict()
    assert told["reasons"] == {"is empty": 20}
    parts = ("written", "annotated", "skipped", "failed", "not_reached")
    assert sum(told[part] for part in parts) == told["files"]


def test_workers_are_as_many_as_cores_memory_and_files_allow(monkeypatch):
    from mirzoo.engines import processes

    monkeypatch.setattr(processes, "cores", lambda: 16)
    monkeypatch.setattr(processes, "available_memory", lambda: 4 << 30)
    assert default_workers("litert", 1000) == 13
    assert default_workers("keras", 1000) == 2
    assert default_workers("litert", 3) == 3
    monkeypatch.setattr(processes, "available_memory", lambda: 0)
    assert default_workers("abacus", 1000) == 1
    assert available_memory() > 0
