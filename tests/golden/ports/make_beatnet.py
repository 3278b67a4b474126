"""Write beatnet.npz: what the authors' program of BeatNet gives for some music, and its filters.

Run it in an environment with PyTorch, madmom 0.17 and librosa, with the wheel of BeatNet 1.1.3
unpacked into a folder::

    python make_beatnet.py FOLDER

The waveform is that of musicnn.npz, taken for one at 22.05 kHz.
"""

import sys
import types
from pathlib import Path

import numpy as np
import torch
from madmom.audio.filters import LogarithmicFilterbank
from madmom.audio.stft import fft_frequencies

HERE = Path(__file__).parent
EVERY = 4
"""Of the features each such frame is written."""


def main(folder):
    """Features, and the probabilities of beat and downbeat of each set of weights."""
    sys.path.insert(0, str(folder))
    sys.modules["pyaudio"] = types.ModuleType("pyaudio")  # for microphones alone
    from BeatNet.log_spect import LOG_SPECT
    from BeatNet.model import BDA

    with np.load(HERE / "musicnn.npz") as arrays:
        waveform = arrays["waveform"].astype(np.float32) / 2**15
    processor = LOG_SPECT(
        sample_rate=22050, win_length=1411, hop_size=441, n_bands=[24], mode="offline"
    )
    features = processor.process_audio(waveform).T.astype(np.float32)
    given = {}
    for number in (1, 2, 3):
        model = BDA(272, 150, 2, "cpu")
        weights = torch.load(Path(folder) / f"BeatNet/models/model_{number}_weights.pt")
        model.load_state_dict(weights)
        model.eval()
        with torch.no_grad():
            scores = model(torch.from_numpy(features)[None])[0]
            given[f"model_{number}"] = model.final_pred(scores).numpy()[:2].T
    filters = LogarithmicFilterbank(
        fft_frequencies(705, 22050), num_bands=24, fmin=30, fmax=17000, norm_filters=True
    )
    np.savez_compressed(
        HERE / "beatnet.npz", features=features[::EVERY], filters=np.asarray(filters, np.float32),
        **given,
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
