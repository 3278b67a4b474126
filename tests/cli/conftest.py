"""Fixtures of the command line: two small models, some music, and a way to run commands."""

import hashlib
import sys

import numpy as np
import pytest
import soundfile
from fake_models import TFLITE, make_card

from mirzoo import cli
from mirzoo.engines import processes

RATE = 16000


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Two saved models, with all that LiteRT needs."""
    root = tmp_path_factory.mktemp("models")
    for name in ("loud_tagger", "rising_tagger"):
        folder = root / name
        folder.mkdir()
        content = TFLITE.read_bytes()
        (folder / "model.tflite").write_bytes(content)
        files = {"model.tflite": hashlib.sha256(content).hexdigest()}
        make_card(name).updated(files=files).save(folder)
    return root


@pytest.fixture
def music(tmp_path):
    """A folder of two good recordings, one bad and something else."""
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, level in (("loud.wav", 0.9), ("album/soft.flac", 0.1)):
        soundfile.write(folder / name, level * rng.uniform(-1, 1, 5000), RATE)
    (folder / "album" / "broken.ogg").write_bytes(b"OggS but no more")
    (folder / "cover.jpg").write_bytes(b"no music")
    (folder / "._loud.wav").write_bytes(b"hidden")
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command in this process; several files too, unless --workers is given."""
    monkeypatch.setattr(processes, "default_workers", lambda runtime, files: 0)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mirzoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return run
