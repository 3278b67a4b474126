"""Which items each collection has, and which singer, song or artist is held out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from mirzoo import audio
from mirzoo.data import corpus, sung
from mirzoo.data.corpus import Item
from mirzoo.errors import DataError

MIXES_OF_MANY = {"Magnatune Compilation", "DJ Cary", "DJ Markitos"}
MIR1K_VALID_SINGERS = {"bug", "khair"}
MIR1K_TEST_SINGERS = {"annar", "davidson", "heycat", "jmzen"}
SUNG_OVER_OTHER = 600
SUNG_OVER_BANDS = 320
SUNG_SYNTHETIC = 250
PHRASES_PER_INSTRUMENT = 45
ENSEMBLE_PHRASES = 300
POP909_SONGS = 420
OPENEWLD_SONGS = 160
RENDERED_EXCERPTS = {"pop909": 160, "openewld": 80}


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


def magnatune_items(folder: Path) -> list[Item]:
    """Emotify's recordings whose artist their tags name; each fifth artist is for testing."""
    root = folder / "data" / "emotifymusic"
    artists = {path: _artist(path) for path in audio_files(root)}
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


def ultrastar_items(folder: Path) -> list[Item]:
    """The sung version of each song (an instrumental may lie beside it), in whatever format."""
    return [
        Item(
            name=path.parent.name,
            collection="ultrastar",
            group=path.parent.name.split(" - ")[0],
            path=os.fspath(path),
            split="test",
        )
        for path in audio_files(folder)
        if path.stem == Path(sung.ultrastar_header(path.parent / "song.txt")["MP3"]).stem
    ]


def mir1k_items(name: str, backings: Sequence[str]) -> Callable[[Path], list[Item]]:
    """Each sung clip once over each backing: "own" is its accompaniment, others are drawn."""

    def items(folder: Path) -> list[Item]:
        return [
            Item(
                name=f"{backing}/{path.stem}",
                collection=name,
                group=path.stem.split("_")[0],
                path=os.fspath(path),
                split="valid" if path.stem.split("_")[0] in MIR1K_VALID_SINGERS else "train",
            )
            for backing in backings
            for path in audio_files(folder / "vocal")
        ]

    return items


def philharmonia_items(folder: Path) -> list[Item]:
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


def render_items(name: str, pattern: str) -> Callable[[Path], list[Item]]:
    """One excerpt of each of some songs, drawn evenly; each 16th song is for validation."""

    def items(folder: Path) -> list[Item]:
        songs = sorted(folder.rglob(pattern))
        if not songs:
            raise DataError(f"'{folder}' holds no {pattern}; unpack the collection into it")
        chosen = songs[:: max(1, len(songs) // RENDERED_EXCERPTS[name])]
        return [
            Item(
                song.stem,
                name,
                song.stem,
                os.fspath(song),
                "valid" if number % 16 == 8 else "train",
            )
            for number, song in enumerate(chosen[: RENDERED_EXCERPTS[name]])
        ]

    return items


def song_items(name: str, pattern: str, count: int) -> Callable[[Path], list[Item]]:
    """An excerpt of each of ``count`` songs, drawn evenly; each song is its own group."""

    def items(folder: Path) -> list[Item]:
        songs = sorted(folder.rglob(pattern))
        if not songs:
            raise DataError(f"'{folder}' holds no {pattern}; unpack the collection into it")
        chosen = [
            songs[place]
            for place in np.linspace(0, len(songs) - 1, min(count, len(songs))).astype(int)
        ]
        return [
            Item(song.stem, name, song.stem, os.fspath(song), _split_by_number(number))
            for number, song in enumerate(chosen)
        ]

    return items


def half_to_train(items_of: Callable[[Path], list[Item]]) -> Callable[[Path], list[Item]]:
    """Every second of the items to train on, and all that are held out."""

    def items(folder: Path) -> list[Item]:
        whole = items_of(folder)
        kept = {item.name for item in [item for item in whole if item.split == "train"][::2]}
        return [item for item in whole if item.split != "train" or item.name in kept]

    return items


def more_song_items(
    name: str, pattern: str, *, beside: int, take: str = "2"
) -> Callable[[Path], list[Item]]:
    """An excerpt to train on of every song but those that `song_items` holds out.

    ``beside`` is the ``count`` of songs there; of those that it trains on this is another excerpt,
    and so is each further ``take``.
    """

    def items(folder: Path) -> list[Item]:
        split_of = {item.path: item.split for item in song_items(name, pattern, beside)(folder)}
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
                split or _split_by_number(number),
            )
            for number in range(count)
        ]

    return items


def _split_by_number(number: int) -> str:
    """Each 12th for validation and each 12th for testing."""
    return {5: "valid", 11: "test"}.get(number % 12, "train")


def pop909_songs(folder: Path) -> dict[str, list[str]]:
    """The songs of POP909 in each split, as `songs_pop909` divides them."""
    items = song_items("songs_pop909", "[0-9][0-9][0-9].mid", POP909_SONGS)(folder)
    return {split: [item.path for item in items if item.split == split] for split in corpus.SPLITS}


def _singers_split(singer: str) -> str:
    if singer in MIR1K_TEST_SINGERS:
        return "test"
    return "valid" if singer in MIR1K_VALID_SINGERS else "train"


def _sung_item(name: str, kind: str, path: Path) -> Item:
    singer = path.stem.split("_")[0]
    return Item(f"{kind}/{path.stem}", name, singer, os.fspath(path), _singers_split(singer))


def sung_own_items(folder: Path) -> list[Item]:
    """Each clip over its own accompaniment; held-out ones also at 0 dB; some accompaniments."""
    paths = audio_files(folder / "vocal")
    own = [_sung_item("sung_own", "own", path) for path in paths]
    level = [_sung_item("sung_own", "level", path) for path in paths]
    without = [_sung_item("sung_own", "without", path) for path in paths[::15]]
    return own + [item for item in level if item.split != "train"] + without


def sung_over_items(name: str, kind: str, count: int) -> Callable[[Path], list[Item]]:
    """``count`` of the clips, drawn evenly."""

    def items(folder: Path) -> list[Item]:
        paths = audio_files(folder / "vocal")
        chosen = np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)
        return [_sung_item(name, kind, paths[place]) for place in chosen]

    return items


def sung_more_items(name: str, takes: Sequence[str]) -> Callable[[Path], list[Item]]:
    """Each clip of the singers to train on, in several takes."""

    def items(folder: Path) -> list[Item]:
        sung = [
            _sung_item(name, take, path) for take in takes for path in audio_files(folder / "vocal")
        ]
        return [item for item in sung if item.split == "train"]

    return items


def sung_synth_items(folder: Path) -> list[Item]:
    """Songs of POP909, each for a singer of the song's split in turn."""
    singers: dict[str, list[str]] = {split: [] for split in corpus.SPLITS}
    for singer in sorted({path.stem.split("_")[0] for path in audio_files(folder / "vocal")}):
        singers[_singers_split(singer)].append(singer)
    songs = pop909_songs(folder.parent / "pop909")
    items = []
    for number in range(SUNG_SYNTHETIC):
        split = _split_by_number(number)
        if not singers[split] or not songs[split]:
            continue
        turn = number // 12 if split != "train" else number
        singer = singers[split][turn % len(singers[split])]
        song = songs[split][turn % len(songs[split])]
        items.append(Item(f"{singer}/{number:03d}", "sung_synth", singer, song, split))
    return items
