"""Write won.npz: what the authors' networks give for 29 s (musicnn: 3 s) of music.

Run it in an environment with PyTorch and torchaudio, with the repository that the ports name
checked out at their commit::

    python make_won.py SOTA_MUSIC_TAGGING_MODELS_FOLDER

The waveform is that of musicnn.npz, taken for one at 16 kHz and repeated.
"""

import sys
import types
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
FOLDER = Path(sys.argv[1])
NETWORKS = {"fcn": ("FCN", 29), "musicnn": ("Musicnn", 3), "crnn": ("CRNN", 29)}
SETS = {"mtt": "mtat", "jamendo": "jamendo", "msd": "msd"}
EVERY = 40

sys.path.insert(0, str(FOLDER / "training"))
sys.modules.setdefault("librosa", types.ModuleType("librosa"))  # imported, not used here
import model  # noqa: E402

with np.load(HERE / "musicnn.npz") as arrays:
    music = np.tile(arrays["waveform"].astype(np.float32) / 2**15, 5)

given = {}
for data_set, folder in SETS.items():
    for name, (network, seconds) in NETWORKS.items():
        if (data_set, name) == ("msd", "musicnn"):
            continue  # larger than the others
        weights = torch.load(FOLDER / "models" / folder / name / "best_model.pth", "cpu")
        built = getattr(model, network)()
        built.spec.mel_scale.fb = weights["spec.mel_scale.fb"]
        built.load_state_dict(weights)
        built.eval()
        waveform = torch.tensor(music[: seconds * 16000])[None]
        with torch.no_grad():
            given[f"won_{name}_{data_set}"] = built(waveform)[0].numpy()[0]
            features = built.to_db(built.spec(waveform)).numpy()[0].T
        if data_set == "mtt":
            given[f"{name}_features"] = features[::EVERY]
np.savez_compressed(HERE / "won.npz", **given)
