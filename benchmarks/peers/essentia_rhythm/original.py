"""Find beats with essentia's RhythmExtractor2013, one file for each line read.

A line is a file to process and a ``.beats`` file to write, times (s), with a tab between; prints
wall and CPU seconds. Started by `benchmarks/beats.py` in the package's own environment (it is under
the AGPL: compared with, never part of mirzoo)::

    python3.11 -m venv essentia_env
    essentia_env/bin/pip install essentia==2.1b6.dev1389

Zapata, Davies & Gómez, "Multi-feature beat tracking", IEEE TASLP 22(4), 2014: the method
"multifeature".
"""

import sys
import time

import essentia
from essentia import standard

SAMPLE_RATE = 44100

essentia.log.infoActive = False

for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    waveform = standard.MonoLoader(filename=path, sampleRate=SAMPLE_RATE)()
    beats = standard.RhythmExtractor2013(method="multifeature")(waveform)[1]
    took = time.perf_counter() - wall, time.process_time() - cpu
    with open(result, "w") as file:
        file.writelines(f"{at:.3f}\n" for at in beats)
    print(*took, flush=True)
