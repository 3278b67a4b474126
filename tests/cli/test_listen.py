"""`mirzoo listen` on raw samples."""

import io
import json
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest


@pytest.fixture
def pipe(monkeypatch):
    """Put bytes on the standard input."""

    def put(content):
        stdin = types.SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: False)
        monkeypatch.setattr("sys.stdin", stdin)

    return put


def test_raw_samples_become_lines_of_json(run, models, pipe):
    pcm = (8000 * np.sin(np.arange(2 * 8000))).astype("<i2")
    pipe(pcm.tobytes())
    code, out, err = run(
        "listen", models / "loud_tagger", "--stdin", "--rate", 8000, "--channels", 2, "--json"
    )
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["end_s"] == pytest.approx(1.0, abs=0.11)
    assert {"loud", "rising"} == set(lines[0]["tags"])
    assert "latency 0." in err
    assert "1.0 s in 16 blocks, 0 dropped" in err


def test_nothing_on_the_standard_input(run, models, pipe):
    pipe(b"")
    code, out, err = run("listen", models / "loud_tagger", "--stdin")
    assert (code, out) == (0, "")
    assert "0 blocks" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stdin", "--device", "mic"], "--stdin takes none"),
        (["--stdin", "--format", "mp3"], "'mp3' is none of s8"),
        (["--stdin", "--osc", "nowhere"], "is not HOST:PORT"),
        (["--stdin", "--decoding", "lag_s=1"], "no setting 'lag_s'"),
    ],
)
def test_what_does_not_go_together(run, models, pipe, arguments, message):
    pipe(b"")
    code, _, err = run("listen", models / "loud_tagger", *arguments)
    assert code == 2
    assert message in err


def test_a_standard_input_that_is_closed(run, models, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    code, _, err = run("listen", models / "loud_tagger", "--stdin")
    assert code == 1
    assert "the standard input is closed" in err


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no device that is full here")
def test_a_disk_that_is_full(models):
    """Of any command: one sentence, not what Python prints of errors of its own."""
    pcm = np.zeros(16000, "<i2").tobytes()
    for command in (["listen", models / "loud_tagger", "--stdin", "--json"], ["list"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "mirzoo", *map(str, command)],
                input=pcm, stdout=full, stderr=subprocess.PIPE, check=False,
            )  # fmt: skip
        assert done.returncode == 1
        last = done.stderr.decode().splitlines()[-1]
        assert last == "mirzoo: what was found cannot be written: No space left on device"
        assert b"Traceback" not in done.stderr


def test_a_terminal_gives_no_samples(run, models, monkeypatch):
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(isatty=lambda: True))
    code, _, err = run("listen", models / "loud_tagger", "--stdin")
    assert code == 1
    assert "pipe raw samples into it: ffmpeg" in err
