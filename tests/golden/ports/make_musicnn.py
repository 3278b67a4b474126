"""Write musicnn.npz: a few seconds of music and what the authors' own package says of them.

Run it where the original works, apart from mirzoo's environment::

    pip install tensorflow==2.20.* tf_keras==2.20.* librosa==0.11.0 platformdirs pydantic
    pip install --no-deps musicnn==0.1.0
    TF_USE_LEGACY_KERAS=1 PYTHONPATH=. python tests/golden/ports/make_musicnn.py FluidR3_GM.sf2

The music is our own, played by fluidsynth with the given soundfont (FluidR3, MIT licence), and
quiet: the package casts its mel power to float16, which is coarse, and overflows on loud music.
So there are two results for each model: ``<model>``, the package as it is, and
``<model>_float32``, the package with that cast lifted and nothing else changed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import soundfile
from musicnn import extractor

from mirzoo.studio.score.midi import MidiNote, Part, write

SAMPLE_RATE = 16000
DURATION_S = 6.1
MODELS = {
    "musicnn_mtt": "MTT_musicnn",
    "musicnn_mtt_vgg": "MTT_vgg",
    "musicnn_msd": "MSD_musicnn",
    "musicnn_msd_vgg": "MSD_vgg",
}
GUITAR, FLUTE, BASS = 24, 73, 32
CHORDS = ((45, 57, 60, 64), (41, 57, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62))
MELODY = (76, 72, 69, 71, 72, 69, 65, 67, 67, 72, 76, 79, 74, 71, 67, 74)


def main(soundfont: str) -> None:
    """Render the music, let the package tag it and write the file beside this script."""
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.wav"
        waveform = render(Path(folder), soundfont)
        soundfile.write(song, waveform, SAMPLE_RATE, subtype="PCM_16")
        results = {name: tag(song, model) for name, model in MODELS.items()}
        namespace = {**vars(np), "float16": np.float32}
        extractor.np = types.SimpleNamespace(**namespace)
        results |= {f"{name}_float32": tag(song, model) for name, model in MODELS.items()}
    path = Path(__file__).with_name("musicnn.npz")
    np.savez_compressed(path, waveform=waveform, sample_rate=SAMPLE_RATE, **results)


def render(folder: Path, soundfont: str) -> np.ndarray:
    """Play a guitar, a flute and a bass for `DURATION_S`: int16 ``(samples,)``."""
    write(score(), folder / "song.mid")
    command = ["fluidsynth", "-ni", "-g", "0.03", "-r", str(SAMPLE_RATE), "-T", "wav"]
    command += ["-F", str(folder / "full.wav"), soundfont, str(folder / "song.mid")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    stereo, _ = soundfile.read(folder / "full.wav", dtype="int16")
    return stereo[: round(DURATION_S * SAMPLE_RATE)].mean(axis=1).round().astype(np.int16)


def score() -> list[Part]:
    """Four arpeggiated chords with a melody above."""
    arpeggios = [
        MidiNote(1.6 * bar + 0.2 * step, 1.6 * bar + 0.2 * step + 0.5, chord[step % 3 + 1], 80)
        for bar, chord in enumerate(CHORDS)
        for step in range(8)
    ]
    roots = [MidiNote(1.6 * bar, 1.6 * bar + 1.5, chord[0], 90) for bar, chord in enumerate(CHORDS)]
    melody = [MidiNote(0.4 * k, 0.4 * k + 0.38, pitch, 70) for k, pitch in enumerate(MELODY)]
    return [Part(arpeggios, GUITAR), Part(melody, FLUTE), Part(roots, BASS)]


def tag(song: Path, model: str) -> np.ndarray:
    """What the package says: float32 ``(patches, 50)``."""
    taggram, _ = extractor.extractor(str(song), model=model, extract_features=False)
    return taggram.astype(np.float32)


if __name__ == "__main__":
    main(*sys.argv[1:])
