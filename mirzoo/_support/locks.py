"""Locks between processes: one at a time does what is not to be done twice."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

POLL_S = 0.1
TRIES = 100
"""So often a folder may be removed by others in the moment between making it and the file in it."""


@contextmanager
def locked(
    path: str | os.PathLike,
    waiting: Callable[[], None] | None = None,
    *,
    shared: bool = False,
) -> Iterator[None]:
    """Hold the lock that a file stands for; the file is there only as long as somebody holds it.

    The system releases the lock of a process that ends, however it ends.

    Parameters
    ----------
    path : str or path
        Folders that are missing are made, and removed again if nothing else is in them.
    waiting : callable, optional
        Called once where another process, or another thread, holds the lock.
    shared : bool
        Whether others who share it may hold it at the same time (except on Windows); then the file
        is left for them.

    Raises
    ------
    OSError
        If the file cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with locked(Path(folder) / "lock"):
    ...         before = [path.name for path in Path(folder).iterdir()]
    ...     before, list(Path(folder).iterdir())
    (['lock'], [])
    """
    path = Path(path).absolute()
    made = [folder for folder in path.parents if not folder.exists()]
    told = False
    missing = 0
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except FileNotFoundError:  # another process has just removed the folder
            missing += 1
            if missing == TRIES:  # or no file can be made in it, as in /proc
                raise
            continue
        # Whoever held it before may have removed the file meanwhile: then it locks nobody out.
        if _take(file, shared) and _is_still(path, file):
            break
        os.close(file)
        if waiting is not None and not told:
            waiting()
            told = True
        time.sleep(POLL_S)
    try:
        yield
    finally:
        if not shared:
            with suppress(OSError):
                path.unlink()
        os.close(file)
        with suppress(OSError):
            for folder in made:
                folder.rmdir()


def _is_still(path: Path, file: int) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False


if sys.platform == "win32":
    import msvcrt

    def _take(file: int, shared: bool) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(file: int, shared: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
