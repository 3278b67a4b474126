"""Phrases put together from recorded single notes of the Philharmonia Orchestra."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import SAMPLE_RATE, Item, item_rng
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio.sound.mixing import at_level, at_unit_rms, rms
from mirzoo.studio.sound.samples import single_notes

PHRASES_PER_INSTRUMENT = 45
ENSEMBLE_PHRASES = 300
STRUMMED = {"guitar", "banjo", "mandolin"}
SILENCE_RATIO = 0.01
PHRASE_S = (12.0, 20.0)
LEAP_SEMITONES = 7


def phrase_items(folder: Path) -> list[Item]:
    """Phrases of one instrument, and of two or three together; all are for training."""
    notes = folder / "audio"
    instruments = sorted(path.name for path in notes.iterdir() if path.is_dir())
    solo = [
        Item(f"{instrument}/{number:03d}", "philharmonia", instrument, os.fspath(notes), "train")
        for instrument in instruments
        for number in range(PHRASES_PER_INSTRUMENT)
    ]
    together = [
        Item(f"ensemble/{number:03d}", "philharmonia", "ensemble", os.fspath(notes), "train")
        for number in range(ENSEMBLE_PHRASES)
    ]
    return solo + together


def play_phrase(item: Item) -> np.ndarray:
    """Put a phrase of 12 to 20 s together from single notes, with light reverberation.

    ``item.path`` is a folder of instruments, each a folder of notes called like
    ``cello_A2_025_forte_arco-normal.mp3``; ``item.group`` is the instrument that plays, or
    "ensemble" for two or three of them at once.
    """
    rng = item_rng(item)
    folder = Path(item.path)
    instruments = [item.group]
    if item.group == "ensemble":
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        count = min(len(names), int(rng.integers(2, 4)))
        instruments = list(rng.choice(names, size=count, replace=False))
    samples = int(rng.uniform(*PHRASE_S) * SAMPLE_RATE)
    phrase = np.zeros(samples, np.float32)
    for instrument in instruments:
        gain = 10 ** (rng.uniform(-6, 0) / 20)
        phrase += np.float32(gain) * at_unit_rms(_line(folder / instrument, samples, rng))
    return at_level(_reverberate(phrase, rng))


def _line(folder: Path, samples: int, rng: np.random.Generator) -> np.ndarray:
    """One instrument's notes, one after the other, each near the last in pitch."""
    notes = single_notes(folder)
    if folder.name == "percussion":
        kinds = sorted({path.parent for path, _ in notes})
        chosen_kinds = set(rng.permutation(len(kinds))[: rng.integers(1, 4)])
        notes = [note for note in notes if kinds.index(note[0].parent) in chosen_kinds]
    pitches = np.array([pitch for _, pitch in notes])
    line = np.zeros(samples, np.float32)
    step_s = float(np.exp(rng.uniform(np.log(0.2), np.log(1.2))))
    at, pitch = 0, rng.choice(pitches)
    while at < samples:
        length = int(SAMPLE_RATE * step_s * rng.choice([0.5, 1, 1, 1, 2, 3]))
        near = np.flatnonzero(np.abs(pitches - pitch) <= LEAP_SEMITONES)
        together = rng.integers(2, 5) if folder.name in STRUMMED and rng.random() < 0.4 else 1
        for chosen in rng.choice(near, size=together):
            path, pitch = notes[chosen]
            note = _trimmed(path, int(length * rng.uniform(1.0, 1.6)))
            end = min(samples, at + len(note))
            line[at:end] += note[: end - at]
        at += length
    return line


def _trimmed(path: Path, longest: int) -> np.ndarray:
    """A note from where it sounds, at most ``longest`` samples, its end faded out."""
    note = audio.read(path, SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(note) > SILENCE_RATIO * np.max(np.abs(note)))
    if len(loud) == 0:
        return note[:0]
    note = note[loud[0] : min(loud[-1] + 1, loud[0] + longest)].copy()
    fade = min(len(note), SAMPLE_RATE // 20)
    note[len(note) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return note


def _reverberate(dry: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add a room: noise that decays by 60 dB in 0.3 to 1.8 s, 8 to 24 dB below the sound."""
    decay_s = rng.uniform(0.3, 1.8)
    time_s = np.arange(int(decay_s * SAMPLE_RATE)) / SAMPLE_RATE
    room = rng.standard_normal(len(time_s)) * 10 ** (-3 * time_s / decay_s)
    size = 1 << (len(dry) + len(room)).bit_length()
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(room, size))[: len(dry)]
    return dry + np.float32(10 ** (rng.uniform(-24, -8) / 20)) * rms(dry) * at_unit_rms(
        wet.astype(np.float32)
    )


COLLECTIONS.register(
    Collection(
        name="philharmonia",
        description="phrases put together from 9,750 single notes of orchestral instruments",
        obtain="Check out the GitHub repository skratchdot/philharmonia-samples there.",
        licence="CC BY-SA 3.0",
        commercial="yes",
        grouping="instrument; all for training",
        checksum="ed761d651f41cb8181e19911d863940150e6ee44b0c76fd7a4bd3cbacd7490c2",
        items=phrase_items,
        maker=lambda home: play_phrase,
        min_seconds=10.0,
    )
)
