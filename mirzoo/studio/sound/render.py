"""Excerpts of songs, arranged for random ensembles and played by fluidsynth.

What is random depends on the item's name, and on which soundfonts are installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE, Item, item_rng
from mirzoo.errors import DataError
from mirzoo.studio.score import songs
from mirzoo.studio.score.arranging import ENSEMBLES, arrange
from mirzoo.studio.score.midi import Part
from mirzoo.studio.sound import fluidsynth

EXCERPT_S = 60.0
SYNTHESIS_RATE = 44100
SOUNDFONT_FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/sounds/sf3")
SOUNDFONT_WEIGHTS = {
    "FluidR3_GM.sf2": 5,
    "MuseScore_General_Lite.sf3": 3,
    "TimGM6mb.sf2": 3,
    "OPL-3_FM_128M.sf2": 1,
}


def render_item(item: Item) -> np.ndarray:
    """Arrange and render 60 s of the song ``item.path``: float32 ``(samples,)`` at 16 kHz."""
    rng = item_rng(item)
    song = songs.read(item.path)
    ensemble = ENSEMBLES[rng.choice(list(ENSEMBLES))]
    speed = rng.uniform(*ensemble.speed)
    latest = max(0.0, song.beats[-1] - EXCERPT_S * speed)
    start_s = float(rng.choice(song.downbeats[song.downbeats <= latest + 1]))
    piece = songs.excerpt(song, start_s, EXCERPT_S, speed=speed, semitones=int(rng.integers(-5, 6)))
    parts = arrange(piece, ensemble, rng)
    return synthesise(parts, choose_soundfont(rng), reverb=int(rng.integers(0, 100)))


def choose_soundfont(rng: np.random.Generator) -> Path:
    """One of the installed soundfonts, by the weights of `SOUNDFONT_WEIGHTS`.

    Raises
    ------
    DataError
        When none is installed, with the Debian packages that hold some.
    """
    found = [
        (Path(folder, name), weight)
        for name, weight in SOUNDFONT_WEIGHTS.items()
        for folder in SOUNDFONT_FOLDERS
        if Path(folder, name).exists()
    ]
    if not found:
        raise DataError(
            f"no soundfont of {', '.join(SOUNDFONT_WEIGHTS)} is in {SOUNDFONT_FOLDERS}; install "
            "for example the Debian packages fluid-soundfont-gm and timgm6mb-soundfont"
        )
    weights = np.array([weight for _, weight in found])
    return found[rng.choice(len(found), p=weights / weights.sum())][0]


def synthesise(
    parts: Sequence[Part],
    soundfont: Path,
    *,
    reverb: int = 40,
    sample_rate: int = SAMPLE_RATE,
    rms_db: float = -18.0,
) -> np.ndarray:
    """Play parts with fluidsynth: float32 ``(samples,)``, levelled to ``rms_db`` (dB FS).

    Parameters
    ----------
    parts : sequence of Part
        At most 15 pitched ones.
    soundfont : path
        An ``.sf2`` or ``.sf3`` file.
    reverb : int
        How much reverberation each part gets (0 to 127).

    Raises
    ------
    DataError
        When fluidsynth is missing or fails.
    """
    waveform = fluidsynth.play(
        parts,
        soundfont,
        sample_rate=sample_rate,
        reverb=reverb,
        options=("-r", str(SYNTHESIS_RATE), "-g", "0.5"),
    )
    rms = np.sqrt(np.mean(np.square(waveform)))
    levelled = waveform * (10 ** (rms_db / 20) / max(rms, 1e-6))
    return (levelled / max(1.0, np.max(np.abs(levelled)))).astype(np.float32)
