"""Measure the peak memory of `mirzoo annotate`, by model, output and length of the recording.

python benchmarks/memory.py RECORDING... --minutes 1 120

The recordings, repeated as often as needed, make a FLAC file of each length at 44.1 kHz in
stereo. Every figure is the peak resident memory (MB) of a process of its own that annotates one
such file in LiteRT: Python, the libraries and the model included.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile

from mirzoo import hub
from mirzoo.audio import blocks
from mirzoo.tasks.annotation import Playable
from mirzoo.tasks.base import TASKS

RATE = 44100
MODELS = ("mel_cnn_tagger", "cqt_crnn_chords", "hcqt_cnn_melody")
PICTURE, SOUND, TERMINAL = "picture", "sound", "--json"
BYTES_PER_KIB, BYTES_PER_MB = 1024, 1e6


def main() -> None:
    """Measure what the command line asks for, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recordings", nargs="+", type=Path, help="music to repeat")
    parser.add_argument("--minutes", nargs="+", type=float, default=[1.0, 120.0])
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument(
        "--outputs",
        nargs="+",
        help=f"suffixes of annotations, {PICTURE}, {SOUND} or {TERMINAL}; by default all",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [_repeated(options.recordings, m, Path(folder)) for m in options.minutes]
        header = ["model", "output", *(f"{minutes:g} min" for minutes in options.minutes)]
        print(_row(header), _row("---" for _ in header), sep="\n")
        for model in options.models:
            for output in options.outputs or outputs_of(model):
                peaks = (f"{peak_mb(model, file, output, Path(folder)):.0f}" for file in files)
                print(_row([model, output, *peaks]), flush=True)


def outputs_of(model: str) -> list[str]:
    """All that can be made of a model's annotation."""
    annotation = TASKS[hub.card(model).task].annotation
    sound = [SOUND] if issubclass(annotation, Playable) else []
    return [*annotation.formats, PICTURE, *sound, TERMINAL]


# A process counts the memory of the one that started it, so a small one starts the command.
MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_mb(model: str, recording: Path, output: str, folder: Path) -> float:
    """Peak resident memory of one annotation (MB)."""
    results = {PICTURE: ["--picture", "result.png"], SOUND: ["--sonify", "result.wav"]}
    asked = [output] if output == TERMINAL else results.get(output, ["-o", f"result{output}"])
    for old in folder.glob("result*"):
        old.unlink()
    command = [sys.executable, "-m", "mirzoo", "annotate", model, str(recording), *asked]
    measured = subprocess.run(
        [sys.executable, "-I", "-c", MEASURE, *command], cwd=folder, stdout=subprocess.PIPE
    )
    if measured.returncode:
        raise SystemExit(f"`{' '.join(command)}` failed with the status {measured.returncode}")
    unit = 1 if sys.platform == "darwin" else BYTES_PER_KIB
    return int(measured.stdout) * unit / BYTES_PER_MB


def _repeated(recordings: Sequence[Path], minutes: float, folder: Path) -> Path:
    """Write the recordings one after the other, again and again, until the file is long enough."""
    path, missing = folder / f"{minutes:g}min.flac", round(minutes * 60 * RATE)
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16", compression_level=0.0) as file:
        for block in _music(recordings):
            file.write(np.repeat(np.clip(block[:missing, np.newaxis], -1, 1), 2, axis=1))
            missing -= len(block)
            if missing <= 0:
                return path
    raise AssertionError("the recordings repeat for ever")


def _music(recordings: Sequence[Path]) -> Iterator[np.ndarray]:
    for recording in cycle(recordings):
        yield from blocks(recording, RATE)


def _row(cells: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
