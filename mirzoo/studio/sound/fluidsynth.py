"""Parts played by the program fluidsynth, a software synthesiser."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.errors import DataError
from mirzoo.studio.score import midi
from mirzoo.studio.score.midi import Part


def play(
    parts: Sequence[Part],
    soundfont: Path,
    *,
    sample_rate: int,
    reverb: int,
    options: Sequence[str],
) -> np.ndarray:
    """Play parts: float32 ``(samples,)`` at the synthesiser's own level, as long as it sounds.

    Parameters
    ----------
    parts : sequence of Part
        At most 15 pitched ones.
    soundfont : Path
        An ``.sf2`` or ``.sf3`` file.
    sample_rate : int
        What the result is resampled to (Hz).
    reverb : int
        How much reverberation each part gets (0 to 127).
    options : sequence of str
        Further arguments of the program.

    Raises
    ------
    DataError
        When fluidsynth is missing or fails.
    """
    if shutil.which("fluidsynth") is None:
        raise DataError("the program fluidsynth is not installed; music can't be rendered")
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
        score, sound = Path(folder, "score.mid"), Path(folder, "sound.wav")
        midi.write(parts, score, reverb=reverb)
        done = subprocess.run(
            [
                "fluidsynth",
                "-niq",
                *options,
                "-O",
                "float",
                "-T",
                "wav",
                "-F",
                str(sound),
                str(soundfont),
                str(score),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode or not sound.exists():
            raise DataError(f"fluidsynth failed with {soundfont}: {done.stderr.strip()}")
        return audio.read(sound, sample_rate)
