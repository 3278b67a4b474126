"""What is known of the recordings that `retrieval.py` looks among: artist, album, genre, copies.

Emotify's files have tags of the artist and the album, and lie in a folder for each genre. Debian's
game music has such tags in part; where there are none, the artist is the only holder that the
package's ``copyright`` names for the file, or, in two packages, what the file's name begins with. A
game's music counts as one album, but for packages whose music was published as albums. Its genres
are too few to use, but for metal, which four artists of four packages play.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from mirzoo import audio
from mirzoo.errors import DataError
from mirzoo.studio.debian import music_items
from mirzoo.studio.emotify import MIXES_OF_MANY, RECORDINGS

OF_MANY = MIXES_OF_MANY | {"Magnatune Remixed"}
"""What is in the place of an artist on compilations, mixes and remixes."""

SHORTEST_S = 30.0
"""Shorter files of games are jingles and effects."""
NO_SONG = ("*/guitar.ogg", "*_fast.ogg", "*/farm_f.ogg", "*/nolok_speech.ogg", "*/steamLoco*")
"""A stem of a song, the same at another tempo, and what is no music."""
ALBUMS = {"singularity-music", "marsshooter-data"}
"""Packages with music of more than one album, which tags name."""
METAL = {"Muldjord", "Sectoid", "Obsidian Shell", "MiddleFinger"}
BY_NAME = (
    ("fretsonfire-songs-sectoid/*", "Sectoid"),
    ("ufoai-music/*/Crystan-*", "Crystan"),
    ("ufoai-music/*/David0*", "David Reeves"),
    ("ufoai-music/*/Psymong*", "Psymong"),
    ("ufoai-music/*/van_*", "Vanethian"),
)
UNKNOWN = {"", "<Unknown>", "http://www.kahvi.org", "SoundBible.com Must Credit", "Vega Strike"}
ALIASES = {
    "0zone0ne": "Max Freeman",
    "Ozoneone": "Max Freeman",
    "Krobonil": "Chris Leutwyler",
    "Chris Leutwyler (Krobonil)": "Chris Leutwyler",
    'Christian "Crystan" Hoffmann': "Crystan",
    "www.indiedb.com/members/crystan": "Crystan",
    "DJHelium": "DJ Helium",
    "Gerd (elysis) Raudenbusch": "elysis",
    "www.elysis.de": "elysis",
    "Joseph G. Toscano (Zhaytee)": "Joseph Toscano",
    "http://zhaymusic.com/": "Joseph Toscano",
    "Klaus Halfmann aka Hasi50": "Klaus Halfmann",
    "Manuel 'Vanethian' Marino": "Vanethian",
}
"""Other names of artists, as tags and copyrights of the same files have them."""

SAME_BITS, LEAST_CODES, LEAST_VOTES, NEAR = 0.75, 80, 10, 64
"""Of fingerprints, whose codes are an eighth of a second apart."""


class Song(NamedTuple):
    """A recording; no artists are unknown ones, and no genre is another or an unknown one."""

    path: Path
    artists: frozenset[str]
    album: str
    title: str
    genre: str | None


def emotify(folder: Path) -> list[Song]:
    """The recordings of Emotify whose artist is known."""
    songs = []
    for path in audio.files_in(folder / RECORDINGS):
        tags = _tags(path)
        if tags["artist"] not in OF_MANY:
            artists = frozenset(tags["artist"].split(" and "))
            songs.append(Song(path, artists, tags["album"], tags["title"], path.parent.name))
    return songs


def debian(folder: Path) -> list[Song]:
    """The music of Debian's games, with what is known of it."""
    songs: list[Song] = []
    holders = {one.name: _holders(one) for one in folder.iterdir() if one.is_dir()}
    for item in music_items(folder):
        path = Path(item.path)
        if any(fnmatch.fnmatch(item.name, pattern) for pattern in NO_SONG):
            continue
        if soundfile.info(path).duration < SHORTEST_S:
            continue
        tags = _tags(path)
        artists = _people(tags.get("artist", "")) or _by_name(item.name)
        artists = artists or _holder_of(item.name, holders[item.group])
        album = tags.get("album", "") if item.group in ALBUMS else ""
        genre = "metal" if artists & METAL else None
        songs.append(
            Song(path, artists, f"{item.group} {album}".strip(), tags.get("title", ""), genre)
        )
    return songs


COLLECTIONS = {"emotify": emotify, "debian": debian}


def _tags(path: Path) -> dict[str, str]:
    with soundfile.SoundFile(path) as file:
        return {name: text.strip() for name, text in file.copy_metadata().items()}


def _people(text: str) -> frozenset[str]:
    """The artists that a text names, each by one name."""
    text = re.sub(r"<[^>]*@[^>]*>|^\d{4}(?:[-,] ?\d{4})*,? ", "", text)
    names = {name.strip() for name in re.split(r" & | and |, ", text)}
    return frozenset(ALIASES.get(name, name) for name in names) - UNKNOWN


