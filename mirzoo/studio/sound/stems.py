"""Stems: parts played dry by fluidsynth, each stem by itself, so that levels are known exactly.

One soundfont, `HELD_OUT_SOUNDFONT`, plays the items of the test split and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError
from mirzoo.studio.score.midi import Part
from mirzoo.studio.sound import effects, fluidsynth

DRY = ("-R", "0", "-C", "0", "-r", "32000", "-g", "0.3", "-o", "synth.dynamic-sample-loading=1")
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


@dataclass(frozen=True)
class Studio:
    """What everyone plays with, in one take.

    Parameters
    ----------
    seconds : float
        How long the take is (s).
    soundfont : Path
        Plays what isn't sampled.
    tuning_cents : float
        How much higher than 440 Hz tuning everything sounds (cents).
    samples : Path, optional
        The folder of instruments with recorded notes, where some play.
    """

    seconds: float
    soundfont: Path
    tuning_cents: float = 0.0
    samples: Path | None = None

    @property
    def n_samples(self) -> int:
        """The length of every stem, at 16 kHz."""
        return round(self.seconds * SAMPLE_RATE)

    def recorded(self, instrument: str) -> Path:
        """The folder of an instrument's recorded notes; DataError where there are none."""
        if self.samples is None:
            raise DataError(f"there are no recorded notes to play {instrument} with")
        return self.samples / instrument

    def play(self, parts: Sequence[Part]) -> np.ndarray:
        """Play parts without effects: float32 ``(n_samples,)`` at 16 kHz.

        Pitched parts are bent by the tuning, but for those with bends of their own, which hold it
        already. The level is the synthesiser's own, so that stems of one soundfont can be added.

        Raises
        ------
        DataError
            When fluidsynth is missing or fails.
        """
        if not any(len(part.notes) for part in parts):
            return np.zeros(self.n_samples, np.float32)
        waveform = fluidsynth.play(
            self.tuned(parts), self.soundfont, sample_rate=SAMPLE_RATE, reverb=0, options=DRY
        )
        waveform = waveform[: self.n_samples]
        return np.pad(waveform, (0, self.n_samples - len(waveform)))

    def play_band(self, parts: Sequence[Part]) -> np.ndarray:
        """Play parts as `play` does, the pitched ones together at most 6 dB softer than the drums.

        Some patches are so faint that drums would drown the chords.
        """
        pitched = self.play([part for part in parts if not part.drums])
        drums = self.play([part for part in parts if part.drums])
        softest = effects.rms(drums) * 10 ** (-LOUDEST_DRUMS_DB / 20)
        loudness = effects.rms(pitched)
        raised = max(1.0, softest / loudness) if loudness else 1.0
        return (pitched * raised + drums).astype(np.float32)

    def tuned(self, parts: Sequence[Part]) -> list[Part]:
        """The parts, the pitched ones without bends bent by the tuning throughout."""
        if self.tuning_cents == 0:
            return list(parts)
        bends = ((0.0, self.tuning_cents / 100),)
        return [part if part.drums or part.bends else replace(part, bends=bends) for part in parts]
