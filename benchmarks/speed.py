"""Measure how fast the models run in LiteRT, for `mirzoo list` and `mirzoo info`.

python benchmarks/speed.py

Seconds of music that `annotate` processes in a second of processor time, decoding included, on a
synthetic recording of a minute: the best of several runs. Measured are the models that come with
mirzoo and the published ones that were pulled; the file names the processor.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path

import numpy as np

from mirzoo import hub
from mirzoo.cli.listing import SPEEDS_FILE

SECONDS = 60
RUNS = 5
WARM_UP_S = 5


def main() -> None:
    """Measure every model that is here, and write the file."""
    speeds = {}
    for name in hub.local_models():
        speeds[name] = float(f"{audio_s_per_cpu_s(name):.2g}")
        print(f"{speeds[name]:8g}  {name}")
    measured = {
        "conditions": f"a second of one core of {processor()}, LiteRT",
        "audio_s_per_cpu_s": speeds,
    }
    SPEEDS_FILE.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def audio_s_per_cpu_s(name: str) -> float:
    """Seconds of music for each second of processor time, the best of some runs."""
    model = hub.load(name, runtime="litert")
    rate = model.card.sample_rate
    model.annotate(_music(WARM_UP_S, rate))
    music, times = _music(SECONDS, rate), []
    for _ in range(RUNS):
        before = time.process_time()
        model.annotate(music)
        times.append(time.process_time() - before)
    return SECONDS / min(times)


def _music(seconds: int, rate: int) -> np.ndarray:
    """Chords of harmonic tones with noise, another chord every second."""
    rng = np.random.default_rng(0)
    t = np.arange(rate) / rate
    parts = []
    for _ in range(seconds):
        f0 = 110.0 * 2 ** (rng.integers(0, 24, 3) / 12)
        parts.append(sum(np.sin(2 * np.pi * f * k * t) / k for f in f0 for k in (1, 2, 3)))
    music = 0.1 * np.concatenate(parts) + 0.01 * rng.standard_normal(seconds * rate)
    return music.astype(np.float32)


def processor() -> str:
    """The processor's name, as Linux has it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
