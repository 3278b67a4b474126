"""The catalogue of collections that the shipped taggers learn from and are measured on.

Each `Collection` states what it is, how to obtain it, its licence, what its groups are and which
of them are held out. Sources lie in ``<home>/src/<collection>`` and prepared corpora in
``<home>/corpus/<collection>``, where ``<home>`` is the environment variable ``MIRZOO_DATA`` or
``~/.cache/mirzoo/data``. Nothing of them is part of mirzoo: each keeps its own licence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from mirzoo.data import (
    annotated,
    charts,
    corpus,
    guitar_bands,
    guitar_leads,
    mixes,
    plucked,
    render,
    renditions,
    sung,
    voices,
)
from mirzoo.data.corpus import Corpus, Item, Made
from mirzoo.errors import DataError, UnknownNameError

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aiff", ".aif"}

DEBIAN_PACKAGES = (
    "colobot-common-sounds", "freedroidrpg-data", "fretsonfire-songs-muldjord",
    "fretsonfire-songs-sectoid", "hedgewars-data", "marsshooter-data", "naev-data",
    "nexuiz-music", "singularity-music", "supertux-data", "supertuxkart-data", "ufoai-music",
    "warzone2100-music", "wesnoth-1.16-music", "widelands-data",
)
DEBIAN_TEST = {
    "colobot-common-sounds", "freedroidrpg-data", "marsshooter-data", "singularity-music",
}
LEADS_PACKAGE = "fretsonfire-songs-sectoid"
DEBIAN_VALID = {"widelands-data", LEADS_PACKAGE}
SOUND_EFFECT_FOLDERS = {"sfx", "speech", "sounds", "animals", "library", "titles"}


def data_home() -> Path:
    """The folder that holds ``src/`` and ``corpus/``: ``MIRZOO_DATA``, or one in ``~/.cache``."""
    return Path(os.environ.get("MIRZOO_DATA", "~/.cache/mirzoo/data")).expanduser()


@dataclass(frozen=True)
class Collection:
    """Music to learn from or to be measured on.

    Parameters
    ----------
    name : str
        Also the folder's name under ``src/`` and ``corpus/``.
    description, obtain, licence, grouping : str
        What it is, how to get it into ``<home>/src/<name>``, whose it is and what a group is.
    items : callable
        The folder → its items with their groups and splits.
    maker : callable
        ``<home>`` → the function that gives an item's waveform, or that and its labels.
    min_seconds : float
        Items shorter than this (s) are left out.
    fetch : callable, optional
        Brings the collection into the folder by itself; without it a person must.
    source : str, optional
        The folder under ``src/`` where another one than its own is used.
    rendered : bool
        Whether its audio is synthesised from symbols rather than recorded.
    unjudged : tuple of str
        Scores that its labels cannot judge.
    """

    name: str
    description: str
    obtain: str
    licence: str
    grouping: str
    items: Callable[[Path], list[Item]]
    maker: Callable[[Path], Callable[[Item], Made]] = lambda home: corpus.read_recording
    min_seconds: float = 20.0
    fetch: Callable[[Path], None] | None = None
    source: str | None = None
    rendered: bool = False
    unjudged: tuple[str, ...] = ()


def list_collections() -> list[str]:
    """The names of all collections, in the order in which they can be prepared."""
    return list(COLLECTIONS)


def collection(name: str) -> Collection:
    """The collection called ``name``; raises UnknownNameError with what there is."""
    if name not in COLLECTIONS:
        raise UnknownNameError(f"there is no collection '{name}'; there are: "
                               f"{', '.join(COLLECTIONS)}")
    return COLLECTIONS[name]


def prepare(
    name: str,
    *,
    home: Path | None = None,
    processes: int = 2,
    report: Callable[[str], None] = print,
) -> Corpus:
    """Prepare the collection called ``name`` into ``<home>/corpus/<name>``; see `corpus.prepare`.

    Fetches it first where it can be fetched; where it cannot and is absent, raises DataError
    that says how to obtain it.
    """
    chosen = collection(name)
    home = home or data_home()
    folder = home / "src" / (chosen.source or name)
    if chosen.fetch is not None:
        chosen.fetch(folder)
    elif not folder.is_dir():
        raise DataError(f"the collection '{name}' is not in '{folder}'. {chosen.obtain}")
    return corpus.prepare(
        chosen.items(folder),
        home / "corpus" / name,
        make=chosen.maker(home),
        min_seconds=chosen.min_seconds,
        processes=processes,
        report=report,
    )


def fetch_debian(package: str, folder: Path) -> None:
    """Bring the audio files of a Debian package into ``folder``; done already, do nothing.

    Runs ``apt-get download`` (which asks the mirrors this machine is set up with and checks their
    signatures) and ``dpkg-deb``, and unpacks ``.pk3`` archives. Nothing is installed.

    Raises
    ------
    DataError
        Where those programs are missing or fail, with what they said.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        _run(["apt-get", "download", package], Path(scratch))
        unpack_debian(next(Path(scratch).glob("*.deb")), folder)


