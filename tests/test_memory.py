"""Annotating an hour takes little more memory than annotating a minute."""

import importlib.util
import sys

import numpy as np
import pytest
import soundfile
from places import ROOT

MOST_MB = 400
HOUR_S = 3600
RATE = 8000


def benchmark():
    spec = importlib.util.spec_from_file_location("memory", ROOT / "benchmarks" / "memory.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def an_hour(tmp_path_factory):
    """Major and minor chords of two seconds at a low rate, every tenth a rest."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("memory") / "hour.wav"
    time = np.arange(2 * RATE) / RATE
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for number in range(HOUR_S // 2):
            chord = np.array([0, 3 + number % 2, 7]) + rng.integers(0, 12)
            tones = 130.8 * 2 ** (chord / 12)
            waves = np.sin(2 * np.pi * tones[:, np.newaxis] * time * np.array([[[1]], [[2]]]))
            sound = waves.sum(axis=(0, 1)) / 8
            file.write(sound if number % 10 else 0 * sound)
    return path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs wait4")
@pytest.mark.parametrize(
    ("model", "output"), [("cqt_crnn_chords", ".jams"), ("hcqt_cnn_melody", ".json")]
)
def test_an_hour_needs_at_most_400_mb(an_hour, tmp_path, model, output):
    assert benchmark().peak_mb(model, an_hour, output, tmp_path) <= MOST_MB
    assert (tmp_path / f"result{output}").stat().st_size > 100_000
