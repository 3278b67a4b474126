"""Transcribe with basic-pitch itself, one file for each line read.

A line is a file to transcribe and one to write its notes to, with a tab between: rows of start
(s), end (s), MIDI pitch and amplitude. Prints wall and CPU seconds. Started by `compare.py` in the
package's own environment.
"""

import contextlib
import sys
import time
from pathlib import Path

import basic_pitch
import numpy as np
from basic_pitch.inference import Model, predict

ONNX = Path(basic_pitch.__file__).parent / "saved_models/icassp_2022/nmp.onnx"
model = Model(ONNX)

for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        _, _, notes = predict(path, model)
    took = time.perf_counter() - wall, time.process_time() - cpu
    np.save(result, np.array([note[:4] for note in sorted(notes)]).reshape(-1, 4))
    print(*took, flush=True)
