"""The music of Debian's free games: fetching it, and which packages are held out."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import SAMPLE_RATE, Item
from mirzoo.data.sources import COLLECTIONS, Collection
from mirzoo.errors import DataError
from mirzoo.studio._items import audio_files

PACKAGES = (
    "colobot-common-sounds",
    "freedroidrpg-data",
    "fretsonfire-songs-muldjord",
    "fretsonfire-songs-sectoid",
    "hedgewars-data",
    "marsshooter-data",
    "naev-data",
    "nexuiz-music",
    "singularity-music",
    "supertux-data",
    "supertuxkart-data",
    "ufoai-music",
    "warzone2100-music",
    "wesnoth-1.16-music",
    "widelands-data",
)
TEST_PACKAGES = {
    "colobot-common-sounds",
    "freedroidrpg-data",
    "marsshooter-data",
    "singularity-music",
}
LEADS_PACKAGE = "fretsonfire-songs-sectoid"
VALID_PACKAGES = {"widelands-data", LEADS_PACKAGE}
MINUTE_S, INTRODUCTION_S = 60, 30
SOUND_EFFECT_FOLDERS = {"sfx", "speech", "sounds", "animals", "library", "titles"}


def fetch_package(package: str, folder: Path) -> None:
    """Bring the audio files of a Debian package into ``folder``; done already, do nothing.

    Runs ``apt-get download`` (which asks the mirrors this machine is set up with and checks their
    signatures) and ``dpkg-deb``, and unpacks ``.pk3`` archives. Nothing is installed.

    Raises
    ------
    DataError
        Where those programs are missing or fail, with their message.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        _run(["apt-get", "download", package], Path(scratch))
        unpack(next(Path(scratch).glob("*.deb")), folder)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the audio files and the copyright of a ``.deb`` into ``folder``, atomically."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root, audible = Path(scratch, "all"), Path(scratch, "audible")
        _run(["dpkg-deb", "-x", os.fspath(archive.absolute()), os.fspath(root)], Path(scratch))
        for pk3 in root.rglob("*.pk3"):
            with zipfile.ZipFile(pk3) as file:
                file.extractall(pk3.with_suffix(""))
        for path in root.rglob("*"):
            wanted = path.suffix.lower() in audio.SUFFIXES or path.name == "copyright"
            if path.is_file() and wanted:
                target = audible / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        audible.rename(folder)


def fetch_music(folder: Path) -> None:
    """Bring every package of `PACKAGES` into a folder of its own below ``folder``."""
    for package in PACKAGES:
        fetch_package(package, folder / package)


def _run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise DataError(
            f"the program {command[0]} is not installed, and without it this "
            "collection cannot be obtained"
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def music_items(folder: Path) -> list[Item]:
    """The music in unpacked Debian packages: an item a file, a group a package."""
    return [
        Item(
            name=f"{package}/{path.relative_to(folder / package)}",
            collection="debian",
            group=package,
            path=os.fspath(path),
            split=_split_of(package),
        )
        for package in PACKAGES
        for path in audio_files(folder / package)
        if not SOUND_EFFECT_FOLDERS.intersection(path.relative_to(folder / package).parts)
    ]


def _minutes(folder: Path) -> list[Item]:
    return [replace(item, collection="debian_minutes") for item in music_items(folder)]


def _split_of(package: str) -> str:
    if package in TEST_PACKAGES:
        return "test"
    return "valid" if package in VALID_PACKAGES else "train"


def read_minute(item: Item) -> np.ndarray:
    """Decode a minute of an item's file at 16 kHz: that after its first half minute.

    Of a shorter file it is the last minute, or all of it. No more is decoded.
    """
    wanted, blocks, samples = (INTRODUCTION_S + MINUTE_S) * SAMPLE_RATE, [], 0
    for block in audio.blocks(item.path, SAMPLE_RATE):
        blocks.append(block)
        samples += len(block)
        if samples >= wanted:
            break
    return np.concatenate(blocks)[:wanted][-MINUTE_S * SAMPLE_RATE :]


_MUSIC = Collection(
    name="debian",
    description="about 26 h of game music of many styles, by many people",
    obtain="Fetched with apt-get download from the Debian mirrors of this machine.",
    licence="free licences, one for each package, in its file copyright",
    commercial="yes",
    grouping="package; some packages are held out for validation and for testing",
    items=music_items,
    fetch=fetch_music,
)
COLLECTIONS.register(_MUSIC)
COLLECTIONS.register(
    replace(
        _MUSIC,
        name="debian_minutes",
        description="a minute of each of the same recordings, for what hardly changes within one: "
        "keys",
        items=_minutes,
        maker=lambda home: read_minute,
        source="debian",
    )
)
