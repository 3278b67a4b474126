"""Recordings of single chords, with their labels in a table."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

from mirzoo.data.corpus import SAMPLE_RATE, Item, read_recording
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.errors import DataError

LABELS_FILE = "labels.csv"


def chord_items(folder: Path) -> list[Item]:
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


def read_chord(item: Item) -> tuple[np.ndarray, Labels]:
    """Read a recording that is one chord from its beginning to its end."""
    path = Path(item.path)
    with (path.parent / LABELS_FILE).open(newline="", encoding="utf-8") as file:
        label = next(row["label"] for row in csv.DictReader(file) if row["file"] == path.name)
    waveform = read_recording(item)
    return waveform, Labels(chords=(ChordSpan(0.0, len(waveform) / SAMPLE_RATE, label),))


COLLECTIONS.register(
    Collection(
        name="isolated_chords",
        description="single chords of a piano and two guitars; labels: chords",
        obtain="Put the recordings there, and labels.csv with the columns file, label, source.",
        licence="none stated",
        commercial="unstated",
        grouping="instrument; held out, for testing only",
        items=chord_items,
        maker=lambda home: read_chord,
        min_seconds=0.0,
    )
)
