"""Emotify: recordings of Magnatune, as a whole for testing and split by artist to train on.

References
----------
A. Aljanaki, F. Wiering, R. C. Veltkamp, "Studying emotion induced by music through a crowdsourcing
game", Information Processing & Management 52 (1), 2016.
"""

from __future__ import annotations

import os
from pathlib import Path

import soundfile

from mirzoo.data.corpus import Item
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.errors import DataError
from mirzoo.studio import _items

MIXES_OF_MANY = {"Magnatune Compilation", "DJ Cary", "DJ Markitos"}
RECORDINGS = "data/emotifymusic"


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
        grouping="artist; mixes of many artists are left out",
        checksum="96b5dd4da490fb483ca8bffe6f961ce08781368c9ea3cbe046417f86f5c7cd93",
        items=magnatune_items,
        source="emotify",
    )
)
