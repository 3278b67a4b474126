"""Worker processes that die, hang, are interrupted and killed: each costs its own file alone."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_models import TFLITE, make_card
from places import ROOT

from mirzoo.annotate import annotate
from mirzoo.engines.batch import annotate_many
from mirzoo.errors import MirzooError
from mirzoo.hub import load

PLUGIN = "trap_plugin"
LONG_S = 60.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "loud_tagger"
    folder.mkdir()
    content = TFLITE.read_bytes()
    (folder / "model.tflite").write_bytes(content)
    files = {"model.tflite": hashlib.sha256(content).hexdigest()}
    make_card("loud_tagger").updated(files=files).save(folder)
    return folder


@pytest.fixture
def music(tmp_path):
    """Makes a folder of recordings with these names."""

    def make(*names):
        folder = tmp_path / "music"
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        for name in names:
            soundfile.write(folder / f"{name}.wav", rng.uniform(-0.5, 0.5, 4000), 16000)
        return folder

    return make


def start(model, music, *options):
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    return subprocess.Popen(
        [sys.executable, "-m", "mirzoo", "--import", PLUGIN, "annotate", model, music, *options],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments):
    process = start(*arguments)
    out, err = process.communicate(timeout=LONG_S)
    return process.returncode, out, err


def wait_for(condition):
    until = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def workers_of(process):
    listed = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(child) for children in listed for child in children.read_text().split()]


def test_who_dies_hangs_or_fails_costs_its_own_file_alone(model, music, tmp_path):
    bad = ["bug", "exit", "hang", "killed", "segv"]
    folder, out = music(*(f"good{number}" for number in range(6)), *bad), tmp_path / "out"
    options = ("-o", out, "--workers", "2", "--timeout", "3", "--json")
    status, printed, err = run(model, folder, *options)
    assert status == 1, err
    *records, summary = map(json.loads, printed.splitlines())
    assert summary["summary"]["written"] == 6 and summary["summary"]["failed"] == 5
    failures = {
        Path(record["source"]).stem: record["failures"][0]
        for record in records
        if record["status"] == "failed"
    }
    assert sorted(failures) == bad
    assert [failures[name]["kind"] for name in bad] == [
        "ZeroDivisionError", "WorkerDied", "Timeout", "WorkerDied", "WorkerDied",
    ]  # fmt: skip
    for name, said in (
        ("exit", "status 7"), ("killed", "SIGKILL; was there too little memory?"),
        ("segv", "SIGSEGV"), ("hang", "longer than 3 s"),
    ):  # fmt: skip
        assert said in failures[name]["message"]
    assert "a library tells why" in err, "what a worker writes is shown of a file that fails"
    assert "Segmentation fault" in err and "XNNPACK" not in err
    assert sorted(path.name for path in out.glob("[!.]*")) == [f"good{n}.json" for n in range(6)]


def test_results_are_those_of_one_process(model, music, tmp_path):
    folder = music("a", "b", "c")
    outcomes = list(annotate_many(model, [folder], tmp_path / "out", workers=2))
    assert sorted(outcome.status for outcome in outcomes) == ["written"] * 3
    alone = load(model, runtime="litert")
    for outcome in outcomes:
        (given,) = outcome.reports
        assert given.to_dict() == annotate(alone, outcome.source).to_dict()
    assert [o.status for o in annotate_many(model, [folder], tmp_path / "out")] == ["skipped"] * 3


@pytest.mark.parametrize("workers", [0, 2])
def test_results_of_other_settings_fail_their_recordings_alone(model, music, tmp_path, workers):
    folder = music("a", "b")
    options = {"formats": ("csv", "jams"), "workers": workers}
    written = list(annotate_many(model, f"{folder}/a.wav", tmp_path / "out", **options))
    assert [outcome.status for outcome in written] == ["written"]
    outcomes = annotate_many(model, folder, tmp_path / "out", channel="left", **options)
    a, b = sorted(outcomes, key=lambda outcome: outcome.source)
    assert (a.status, b.status) == ("failed", "written")
    (failure,) = a.failures
    assert failure.kind == "AnnotationError" and "a.csv was made with channel" in failure.message
    assert "a.jams was made with" in failure.message


def test_one_path_or_format_is_not_taken_for_its_characters(model, music, tmp_path):
    folder = str(music("a", "b"))
    outcomes = annotate_many(model, folder, tmp_path / "out", formats="csv", workers=0)
    assert [outcome.status for outcome in outcomes] == ["written"] * 2
    assert sorted(file.name for file in (tmp_path / "out").glob("[!.]*")) == ["a.csv", "b.csv"]
    (outcome,) = annotate_many(model, f"{folder}/a.wav", workers=0)
    assert outcome.status == "annotated"


def test_who_stops_iterating_stops_the_workers(model, music, tmp_path):
    outcomes = annotate_many(
        model, [music("a", *(f"slow{n}" for n in range(50)))], tmp_path / "out", workers=2
    )
    next(outcomes)
    began = time.monotonic()
    outcomes.close()
    assert time.monotonic() - began < 5
    assert len(list((tmp_path / "out").iterdir())) < 51


def test_a_model_that_workers_cannot_load_ends_the_batch(model, music, tmp_path):
    broken = tmp_path / "loud_tagger"
    broken.mkdir()
    for file in model.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.tflite").write_bytes(b"no model")
    with pytest.raises(MirzooError, match="SHA-256"):
        list(annotate_many(broken, [music("a", "b")], workers=2))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_stops_with_a_summary(model, music, tmp_path, number, status):
    out = tmp_path / "out"
    process = start(model, music(*(f"slow{n:02}" for n in range(60))), "-o", out, "--workers", "2")
    wait_for(lambda: len(list(out.glob("*.json"))) > 2)
    workers = workers_of(process)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == status, err
    written = len(list(out.glob("[!.]*")))
    assert f"{written} of 60 written, {60 - written} not reached" in err
    assert "Traceback" not in err
    assert workers and not any(map(is_running, workers))


def test_a_full_disk_stops_with_a_summary(model, music, tmp_path):
    folder = music("a", "b", "full", *(f"slow{n:02}" for n in range(40)))
    status, _, err = run(model, folder, "-o", tmp_path / "out", "--workers", "1")
    assert status == 3
    assert "the disk is full: 2 of 43 written, 40 not reached, 1 failed" in err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_killed_batch_leaves_nobody_and_goes_on(model, music, tmp_path):
    names = [f"slow{n:02}" for n in range(30)]
    folder, out = music(*names), tmp_path / "out"
    process = start(model, folder, "-o", out, "--workers", "2", "--format", "json,csv")
    wait_for(lambda: len(list(out.glob("*.csv"))) > 4)
    workers = workers_of(process)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(map(is_running, workers)))
    assert len(workers) == 2
    (out / f".mirzoo-00000000-{process.pid}-0badcafe.slow29.json").write_text("another machine's")
    mine = next(iter(out.glob("*.csv"))).stat()
    status, _, err = run(model, folder, "-o", out, "--workers", "2", "--format", "json,csv")
    assert status == 0 and " were there already" in err
    made = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert made == {f"{name}.{suffix}" for name in names for suffix in ("json", "csv")}
    assert next(iter(out.glob("*.csv"))).stat().st_mtime_ns == mine.st_mtime_ns
    for path in out.glob("slow*.json"):
        json.loads(path.read_text())


def test_a_terminal_is_shown_how_far_it_is_and_what_is_at_hand(model, music, tmp_path):
    ours, theirs = os.openpty()
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    folder = music(*(f"slow{number:02}" for number in range(12)))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mirzoo", "--import", PLUGIN, "annotate", model, folder),
            *("--json", "--workers", "2"),
        ],
        env={**os.environ, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(ours)
    lines = process.communicate()[0].splitlines()
    assert process.returncode == 0 and len(lines) == 12
    assert b"12/12" in shown and b".wav" in shown
    assert all(json.loads(line)["status"] == "annotated" for line in lines)


def test_jobs_are_taken_as_workers_get_free(model, music, tmp_path):
    from mirzoo.engines.one_file import Job, Setup
    from mirzoo.engines.processes import Processes

    song, asked = music("a") / "a.wav", 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield Job(str(song))

    outcomes = iter(Processes(Setup((str(model),)), endless(), workers=2))
    for _ in range(50):
        assert next(outcomes).status == "annotated"
    outcomes.close()
    assert asked < 70
