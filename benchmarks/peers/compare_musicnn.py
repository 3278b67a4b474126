"""Time a minute of audio, file to tags: musicnn's own package, our port of it, mel_cnn_tagger.

The package needs an environment of its own::

    python3.11 -m venv musicnn_env
    musicnn_env/bin/pip install tensorflow==2.20.* tf_keras==2.20.* librosa==0.11.0
    musicnn_env/bin/pip install --no-deps musicnn==0.1.0
    python benchmarks/peers/compare_musicnn.py musicnn_env/bin/python

All take turns on the same file, so that whatever else the machine does hits each alike. One
round warms up and isn't counted. The package builds its graph anew for each file; that is part
of its time, as it is for whoever uses it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from packages import Timing, ask, clock, race, start

import mirzoo
from mirzoo import hub
from mirzoo.audio import demo_clip

DURATION_S = 60


def main() -> None:
    """Print wall and CPU seconds of each, and how many times faster than the package it is."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("original_python", help="python of the package's environment")
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    models = [
        name
        for name in ("musicnn_mtt", "mel_cnn_tagger")
        if name in hub.list_models(pretrained=True)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        start("musicnn", options.original_python) as original,
    ):
        minute = Path(folder) / "minute.wav"
        write_minute(minute)
        contestants: dict[str, Callable[[], Timing]] = {
            "musicnn's package": lambda: ask(original, str(minute))
        }
        for name in models:
            for runtime in ("keras", "litert"):
                model = mirzoo.load(name, runtime=runtime)
                contestants[f"{name}, {runtime}"] = lambda model=model: clock(model, minute)[1]
        race(contestants, options.rounds)


def write_minute(path: Path) -> None:
    """Repeat the bundled clip to `DURATION_S`, softly: the package overflows on loud music."""
    clip, rate = soundfile.read(demo_clip(), dtype="float32", always_2d=True)
    repeats = -(-DURATION_S * rate // len(clip))
    minute = np.tile(clip, (repeats, 1))[: DURATION_S * rate]
    soundfile.write(path, 0.1 * minute, rate)


if __name__ == "__main__":
    main()
