"""Track pitch with torchcrepe itself, one file for each line read; prints wall and CPU seconds.

A line is a network and a file: ``tiny song.wav``. Started by `compare.py` in the package's own
environment. torchaudio, which the package imports to read files, isn't needed.
"""

import sys
import time
import types

import soundfile

BATCH_FRAMES = 512


def main() -> None:
    """Answer each line."""
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    import torch
    import torchcrepe

    for line in sys.stdin:
        network, path = line.strip().split(" ", 1)
        wall, cpu = time.perf_counter(), time.process_time()
        waveform, rate = soundfile.read(path, dtype="float32")
        torchcrepe.predict(
            torch.tensor(waveform)[None],
            rate,
            hop_length=rate // 100,
            model=network,
            return_periodicity=True,
            batch_size=BATCH_FRAMES,
        )
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    main()
