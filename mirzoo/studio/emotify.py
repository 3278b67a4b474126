"""Emotify: recordings of Magnatune, as a whole for testing and split by artist to train on.

References
----------
A. Aljanaki, F. Wiering, R. C. Veltkamp, "Studying emotion induced by music through a crowdsourcing
game", Information Processing & Management 52 (1), 2016.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

from mirzoo.data.corpus import Item, read_recording
from mirzoo.data.labels import Labels
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.errors import DataError
from mirzoo.studio import _items

MIXES_OF_MANY = {"Magnatune Compilation", "DJ Cary", "DJ Markitos"}
RECORDINGS = "data/emotifymusic"

KEYS = {
    "classical/1.mp3": "G#:min", "classical/7.mp3": "C#:min", "classical/12.mp3": "C#:min",
    "classical/2.mp3": "G:maj", "classical/18.mp3": "G:maj", "classical/56.mp3": "F:maj",
    "classical/61.mp3": "D:min", "classical/64.mp3": "C:maj", "classical/79.mp3": "E:min",
    "classical/81.mp3": "Bb:maj", "classical/95.mp3": "G:maj", "classical/4.mp3": "F:maj",
    "classical/5.mp3": "Bb:min", "classical/13.mp3": "E:maj", "classical/16.mp3": "G:min",
    "classical/17.mp3": "E:maj", "classical/33.mp3": "C:min", "classical/60.mp3": "B:min",
    "classical/63.mp3": "E:maj", "classical/66.mp3": "C#:min", "classical/73.mp3": "C:maj",
    "classical/75.mp3": "B:maj", "classical/77.mp3": "Ab:maj", "classical/82.mp3": "Eb:maj",
    "classical/86.mp3": "G:min", "classical/88.mp3": "G#:min", "classical/89.mp3": "F#:maj",
    "classical/36.mp3": "B:maj", "classical/41.mp3": "C#:min", "classical/90.mp3": "E:maj",
    "classical/96.mp3": "F#:maj",
}  # fmt: skip
"""Keys in which pieces sound whose titles name theirs, by artists that nothing is trained on.

A piece is in its title's key (of BWV 529 the slow movement in its own), a semitone below it where
the ensemble plays old instruments at A = 415 Hz: Voices of Music, Edward Martin and Paul Berget,
Ensemble Mirable, Phebe Craig and Katherine Westine, Seth Carlin. That they do is no part of the
titles; it is what the keys that programs find in these ensembles' pieces have in common.
"""


def magnatune_items(folder: Path) -> list[Item]:
    """The recordings whose artist their tags name; each fifth artist is for testing."""
    root = folder / RECORDINGS
    artists = {path: _artist(path) for path in _items.audio_files(root)}
    named = sorted(set(artists.values()) - MIXES_OF_MANY)
    splits = {
        artist: {4: "test", 9: "test", 7: "valid"}.get(number % 10, "train")
        for number, artist in enumerate(named)
    }
    return [
        Item(
            os.fspath(path.relative_to(root)), "magnatune", artist, os.fspath(path), splits[artist]
        )
        for path, artist in artists.items()
        if artist in splits
    ]


def keyed_items(folder: Path) -> list[Item]:
    """The pieces of `KEYS`, by artists outside the training split of ``magnatune``."""
    pieces = [item for item in magnatune_items(folder) if item.name in KEYS]
    learnt = sorted(item.name for item in pieces if item.split == "train")
    if learnt:
        raise DataError(f"{', '.join(learnt)}: of these artists models learn, so they cannot judge")
    return [Item(i.name, "emotify_keys", i.group, i.path, "test") for i in pieces]


def read_with_key(item: Item) -> tuple[np.ndarray, Labels]:
    """Decode a recording of `KEYS`: its waveform at 16 kHz, labelled with its key."""
    return read_recording(item), Labels(key=KEYS[item.name])


def _artist(path: Path) -> str:
    try:
        with soundfile.SoundFile(path) as recording:
            artist = recording.copy_metadata().get("artist", "").strip()
    except soundfile.LibsndfileError as error:
        raise DataError(f"cannot read '{path}': {error}") from error
    if not artist:
        raise DataError(
            f"'{path}' names no artist in its tags, so it belongs to no split; "
            "take the file as its publisher wrote it"
        )
    return artist


COLLECTIONS.register(
    Collection(
        name="emotify",
        description="Emotify: 400 recordings of Magnatune, mostly 60 s, in four genres",
        obtain="Check out the GitHub repository sergi-andreu/ProjectMusicInformatics there.",
        licence="CC BY-NC-SA (Magnatune)",
        commercial="no",
        grouping="track; held out, for testing only",
        checksum="8ff153cf1573f42341a56be09d5c77efd83829344104262cdb7c3a34f2f63a91",
        items=_items.recordings(
            "emotify", lambda path: f"{path.parent.name}/{path.stem}", "test", within=RECORDINGS
        ),
    )
)
COLLECTIONS.register(
    Collection(
        name="magnatune",
        description="the same recordings, split by artist, to learn from by teachers",
        obtain="Check out the GitHub repository sergi-andreu/ProjectMusicInformatics into "
        "src/emotify.",
        licence="CC BY-NC-SA (Magnatune)",
        commercial="no",
        grouping="artist; mixes of many artists are left out",
        checksum="96b5dd4da490fb483ca8bffe6f961ce08781368c9ea3cbe046417f86f5c7cd93",
        items=magnatune_items,
        source="emotify",
    )
)
COLLECTIONS.register(
    Collection(
        name="emotify_keys",
        description="those of the same recordings whose titles name their key; labels: key",
        obtain="Check out the GitHub repository sergi-andreu/ProjectMusicInformatics into "
        "src/emotify.",
        licence="CC BY-NC-SA (Magnatune)",
        commercial="no",
        grouping="artist, none of whom is in the training split of magnatune; for testing only",
        items=keyed_items,
        maker=lambda home: read_with_key,
        source="emotify",
    )
)
