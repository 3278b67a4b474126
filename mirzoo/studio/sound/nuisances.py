"""Sounds that have a pitch, or seem to, and are no melody: hum, pitched noise, engines, speech.

Each function gives float32 ``(samples,)`` at 16 kHz at no level in particular.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError

PROGRAM = "flite"
SPEAKERS = ("awb", "kal16", "rms", "slt")
PIECE_S = (2.0, 7.0)
LONGEST_SPEECH = 8

WORDS = {
    "who": "the captain,my neighbour,an old friend,nobody,the second driver,her sister,our teacher,"
    "a stranger,the whole village,somebody upstairs,the younger doctor,every passenger",
    "does": "counted,forgot,carried,painted,sold,repaired,described,followed,opened,borrowed,"
    "remembered,avoided,promised,measured,returned",
    "what": "seven silver boats,the letter from Lisbon,a box of matches,two broken windows,"
    "the question,an empty suitcase,the road to the river,three yellow umbrellas,that photograph,"
    "a very long list,the evening train,some bread and cheese",
    "when": "before noon,in the middle of winter,after the meeting,without a word,last Thursday,"
    "at the station,for the third time,near the harbour,as quickly as possible,on the telephone",
}
"""Of which sentences are made, `` who does what when``."""


def hum(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Hum of the mains, 50 or 60 Hz with harmonics, some of it rectified (100 or 120 Hz)."""
    hertz = float(rng.choice([50.0, 60.0])) * int(rng.choice([1, 1, 2]))
    hertz *= 1 + rng.normal(0, 0.001)
    times = np.arange(samples) / SAMPLE_RATE
    count = int(rng.choice([2, 5, 12, 40]))
    amplitudes = np.arange(1, count + 1) ** -rng.uniform(0.3, 1.8)
    amplitudes *= 10 ** (rng.normal(0, 5, count) / 20)
    if rng.random() < 0.4:
        amplitudes[1::2] *= 0.1
    whole = np.zeros(samples)
    for number, amplitude in enumerate(amplitudes, 1):
        if number * hertz < SAMPLE_RATE / 2 - 200:
            whole += amplitude * np.sin(2 * np.pi * number * hertz * times + rng.uniform(0, 6.28))
    if rng.random() < 0.5:
        whole += rng.uniform(0.02, 0.3) * rng.standard_normal(samples)
    return whole.astype(np.float32)


def pitched_noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise through one to three resonances or a comb; its pitch may glide."""
    from scipy import signal

    noise = rng.standard_normal(samples)
    if rng.random() < 0.3:
        delay = int(SAMPLE_RATE / np.exp(rng.uniform(np.log(80), np.log(1200))))
        feedback = np.zeros(delay + 1)
        feedback[0], feedback[-1] = 1.0, -rng.uniform(0.5, 0.93)
        return signal.lfilter([1.0], feedback, noise).astype(np.float32)
    whole = rng.uniform(0, 0.3) * noise
    for _ in range(int(rng.integers(1, 4))):
        centre_hz = float(np.exp(rng.uniform(np.log(120), np.log(3000))))
        quality = float(np.exp(rng.uniform(np.log(3), np.log(30))))
        numerator, denominator = signal.iirpeak(centre_hz, quality, fs=SAMPLE_RATE)
        peak = signal.lfilter(numerator, denominator, noise)
        whole += peak / max(1e-9, peak.std())
    if rng.random() < 0.4:
        whole = _glided(whole, rng.uniform(0.7, 1.4))
    return whole.astype(np.float32)


def engine(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Strokes of an engine: uneven pulses, 18 to 150 a second, through resonances; revs change."""
    from scipy import signal

    times = np.arange(samples) / SAMPLE_RATE
    knots = np.arange(0, samples / SAMPLE_RATE + 2, 0.7)
    wander = np.cumsum(rng.normal(0, rng.choice([0.01, 0.04, 0.12]), len(knots)))
    rate_hz = np.exp(rng.uniform(np.log(18), np.log(150)))
    phase = np.cumsum(rate_hz * np.exp(np.interp(times, knots, wander))) / SAMPLE_RATE
    phase += np.interp(times, knots, rng.normal(0, 0.2, len(knots)))
    strokes = np.flatnonzero(np.diff(np.floor(phase)) > 0)
    cylinders = 10 ** (rng.normal(0, 2, int(rng.choice([1, 2, 4]))) / 20)
    pulses = np.zeros(samples)
    loudness = cylinders[np.arange(len(strokes)) % len(cylinders)]
    late = rng.integers(-3, 4, len(strokes))
    places = np.clip(strokes + late, 0, samples - 1)
    pulses[places] = loudness * 10 ** (rng.normal(0, 1.5, len(strokes)) / 20)
    whole = rng.uniform(0.05, 0.5) * _smoothed(pulses) * rng.standard_normal(samples)
    for _ in range(int(rng.integers(2, 5))):
        centre_hz = float(np.exp(rng.uniform(np.log(60), np.log(2500))))
        numerator, denominator = signal.iirpeak(centre_hz, rng.uniform(0.7, 5), fs=SAMPLE_RATE)
        ringing = signal.lfilter(numerator, denominator, pulses)
        whole += ringing / max(1e-9, ringing.std())
    return whole.astype(np.float32)


