"""Sung songs with UltraStar's karaoke files: the times and pitches of their notes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from mirzoo.data import sung
from mirzoo.data.corpus import F0_HOP, Item, read_recording
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.studio import _items

TUNING_HZ, TUNING_PITCH = 440.0, 69


def sung_items(folder: Path) -> list[Item]:
    """The sung version of each song, in whatever format; instrumental versions are left out."""
    return [
        Item(
            name=path.parent.name,
            collection="ultrastar",
            group=path.parent.name.split(" - ")[0],
            path=os.fspath(path),
            split="test",
        )
        for path in _items.audio_files(folder)
        if path.stem == Path(sung.ultrastar_header(path.parent / "song.txt")["MP3"]).stem
    ]


def melody_items(folder: Path) -> list[Item]:
    """The same songs, for the collection ``ultrastar_melody``."""
    return [replace(item, collection="ultrastar_melody") for item in sung_items(folder)]


def read_sung_notes(item: Item) -> tuple[np.ndarray, Labels]:
    """Read a song with its UltraStar notes as the melody, each note at one frequency."""
    waveform = read_recording(item)
    f0 = np.zeros(len(waveform) // F0_HOP, np.float32)
    for note in sung.read_ultrastar_notes(Path(item.path).parent / "song.txt"):
        inside = slice(round(note.start_s * F0_RATE), round(note.end_s * F0_RATE))
        f0[inside] = TUNING_HZ * 2 ** ((note.pitch - TUNING_PITCH) / 12)
    return waveform, Labels(f0=f0)


COLLECTIONS.register(
    Collection(
        name="ultrastar",
        description="whole sung songs with the times and pitches of their notes",
        obtain="Put one folder for each song there, called 'Artist - Title', with its "
        "UltraStar song.txt and the audio that this names.",
        licence="a Creative Commons licence for each song, in its folder",
        commercial="no",
        grouping="artist; held out, for testing only",
        items=sung_items,
    )
)
COLLECTIONS.register(
    Collection(
        name="ultrastar_melody",
        description="the same songs with their notes as labels: melody",
        obtain="Put the songs into src/ultrastar, a folder each, with song.txt and its audio.",
        licence="a Creative Commons licence for each song, in its folder",
        commercial="no",
        grouping="artist; held out, for testing only",
        items=melody_items,
        maker=lambda home: read_sung_notes,
        source="ultrastar",
        unjudged=("raw pitch accuracy", "overall accuracy"),
    )
)
