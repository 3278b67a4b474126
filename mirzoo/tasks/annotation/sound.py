"""Annotations made audible, so that they can be checked by ear."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mirzoo.tasks.annotation.files import format_of, write_whole

if TYPE_CHECKING:
    from mirzoo import audio

FORMATS = (".wav", ".flac", ".ogg")
BLOCK_SAMPLES = 65536
ATTACK_S = 0.01
RELEASE_S = 0.04
DECAY_S = 1.5
HARMONICS = (1.0, 0.5, 0.25, 0.12)
PEAK = 0.9


class Tone(NamedTuple):
    """A note to be played: start and end (s), MIDI pitch and loudness (0 to 1)."""

    start_s: float
    end_s: float
    pitch: float
    loudness: float = 1.0


def hz(pitch: np.ndarray | float) -> np.ndarray | float:
    """Frequency of a MIDI pitch (Hz)."""
    return 440.0 * 2.0 ** ((np.asarray(pitch) - 69.0) / 12.0)


def play(tones: Iterable[Tone], sample_rate: int, n_samples: int) -> np.ndarray:
    """Play tones with a few harmonics that die away, float32 ``(n_samples,)``."""
    sound = np.zeros(n_samples, np.float32)
    for tone in tones:
        first = max(0, round(tone.start_s * sample_rate))
        last = min(n_samples, round((tone.end_s + RELEASE_S) * sample_rate))
        if last <= first:
            continue
        time = np.arange(last - first) / sample_rate
        frequency = float(hz(tone.pitch))
        envelope = np.minimum(1.0, time / ATTACK_S) * np.exp(-time / DECAY_S)
        envelope *= np.clip((tone.end_s - tone.start_s + RELEASE_S - time) / RELEASE_S, 0.0, 1.0)
        sound[first:last] += (
            tone.loudness
            * envelope
            * _harmonics(2 * np.pi * frequency * time, frequency, sample_rate)
        )
    return sound


def sing(times: np.ndarray, f0: np.ndarray, sample_rate: int, n_samples: int) -> np.ndarray:
    """Play a contour, silent where ``f0 <= 0``, float32 ``(n_samples,)``.

    Between frames the pitch glides in semitones; into and out of silence only the loudness
    fades.
    """
    voiced = f0 > 0
    if not voiced.any():
        return np.zeros(n_samples, np.float32)
    moments = np.arange(n_samples) / sample_rate
    octaves = np.interp(moments, times[voiced], np.log2(f0[voiced]))
    loudness = np.interp(moments, times, voiced.astype(float), left=0.0, right=0.0)
    phase = 2 * np.pi * np.cumsum(2.0**octaves) / sample_rate
    return (loudness * _harmonics(phase, 2.0 ** octaves.max(), sample_rate)).astype(np.float32)


def mixed(sound: np.ndarray, sample_rate: int, original: audio.Source | None) -> np.ndarray:
    """Put a sound over the recording, both equally loud, the peak at 0.9."""
    sound = _at_level(sound)
    if original is not None:
        from mirzoo import audio

        recording = audio.read(original, sample_rate)[: len(sound)]
        sound[: len(recording)] += _at_level(recording)
    peak = np.abs(sound).max(initial=0.0)
    return (sound * (PEAK / peak) if peak > 0 else sound).astype(np.float32)


def write(path: str | os.PathLike, sound: np.ndarray, sample_rate: int) -> None:
    """Write a sound file in one of `FORMATS`, whole or not at all."""
    import soundfile

    content = io.BytesIO()
    with soundfile.SoundFile(
        content, "w", sample_rate, channels=1, format=format_of(path, FORMATS, "sound")
    ) as file:
        # libvorbis keeps what it is given at once on the stack.
        for start in range(0, len(sound), BLOCK_SAMPLES):
            file.write(sound[start : start + BLOCK_SAMPLES])
    write_whole(path, content.getvalue())


def _at_level(sound: np.ndarray) -> np.ndarray:
    level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0
    return sound / level if level > 0 else sound.copy()


def _harmonics(phase: np.ndarray, frequency: float, sample_rate: int) -> np.ndarray:
    audible: Sequence[tuple[int, float]] = [
        (number, strength)
        for number, strength in enumerate(HARMONICS, 1)
        if number * frequency < sample_rate / 2
    ]
    return sum((s * np.sin(n * phase) for n, s in audible), np.zeros_like(phase))
