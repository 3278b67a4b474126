"""Write keys.npz: what the authors' programs of S-KEY and KeyNet give for a second of music.

Run it in an environment with PyTorch, torchaudio, librosa, einops and nnAudio 0.3.3, with the two
repositories checked out at the commits that the ports name::

    python make_keys.py SKEY_FOLDER MUSICALKEYCNN_FOLDER

The waveform is that of musicnn.npz, taken for one at either model's rate.
"""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent


def skey(folder, waveform):
    """Features and probabilities, as skey.key_detection.infer_key computes them."""
    sys.path.insert(0, str(folder))
    from skey.key_detection import load_checkpoint, load_model_components

    device = torch.device("cpu")
    hcqt, chromanet, crop = load_model_components(load_checkpoint(), device)
    normalised = waveform / np.abs(waveform).max()
    with torch.no_grad():
        features = crop(hcqt(torch.tensor(normalised)[None, None]), torch.zeros(1))
        return features.numpy()[0, 0].T, chromanet(features).numpy()[0]


def keynet(folder, waveform):
    """Features and scores, as predict_keys.py computes them."""
    sys.path.insert(0, str(folder))
    from audio_utils import preprocess_from_waveform
    from model import KeyNet

    model = KeyNet(num_classes=24, in_channels=1)
    model.load_state_dict(torch.load(folder / "checkpoints" / "keynet.pt", map_location="cpu"))
    model.eval()
    features = preprocess_from_waveform(waveform, 44100)
    with torch.no_grad():
        return features.numpy()[0].T, model(features[None]).numpy()[0]


with np.load(HERE / "musicnn.npz") as arrays:
    music = arrays["waveform"].astype(np.float32) / 2**15
skey_features, skey_keys = skey(Path(sys.argv[1]), music)
keynet_features, keynet_scores = keynet(Path(sys.argv[2]), music)
np.savez_compressed(
    HERE / "keys.npz",
    skey_features=skey_features[::4].astype(np.float32),
    skey=skey_keys,
    keynet_features=keynet_features,
    keynet=keynet_scores,
)
