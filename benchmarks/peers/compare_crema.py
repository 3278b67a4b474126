"""Compare crema with our port of it: the chords that each finds, and the time it takes.

The package needs an environment of its own::

    python3.11 -m venv crema_env
    crema_env/bin/pip install tensorflow==2.20.* tf_keras==2.20.* librosa==0.11.0 jams mir_eval
    crema_env/bin/pip install scikit-learn==1.5.2 h5py six soundfile "setuptools<70"
    crema_env/bin/pip install --no-deps crema==0.2.0 pumpp==0.6.0
    python benchmarks/peers/compare_crema.py crema_env/bin/python songs/

Each file is written as mono at 44.1 kHz once, so that resampling is neither timed nor compared,
and all take turns on it. "same" is the share of the time in which both give the same root and
quality, "inversion" that in which they give the same bass too. The first file is processed once
more beforehand, to warm up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from packages import ask, clock, start

import mirzoo
from mirzoo import audio
from mirzoo.annotate import find_recordings

SAMPLE_RATE = 44100
LONGEST_S = 600
RUNTIMES = ("keras", "litert")
Segments = list[tuple[float, float, str]]


class Row(NamedTuple):
    """What came of one file: its length, wall and CPU seconds of all, shares of the time."""

    name: str
    duration_s: float
    original_s: float
    original_cpu_s: float
    keras_s: float
    keras_cpu_s: float
    litert_s: float
    litert_cpu_s: float
    same: float
    inversion: float


def main() -> None:
    """Print a row for each file, the means, and the shares weighted by the files' lengths."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("original_python", help="python of the package's environment")
    arguments.add_argument("recordings", nargs="+", help="files, or folders of them")
    options = arguments.parse_args()
    models = {runtime: mirzoo.load("crema_chords", runtime) for runtime in RUNTIMES}
    rows = []
    titles = ("audio s", "crema", "CPU", "keras", "CPU", "litert", "CPU", "same", "inversion")
    print(" " * 32 + "".join(f"{title:>10}" for title in titles))
    with (
        tempfile.TemporaryDirectory() as folder,
        start("crema", options.original_python) as original,
    ):
        recordings = find_recordings(options.recordings)
        for number, recording in enumerate([recordings[0], *recordings]):
            song = Path(folder) / "song.wav"
            waveform = audio.read(recording.path, SAMPLE_RATE)[: LONGEST_S * SAMPLE_RATE]
            soundfile.write(song, waveform, SAMPLE_RATE)
            name = recording.path.name
            name = f"{recording.path.parent.name}/{name}" if name.startswith("audio") else name
            row = compare(name, song, len(waveform) / SAMPLE_RATE, original, models)
            if number:
                show(row)
                rows.append(row)
    columns = list(zip(*rows, strict=True))
    show(Row("mean", *(statistics.fmean(column) for column in columns[1:])))
    durations = [row.duration_s for row in rows]
    for field in ("same", "inversion"):
        values = [getattr(row, field) for row in rows]
        print(f"{field}, weighted by length: {np.average(values, weights=durations):.4f}")


def compare(
    name: str, song: Path, duration_s: float, original: subprocess.Popen, models: dict
) -> Row:
    """Run all on one file."""
    result = song.with_suffix(".json")
    seconds = [*ask(original, f"{song}\t{result}")]
    theirs = json.loads(result.read_text())
    for model in models.values():
        estimate, timing = clock(model, song)
        seconds += timing
    shares = (
        agreement(theirs, estimate.segments, duration_s, inversions=inversions)
        for inversions in (False, True)
    )
    return Row(name, duration_s, *seconds, *shares)


def agreement(theirs: Segments, ours: Segments, duration_s: float, *, inversions: bool) -> float:
    """Share of the time in which two lists of segments have the same label."""
    edges = sorted({0.0, duration_s, *(s[0] for s in theirs), *(s[0] for s in ours)})
    edges = np.array([edge for edge in edges if edge <= duration_s])
    middles = (edges[1:] + edges[:-1]) / 2
    labels = []
    for segments in (theirs, ours):
        starts = np.array([segment[0] for segment in segments])
        at = np.searchsorted(starts, middles, side="right") - 1
        names = [segment[2] if inversions else segment[2].split("/")[0] for segment in segments]
        labels.append(np.array(names)[at])
    return float(np.average(labels[0] == labels[1], weights=np.diff(edges)))


def show(row: Row) -> None:
    """Print one row."""
    times = "".join(f"{value:10.2f}" for value in row[1:8])
    print(f"{row.name[-31:]:32}{times}{row.same:10.4f}{row.inversion:10.4f}", flush=True)


if __name__ == "__main__":
    main()
