"""What a room and its wiring add to a recording: coloured noise, mains hum, the tones of fans."""

from __future__ import annotations

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE

STEEPEST_DB_PER_OCTAVE = -9.0
LEVEL_BELOW_HZ = 40.0
MAINS_HZ = (50.0, 60.0)
FAN_HZ = (40.0, 400.0)
TONE_DB = (-10.0, 20.0)
HARMONIC_DB = (-30.0, 0.0)


def background(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Make up the noise of a room, as loud all the time.

    Parameters
    ----------
    seconds : float
    rng : np.random.Generator
        Decides how steeply the noise falls above 40 Hz (0 to 9 dB an octave), whether the mains
        hum (50 or 60 Hz) and up to two fans (40 to 400 Hz) sound with their harmonics, and how
        much louder than the noise.

    Returns
    -------
    np.ndarray
        Float32 ``(samples,)`` at 16 kHz, of RMS 1.

    Examples
    --------
    >>> noise = background(2.0, np.random.default_rng(0))
    >>> noise.shape, round(float(np.sqrt(np.mean(noise**2))), 3)
    ((32000,), 1.0)
    """
    noise = _coloured(round(seconds * SAMPLE_RATE), rng)
    sounding = [float(rng.choice(MAINS_HZ))] if rng.random() < 0.5 else []
    sounding += list(np.exp(rng.uniform(*np.log(FAN_HZ), size=rng.integers(3))))
    for frequency in sounding:
        loudness = 10 ** (rng.uniform(*TONE_DB) / 20)
        noise = noise + loudness * _steady_tone(frequency, len(noise), rng)
    return (noise / _rms(noise)).astype(np.float32)


def _coloured(count: int, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(count))
    octaves = np.log2(np.fft.rfftfreq(count, 1 / SAMPLE_RATE).clip(LEVEL_BELOW_HZ) / LEVEL_BELOW_HZ)
    noise = np.fft.irfft(spectrum * 10 ** (rng.uniform(STEEPEST_DB_PER_OCTAVE, 0) * octaves / 20),
                         count)  # fmt: skip
    return noise / _rms(noise)


def _steady_tone(frequency: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """A frequency and some of its harmonics, any of which may be the loudest, of RMS 1."""
    harmonics = frequency * np.arange(1, rng.integers(2, 12))
    gains = 10 ** (rng.uniform(*HARMONIC_DB, len(harmonics)) / 20)
    phases = rng.uniform(0, 2 * np.pi, len(harmonics))
    angles = 2 * np.pi * harmonics[:, np.newaxis] * np.arange(count) / SAMPLE_RATE
    tone = gains @ np.sin(angles + phases[:, np.newaxis])
    return tone / _rms(tone)


def _rms(waveform: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(waveform))))
