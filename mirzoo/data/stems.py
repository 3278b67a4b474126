"""Stems: parts played dry by fluidsynth, each stem by itself, so that levels are known exactly.

One soundfont, `HELD_OUT_SOUNDFONT`, plays the items of the test split and nothing else.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data import effects, midi
from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.data.midi import Part
from mirzoo.errors import DataError

SYNTHESIS_RATE = 32000
LOUDEST_DRUMS_DB = 6.0
HELD_OUT_SOUNDFONT = "/usr/share/sounds/sf2/TimGM6mb.sf2"
SOUNDFONTS = {
    "/usr/share/sounds/sf2/FluidR3_GM.sf2": 3,
    "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3": 2,
    "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3": 4,
    "/usr/share/sounds/sf2/OPL-3_FM_128M.sf2": 1,
}
"""Soundfonts to train with and how often each is drawn; Debian packages hold them."""


def choose_soundfont(split: str, rng: np.random.Generator) -> Path:
    """The held-out soundfont for the split "test", one of the others for the rest.

    Raises
    ------
    DataError
        When it, or all of them, are not installed.
    """
    wanted = {HELD_OUT_SOUNDFONT: 1} if split == "test" else SOUNDFONTS
    found = {path: weight for path, weight in wanted.items() if Path(path).exists()}
    if not found:
        raise DataError(
            f"the soundfont for the split '{split}' is not installed; wanted is "
            f"{' or '.join(wanted)}: install the Debian packages timgm6mb-soundfont, "
            "fluid-soundfont-gm, fluidr3mono-gm-soundfont, musescore-general-soundfont-small and "
            "opl3-soundfont"
        )
    weights = np.array(list(found.values()))
    return Path(str(rng.choice(list(found), p=weights / weights.sum())))


def draw_tuning(rng: np.random.Generator) -> float:
    """How far off 440 Hz tuning music is (cents): a third in tune, the rest within 44.

    Patches are out of tune by some cents themselves, and what is half a semitone off has no name.
    """
    return 0.0 if rng.random() < 0.35 else float(np.clip(rng.normal(0, 20), -44, 44))


def tuned(parts: Sequence[Part], cents: float) -> list[Part]:
    """The parts, the pitched ones bent by ``cents`` throughout."""
    if cents == 0:
        return list(parts)
    return [part if part.drums else replace(part, bends=((0.0, cents / 100),)) for part in parts]


def play(
    parts: Sequence[Part], soundfont: Path, seconds: float, *, tuning_cents: float = 0.0
) -> np.ndarray:
    """Play parts without effects: float32 ``(samples,)`` at 16 kHz, as long as asked.

    Pitched parts are bent by ``tuning_cents``; drums are not. The level is the synthesiser's own,
    so that stems of one soundfont can be added.

    Raises
    ------
    DataError
        When fluidsynth is missing or fails.
    """
    samples = round(seconds * SAMPLE_RATE)
    if not any(len(part.notes) for part in parts):
        return np.zeros(samples, np.float32)
    if shutil.which("fluidsynth") is None:
        raise DataError("the program fluidsynth is not installed; music can't be rendered")
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
        score, sound = Path(folder, "stem.mid"), Path(folder, "stem.wav")
        midi.write(tuned(parts, tuning_cents), score, reverb=0)
        done = subprocess.run(
            ["fluidsynth", "-niq", "-R", "0", "-C", "0", "-r", str(SYNTHESIS_RATE), "-g", "0.3",
             "-o", "synth.dynamic-sample-loading=1", "-O", "float", "-T", "wav", "-F", str(sound),
             str(soundfont), str(score)],
            capture_output=True, text=True,
        )
        if done.returncode or not sound.exists():
            raise DataError(f"fluidsynth failed with {soundfont}: {done.stderr.strip()}")
        waveform = audio.read(sound, SAMPLE_RATE)[:samples]
    return np.pad(waveform, (0, samples - len(waveform)))


def play_band(
    parts: Sequence[Part], soundfont: Path, seconds: float, *, tuning_cents: float = 0.0
) -> np.ndarray:
    """Play parts as `play` does, the pitched ones together at most 6 dB softer than the drums.

    Some patches are so faint that drums would leave nothing to be heard of the chords.
    """
    pitched = play([part for part in parts if not part.drums], soundfont, seconds,
                   tuning_cents=tuning_cents)
    drums = play([part for part in parts if part.drums], soundfont, seconds)
    softest = effects.rms(drums) * 10 ** (-LOUDEST_DRUMS_DB / 20)
    loudness = effects.rms(pitched)
    raised = max(1.0, softest / loudness) if loudness else 1.0
    return (pitched * raised + drums).astype(np.float32)
