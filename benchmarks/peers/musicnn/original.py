"""Tag files with the musicnn package itself, one for each line read; prints wall and CPU seconds.

Started by `compare.py` in the package's own environment.
"""

import contextlib
import os
import sys
import time

os.environ["TF_USE_LEGACY_KERAS"] = "1"

from musicnn.extractor import extractor

for line in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(sys.stderr):
        extractor(line.strip(), model="MTT_musicnn", extract_features=False)
    print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
