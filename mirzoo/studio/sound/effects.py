"""What happens to music between the instrument and the file: rooms, tone, loudness, codecs.

Every function takes and gives float32 ``(samples,)`` at 16 kHz and keeps the time of each sample,
so that labels stay true; what is random comes from the generator given.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE

BLOCK = 1 << 16


def rms(waveform: np.ndarray) -> float:
    """Root mean square of the stretches that sound (blocks of 50 ms within 40 dB of the loudest).

    Silence has 0.
    """
    size = SAMPLE_RATE // 20
    blocks = waveform[: len(waveform) // size * size].reshape(-1, size)
    power = np.mean(np.square(blocks, dtype=np.float64), axis=1)
    if power.max(initial=0.0) < 1e-12:
        return 0.0
    return float(np.sqrt(power[power > 1e-4 * power.max()].mean()))


def level(waveform: np.ndarray, rms_db: float) -> np.ndarray:
    """Set the loudness (dB relative to full scale), lower where the peaks would clip."""
    loudness = rms(waveform)
    if loudness == 0:
        return waveform.astype(np.float32)
    levelled = waveform * (10 ** (rms_db / 20) / loudness)
    return (levelled / max(1.0, float(np.max(np.abs(levelled))))).astype(np.float32)


def mix(lead: np.ndarray, backing: np.ndarray, lead_db: float) -> np.ndarray:
    """Add two stems, the lead ``lead_db`` (dB) above the backing where each sounds."""
    loud, soft = rms(lead), rms(backing)
    if loud == 0 or soft == 0:
        return (lead + backing).astype(np.float32)
    return (lead * (10 ** (lead_db / 20) * soft / loud) + backing).astype(np.float32)


def equalise(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One to four peaks or dips of up to 9 dB, 0.3 to 2 octaves wide."""
    from scipy import signal

    for _ in range(rng.integers(1, 5)):
        centre_hz = float(np.exp(rng.uniform(np.log(60), np.log(7000))))
        sections = _peak(centre_hz, rng.uniform(-9, 9), rng.uniform(0.5, 4))
        waveform = signal.sosfilt(sections, waveform)
    return waveform.astype(np.float32)


def _peak(centre_hz: float, gain_db: float, quality: float) -> np.ndarray:
    """A peaking filter as second-order section; the Audio EQ Cookbook of R. Bristow-Johnson."""
    omega = 2 * np.pi * centre_hz / SAMPLE_RATE
    alpha, amplitude = np.sin(omega) / (2 * quality), 10 ** (gain_db / 40)
    b = np.array([1 + alpha * amplitude, -2 * np.cos(omega), 1 - alpha * amplitude])
    a = np.array([1 + alpha / amplitude, -2 * np.cos(omega), 1 - alpha / amplitude])
    return np.concatenate([b, a])[None] / a[0]


