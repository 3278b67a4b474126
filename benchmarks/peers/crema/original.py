"""Recognise chords with crema itself, one file for each line read.

A line is a file to process and one to write its chords to, with a tab between: rows of start (s),
end (s) and label, as JSON or, by its name, ``.lab``. Prints wall and CPU seconds. Started by
`compare.py` and `benchmarks/chords.py` in the package's own environment. The package is written
for Keras 2, which is called tf_keras today.
"""

import contextlib
import importlib
import json
import sys
import time
from pathlib import Path

import soundfile


def main() -> None:
    """Answer each line."""
    for module in ("", ".backend", ".layers", ".models"):
        sys.modules[f"keras{module}"] = importlib.import_module(f"tf_keras{module}")
    from crema.models.chord import ChordModel

    model = ChordModel()
    for line in sys.stdin:
        path, result = line.strip().split("\t")
        wall, cpu = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(sys.stderr):
            waveform, rate = soundfile.read(path, dtype="float32")
            chords = model.predict(y=waveform, sr=rate)
        took = time.perf_counter() - wall, time.process_time() - cpu
        rows = [[chord.time, chord.time + chord.duration, chord.value] for chord in chords]
        lab = "".join(f"{start:.6f} {end:.6f} {label}\n" for start, end, label in rows)
        Path(result).write_text(lab if result.endswith(".lab") else json.dumps(rows))
        print(*took, flush=True)


if __name__ == "__main__":
    main()
