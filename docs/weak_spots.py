"""What each model is bad at, to listen to: a sound made here, and what the model makes of it.

Nothing is recorded and nothing is claimed: the sounds are computed, and the model of the project
answers when the documentation is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

import mirzoo
from mirzoo import hub
from mirzoo.artefact import LITERT_FILE

SAMPLE_RATE = 16000
PEAK = 0.3
HARMONICS = np.arange(1, 20)
HIGHEST_HZ = 7600.0


class WeakSpot(NamedTuple):
    """A sound that a model gets wrong: what is played, and how it is made, ``(samples,)``."""

    played: str
    make: Callable[[], np.ndarray]


def example(name: str, folder: Path, link: str) -> str:
    """Write a model's example, and give the paragraph that plays it and tells the answer.

    Parameters
    ----------
    name : str
        A model that comes with mirzoo.
    folder : Path
        Where the sound goes.
    link : str
        The way from the page to that folder.
    """
    spot = EXAMPLES[name]
    path, told = folder / f"{name}.flac", folder / f"{name}.txt"
    sources = (hub.shipped_folder(name) / LITERT_FILE, Path(__file__))
    newest = max(source.stat().st_mtime for source in sources)
    if not (told.exists() and told.stat().st_mtime > newest):
        waveform = spot.make()
        waveform = (PEAK * waveform / np.abs(waveform).max()).astype(np.float32)
        soundfile.write(path, waveform, SAMPLE_RATE)
        model = mirzoo.load(name, runtime="litert")
        answer = model.annotate(waveform, source_rate=SAMPLE_RATE)
        told.write_text(repr(answer), encoding="utf-8")
    answer = told.read_text(encoding="utf-8")
    player = f'<audio controls preload="none" src="{link}/{path.name}"></audio>'
    return f"Listen: {spot.played}. Its answer: `{answer}`\n\n```{{raw}} html\n<p>{player}</p>\n```"


def tone(pitch: float, seconds: float, decay: float = 0.0) -> np.ndarray:
    """A harmonic tone, MIDI ``pitch``, whose partials fall with their number."""
    hertz = 440.0 * 2 ** ((pitch - 69) / 12)
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    numbers = HARMONICS[hertz * HARMONICS < HIGHEST_HZ]
    wave = (1 / numbers) @ np.sin(2 * np.pi * hertz * numbers[:, np.newaxis] * times)
    edges = np.minimum(1, times / 0.01) * np.minimum(1, (seconds - times) / 0.03)
    return wave * edges * np.exp(-decay * times)


def line(pitches: Sequence[float], seconds: float) -> np.ndarray:
    """Tones one after the other, none of which shakes."""
    return np.concatenate([tone(pitch, seconds) for pitch in pitches])


def chords(*played: Sequence[float], seconds: float = 2.0) -> np.ndarray:
    """Plucked chords of MIDI pitches, one after the other."""
    return np.concatenate(
        [np.sum([tone(pitch, seconds, decay=1.5) for pitch in chord], axis=0) for chord in played]
    )


def clicks(bpm: float, seconds: float = 12.0) -> np.ndarray:
    """A metronome."""
    rng = np.random.default_rng(0)
    wave = np.zeros(round(seconds * SAMPLE_RATE))
    count = round(0.03 * SAMPLE_RATE)
    click = rng.standard_normal(count) * np.exp(-np.arange(count) / (0.006 * SAMPLE_RATE))
    for start_s in np.arange(0.5, seconds - 0.1, 60 / bpm):
        start = round(start_s * SAMPLE_RATE)
        wave[start : start + count] += click
    return wave


def engine(seconds: float = 8.0) -> np.ndarray:
    """A motor that revs up and down between 90 and 140 Hz, with some hiss."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = 115 - 25 * np.cos(0.5 * np.pi * times)
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
    wave = HARMONICS**-0.6 @ np.sin(HARMONICS[:, np.newaxis] * phase)
    hiss = np.random.default_rng(0).standard_normal(len(times))
    return wave / np.abs(wave).max() + 0.05 * hiss


def wind(seconds: float = 8.0) -> np.ndarray:
    """Noise whose high frequencies are weak, swelling every five seconds."""
    from scipy import signal

    noise = np.random.default_rng(1).standard_normal(round(seconds * SAMPLE_RATE))
    swell = 1 + 0.6 * np.sin(0.4 * np.pi * np.arange(len(noise)) / SAMPLE_RATE)
    return signal.lfilter([1], [1, -0.98], noise) * swell


C_MAJOR, F_MAJOR, G_MAJOR = (48, 52, 55, 60), (53, 57, 60, 65), (55, 59, 62, 67)
BETWEEN_KEYS = [np.array(chord) + 0.48 for chord in (C_MAJOR, F_MAJOR, G_MAJOR, C_MAJOR)]
NEUTRAL_C = (48, 51.5, 55, 60)
SIXTHS = ((48, 52, 55, 57), (53, 57, 60, 62), (48, 52, 55, 57), (55, 59, 62, 64))
MINOR_SONG = 2 * ((45, 57, 60, 64), (41, 57, 60, 65), (36, 55, 60, 64), (43, 55, 59, 62))
SCALE = (57, 59, 61, 62, 64, 66, 68, 69)

_STEADY = WeakSpot(
    "a scale from A3 to A4 on tones that do not shake, all of it a melody",
    lambda: line(SCALE, 1.0),
)
_WIND = WeakSpot("wind, which is no music", wind)

EXAMPLES = {
    "chroma_rnn_chords": WeakSpot(
        "C, F, G and C major, tuned 48 cents above A = 440 Hz", lambda: chords(*BETWEEN_KEYS)
    ),
    "cqt_crnn_chords": WeakSpot(
        "C6, F6, C6 and G6, with the notes of A, D, A and E minor sevenths",
        lambda: chords(*SIXTHS),
    ),
    "vqt_crnn_live_chords": WeakSpot(
        "C with its third half-way between major and minor, five times",
        lambda: chords(*5 * (NEUTRAL_C,)),
    ),
    "cqt_cnn_key": WeakSpot(
        "A minor, F, C and G, twice, a song in A minor", lambda: chords(*MINOR_SONG, seconds=1.5)
    ),
    "mel_cnn_beats": WeakSpot("a metronome at 40 beats a minute", lambda: clicks(40)),
    "mel_cnn_live_beats": WeakSpot(
        "a metronome at 230 beats a minute", lambda: clicks(230)
    ),
    "hcqt_cnn_melody": WeakSpot("an engine, which is no melody", engine),
    "stft_crnn_melody": _STEADY,
    "stft_crnn_live_melody": _STEADY,
    **dict.fromkeys(
        (
            "mel_cnn_tagger", "mel_cnn_tagger_jamendo", "mel_cnn_live_tagger", "mel_crnn_tagger",
            "leaf_cnn_tagger", "raw_cnn_tagger",
        ),
        _WIND,
    ),
}  # fmt: skip
"""An example for each model that comes with mirzoo."""
