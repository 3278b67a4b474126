"""What a worker process removes when its parent is gone: its own folder, and nothing else."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("is_there", [True, False])
def test_a_worker_whose_parent_is_gone_removes_its_own_folder_alone(is_there, tmp_path):
    everybodys = tmp_path / "everybodys"  # what tempfile falls back to
    own = tmp_path / "batch" / "worker"
    everybodys.mkdir()
    (everybodys / "work of others").write_text("a week")
    if is_there:
        own.mkdir(parents=True)
        (own / "leftover").write_text("of a file")
    places = {name: str(everybodys) for name in ("TEMP", "TMP")}
    program = f"from mirzoo.engines._worker import main; main({str(own)!r})"
    subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **places, "TMPDIR": str(own)},
        stdin=subprocess.DEVNULL,
        cwd=everybodys,
        check=True,
        timeout=60,
    )
    assert (everybodys / "work of others").read_text() == "a week"
    assert not own.exists() and not own.parent.exists()
