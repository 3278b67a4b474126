"""Extract melodies with Melodia as essentia has it, one file for each line read.

A line is a file to process and a ``.csv`` of times (s) and frequencies (Hz) to write, with a tab
between; prints wall and CPU seconds. Started by `benchmarks/melody.py` in the package's own
environment (it is under the AGPL: compared with, never part of mirzoo)::

    python3.11 -m venv essentia_env
    essentia_env/bin/pip install essentia==2.1b6.dev1389

Salamon & Gómez, "Melody extraction from polyphonic music signals using pitch contour
characteristics", IEEE TASLP 20(6), 2012. As its authors advise, equal-loudness filtering comes
first and the other parameters are the defaults. It also guesses a pitch where it finds no melody;
those are negative here, as mir_eval wants them for raw pitch accuracy.
"""

import sys
import time

import essentia
import numpy as np
from essentia import standard

SAMPLE_RATE = 44100
HOP_LENGTH = 128

essentia.log.infoActive = False

for line in sys.stdin:
    path, result = line.strip().split("\t")
    wall, cpu = time.perf_counter(), time.process_time()
    waveform = standard.MonoLoader(filename=path, sampleRate=SAMPLE_RATE)()
    melodia = standard.PredominantPitchMelodia(
        sampleRate=SAMPLE_RATE, hopSize=HOP_LENGTH, guessUnvoiced=True
    )
    f0, confidence = melodia(standard.EqualLoudness(sampleRate=SAMPLE_RATE)(waveform))
    took = time.perf_counter() - wall, time.process_time() - cpu
    f0 = np.where(confidence > 0, f0, -f0)
    times = np.arange(len(f0)) * HOP_LENGTH / SAMPLE_RATE
    np.savetxt(result, np.stack([times, f0], axis=1), fmt=("%.6f", "%.3f"), delimiter=",")
    print(*took, flush=True)
