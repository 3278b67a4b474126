"""What the comparisons of packages with our ports of them share: processes, clocks, a table."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from mirzoo.models.model import Model
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.tasks.annotation import Annotation

Timing = tuple[float, float]
"""Wall and CPU seconds."""


def start(package: str, python: str) -> subprocess.Popen:
    """Start ``<package>/original.py``, which answers a line with a line, in its environment."""
    return subprocess.Popen(
        [python, str(Path(__file__).parent / package / "original.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ask(original: subprocess.Popen, request: str) -> Timing:
    """What a package's process states of its own time for one request."""
    print(request, file=original.stdin, flush=True)
    wall, cpu = original.stdout.readline().split()
    return float(wall), float(cpu)


def clock(model: Model | LiteRTModel, path: Path) -> tuple[Annotation, Timing]:
    """What one of our models finds in a file, and its time for it."""
    wall, cpu = time.perf_counter(), time.process_time()
    estimate = model.annotate(path)
    return estimate, (time.perf_counter() - wall, time.process_time() - cpu)


def race(contestants: dict[str, Callable[[], Timing]], rounds: int) -> None:
    """Let all take turns and print their medians beside the first's; one round more warms up."""
    timings: dict[str, list[Timing]] = {contestant: [] for contestant in contestants}
    for _ in range(1 + rounds):
        for contestant, run in contestants.items():
            timings[contestant].append(run())
    medians = {
        contestant: [statistics.median(column) for column in zip(*taken[1:], strict=True)]
        for contestant, taken in timings.items()
    }
    peer = next(iter(medians.values()))
    print(f"{'':26}{'wall s':>9}{'CPU s':>9}{'faster (wall)':>16}{'(CPU)':>9}")
    for contestant, (wall, cpu) in medians.items():
        ratios = f"{peer[0] / wall:15.1f}x{peer[1] / cpu:8.1f}x"
        print(f"{contestant:26}{wall:9.2f}{cpu:9.2f}{ratios}")
