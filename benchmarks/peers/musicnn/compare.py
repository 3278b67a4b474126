"""Time a minute of audio, file to tags: musicnn's own package, our port of it, mel_cnn_tagger.

The package needs an environment of its own::

    python3.11 -m venv musicnn_env
    musicnn_env/bin/pip install tensorflow==2.20.* tf_keras==2.20.* librosa==0.11.0
    musicnn_env/bin/pip install --no-deps musicnn==0.1.0
    python benchmarks/peers/musicnn/compare.py musicnn_env/bin/python

All take turns on the same file, so that whatever else the machine does hits each alike. One
round warms up and isn't counted. The package builds its graph anew for each file; that is part
of its time, as it is for whoever uses it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

import mirzoo
from mirzoo import zoo
from mirzoo.export import demo_clip

DURATION_S = 60
Timing = tuple[float, float]


def main() -> None:
    """Print wall and CPU seconds of each, and how many times faster than the package it is."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("original_python", help="python of the package's environment")
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    models = [
        name
        for name in ("musicnn_mtt", "mel_cnn_tagger")
        if name in zoo.list_models(pretrained=True)
    ]
    with tempfile.TemporaryDirectory() as folder, _original(options.original_python) as original:
        minute = Path(folder) / "minute.wav"
        write_minute(minute)
        contestants: dict[str, Callable[[], Timing]] = {
            "musicnn's package": lambda: ask(original, minute)
        }
        for name in models:
            for runtime in ("keras", "litert"):
                model = mirzoo.load(name, runtime=runtime)
                contestants[f"{name}, {runtime}"] = lambda model=model: clock(model, minute)
        timings: dict[str, list[Timing]] = {contestant: [] for contestant in contestants}
        for _ in range(1 + options.rounds):
            for contestant, run in contestants.items():
                timings[contestant].append(run())
    report({contestant: rounds[1:] for contestant, rounds in timings.items()})


def write_minute(path: Path) -> None:
    """Repeat the bundled clip to `DURATION_S`, softly: the package overflows on loud music."""
    clip, rate = soundfile.read(demo_clip(), dtype="float32", always_2d=True)
    repeats = -(-DURATION_S * rate // len(clip))
    minute = np.tile(clip, (repeats, 1))[: DURATION_S * rate]
    soundfile.write(path, 0.1 * minute, rate)


def clock(model, path: Path) -> Timing:
    """Wall and CPU seconds of one `annotate`."""
    wall, cpu = time.perf_counter(), time.process_time()
    model.annotate(path)
    return time.perf_counter() - wall, time.process_time() - cpu


def ask(original: subprocess.Popen, path: Path) -> Timing:
    """Wall and CPU seconds of the package on one file, as its process says."""
    print(path, file=original.stdin, flush=True)
    wall, cpu = original.stdout.readline().split()
    return float(wall), float(cpu)


def report(timings: dict[str, list[Timing]]) -> None:
    """Print a table; medians over the rounds."""
    peer = statistics.median(wall for wall, _ in timings["musicnn's package"])
    print(f"{'':26}{'wall s':>8}{'CPU s':>8}{'faster':>9}")
    for contestant, rounds in timings.items():
        wall, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{contestant:26}{wall:8.2f}{cpu:8.2f}{peer / wall:8.1f}x")


def _original(python: str) -> subprocess.Popen:
    return subprocess.Popen(
        [python, str(Path(__file__).with_name("original.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


if __name__ == "__main__":
    main()
