"""Recorded single notes of real instruments, in folders as the Philharmonia Orchestra's are.

A folder holds one for each instrument, with notes called like
``cello_A2_025_forte_arco-normal.mp3``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ATTACK_RATIO = 0.05


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