def unpack_debian(archive: Path, folder: Path) -> None:
    """Unpack the audio files and the copyright of a ``.deb`` into ``folder``, atomically."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        root, kept = Path(scratch, "all"), Path(scratch, "kept")
        _run(["dpkg-deb", "-x", os.fspath(archive.absolute()), os.fspath(root)], Path(scratch))
        for pk3 in root.rglob("*.pk3"):
            with zipfile.ZipFile(pk3) as file:
                file.extractall(pk3.with_suffix(""))
        for path in root.rglob("*"):
            if path.is_file() and (path.suffix in AUDIO_SUFFIXES or path.name == "copyright"):
                target = kept / path.relative_to(root)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        kept.rename(folder)


def _fetch_debian_packages(folder: Path) -> None:
    for package in DEBIAN_PACKAGES:
        fetch_debian(package, folder / package)


def _run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise DataError(f"the program {command[0]} is not installed, and without it this "
                        "collection cannot be obtained")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def debian_items(folder: Path) -> list[Item]:
    """The music in unpacked Debian packages: an item a file, a group a package."""
    return [
        Item(
            name=f"{package}/{path.relative_to(folder / package)}",
            collection="debian",
            group=package,
            path=os.fspath(path),
            split=_debian_split(package),
        )
        for package in DEBIAN_PACKAGES
        for path in audio_files(folder / package)
        if not SOUND_EFFECT_FOLDERS.intersection(path.relative_to(folder / package).parts)
    ]


def _debian_split(package: str) -> str:
    if package in DEBIAN_TEST:
        return "test"
    return "valid" if package in DEBIAN_VALID else "train"


def audio_files(folder: Path) -> list[Path]:
    """All audio files under ``folder``, in the order of their names."""
    if not folder.is_dir():
        raise DataError(f"'{folder}' is not a folder; obtain the collection first")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)


def _recordings(
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


MIXES_OF_MANY = {"Magnatune Compilation", "DJ Cary", "DJ Markitos"}


def _magnatune_items(folder: Path) -> list[Item]:
    """Emotify's recordings whose artist their tags name; each fifth artist is for testing."""
    root = folder / "data" / "emotifymusic"
    artists = {path: _artist(path) for path in audio_files(root)}
    named = sorted(set(artists.values()) - MIXES_OF_MANY)
    splits = {artist: {4: "test", 9: "test", 7: "valid"}.get(number % 10, "train")
              for number, artist in enumerate(named)}
    return [
        Item(os.fspath(path.relative_to(root)), "magnatune", artist, os.fspath(path),
             splits[artist])
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
        raise DataError(f"'{path}' names no artist in its tags, so it belongs to no split; "
                        "take the file as its publisher wrote it")
    return artist


def _ultrastar_items(folder: Path) -> list[Item]:
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


MIR1K_VALID_SINGERS = {"bug", "khair"}
MIR1K_TEST_SINGERS = {"annar", "davidson", "heycat", "jmzen"}
SUNG_OVER_OTHER = 600
SUNG_OVER_BANDS = 320
SUNG_SYNTHETIC = 250


def _mir1k_items(name: str, backings: Sequence[str]) -> Callable[[Path], list[Item]]:
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


PHRASES_PER_INSTRUMENT = 45
ENSEMBLE_PHRASES = 300


def _philharmonia_items(folder: Path) -> list[Item]:
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


POP909_SONGS = 420
OPENEWLD_SONGS = 160
RENDERED_EXCERPTS = {"pop909": 160, "openewld": 80}


def _render_items(name: str, pattern: str) -> Callable[[Path], list[Item]]:
    """One excerpt of each of some songs, drawn evenly; each 16th song is for validation."""

    def items(folder: Path) -> list[Item]:
        songs = sorted(folder.rglob(pattern))
        if not songs:
            raise DataError(f"'{folder}' holds no {pattern}; unpack the collection into it")
        chosen = songs[:: max(1, len(songs) // RENDERED_EXCERPTS[name])]
        return [
            Item(song.stem, name, song.stem, os.fspath(song),
                 "valid" if number % 16 == 8 else "train")
            for number, song in enumerate(chosen[: RENDERED_EXCERPTS[name]])
        ]

    return items


def _song_items(name: str, pattern: str, count: int) -> Callable[[Path], list[Item]]:
    """An excerpt of each of ``count`` songs, drawn evenly; each song is its own group."""

    def items(folder: Path) -> list[Item]:
        songs = sorted(folder.rglob(pattern))
        if not songs:
            raise DataError(f"'{folder}' holds no {pattern}; unpack the collection into it")
        chosen = [songs[place] for place in
                  np.linspace(0, len(songs) - 1, min(count, len(songs))).astype(int)]
        return [Item(song.stem, name, song.stem, os.fspath(song), _split_by_number(number))
                for number, song in enumerate(chosen)]

    return items


def _half_to_train(items_of: Callable[[Path], list[Item]]) -> Callable[[Path], list[Item]]:
    """Every second of the items to train on, and all that are held out."""

    def items(folder: Path) -> list[Item]:
        whole = items_of(folder)
        kept = {item.name for item in [item for item in whole if item.split == "train"][::2]}
        return [item for item in whole if item.split != "train" or item.name in kept]

    return items


def _more_song_items(
    name: str, pattern: str, *, beside: int, take: str = "2"
) -> Callable[[Path], list[Item]]:
    """An excerpt to train on of every song but those that `_song_items` holds out.

    ``beside`` is the ``count`` of songs there; of those that it trains on this is another excerpt,
    and so is each further ``take``.
    """

    def items(folder: Path) -> list[Item]:
        split_of = {item.path: item.split for item in _song_items(name, pattern, beside)(folder)}
        return [
            Item(f"{song.stem}/{take}", name, song.stem, os.fspath(song), "train")
            for song in sorted(folder.rglob(pattern))
            if split_of.get(os.fspath(song), "train") == "train"
        ]

    return items


def _made_items(
    name: str, count: int, split: str | None = None
) -> Callable[[Path], list[Item]]:
    """Numbered items that are made out of nothing but their names; each is its own group.

    All are in ``split``, or without it divided by their numbers.
    """

    def items(folder: Path) -> list[Item]:
        return [Item(f"{name}/{number:04d}", name, f"{number:04d}", os.fspath(folder),
                     split or _split_by_number(number))
                for number in range(count)]

    return items


def _split_by_number(number: int) -> str:
    """Each 12th for validation and each 12th for testing."""
    return {5: "valid", 11: "test"}.get(number % 12, "train")


def _songs_of(folder: Path) -> dict[str, list[str]]:
    """The songs of POP909 in each split, as `songs_pop909` divides them."""
    items = _song_items("songs_pop909", "[0-9][0-9][0-9].mid", POP909_SONGS)(folder)
    return {split: [item.path for item in items if item.split == split]
            for split in corpus.SPLITS}


def _singers_split(singer: str) -> str:
    if singer in MIR1K_TEST_SINGERS:
        return "test"
    return "valid" if singer in MIR1K_VALID_SINGERS else "train"


def _sung_item(name: str, kind: str, path: Path) -> Item:
    singer = path.stem.split("_")[0]
    return Item(f"{kind}/{path.stem}", name, singer, os.fspath(path), _singers_split(singer))


def _sung_own_items(folder: Path) -> list[Item]:
    """Each clip over its own accompaniment; held-out ones also at 0 dB; some accompaniments."""
    paths = audio_files(folder / "vocal")
    own = [_sung_item("sung_own", "own", path) for path in paths]
    level = [_sung_item("sung_own", "level", path) for path in paths]
    without = [_sung_item("sung_own", "without", path) for path in paths[::15]]
    return own + [item for item in level if item.split != "train"] + without


def _sung_over_items(name: str, kind: str, count: int) -> Callable[[Path], list[Item]]:
    """``count`` of the clips, drawn evenly."""

    def items(folder: Path) -> list[Item]:
        paths = audio_files(folder / "vocal")
        chosen = np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)
        return [_sung_item(name, kind, paths[place]) for place in chosen]

    return items


def _sung_more_items(name: str, takes: Sequence[str]) -> Callable[[Path], list[Item]]:
    """Each clip of the singers to train on, in several takes."""

    def items(folder: Path) -> list[Item]:
        sung = [_sung_item(name, take, path)
                for take in takes for path in audio_files(folder / "vocal")]
        return [item for item in sung if item.split == "train"]

    return items


def _sung_synth_items(folder: Path) -> list[Item]:
    """Songs of POP909, each for a singer of the song's split in turn."""
    singers: dict[str, list[str]] = {split: [] for split in corpus.SPLITS}
    for singer in sorted({path.stem.split("_")[0] for path in audio_files(folder / "vocal")}):
        singers[_singers_split(singer)].append(singer)
    songs = _songs_of(folder.parent / "pop909")
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


COLLECTIONS = {
    entry.name: entry
    for entry in (
        Collection(
            name="debian",
            description="about 26 h of game music of many styles, by many people",
            obtain="Fetched with apt-get download from the Debian mirrors of this machine.",
            licence="free licences, one for each package, in its file copyright",
            grouping="package; some packages are held out for validation and for testing",
            items=debian_items,
            fetch=_fetch_debian_packages,
        ),
        Collection(
            name="esc10",
            description="400 sounds that are not music, of ten classes, 5 s each",
            obtain="Check out commit 553c8f1 of the GitHub repository karolpiczak/ESC-10 there.",
            licence="CC BY 3.0",
            grouping="class of sound; all for training",
            items=_recordings("esc10", lambda path: path.parent.name, "train"),
            min_seconds=3.1,
        ),
        Collection(
            name="emotify",
            description="Emotify: 400 recordings of Magnatune, mostly 60 s, in four genres",
            obtain="Check out the GitHub repository sergi-andreu/ProjectMusicInformatics there.",
            licence="CC BY-NC-SA (Magnatune)",
            grouping="track; held out, for testing only",
            items=_recordings(
                "emotify", lambda path: f"{path.parent.name}/{path.stem}", "test",
                within="data/emotifymusic",
            ),
        ),
        Collection(
            name="magnatune",
            description="the same recordings, split by artist, to learn from by teachers",
            obtain="Check out the GitHub repository sergi-andreu/ProjectMusicInformatics into "
            "src/emotify.",
            licence="CC BY-NC-SA (Magnatune)",
            grouping="artist; mixes of many artists are left out",
            items=_magnatune_items,
            source="emotify",
        ),
        Collection(
            name="jamendolyrics",
            description="sung songs in four languages with the times of their lyrics",
            obtain="Check out the GitHub repository f90/jamendolyrics there.",
            licence="a Creative Commons licence for each song, in JamendoLyrics.csv",
            grouping="song; held out, for testing only",
            items=_recordings("jamendolyrics", lambda path: path.stem, "test", within="mp3"),
        ),
        Collection(
            name="ultrastar",
            description="whole sung songs with the times and pitches of their notes",
            obtain="Put one folder for each song there, called 'Artist - Title', with its "
            "UltraStar song.txt and the audio that this names.",
            licence="a Creative Commons licence for each song, in its folder",
            grouping="artist; held out, for testing only",
            items=_ultrastar_items,
        ),
        Collection(
            name="ultrastar_melody",
            description="the same songs with their notes as labels: melody",
            obtain="Put the songs into src/ultrastar, a folder each, with song.txt and its audio.",
            licence="a Creative Commons licence for each song, in its folder",
            grouping="artist; held out, for testing only",
            items=lambda folder: [
                replace(item, collection="ultrastar_melody") for item in _ultrastar_items(folder)
            ],
            maker=lambda home: annotated.read_sung_notes,
            source="ultrastar",
            unjudged=("raw pitch accuracy", "overall accuracy"),
        ),
        Collection(
            name="guitar_leads",
            description="metal songs whose guitar is recorded apart, its leads as labels: melody",
            obtain=f"Fetched with apt-get download of {LEADS_PACKAGE}; needs the extra 'voice'.",
            licence="MIT, Carlos Viola Iborra",
            grouping="artist; never trained on, but among what melodies were validated on",
            items=guitar_leads.lead_items,
            maker=lambda home: guitar_leads.read_lead,
            fetch=lambda folder: fetch_debian(LEADS_PACKAGE, folder),
            unjudged=("overall accuracy", "voicing false alarm"),
        ),
        Collection(
            name="isolated_chords",
            description="single chords of a piano and two guitars; labels: chords",
            obtain="Put the recordings there, and labels.csv with the columns file, label, source.",
            licence="none stated",
            grouping="instrument; held out, for testing only",
            items=annotated.isolated_chord_items,
            maker=lambda home: annotated.read_isolated_chord,
            min_seconds=0.0,
        ),
        Collection(
            name="instruments",
            description="isolated notes and phrases, a folder for each instrument",
            obtain="Put a folder for each instrument there, with its recordings.",
            licence="various Creative Commons licences",
            grouping="recording; held out, for testing only",
            items=_recordings("instruments", lambda path: path.stem, "test"),
            min_seconds=0.0,
        ),
        Collection(
            name="mir1k",
            description="MIR-1K: 1,000 clips of karaoke by 19 amateurs, mixed over their own "
            "accompaniment and over other music of the prepared corpus 'debian'",
            obtain="Put the data set's solo voices into vocal/ and its accompaniments into "
            "accompaniment/, under the same file names, singer_song_clip.",
            licence="research data without an open licence",
            grouping="singer",
            items=_mir1k_items("mir1k", ("own", "other")),
            maker=lambda home: partial(mixes.sing, backing=home / "corpus" / "debian"),
            min_seconds=3.1,
        ),
        Collection(
            name="mir1k_remixed",
            description="MIR-1K: the same voices, each over two more stretches of the prepared "
            "corpus 'debian'",
            obtain="Put the data set's solo voices into vocal/, singer_song_clip.",
            licence="research data without an open licence",
            grouping="singer",
            items=_mir1k_items("mir1k_remixed", ("second", "third")),
            maker=lambda home: partial(mixes.sing, backing=home / "corpus" / "debian"),
            min_seconds=3.1,
        ),
        Collection(
            name="philharmonia",
            description="phrases put together from 9,750 single notes of orchestral instruments",
            obtain="Check out the GitHub repository skratchdot/philharmonia-samples there.",
            licence="CC BY-SA 3.0",
            grouping="instrument; all for training",
            items=_philharmonia_items,
            maker=lambda home: mixes.play_phrase,
            min_seconds=10.0,
        ),
        Collection(
            name="pop909",
            rendered=True,
            description="POP909: pop songs rendered with random instruments",
            obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) there.",
            licence="MIT; soundfonts under their own licences",
            grouping="song",
            items=_render_items("pop909", "[0-9][0-9][0-9].mid"),
            maker=lambda home: render.render_item,
        ),
        Collection(
            name="openewld",
            rendered=True,
            description="OpenEWLD: lead sheets in the public domain, arranged and rendered",
            obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) there.",
            licence="MIT; soundfonts under their own licences",
            grouping="song",
            items=_render_items("openewld", "*.mxl"),
            maker=lambda home: render.render_item,
        ),
        Collection(
            name="charts_mma",
            rendered=True,
            description="chord charts of 14 qualities, accompanied in 1,900 styles and rendered; "
            "labels: chords, beats, melody",
            obtain="Install the Debian package mma, fluidsynth and the soundfonts.",
            licence="made here; grooves and soundfonts under their own licences",
            grouping="chart; one soundfont is kept for testing",
            items=_made_items("charts_mma", 260),
            maker=lambda home: charts.render_chart,
            fetch=lambda folder: charts.need_mma(),
        ),
        Collection(
            name="guitar",
            rendered=True,
            description="chords strummed, picked and single, on guitars, their kin and pianos, of "
            "soundfonts and of recorded notes; labels: chords, beats",
            obtain="Check out the GitHub repository skratchdot/philharmonia-samples into "
            "src/philharmonia; install fluidsynth and the soundfonts.",
            licence="CC BY-SA 3.0 (notes); soundfonts under their own licences",
            grouping="item; one soundfont is kept for testing",
            items=_made_items("guitar", 240),
            maker=lambda home: partial(
                plucked.render_plucked, samples=home / "src" / "philharmonia" / "audio"),
            source="philharmonia",
        ),
        Collection(
            name="songs_pop909",
            rendered=True,
            description="POP909: pop songs, rendered by random bands with leads that bend; "
            "labels: chords, melody, beats",
            obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) into src/pop909.",
            licence="MIT; soundfonts under their own licences",
            grouping="song; one soundfont is kept for testing",
            items=_song_items("songs_pop909", "[0-9][0-9][0-9].mid", POP909_SONGS),
            maker=lambda home: renditions.render_song,
            source="pop909",
        ),
        Collection(
            name="guitar_bands",
            rendered=True,
            description="POP909: pop songs played by rock, metal, punk and reggae bands, with "
            "amplified guitars and their leads; labels: chords, melody, beats",
            obtain="Unpack POP909 (GitHub: music-x-lab/POP909-Dataset) into src/pop909 and check "
            "out the GitHub repository skratchdot/philharmonia-samples into src/philharmonia.",
            licence="MIT; CC BY-SA 3.0 (notes); soundfonts under their own licences",
            grouping="song, divided as songs_pop909 is; one soundfont is kept for testing",
            items=_half_to_train(
                _song_items("guitar_bands", "[0-9][0-9][0-9].mid", POP909_SONGS)),
            maker=lambda home: partial(
                guitar_bands.render_band, samples=home / "src" / "philharmonia" / "audio"),
            source="pop909",
        ),
        Collection(
            name="songs_openewld",
            rendered=True,
            description="OpenEWLD: lead sheets in the public domain, rendered by random bands; "
            "labels: chords, melody, beats",
            obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) into src/openewld.",
            licence="MIT; soundfonts under their own licences",
            grouping="song; one soundfont is kept for testing",
            items=_song_items("songs_openewld", "*.mxl", OPENEWLD_SONGS),
            maker=lambda home: renditions.render_song,
            source="openewld",
        ),
        Collection(
            name="sung_own",
            description="MIR-1K: each clip over its own accompaniment, and accompaniments alone; "
            "labels: melody",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal and its accompaniments into "
            "src/mir1k/accompaniment, and install the extra 'voice'.",
            licence="research data without an open licence",
            grouping="singer",
            items=_sung_own_items,
            maker=lambda home: voices.sing_over_own,
            min_seconds=3.1,
            source="mir1k",
        ),
        Collection(
            name="sung_other",
            description="MIR-1K: 600 voices, some moved, over rendered backings or the corpus "
            "'debian'; labels: melody",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909, install "
            "the extra 'voice' and prepare 'debian'.",
            licence="research data without an open licence",
            grouping="singer; one soundfont is kept for testing",
            items=_sung_over_items("sung_other", "other", SUNG_OVER_OTHER),
            maker=lambda home: partial(voices.sing_over_other, music=home / "corpus" / "debian",
                                       songs_of=_songs_of(home / "src" / "pop909")),
            min_seconds=3.1,
            source="mir1k",
        ),
        Collection(
            name="sung_bands",
            description="MIR-1K: 320 voices, moved or disguised, over rendered guitar bands; "
            "labels: melody",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909, check "
            "out the GitHub repository skratchdot/philharmonia-samples into src/philharmonia and "
            "install the extra 'voice'.",
            licence="research data without an open licence; CC BY-SA 3.0 (notes)",
            grouping="singer; the song is of the same split; one soundfont is kept for testing",
            items=_sung_over_items("sung_bands", "band", SUNG_OVER_BANDS),
            maker=lambda home: partial(voices.sing_over_band,
                                       songs_of=_songs_of(home / "src" / "pop909"),
                                       samples=home / "src" / "philharmonia" / "audio"),
            min_seconds=3.1,
            source="mir1k",
        ),
        Collection(
            name="sung_synth",
            rendered=True,
            description="MIR-1K's singers synthesised on melodies of POP909, over rendered "
            "backings; labels: melody, chords, beats",
            obtain="Put MIR-1K's solo voices into src/mir1k/vocal, POP909 into src/pop909 and "
            "install the extra 'voice'.",
            licence="research data without an open licence",
            grouping="singer; the song is of the same split; one soundfont is kept for testing",
            items=_sung_synth_items,
            maker=lambda home: partial(voices.sing_melody,
                                       voices=home / "src" / "mir1k" / "vocal"),
            min_seconds=8.0,
            source="mir1k",
        ),
    )
}
COLLECTIONS |= {
    entry.name: entry
    for entry in (
        replace(
            COLLECTIONS["songs_pop909"],
            name="songs_pop909_more",
            description="POP909: the songs that songs_pop909 leaves out, and second renditions of "
            "those it trains on; labels: chords, melody, beats",
            grouping="song; all for training",
            items=_more_song_items("songs_pop909_more", "[0-9][0-9][0-9].mid",
                                   beside=POP909_SONGS),
        ),
        replace(
            COLLECTIONS["songs_openewld"],
            name="songs_openewld_more",
            description="OpenEWLD: the lead sheets that songs_openewld leaves out, and second "
            "renditions of those it trains on; labels: chords, melody, beats",
            grouping="song; all for training",
            items=_more_song_items("songs_openewld_more", "*.mxl", beside=OPENEWLD_SONGS),
        ),
        replace(
            COLLECTIONS["songs_openewld"],
            name="songs_recorded",
            description="OpenEWLD: the lead sheets of songs_openewld_more, led by recorded notes "
            "of 12 instruments over rendered bands; labels: chords, melody, beats",
            obtain="Unpack OpenEWLD (GitHub: 00sapo/OpenEWLD) into src/openewld, check out the "
            "GitHub repository skratchdot/philharmonia-samples into src/philharmonia and install "
            "the extra 'voice'.",
            licence="MIT; CC BY-SA 3.0 (notes); soundfonts under their own licences",
            grouping="song; all for training",
            items=_more_song_items("songs_recorded", "*.mxl", beside=OPENEWLD_SONGS,
                                   take="recorded"),
            maker=lambda home: partial(
                renditions.render_song, samples=home / "src" / "philharmonia" / "audio"),
        ),
        replace(
            COLLECTIONS["guitar"],
            name="guitar_more",
            description="more chords of plucked strings and pianos, like those of guitar; labels: "
            "chords, beats",
            grouping="item; all for training",
            items=_made_items("guitar_more", 600, "train"),
        ),
        replace(
            COLLECTIONS["guitar"],
            name="guitar_loose",
            description="chords like those of guitar, where half of the strummed ones have open "
            "strings in them that do not belong; labels: chords, beats",
            grouping="item; all for training",
            items=_made_items("guitar_loose", 400, "train"),
            maker=lambda home: partial(
                plucked.render_plucked, samples=home / "src" / "philharmonia" / "audio",
                looseness=0.5),
        ),
        replace(
            COLLECTIONS["charts_mma"],
            name="charts_mma_more",
            description="more accompanied chord charts, like those of charts_mma; labels: chords, "
            "beats, melody",
            grouping="chart; all for training",
            items=_made_items("charts_mma_more", 800, "train"),
            source="charts_mma",
        ),
        replace(
            COLLECTIONS["sung_other"],
            name="sung_more",
            description="MIR-1K: each voice of the singers to train on over two more backings, as "
            "in sung_other; labels: melody",
            grouping="singer; all for training",
            items=_sung_more_items("sung_more", ("first", "second")),
        ),
        replace(
            COLLECTIONS["sung_other"],
            name="sung_disguised",
            description="MIR-1K: each voice of the singers to train on in two other throats: "
            "moved formants and pitch, vibrato, breath, distortion; over backings as in "
            "sung_other; labels: melody",
            grouping="singer; all for training",
            items=_sung_more_items("sung_disguised", ("first", "second")),
            maker=lambda home: partial(voices.sing_over_other, music=home / "corpus" / "debian",
                                       songs_of=_songs_of(home / "src" / "pop909"),
                                       change=voices.disguised),
        ),
    )
}
