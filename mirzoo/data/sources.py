"""The collections that models learn from and are measured on.

Each `Collection` states what it is, how to obtain it, its licence, what its groups are and which
of them are held out. Sources are in ``<home>/src/<collection>`` and prepared corpora in
``<home>/corpus/<collection>``, where ``<home>`` is the environment variable ``MIRZOO_DATA`` or
``~/.cache/mirzoo/data``. Nothing of them is part of mirzoo: each keeps its own licence.

mirzoo's own are in the modules of `mirzoo.studio`, which are imported when a collection is asked
for. A collection of your own is registered from your own module::

    COLLECTIONS.register(Collection(name="my_songs", ...))
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mirzoo import audio
from mirzoo._support.files import data_home, sha256
from mirzoo._support.logs import deprecated_report
from mirzoo._support.registry import Registry
from mirzoo.data import corpus
from mirzoo.data.corpus import Corpus, Item, Made
from mirzoo.errors import DataError

__all__ = [
    "COLLECTIONS", "Collection", "OtherFiles", "checksum_of", "collection", "data_home",
    "list_collections", "prepare",
]  # fmt: skip

EXTRA = "studio"
"""The extra whose packages collections need."""


class OtherFiles(UserWarning):
    """The files of a collection are not those that its checksum was computed from."""


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
    checksum : str, optional
        SHA-256 over its source files; see `checksum_of`. None where it has none, where a program
        that checks signatures fetches them, or where there is no fixed release of them.
    packages : tuple of str
        Packages of the extra ``studio`` that its maker needs, by the names they are imported by.
    programs : tuple of str
        Programs that its maker runs.
    corpora : tuple of str
        Collections that must be prepared before it.
    commercial : {"yes", "no", "unstated"}, optional
        Whether its licence allows commercial use of what is learnt from it; None, of collections
        of your own, counts as unstated.
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
    checksum: str | None = None
    packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    commercial: Literal["yes", "no", "unstated"] | None = None


COLLECTIONS: Registry[Collection] = Registry(
    "collection", "mirzoo.studio", name_of=lambda entry: entry.name
)
"""Every collection by name."""


def list_collections() -> list[str]:
    """The names of all collections, in an order in which they can be prepared."""
    ordered: list[str] = []

    def add(name: str) -> None:
        for needed in COLLECTIONS[name].corpora:
            add(needed)
        if name not in ordered:
            ordered.append(name)

    needed = {corpus for name in COLLECTIONS for corpus in COLLECTIONS[name].corpora}
    for name in sorted(COLLECTIONS, key=lambda name: (name not in needed, name)):
        add(name)
    return ordered


def collection(name: str) -> Collection:
    """The collection called ``name``; raises UnknownNameError with what there is."""
    return COLLECTIONS[name]


def prepare(
    name: str,
    *,
    home: Path | None = None,
    processes: int = 2,
    report: Callable[[str], None] | None = None,
) -> Corpus:
    """Prepare the collection called ``name`` into ``<home>/corpus/<name>``; see `corpus.prepare`.

    It is fetched first where it can be fetched.

    Parameters
    ----------
    name : str
        One of `list_collections`.
    home : Path, optional
        The folder of ``src/`` and ``corpus/``; by default `data_home`.
    processes : int
        How many items are made at a time.
    report : callable, optional
        Deprecated: messages go to the logger ``mirzoo.data``.

    Raises
    ------
    UnknownNameError
        If there is no such collection.
    DataError
        If its source, a package, a program or another prepared collection is missing; the message
        names how to get it.

    Warns
    -----
    OtherFiles
        If its files are not those of its checksum.
    """
    chosen = collection(name)
    home = home or data_home()
    folder = home / "src" / (chosen.source or name)
    directory = home / "corpus" / name
    with deprecated_report(report):
        if chosen.fetch is not None:
            chosen.fetch(folder)
        elif not folder.is_dir():
            raise DataError(f"the collection '{name}' is not in '{folder}'. {chosen.obtain}")
        items = chosen.items(folder)
        if not (directory / "items.csv").exists():
            _check_requirements(chosen, home)
            _check_files(chosen, items, folder)
        return corpus.prepare(
            items,
            directory,
            make=chosen.maker(home),
            min_seconds=chosen.min_seconds,
            processes=processes,
        )


def checksum_of(items: Iterable[Item]) -> str:
    """The SHA-256 of the files that items are made from, in whatever folder they are.

    It is that of one line for each file, sorted: its own SHA-256, two spaces and its name, as the
    program ``sha256sum`` prints them. Of a folder, all audio files in it count.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    paths = {
        path
        for given in {Path(item.path) for item in items}
        for path in (audio.files_in(given) if given.is_dir() else [given])
    }
    lines = sorted(f"{sha256(path)}  {path.name}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _check_files(chosen: Collection, items: Sequence[Item], folder: Path) -> None:
    if chosen.checksum is not None and checksum_of(items) != chosen.checksum:
        warnings.warn(
            f"the files of '{chosen.name}' in '{folder}' are not those that mirzoo's models were "
            "trained and measured on (their SHA-256 differs); what is learnt from them may too",
            OtherFiles,
            stacklevel=3,
        )


def _check_requirements(chosen: Collection, home: Path) -> None:
    """Raise DataError where a package, a program or a corpus that the maker needs is missing."""
    missing = [name for name in chosen.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise DataError(
            f"the collection '{chosen.name}' needs the packages {' and '.join(missing)}, which "
            f"are not installed; pip install 'mirzoo[{EXTRA}]'"
        )
    missing = [name for name in chosen.programs if shutil.which(name) is None]
    if missing:
        raise DataError(
            f"the collection '{chosen.name}' needs the programs {' and '.join(missing)}, which "
            "are not installed; they are in the Debian packages of the same names"
        )
    for name in chosen.corpora:
        if not (home / "corpus" / name / "items.csv").exists():
            raise DataError(
                f"the collection '{chosen.name}' needs the prepared collection '{name}'; run "
                f"mirzoo prepare {name} first"
            )
