"""Singing voices, transformed: played faster or slower, or taken apart and put together by WORLD.

References
----------
M. Morise, F. Yokomori, K. Ozawa, "WORLD: A Vocoder-Based High-Quality Speech Synthesis System for
Real-Time Applications", IEICE Transactions on Information and Systems E99-D (7), 2016.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE
from mirzoo.data.labels import F0_RATE
from mirzoo.studio.sound import effects
from mirzoo.studio.sound.tracking import LOWEST_HZ, need, track_voice

WORLD_PERIOD_S = 0.005
FORMANTS = (0.82, 1.22)
BREATH = (0.4, 2.0)
VIBRATO_HZ, VIBRATO_SEMITONES = (4.5, 7.0), (0.15, 1.0)


def shifted(voice: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The voice as it is, played faster or slower, or moved by WORLD; and its f0."""
    f0 = track_voice(voice)
    drawn = rng.random()
    if drawn < 0.25:
        return voice, f0
    if drawn < 0.65:
        return shift_by_speed(voice, f0, rng.uniform(-3, 3))
    return shift_by_world(voice, f0, rng.uniform(-4, 4))


def transformed(voice: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The voice with another timbre, up to 7 semitones away; and its f0.

    Formants move independently of the pitch; some voices get vibrato, more or less breath, or are
    driven until they distort.
    """
    f0 = track_voice(voice)
    semitones = np.full(len(f0), rng.uniform(-7, 7))
    if rng.random() < 0.4:
        phase = 2 * np.pi * rng.uniform(*VIBRATO_HZ) * np.arange(len(f0)) / F0_RATE
        semitones += rng.uniform(*VIBRATO_SEMITONES) * np.sin(phase + rng.uniform(0, 2 * np.pi))
    formants = float(np.exp(rng.uniform(*np.log(FORMANTS))))
    breath = float(np.exp(rng.uniform(*np.log(BREATH)))) if rng.random() < 0.5 else 1.0
    voice, f0 = shift_by_world(voice, f0, semitones, formants=formants, breath=breath)
    if rng.random() < 0.15:
        voice = effects.drive(voice, rng.uniform(3, 25))
    return voice, f0


def shift_by_speed(
    voice: np.ndarray, f0: np.ndarray, semitones: float
) -> tuple[np.ndarray, np.ndarray]:
    """Play a voice faster and so higher, or slower and lower; formants and timing go along."""
    from scipy import signal

    rounded = round(2 ** (semitones / 12) * 100)
    faster = signal.resample_poly(voice, 100, rounded).astype(np.float32)
    ratio = rounded / 100
    frames = len(faster) // F0_HOP
    nearest = np.round(np.arange(frames) * ratio).astype(int)
    return faster, f0[np.minimum(nearest, len(f0) - 1)] * np.float32(ratio)


def shift_by_world(
    voice: np.ndarray,
    f0: np.ndarray,
    semitones: float | np.ndarray,
    *,
    formants: float = 1.0,
    breath: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Move a voice's pitch with WORLD, by the same everywhere or by frames of the f0; timing stays.

    The formants are multiplied by ``formants``; ``breath`` below 1 makes the voice breathier, above
    1 purer.
    """
    ratio = np.broadcast_to(2 ** (np.asarray(semitones) / 12), f0.shape)
    analysed = analyse(voice)
    times = np.arange(len(analysed.f0)) * WORLD_PERIOD_S
    moved = replace(
        analysed.with_formants(formants) if formants != 1.0 else analysed,
        f0=analysed.f0 * np.interp(times * F0_RATE, np.arange(len(f0)), ratio),
    )
    sung = replace(moved, aperiodicity=moved.aperiodicity**breath).synthesise()
    sung = np.pad(sung, (0, max(0, len(voice) - len(sung))))[: len(voice)]
    return sung, (f0 * ratio).astype(np.float32)


@dataclass(frozen=True)
class Analysed:
    """What WORLD takes a voice apart into, a frame every 5 ms.

    ``f0`` is float64 ``(frames,)`` in Hz, 0 where unvoiced; ``envelope`` and ``aperiodicity`` are
    float64 ``(frames, bins)``.
    """

    f0: np.ndarray
    envelope: np.ndarray
    aperiodicity: np.ndarray

    def frames(self, chosen: np.ndarray) -> Analysed:
        """The frames chosen by index or mask."""
        return Analysed(self.f0[chosen], self.envelope[chosen], self.aperiodicity[chosen])

    def with_formants(self, scale: float) -> Analysed:
        """The same with resonances ``scale`` times as high."""
        bins = self.envelope.shape[1]
        source = np.minimum(np.arange(bins) / scale, bins - 1)
        below = np.minimum(source.astype(int), bins - 2)
        part = source - below

        def stretched(frames: np.ndarray) -> np.ndarray:
            return (1 - part) * frames[:, below] + part * frames[:, below + 1]

        return replace(
            self,
            envelope=np.exp(stretched(np.log(self.envelope))),
            aperiodicity=stretched(self.aperiodicity),
        )

    def synthesise(self) -> np.ndarray:
        """The waveform, float32 ``(samples,)`` at 16 kHz."""
        return (
            need("pyworld")
            .synthesize(
                self.f0,
                np.ascontiguousarray(self.envelope),
                np.ascontiguousarray(self.aperiodicity),
                SAMPLE_RATE,
                1000 * WORLD_PERIOD_S,
            )
            .astype(np.float32)
        )


def analyse(voice: np.ndarray) -> Analysed:
    """Analyse a voice, float32 ``(samples,)`` at 16 kHz."""
    pyworld = need("pyworld")
    samples = voice.astype(np.float64)
    coarse, times = pyworld.dio(
        samples, SAMPLE_RATE, f0_floor=LOWEST_HZ, frame_period=1000 * WORLD_PERIOD_S
    )
    f0 = pyworld.stonemask(samples, coarse, times, SAMPLE_RATE)
    return Analysed(
        f0,
        pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE),
        pyworld.d4c(samples, f0, times, SAMPLE_RATE),
    )
