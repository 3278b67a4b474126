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
from pathlib import Path

from mirzoo.data.corpus import Item
from mirzoo.errors import DataError

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
DEBIAN_VALID = {"widelands-data", "fretsonfire-songs-sectoid"}
SOUND_EFFECT_FOLDERS = {"sfx", "speech", "sounds", "animals", "library", "titles"}


def data_home() -> Path:
    """The folder that holds ``src/`` and ``corpus/``: ``MIRZOO_DATA``, or one in ``~/.cache``."""
    return Path(os.environ.get("MIRZOO_DATA", "~/.cache/mirzoo/data")).expanduser()


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


def _run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise DataError(f"the program {command[0]} is not installed; Debian's packages can only "
                        "be obtained where it is")
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
