"""Files written whole or not at all, their hashes, and the folders that mirzoo caches in."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK_BYTES = 1 << 20


@contextmanager
def unfinished(path: str | os.PathLike) -> Iterator[Path]:
    """Give the path of a new file next to ``path`` that takes its place if all goes well.

    Its name ends as that of ``path`` does. Where the block ends with an error nothing is left of
    it, and what was at ``path`` stays.

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
    new = path.with_name(f".{secrets.token_hex(4)}.{path.name[-60:]}")
    try:
        yield new
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_whole(path: str | os.PathLike, content: bytes | str) -> None:
    """Write a file, or leave what was there; text is UTF-8.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with unfinished(path) as new:
        new.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


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
