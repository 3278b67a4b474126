"""Write basic_pitch.npz: what the authors' own package says of the music in musicnn.npz.

Run it where the original works, apart from mirzoo's environment::

    pip install librosa==0.11.0 onnxruntime pretty_midi mir_eval resampy scipy "setuptools<81"
    pip install --no-deps basic-pitch==0.4.0
    python tests/golden/ports/make_basic_pitch.py

The samples are taken to be of 22,050 Hz, as the model wants them, and not of their 16,000 Hz: the
music is quicker and higher, and no resampler comes between. Kept are the activations of every
eighth frame, and every note.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import soundfile
from basic_pitch.inference import predict

HERE = Path(__file__).parent
SAMPLE_RATE = 22050
EVERY = 8
ONNX = "saved_models/icassp_2022/nmp.onnx"


def main() -> None:
    """Let the package hear the music and write the file beside this script."""
    import basic_pitch

    with np.load(HERE / "musicnn.npz") as arrays:
        waveform = arrays["waveform"]
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.wav"
        soundfile.write(song, waveform, SAMPLE_RATE, subtype="PCM_16")
        outputs, _, notes = predict(song, Path(basic_pitch.__file__).parent / ONNX)
    notes.sort()
    np.savez_compressed(
        HERE / "basic_pitch.npz",
        n_frames=len(outputs["note"]),
        every=EVERY,
        notes=np.array([note[:4] for note in notes]),
        bends=np.concatenate([note[4] for note in notes]).astype(np.int8),
        n_bends=[len(note[4]) for note in notes],
        **{name: values[::EVERY].astype(np.float32) for name, values in outputs.items()},
    )


if __name__ == "__main__":
    main()
