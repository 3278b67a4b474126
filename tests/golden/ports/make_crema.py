"""Write crema.npz: what the authors' own package says of the music in musicnn.npz.

Run it where the original works, apart from mirzoo's environment::

    pip install tensorflow==2.20.* tf_keras==2.20.* librosa==0.11.0 jams mir_eval h5py six
    pip install scikit-learn==1.5.2 "setuptools<70"
    pip install --no-deps crema==0.2.0 pumpp==0.6.0
    python tests/golden/ports/make_crema.py

The music is brought from 16 kHz to the 44.1 kHz of the model by ``scipy.signal.resample_poly``,
as the test does it again. Kept are the package's features, its outputs and its chords.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

HERE = Path(__file__).parent
SAMPLE_RATE = 44100


def main() -> None:
    """Let the package hear the music and write the file beside this script."""
    for module in ("", ".backend", ".layers", ".models"):
        sys.modules[f"keras{module}"] = importlib.import_module(f"tf_keras{module}")
    from crema.models.chord import ChordModel

    with np.load(HERE / "musicnn.npz") as arrays:
        waveform = resample_poly(arrays["waveform"] / 2**15, 441, 160).astype(np.float32)
    model = ChordModel()
    features = model.pump["cqt"].transform(waveform, SAMPLE_RATE)["cqt/mag"][0]
    outputs = model.outputs(y=waveform, sr=SAMPLE_RATE)
    chords = model.predict(y=waveform, sr=SAMPLE_RATE, outputs=outputs)
    np.savez_compressed(
        HERE / "crema.npz",
        features=features.astype(np.float32),
        starts=[chord.time for chord in chords],
        labels=[chord.value for chord in chords],
        **{name: values.astype(np.float32) for name, values in outputs.items()},
    )


if __name__ == "__main__":
    main()