def narrow(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut lows below 50 to 300 Hz, highs above 2.5 to 7 kHz, or both, like small loudspeakers."""
    from scipy import signal

    which = rng.integers(3)
    if which != 1:
        low = signal.butter(2, rng.uniform(50, 300), "highpass", fs=SAMPLE_RATE, output="sos")
        waveform = signal.sosfilt(low, waveform)
    if which != 0:
        high = signal.butter(2, rng.uniform(2500, 7000), "lowpass", fs=SAMPLE_RATE, output="sos")
        waveform = signal.sosfilt(high, waveform)
    return waveform.astype(np.float32)


def compress(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bring what is louder than a threshold nearer to it: a ratio of 2 to 8, 10 ms blocks."""
    from scipy import signal

    size = SAMPLE_RATE // 100
    n_blocks = -(-len(waveform) // size)
    padded = np.pad(waveform, (0, n_blocks * size - len(waveform)))
    power = np.mean(np.square(padded.reshape(n_blocks, size), dtype=np.float64), axis=1)
    smooth = np.exp(-1 / rng.uniform(2, 20))
    envelope_db = 10 * np.log10(signal.lfilter([1 - smooth], [1, -smooth], power) + 1e-10)
    over = np.maximum(0, envelope_db - (20 * np.log10(rms(waveform) + 1e-9) + rng.uniform(-12, 0)))
    gain_db = -over * (1 - 1 / rng.uniform(2, 8))
    places = np.arange(len(waveform)) / size - 0.5
    return (waveform * 10 ** (np.interp(places, np.arange(n_blocks), gain_db) / 20)).astype(
        np.float32
    )


def drive(waveform: np.ndarray, drive_db: float) -> np.ndarray:
    """Saturate: tanh of the waveform raised ``drive_db`` above its loudness at -9 dB."""
    loudness = rms(waveform)
    if loudness == 0:
        return waveform
    gain = 10 ** ((drive_db - 9) / 20) / loudness
    return (np.tanh(waveform * gain) / gain).astype(np.float32)


def amplify(
    waveform: np.ndarray, rng: np.random.Generator, *, drive_db: tuple[float, float] = (12.0, 40.0)
) -> np.ndarray:
    """A distorting guitar amplifier: lows cut, drive of ``drive_db`` (oversampled), a cabinet."""
    from scipy import signal

    if rms(waveform) == 0:
        return waveform
    tight = signal.butter(1, rng.uniform(80, 400), "highpass", fs=SAMPLE_RATE, output="sos")
    fast = signal.resample_poly(signal.sosfilt(tight, waveform), 4, 1)
    gain = 10 ** ((rng.uniform(*drive_db) - 9) / 20) / rms(fast.astype(np.float32))
    bias = rng.uniform(0, 0.4)
    fast = np.tanh(gain * fast + bias) - np.tanh(bias)
    cabinet = signal.butter(
        2,
        [rng.uniform(60, 120), rng.uniform(3500, 6500)],
        "bandpass",
        fs=4 * SAMPLE_RATE,
        output="sos",
    )
    slow = signal.resample_poly(signal.sosfilt(cabinet, fast), 1, 4)[: len(waveform)]
    return (slow / max(1.0, float(np.max(np.abs(slow))))).astype(np.float32)


def reverberate(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add a room 4 to 24 dB below: noise decaying by 60 dB in 0.2 to 2.5 s, highs faster."""
    from scipy import signal

    decay_s = float(np.exp(rng.uniform(np.log(0.2), np.log(2.5))))
    delay = int(rng.uniform(0, 0.03) * SAMPLE_RATE)
    time_s = np.arange(int(decay_s * SAMPLE_RATE)) / SAMPLE_RATE
    bright, dull = rng.standard_normal((2, len(time_s)))
    dull = signal.lfilter([0.15], [1, -0.85], dull) * 3
    room = bright * 10 ** (-6 * time_s / decay_s) + dull * 10 ** (-3 * time_s / decay_s)
    wet = signal.fftconvolve(waveform, room.astype(np.float32))
    wet = np.concatenate([np.zeros(delay), wet])[: len(waveform)]
    return mix(wet.astype(np.float32), waveform, rng.uniform(-24, -4))


def echo(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Repeat everything two to four times, 0.12 to 0.5 s apart, each 8 to 16 dB softer."""
    delay = int(rng.uniform(0.12, 0.5) * SAMPLE_RATE)
    softer = 10 ** (-rng.uniform(8, 16) / 20)
    echoed = waveform.astype(np.float32).copy()
    for number in range(1, int(rng.integers(2, 5)) + 1):
        if number * delay < len(waveform):
            echoed[number * delay :] += softer**number * waveform[: -number * delay]
    return echoed


def add_noise(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add hiss (white to brown) 20 to 55 dB below, sometimes with hum of the mains."""
    from scipy import signal

    if rms(waveform) == 0:
        return waveform
    hiss = rng.standard_normal(len(waveform))
    hiss = signal.lfilter([1], [1, -rng.uniform(0, 0.98)], hiss)
    if rng.random() < 0.3:
        time_s = np.arange(len(waveform)) / SAMPLE_RATE
        mains_hz = rng.choice([50.0, 60.0])
        hum = sum(np.sin(2 * np.pi * mains_hz * k * time_s) / k for k in (1, 2, 3, 5))
        hiss = hiss / hiss.std() + rng.uniform(0.3, 2) * hum
    return mix(hiss.astype(np.float32), waveform, -rng.uniform(20, 55))


def code(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Encode and decode as MP3 or Ogg Vorbis of some quality; libsndfile trims MP3's delay."""
    container, subtype = [("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS")][rng.integers(2)]
    file = io.BytesIO()
    loudest = max(1.0, float(np.max(np.abs(waveform), initial=0.0)))
    with soundfile.SoundFile(
        file,
        "w",
        SAMPLE_RATE,
        1,
        subtype,
        format=container,
        compression_level=float(rng.uniform(0.2, 0.95)),
    ) as encoder:
        for start in range(0, len(waveform), BLOCK):
            encoder.write(waveform[start : start + BLOCK] / loudest)
    file.seek(0)
    decoded = soundfile.read(file, dtype="float32")[0] * np.float32(loudest)
    return np.pad(decoded, (0, max(0, len(waveform) - len(decoded))))[: len(waveform)]


CHAIN = (
    (reverberate, 0.5),
    (equalise, 0.6),
    (compress, 0.4),
    (lambda waveform, rng: drive(waveform, rng.uniform(-6, 9)), 0.2),
    (narrow, 0.15),
    (add_noise, 0.4),
    (code, 0.3),
)


def produce(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Run some of the effects in the order of a studio, and set the level (-30 to -9 dB)."""
    for effect, probability in CHAIN:
        if rng.random() < probability:
            waveform = effect(waveform, rng)
    return level(waveform, rng.uniform(-30, -9))