def speech(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Sentences read by one of the voices of the program flite.

    Raises
    ------
    DataError
        If flite is missing or fails.
    """
    found: list[np.ndarray] = []
    options = [
        "-voice", str(rng.choice(SPEAKERS)),
        "--setf", f"duration_stretch={rng.uniform(0.8, 1.3):.2f}",
        "--setf", f"int_f0_target_mean={rng.uniform(85, 240):.0f}",
    ]  # fmt: skip
    while sum(map(len, found)) < samples and len(found) < LONGEST_SPEECH:
        said = _read_aloud(sentence(rng), options)
        found += [said, np.zeros(int(rng.uniform(0.05, 0.5) * SAMPLE_RATE), np.float32)]
    whole = np.concatenate(found)[:samples]
    return np.pad(whole, (0, samples - len(whole)))


def sentence(rng: np.random.Generator) -> str:
    """A sentence of random parts.

    Examples
    --------
    >>> sentence(np.random.default_rng(1)).endswith(".")
    True
    """
    parts = [str(rng.choice(WORDS[part].split(","))) for part in ("who", "does", "what", "when")]
    return " ".join(parts).capitalize() + "."


def recorded(files: Sequence[Path], samples: int, rng: np.random.Generator) -> np.ndarray:
    """A stretch of recorded sounds, one file after the other.

    Raises
    ------
    DataError
        If there are no files.
    """
    if not files:
        raise DataError("there are no recordings of sounds to draw from")
    found: list[np.ndarray] = []
    while sum(map(len, found)) < samples:
        read = audio.read(files[int(rng.integers(len(files)))], SAMPLE_RATE)
        found.append(read if len(read) else np.zeros(SAMPLE_RATE, np.float32))
    return np.concatenate(found)[:samples]


Nuisance = Callable[[int, np.random.Generator], np.ndarray]

MADE: Sequence[tuple[Nuisance, float]] = (
    (hum, 0.24),
    (pitched_noise, 0.22),
    (engine, 0.2),
    (speech, 0.34),
)
"""What is made here, and how often each is drawn."""


def series(seconds: float, recordings: Sequence[Path], rng: np.random.Generator) -> np.ndarray:
    """One such sound after the other, each 2 to 7 s long, at levels up to 18 dB apart.

    Parameters
    ----------
    seconds : float
        Length of the whole (s).
    recordings : sequence of Path
        Recorded sounds, which are a third of all.
    rng : np.random.Generator
    """
    left, found = round(seconds * SAMPLE_RATE), []
    shares = np.array([share for _, share in MADE])
    while left > 0:
        samples = min(left, round(rng.uniform(*PIECE_S) * SAMPLE_RATE))
        if rng.random() < 1 / 3:
            piece = recorded(recordings, samples, rng)
        else:
            make, _ = MADE[int(rng.choice(len(MADE), p=shares / shares.sum()))]
            piece = make(samples, rng)
        piece = piece / max(1e-6, float(np.sqrt(np.mean(np.square(piece)))))
        found.append(piece * 10 ** (rng.uniform(-18, 0) / 20) * _edges(samples))
        left -= samples
    return np.concatenate(found).astype(np.float32)


def _edges(samples: int) -> np.ndarray:
    """A gain that begins and ends within 20 ms."""
    place = np.minimum(np.arange(samples), np.arange(samples)[::-1])
    return np.clip(place / (0.02 * SAMPLE_RATE), 0, 1)


def _smoothed(pulses: np.ndarray) -> np.ndarray:
    from scipy import signal

    return signal.lfilter([1.0], [1.0, -0.995], pulses)


def _glided(waveform: np.ndarray, ratio: float) -> np.ndarray:
    """The waveform played faster and faster, or slower and slower, up to ``ratio``."""
    speed = np.linspace(1.0, ratio, len(waveform))
    places = np.minimum(np.cumsum(speed), len(waveform) - 1) if ratio < 1 else np.cumsum(speed)
    return np.interp(places % (len(waveform) - 1), np.arange(len(waveform)), waveform)


def _read_aloud(text: str, options: Sequence[str]) -> np.ndarray:
    if shutil.which(PROGRAM) is None:
        raise DataError("the program flite is not installed; speech can't be made")
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
        sound = Path(folder, "speech.wav")
        done = subprocess.run(
            [PROGRAM, *options, "-t", text, "-o", str(sound)], capture_output=True, text=True
        )
        if done.returncode or not sound.exists():
            raise DataError(f"flite failed: {done.stderr.strip()}")
        return audio.read(sound, SAMPLE_RATE)
