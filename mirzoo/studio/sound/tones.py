"""Single harmonic tones: sums of partials in the envelopes of played notes.

A tone that does not shake is the plainest melody there is; synthesisers' patches and recorded
notes all waver a little, so these are added up from sines.
"""

from __future__ import annotations

import numpy as np

from mirzoo.data.corpus import F0_HOP, SAMPLE_RATE
from mirzoo.data.labels import F0_RATE

LOWEST, HIGHEST = 48, 84
"""MIDI pitches, C3 to C6."""

HIGHEST_PARTIAL_HZ = 7500.0
ENVELOPES = ("held", "struck", "swelling", "pulsing")
VIBRATO_SHARE = 0.15
SOUNDING_DB, SILENT_DB = -26.0, -40.0


def line(seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Tones one after the other with rests between them.

    Parameters
    ----------
    seconds : float
        Length of the whole (s).
    rng : np.random.Generator

    Returns
    -------
    waveform, f0 : np.ndarray
        Float32 ``(samples,)`` at 16 kHz, and Hz ``(frames,)`` at 100 frames a second: 0 in rests,
        NaN where a tone is so soft that it is doubtful.
    """
    samples = round(seconds * SAMPLE_RATE)
    waveform = np.zeros(samples, np.float32)
    f0 = np.zeros(samples // F0_HOP, np.float32)
    same_timbre = rng.random() < 0.6
    timbre = draw_timbre(rng)
    longest_s, rest_s = rng.choice([0.5, 1.5, 4.0]), rng.choice([0.05, 0.4, 1.5])
    wanders, pitch = rng.random() < 0.5, rng.uniform(LOWEST, HIGHEST)
    now = rng.uniform(0, 0.5)
    while now < seconds - 0.3:
        length_s = min(rng.uniform(0.15, longest_s), seconds - now - 0.05)
        step = rng.integers(-7, 8) if wanders else 0
        pitch = pitch + step if wanders else rng.uniform(LOWEST, HIGHEST)
        pitch = float(np.clip(pitch, LOWEST, HIGHEST))
        tone, contour = play(pitch, length_s, timbre if same_timbre else draw_timbre(rng), rng)
        begin, first = round(now * F0_RATE) * F0_HOP, round(now * F0_RATE)
        tone = tone[: samples - begin] * np.float32(10 ** (rng.uniform(-9, 0) / 20))
        contour = contour[: len(f0) - first]
        waveform[begin : begin + len(tone)] += tone
        f0[first : first + len(contour)] = contour
        now += length_s + rng.uniform(0.02, rest_s)
    return waveform, f0


def draw_timbre(rng: np.random.Generator) -> np.ndarray:
    """Amplitudes of partials, float64 ``(partials,)``, the loudest 1.

    They fall as powers of their numbers and are uneven; some timbres have odd partials alone or a
    faint fundamental, some hardly more than the fundamental.
    """
    number = np.arange(1, 41)
    amplitudes = number ** -rng.uniform(0.4, 2.5) * 10 ** (rng.normal(0, 4, len(number)) / 20)
    if rng.random() < 0.25:
        amplitudes[1::2] *= 10 ** (-rng.uniform(12, 40) / 20)
    if rng.random() < 0.1:
        amplitudes[0] *= 10 ** (-rng.uniform(6, 18) / 20)
    amplitudes[int(rng.choice([3, 8, 20, 40])) :] = 0.0
    return amplitudes / amplitudes.max()


def play(
    pitch: float, seconds: float, timbre: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One tone, its peak at about 0.5.

    Parameters
    ----------
    pitch : float
        MIDI pitch.
    seconds : float
        How long it sounds (s).
    timbre : np.ndarray
        Of `draw_timbre`.
    rng : np.random.Generator
        Draws the envelope; a few tones get a vibrato.

    Returns
    -------
    waveform, f0 : np.ndarray
        Float32 ``(samples,)`` at 16 kHz, and Hz ``(frames,)`` at 100 frames a second.
    """
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = np.full(len(times), 440 * 2 ** ((pitch - 69) / 12))
    if rng.random() < VIBRATO_SHARE:
        cents = rng.uniform(5, 60) * np.clip(times / rng.uniform(0.1, 0.6), 0, 1)
        hertz *= 2 ** (cents * np.sin(2 * np.pi * rng.uniform(4, 7) * times) / 1200)
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
    tone = np.zeros(len(times))
    for number, amplitude in enumerate(timbre, 1):
        if amplitude and number * hertz.max(initial=0.0) < HIGHEST_PARTIAL_HZ:
            tone += amplitude * np.sin(number * phase + rng.uniform(0, 2 * np.pi))
    envelope = _envelope(times, rng)
    tone *= 0.5 * envelope / max(1e-9, np.max(np.abs(tone), initial=0.0))
    frames = np.arange(len(times) // F0_HOP) * F0_HOP
    loud_db = 20 * np.log10(envelope[frames] / envelope.max(initial=1e-9) + 1e-9)
    f0 = np.where(loud_db >= SOUNDING_DB, hertz[frames], np.nan)
    return tone.astype(np.float32), np.where(loud_db < SILENT_DB, 0.0, f0).astype(np.float32)


def _envelope(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How loud a tone is at times since its start (s), 0 to 1."""
    seconds = times[-1] + 1 / SAMPLE_RATE if len(times) else 0.0
    kind = str(rng.choice(ENVELOPES))
    rise_s = {"struck": 0.004, "swelling": min(0.6, seconds / 2)}.get(kind, rng.uniform(0.005, 0.1))
    envelope = np.clip(times / rise_s, 0, 1)
    if kind == "struck":
        envelope = envelope * np.exp(-times / rng.uniform(0.3, 2.0))
    elif kind == "pulsing":
        depth, rate_hz = rng.uniform(0.1, 0.6), rng.uniform(2, 8)
        envelope = envelope * (1 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * rate_hz * times)))
    else:
        envelope = envelope * (1 - rng.uniform(0, 0.5) * times / max(seconds, 0.1))
    return envelope * np.clip((seconds - times) / min(rng.uniform(0.01, 0.15), seconds / 3), 0, 1)
