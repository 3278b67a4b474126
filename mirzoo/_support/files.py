"""Files written whole or not at all, their hashes, and the folders that mirzoo caches in."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

BLOCK_BYTES = 1 << 20
LONGEST_NAME = 255
"""Of a file, in bytes, where the file system does not say."""

_KEPT_BYTES = 120
_UNFINISHED = re.compile(r"\.mirzoo-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.")


@contextmanager
def unfinished(path: str | os.PathLike) -> Iterator[Path]:
    """Give the path of a new file next to ``path`` that takes its place if all goes well.

    Its name ends as that of ``path`` does. Where the block ends with an error nothing is left of
    it, and what was at ``path`` stays. What a killed process leaves is found by its name
    (`remove_leftovers`).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "note.txt"
    ...     with unfinished(path) as new:
    ...         _ = new.write_text("whole")
    ...     path.read_text()
    'whole'
    """
    path = Path(path)
    begin = f".mirzoo-{_host()}-{os.getpid()}-{secrets.token_hex(4)}."
    new = path.with_name(begin + _ending(path.name, _KEPT_BYTES))
    try:
        yield new
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


@contextmanager
def scratch_folder(place: str | os.PathLike, name: str = "folder") -> Iterator[Path]:
    """Make a folder in ``place`` that lasts as long as the block.

    What a killed process leaves of one is found by its name (`remove_leftovers`).

    Raises
    ------
    OSError
        If it cannot be made.
    """
    begin = f".mirzoo-{_host()}-{os.getpid()}-{secrets.token_hex(4)}."
    folder = Path(place) / (begin + _ending(name, _KEPT_BYTES))
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_whole(path: str | os.PathLike, content: bytes | str | Iterable[str]) -> None:
    """Write a file, or leave what was there; text is UTF-8, and may come piece by piece.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with unfinished(path) as new, new.open("wb") as file:
        if isinstance(content, bytes | bytearray):
            file.write(content)
            return
        for piece in [content] if isinstance(content, str) else content:
            file.write(piece.encode("utf-8"))


def remove_leftovers(folder: str | os.PathLike[str], *, process: int | None = None) -> int:
    """Remove the unfinished files and folders in a folder whose processes are no more.

    Those of running processes and of other machines stay. A folder that cannot be read has none.

    Parameters
    ----------
    folder : str or path
    process : int, optional
        Only those of this process, which has ended.

    Returns
    -------
    int
        How many were removed.
    """
    removed = 0
    with suppress(OSError), os.scandir(os.fspath(folder)) as entries:
        for entry in entries:
            found = _UNFINISHED.match(entry.name)
            if found is None or found["host"] != _host():
                continue
            owner = int(found["process"])
            if owner == process or (process is None and not _is_running(owner)):
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path)
                    else:
                        os.unlink(entry.path)
                    removed += 1
    return removed


def fitting_name(name: str, ending: str = "", longest: int = LONGEST_NAME) -> str:
    """Shorten a file's name so that it fits with its ending.

    What fits stays exact. Of a longer name the beginning is kept, and ``~`` with eight
    hexadecimal digits of the SHA-256 of the whole name keeps it apart from others that begin alike.

    Examples
    --------
    >>> fitting_name("song", ".json")
    'song.json'
    >>> fitting_name("a" * 300, ".json")[-20:]
    'aaaaaa~9835fa6b.json'
    """
    if len(os.fsencode(name + ending)) <= longest:
        return name + ending
    mark = f"~{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}{ending}"
    room = max(longest - len(os.fsencode(mark)), 0)
    kept = len(name)
    while len(os.fsencode(name[:kept])) > room:
        kept -= 1
    return name[:kept] + mark


def longest_name(folder: str | os.PathLike) -> int:
    """How long a file's name may be in a folder, there or yet to be made (bytes)."""
    place = Path(folder).absolute()
    for existing in (place, *place.parents):
        with suppress(OSError, ValueError, AttributeError):
            return os.pathconf(existing, "PC_NAME_MAX")
    return LONGEST_NAME


def printable(name: str | os.PathLike) -> str:
    """A name as it can be shown on one line: control characters and odd bytes as escapes.

    Examples
    --------
    >>> printable("new\\nline")
    'new\\\\nline'
    """
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in os.fspath(name))
    return "".join(shown)


def is_utf8(name: str) -> bool:
    """Whether the bytes of a name are UTF-8; Python has others as surrogates.

    Examples
    --------
    >>> is_utf8("Für Elise"), is_utf8(os.fsdecode(b"F\\xfcr Elise"))
    (True, False)
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _ending(name: str, most: int) -> str:
    """The end of a name, of at most so many bytes."""
    while len(os.fsencode(name)) > most:
        name = name[1:]
    return name


@cache
def _host() -> str:
    """Eight digits that tell machines apart that share a folder."""
    import platform

    return f"{zlib.crc32(platform.node().encode()):08x}"


def _is_running(process: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    with suppress(OSError):
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state != b"Z"  # ended, and not yet waited for
    return True


def sha256(path: str | os.PathLike) -> str:
    """The SHA-256 of a file, in hexadecimal digits, read block by block."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def cache_home() -> Path:
    """The folder of pulled models and packages: ``MIRZOO_HOME``, or the user's cache folder."""
    given = os.environ.get("MIRZOO_HOME")
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("mirzoo"))


def data_home() -> Path:
    """The folder of ``src/`` and ``corpus/``: ``MIRZOO_DATA``, or one in ``~/.cache``."""
    return Path(os.environ.get("MIRZOO_DATA", "~/.cache/mirzoo/data")).expanduser()
