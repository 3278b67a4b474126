"""Write crepe.npz: what torchcrepe says of a second of the music in musicnn.npz.

Run it where the original works, apart from mirzoo's environment::

    pip install torch==2.13.* librosa==0.11.0 resampy scipy tqdm
    pip install --no-deps torchcrepe==0.0.24
    python tests/golden/ports/make_crepe.py

The activations of every fourth frame are kept. torchaudio, which torchcrepe imports to read files,
isn't needed: nothing is read by it here.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SAMPLE_RATE = 16000
HOP_LENGTH = 160
START_S, DURATION_S = 0.5, 1.0
EVERY = 4


def main() -> None:
    """Let both networks hear the music and write the file beside this script."""
    sys.modules.setdefault("torchaudio", types.ModuleType("torchaudio"))
    import torch
    import torchcrepe

    with np.load(HERE / "musicnn.npz") as arrays:
        start = round(START_S * SAMPLE_RATE)
        waveform = arrays["waveform"][start : start + round(DURATION_S * SAMPLE_RATE)]
    audio = torch.tensor(waveform.astype(np.float32) / 2**15)[None]
    with torch.no_grad():
        frames = torch.cat(list(torchcrepe.preprocess(audio, SAMPLE_RATE, HOP_LENGTH)))
        activations = {
            f"crepe_{family}": torchcrepe.infer(frames[::EVERY], family).numpy()
            for family in ("tiny", "full")
        }
    np.savez_compressed(
        HERE / "crepe.npz", n_frames=len(frames), start=start, every=EVERY, **activations
    )


if __name__ == "__main__":
    main()
