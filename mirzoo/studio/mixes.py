"""Items made from recordings of single sounds: phrases out of notes, songs out of voices.

Makers for `mirzoo.data.corpus.prepare`: each takes an item and gives float32 ``(samples,)`` at
16 kHz. What is random depends on the item's name alone, so a corpus can be made again.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import FULL_SCALE, SAMPLE_RATE, Corpus, Item, item_rng
from mirzoo.errors import DataError

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
STRUMMED = {"guitar", "banjo", "mandolin"}
SILENCE_RATIO = 0.01
ATTACK_RATIO = 0.05
PHRASE_S = (12.0, 20.0)
LEAP_SEMITONES = 7
VOICE_DB = (-6.0, 9.0)


def sing(item: Item, *, backing: Path) -> np.ndarray:
    """Mix a solo voice with music, the voice between 6 dB below and 9 dB above it.

    ``item.path`` is the voice; its accompaniment has the same name in the folder
    ``accompaniment`` beside the voice's. Items called ``own/…`` get that; the others a random
    stretch of the prepared corpus ``backing``, out of the item's own split.
    """
    rng = item_rng(item)
    voice = audio.read(item.path, SAMPLE_RATE)
    path = Path(item.path)
    if item.name.startswith("own/"):
        music = audio.read(path.parent.parent / "accompaniment" / path.name, SAMPLE_RATE)
        music = np.pad(music, (0, max(0, len(voice) - len(music))))[: len(voice)]
    else:
        music = stretch_of(opened(backing), len(voice), item.split, rng)
    gain = 10 ** (rng.uniform(*VOICE_DB) / 20)
    return _level(gain * _unit(voice) + _unit(music))


@lru_cache(maxsize=2)
def opened(directory: Path) -> Corpus:
    return Corpus.load(directory)


def stretch_of(corpus: Corpus, samples: int, split: str, rng: np.random.Generator) -> np.ndarray:
    fitting = [
        entry for entry in corpus.items if entry.split == split and entry.n_samples >= samples
    ]
    if not fitting:
        raise DataError(
            f"'{corpus.directory}' has no item of {samples} samples in its "
            f"split '{split}' to put behind a voice"
        )
    chosen = fitting[rng.integers(len(fitting))]
    start = chosen.offset_samples + rng.integers(chosen.n_samples - samples + 1)
    return corpus.audio[start : start + samples].astype(np.float32) / FULL_SCALE


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
        count = min(len(names), rng.integers(2, 4))
        instruments = list(rng.choice(names, size=count, replace=False))
    samples = int(rng.uniform(*PHRASE_S) * SAMPLE_RATE)
    phrase = np.zeros(samples, np.float32)
    for instrument in instruments:
        gain = 10 ** (rng.uniform(-6, 0) / 20)
        phrase += np.float32(gain) * _unit(_line(folder / instrument, samples, rng))
    return _level(_reverberate(phrase, rng))


def _line(folder: Path, samples: int, rng: np.random.Generator) -> np.ndarray:
    """One instrument's notes, one after the other, each near the last in pitch."""
    notes = single_notes(folder)
    if folder.name == "percussion":
        kinds = sorted({path.parent for path, _ in notes})
        kept = set(rng.permutation(len(kinds))[: rng.integers(1, 4)])
        notes = [note for note in notes if kinds.index(note[0].parent) in kept]
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


@lru_cache(maxsize=32)
def single_notes(folder: Path) -> list[tuple[Path, int]]:
    """The notes of an instrument and their MIDI pitches (0 where the name states none)."""
    notes = [(path, _pitch_in(path.name)) for path in sorted(folder.rglob("*.mp3"))]
    if not notes:
        raise DataError(f"'{folder}' holds no notes (*.mp3)")
    return notes


def _pitch_in(name: str) -> int:
    found = re.search(r"_([A-G])(s?)(\d)_", name)
    if found is None:
        return 0
    step, sharp, octave = found.groups()
    return 12 * (int(octave) + 1) + PITCH_CLASSES[step] + len(sharp)


def from_attack(path: Path) -> np.ndarray:
    """A recorded note from 5 ms before its attack on, its peak at 0.5.

    Float32 ``(samples,)`` at 16 kHz; raises DataError where it is silent.
    """
    note = audio.read(path, SAMPLE_RATE)
    loud = loud_samples(note)
    if len(loud) == 0:
        raise DataError(f"the note '{path}' is silent")
    note = note[max(0, loud[0] - SAMPLE_RATE // 200) :]
    return 0.5 * note / np.max(np.abs(note))


def loud_samples(note: np.ndarray) -> np.ndarray:
    """Where a note is louder than a twentieth of its peak."""
    return np.flatnonzero(np.abs(note) > ATTACK_RATIO * np.max(np.abs(note), initial=0.0))


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
    return dry + np.float32(10 ** (rng.uniform(-24, -8) / 20)) * _rms(dry) * _unit(
        wet.astype(np.float32)
    )


def _rms(waveform: np.ndarray) -> np.float32:
    return np.sqrt(np.mean(np.square(waveform), dtype=np.float64)).astype(np.float32)


def _unit(waveform: np.ndarray) -> np.ndarray:
    """The waveform at a root mean square of 1; silence stays silence."""
    return waveform / max(_rms(waveform), np.float32(1e-6))


def _level(waveform: np.ndarray, rms_db: float = -18.0) -> np.ndarray:
    """The waveform at ``rms_db`` relative to full scale, or lower where its peaks need it."""
    levelled = _unit(waveform) * np.float32(10 ** (rms_db / 20))
    return levelled / max(np.float32(1), np.max(np.abs(levelled)))
