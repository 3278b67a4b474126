"""Time audio, file to pitch: torchcrepe and our port of it.

torchcrepe needs an environment of its own::

    python3.11 -m venv crepe_env
    crepe_env/bin/pip install torch==2.13.* librosa==0.11.0 resampy scipy tqdm soundfile
    crepe_env/bin/pip install --no-deps torchcrepe==0.0.24
    python benchmarks/peers/crepe/compare.py crepe_env/bin/python

All take turns on the same file, mono at 16 kHz, so that no resampling is timed and whatever else
the machine does hits each alike. One round warms up and isn't counted. Both decode by Viterbi.
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
from mirzoo import audio
from mirzoo.export import demo_clip

SAMPLE_RATE = 16000
Timing = tuple[float, float]


def main() -> None:
    """Print wall and CPU seconds of each, and how many times faster than torchcrepe it is."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("original_python", help="python of torchcrepe's environment")
    arguments.add_argument("--network", choices=["tiny", "full"], default="tiny")
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, _original(options.original_python) as original:
        song = Path(folder) / "song.wav"
        write_song(song, options.seconds)
        contestants: dict[str, Callable[[], Timing]] = {
            "torchcrepe": lambda: ask(original, f"{options.network} {song}")
        }
        for runtime in ("keras", "litert"):
            model = mirzoo.load(f"crepe_{options.network}", runtime=runtime)
            contestants[f"{model.card.name}, {runtime}"] = lambda model=model: clock(model, song)
        timings: dict[str, list[Timing]] = {contestant: [] for contestant in contestants}
        for _ in range(1 + options.rounds):
            for contestant, run in contestants.items():
                timings[contestant].append(run())
    report({contestant: rounds[1:] for contestant, rounds in timings.items()})


def write_song(path: Path, seconds: int) -> None:
    """Repeat the bundled clip."""
    clip = audio.read(demo_clip(), SAMPLE_RATE)
    soundfile.write(path, np.resize(clip, seconds * SAMPLE_RATE), SAMPLE_RATE)


def clock(model, path: Path) -> Timing:
    """Wall and CPU seconds of one `annotate`."""
    wall, cpu = time.perf_counter(), time.process_time()
    model.annotate(path)
    return time.perf_counter() - wall, time.process_time() - cpu


def ask(original: subprocess.Popen, request: str) -> Timing:
    """Wall and CPU seconds of the package on one file, as its process says."""
    print(request, file=original.stdin, flush=True)
    wall, cpu = original.stdout.readline().split()
    return float(wall), float(cpu)


def report(timings: dict[str, list[Timing]]) -> None:
    """Print a table; medians over the rounds, and the ratio of wall and of CPU time."""
    medians = {
        contestant: [statistics.median(column) for column in zip(*rounds, strict=True)]
        for contestant, rounds in timings.items()
    }
    peer = next(iter(medians.values()))
    print(f"{'':22}{'wall s':>9}{'CPU s':>9}{'faster (wall)':>16}{'(CPU)':>9}")
    for contestant, (wall, cpu) in medians.items():
        ratios = f"{peer[0] / wall:15.1f}x{peer[1] / cpu:8.1f}x"
        print(f"{contestant:22}{wall:9.2f}{cpu:9.2f}{ratios}")


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
