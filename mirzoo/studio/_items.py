"""Items that collections have in common: recordings in folders, songs, numbered items."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo.data.corpus import Item
from mirzoo.errors import DataError


def audio_files(folder: Path) -> list[Path]:
    """The audio files of a collection's folder; raises DataError when it is not there."""
    if not folder.is_dir():
        raise DataError(f"'{folder}' is not a folder; obtain the collection first")
    return audio.files_in(folder)


def recordings(
    name: str, group: Callable[[Path], str], split: str, within: str = ""
) -> Callable[[Path], list[Item]]:
    """Items of a folder of recordings that is in one split as a whole."""

    def items(folder: Path) -> list[Item]:
        root = folder / within
        return [
            Item(os.fspath(path.relative_to(root)), name, group(path), os.fspath(path), split)
            for path in audio_files(root)
        ]

    return items


def excerpts(name: str, pattern: str, count: int) -> Callable[[Path], list[Item]]:
    """One excerpt of each of ``count`` songs at equal steps; each 16th song is for validation."""

    def items(folder: Path) -> list[Item]:
        songs = _songs(folder, pattern)
        chosen = songs[:: max(1, len(songs) // count)]
        return [
            Item(
                song.stem,
                name,
                song.stem,
                os.fspath(song),
                "valid" if number % 16 == 8 else "train",
            )
            for number, song in enumerate(chosen[:count])
        ]

    return items


def song_items(name: str, pattern: str, count: int) -> Callable[[Path], list[Item]]:
    """An excerpt of each of ``count`` songs, drawn evenly; each song is its own group."""

    def items(folder: Path) -> list[Item]:
        songs = _songs(folder, pattern)
        chosen = [
            songs[place]
            for place in np.linspace(0, len(songs) - 1, min(count, len(songs))).astype(int)
        ]
        return [
            Item(song.stem, name, song.stem, os.fspath(song), split_by_number(number))
            for number, song in enumerate(chosen)
        ]

    return items


def more_song_items(
    name: str, pattern: str, *, others: int, take: str = "2"
) -> Callable[[Path], list[Item]]:
    """An excerpt to train on of every song but those that `song_items` holds out.

    ``others`` is the ``count`` of songs there; of those that it trains on this is another excerpt,
    and so is each further ``take``.
    """

    def items(folder: Path) -> list[Item]:
        split_of = {item.path: item.split for item in song_items(name, pattern, others)(folder)}
        return [
            Item(f"{song.stem}/{take}", name, song.stem, os.fspath(song), "train")
            for song in sorted(folder.rglob(pattern))
            if split_of.get(os.fspath(song), "train") == "train"
        ]

    return items


def made_items(name: str, count: int, split: str | None = None) -> Callable[[Path], list[Item]]:
    """Numbered items that are made out of nothing but their names; each is its own group.

    All are in ``split``, or without it divided by their numbers.
    """

    def items(folder: Path) -> list[Item]:
        return [
            Item(
                f"{name}/{number:04d}",
                name,
                f"{number:04d}",
                os.fspath(folder),
                split or split_by_number(number),
            )
            for number in range(count)
        ]

    return items


def split_by_number(number: int) -> str:
    """Each 12th for validation and each 12th for testing."""
    return {5: "valid", 11: "test"}.get(number % 12, "train")


def _songs(folder: Path, pattern: str) -> list[Path]:
    songs = sorted(folder.rglob(pattern))
    if not songs:
        raise DataError(f"'{folder}' holds no {pattern}; unpack the collection into it")
    return songs