def _by_name(name: str) -> frozenset[str]:
    return frozenset(artist for pattern, artist in BY_NAME if fnmatch.fnmatch(name, pattern))


def _holders(package: Path) -> list[tuple[str, str]]:
    """Files, as patterns, and their only holder, of a copyright in Debian's format."""
    [file] = package.rglob("copyright")
    found = []
    for paragraph in re.split(r"\n\s*\n", file.read_text(encoding="utf-8", errors="replace")):
        fields: dict[str, list[str]] = {}
        values: list[str] = []
        for line in paragraph.splitlines():
            if not line[:1].isspace() and ":" in line:
                name, _, line = line.partition(":")
                values = fields.setdefault(name, [])
            values.append(line.strip())
        people = [line for line in fields.get("Copyright", []) if line]
        if len(people) == 1:
            patterns = " ".join(fields.get("Files", [])).split()
            found += [(pattern.removeprefix("./"), people[0]) for pattern in patterns]
    return found


def _holder_of(name: str, holders: list[tuple[str, str]]) -> frozenset[str]:
    """The holder of a file that is named, alone or with others like it, and of no whole folder."""
    for pattern, holder in reversed(holders):
        if not pattern.endswith("*") and fnmatch.fnmatch(name, f"*/{pattern}"):
            return _people(holder)
    return frozenset()


def same_recording(songs: Sequence[Song], prints: Sequence[np.ndarray]) -> np.ndarray:
    """Tell which are the same recording, or versions of a song by the same artist.

    Parameters
    ----------
    songs : sequence of Song
    prints : sequence of array, uint32
        Their fingerprints.

    Returns
    -------
    array, bool, shape (songs, songs)
        With a diagonal of True.
    """
    same = np.eye(len(songs), dtype=bool)
    for one, other in near_duplicates(prints):
        same[one, other] = same[other, one] = True
    for one, song in enumerate(songs):
        for other, second in enumerate(songs[:one]):
            named = song.title and song.title.lower() == second.title.lower()
            if named and song.artists & second.artists:
                same[one, other] = same[other, one] = True
    return same


def fingerprint(path: Path) -> np.ndarray:
    """The codes of a whole recording, by Chromaprint's program ``fpcalc``.

    Raises
    ------
    DataError
        If the program is missing or fails.
    """
    if shutil.which("fpcalc") is None:
        raise DataError("fpcalc is missing, which tells copies: apt install libchromaprint-tools")
    command = ["fpcalc", "-raw", "-json", "-length", "0", "-ignore-errors", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"fpcalc failed on '{path}': {done.stderr.strip()}")
    return np.array(json.loads(done.stdout)["fingerprint"], dtype=np.uint32)


def near_duplicates(prints: Sequence[np.ndarray]) -> set[tuple[int, int]]:
    """List pairs of fingerprints a part of which is the same.

    Where two have some codes in common at the same distance in time, all codes are compared at that
    distance: the same recording, encoded otherwise, has more than three quarters of all bits in
    common, and two recordings half of them.

    Examples
    --------
    >>> codes = np.random.default_rng(0).integers(2**32, size=(2, 500), dtype=np.uint32)
    >>> near_duplicates([codes[0], codes[1], codes[0, 100:400]])
    {(0, 2)}
    """
    codes = np.concatenate(prints)
    song = np.repeat(np.arange(len(prints)), [len(one) for one in prints])
    place = np.concatenate([np.arange(len(one)) for one in prints])
    order = np.argsort(codes, kind="stable")
    codes, song, place = codes[order], song[order], place[order]
    votes: Counter[tuple[int, int, int]] = Counter()
    for step in range(1, NEAR):
        both = (codes[:-step] == codes[step:]) & (song[:-step] != song[step:])
        first = np.flatnonzero(both)
        apart = place[first + step] - place[first]
        pairs = (song[first], song[first + step], apart)
        votes.update(zip(*(each.tolist() for each in pairs), strict=True))
    return {
        (one, other)
        for (one, other, apart), count in votes.items()
        if count >= LEAST_VOTES and _alike(prints[one], prints[other], apart)
    }


def _alike(one: np.ndarray, other: np.ndarray, apart: int) -> bool:
    first, second = one[max(0, -apart) :], other[max(0, apart) :]
    length = min(len(first), len(second))
    if length < LEAST_CODES:
        return False
    differ = np.unpackbits((first[:length] ^ second[:length]).view(np.uint8)).sum()
    return bool(1 - differ / (32 * length) > SAME_BITS)


def known(songs: Iterable[Song]) -> str:
    """One line: how many recordings, and of how many artists and albums."""
    songs = list(songs)
    artists = {name for song in songs for name in song.artists}
    without = sum(not song.artists for song in songs)
    return (
        f"{len(songs)} recordings, {without} of unknown artists; {len(artists)} artists, "
        f"{len({song.album for song in songs})} albums"
    )
