"""Time audio, file to pitch: torchcrepe and our port of it.

torchcrepe needs an environment of its own::

    python3.11 -m venv crepe_env
    crepe_env/bin/pip install torch==2.13.* librosa==0.11.0 resampy scipy tqdm soundfile
    crepe_env/bin/pip install --no-deps torchcrepe==0.0.24
    python benchmarks/peers/compare_crepe.py crepe_env/bin/python

All take turns on the same file, mono at 16 kHz, so that no resampling is timed and whatever else
the machine does hits each alike. One round warms up and isn't counted. Both decode by Viterbi.
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
from mirzoo import audio
from mirzoo.audio import demo_clip

SAMPLE_RATE = 16000


def main() -> None:
    """Print wall and CPU seconds of each, and how many times faster than torchcrepe it is."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("original_python", help="python of torchcrepe's environment")
    arguments.add_argument("--network", choices=["tiny", "full"], default="tiny")
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        start("crepe", options.original_python) as original,
    ):
        song = Path(folder) / "song.wav"
        write_song(song, options.seconds)
        contestants: dict[str, Callable[[], Timing]] = {
            "torchcrepe": lambda: ask(original, f"{options.network} {song}")
        }
        for runtime in ("keras", "litert"):
            model = mirzoo.load(f"crepe_{options.network}", runtime=runtime)
            contestants[f"{model.card.name}, {runtime}"] = lambda model=model: clock(model, song)[1]
        race(contestants, options.rounds)


def write_song(path: Path, seconds: int) -> None:
    """Repeat the bundled clip."""
    clip = audio.read(demo_clip(), SAMPLE_RATE)
    soundfile.write(path, np.resize(clip, seconds * SAMPLE_RATE), SAMPLE_RATE)


if __name__ == "__main__":
    main()
