"""Compare basic-pitch with our port of it: the notes that each finds, and the time it takes.

The package needs an environment of its own::

    python3.11 -m venv basic_pitch_env
    basic_pitch_env/bin/pip install librosa==0.11.0 onnxruntime pretty_midi mir_eval resampy scipy
    basic_pitch_env/bin/pip install "setuptools<81"
    basic_pitch_env/bin/pip install --no-deps basic-pitch==0.4.0
    python benchmarks/peers/compare_basic_pitch.py basic_pitch_env/bin/python clips/

Each file's first half minute is written as mono at 22.05 kHz once, so that resampling is neither
timed nor compared, and all take turns on it. Notes are matched as ``mir_eval.transcription`` does
it: pitch within 50 cents, onset within 50 ms and, for the second F-measure, offset within 50 ms
or a fifth of the note. The package's notes count as the reference. The first file is processed once
more beforehand, to warm up.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import mir_eval
import numpy as np
import soundfile
from packages import ask, clock, start

import mirzoo
from mirzoo import audio
from mirzoo.annotate import find_recordings
from mirzoo.errors import AudioError

SAMPLE_RATE = 22050
LONGEST_S = 30


class Row(NamedTuple):
    """What came of one file: seconds of wall and CPU, the package's notes, both F-measures."""

    name: str
    package_wall_s: float
    package_cpu_s: float
    keras_wall_s: float
    keras_cpu_s: float
    litert_wall_s: float
    litert_cpu_s: float
    n_notes: int
    f_onset: float
    f_offset: float


def main() -> None:
    """Print a row for each file and the means."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("original_python", help="python of the package's environment")
    arguments.add_argument("recordings", nargs="+", help="files, or folders of them")
    options = arguments.parse_args()
    models = {runtime: mirzoo.load("basic_pitch", runtime) for runtime in ("keras", "litert")}
    rows = []
    titles = ("package", "CPU", "keras", "CPU", "litert", "CPU", "notes", "F onset", "F offset")
    print(" " * 24 + "".join(f"{title:>9}" for title in titles))
    with (
        tempfile.TemporaryDirectory() as folder,
        start("basic_pitch", options.original_python) as original,
    ):
        recordings = find_recordings(options.recordings)
        for number, recording in enumerate([recordings[0], *recordings]):
            song = Path(folder) / "song.wav"
            try:
                waveform = audio.read(recording.path, SAMPLE_RATE)[: LONGEST_S * SAMPLE_RATE]
            except AudioError as error:
                print(f"left out: {error}")
                continue
            soundfile.write(song, waveform, SAMPLE_RATE)
            row = compare(recording.path.name, song, original, models)
            if number:
                show(row)
                rows.append(row)
    columns = list(zip(*rows, strict=True))
    show(Row("mean", *(statistics.fmean(column) for column in columns[1:])))
    with_notes = [row for row in rows if row.n_notes]
    weights = [row.n_notes for row in with_notes]
    for field in ("f_onset", "f_offset"):
        values = [getattr(row, field) for row in with_notes]
        print(f"{field}, weighted by notes: {np.average(values, weights=weights):.4f}")


def compare(name: str, song: Path, original: subprocess.Popen, models: dict) -> Row:
    """Run all on one file."""
    result = song.with_suffix(".npy")
    timings = [*ask(original, f"{song}\t{result}")]
    theirs = np.load(result)
    for model in models.values():
        estimate, timing = clock(model, song)
        timings += timing
    ours = np.array([note[:4] for note in estimate.notes]).reshape(-1, 4)
    agreement = [f_measure(theirs, ours, offset_ratio=ratio) for ratio in (None, 0.2)]
    return Row(name, *timings, len(theirs), *agreement)


def f_measure(theirs: np.ndarray, ours: np.ndarray, *, offset_ratio: float | None) -> float:
    """Agreement of two lists of notes; 1 where both are empty."""
    if not len(theirs) or not len(ours):
        return float(len(theirs) == len(ours))
    return mir_eval.transcription.precision_recall_f1_overlap(
        theirs[:, :2],
        mir_eval.util.midi_to_hz(theirs[:, 2]),
        ours[:, :2],
        mir_eval.util.midi_to_hz(ours[:, 2]),
        offset_ratio=offset_ratio,
    )[2]


def show(row: Row) -> None:
    """Print one row."""
    name, *timings, n_notes, f_onset, f_offset = row
    seconds = "".join(f"{value:9.2f}" for value in timings)
    print(f"{name[:23]:24}{seconds}{n_notes:9.0f}{f_onset:9.3f}{f_offset:9.3f}")


if __name__ == "__main__":
    main()
