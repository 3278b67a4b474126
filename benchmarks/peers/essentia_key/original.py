"""Name the key with essentia's KeyExtractor, one file for each line read.

A line is a file to process and a ``.key`` file to write, with a tab between; prints wall and CPU
seconds. Started by `benchmarks/key.py` in the package's own environment (it is under the AGPL:
compared with, never part of mirzoo)::

    python3.11 -m venv key_env
    key_env/bin/pip install essentia==2.1b6.dev1389

The profile is the program's own choice, "bgate" (Faraldo, Jordà & Herrera, "A multi-profile method
for key estimation in EDM", AES 2017).
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
    tonic, mode, _ = standard.KeyExtractor(sampleRate=SAMPLE_RATE)(waveform)
    took = time.perf_counter() - wall, time.process_time() - cpu
    with open(result, "w") as file:
        file.write(f"{tonic} {mode}\n")
    print(*took, flush=True)
