"""Makers of real recordings that somebody annotated by hand.

For `mirzoo.data.corpus.prepare`: each takes an item and gives its waveform at 16 kHz and its
labels.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import F0_HOP, Item, read_recording
from mirzoo.data.labels import F0_RATE, ChordSpan, Labels
from mirzoo.data.sung import read_ultrastar_notes
from mirzoo.errors import DataError

LABELS_FILE = "labels.csv"
TUNING_HZ, TUNING_PITCH = 440.0, 69


def isolated_chord_items(folder: Path) -> list[Item]:
    """List the recordings of ``labels.csv`` (columns ``file``, ``label``, ``source``)."""
    table = folder / LABELS_FILE
    if not table.exists():
        raise DataError(f"'{folder}' has no {LABELS_FILE}; it names each recording's chord")
    with table.open(newline="", encoding="utf-8") as file:
        return [
            Item(
                Path(row["file"]).stem,
                "isolated_chords",
                row["source"],
                os.fspath(folder / row["file"]),
                "test",
            )
            for row in csv.DictReader(file)
        ]


def read_isolated_chord(item: Item) -> tuple[np.ndarray, Labels]:
    """Read a recording that is one chord from its beginning to its end."""
    path = Path(item.path)
    with (path.parent / LABELS_FILE).open(newline="", encoding="utf-8") as file:
        label = next(row["label"] for row in csv.DictReader(file) if row["file"] == path.name)
    waveform = read_recording(item)
    return waveform, Labels(chords=(ChordSpan(0.0, len(waveform) / 16000, label),))


def read_sung_notes(item: Item) -> tuple[np.ndarray, Labels]:
    """Read a song with its UltraStar notes as the melody, each note at one frequency."""
    waveform = read_recording(item)
    f0 = np.zeros(len(waveform) // F0_HOP, np.float32)
    for note in read_ultrastar_notes(Path(item.path).parent / "song.txt"):
        inside = slice(round(note.start_s * F0_RATE), round(note.end_s * F0_RATE))
        f0[inside] = TUNING_HZ * 2 ** ((note.pitch - TUNING_PITCH) / 12)
    return waveform, Labels(f0=f0)
