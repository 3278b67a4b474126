"""Messages of long work: sent to the loggers ``mirzoo.…``, shown on demand."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

LOGGER = "mirzoo"
LONGEST_TEXT = 4000


class _Reporter(logging.Handler):
    """Hands the text of each message to a function."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._report(self.format(record))
        except Exception:
            self.handleError(record)


@contextmanager
def messages_to(report: Callable[[str], None]) -> Iterator[None]:
    """Hand each message of mirzoo to a function while the block runs.

    Examples
    --------
    >>> lines = []
    >>> with messages_to(lines.append):
    ...     logging.getLogger("mirzoo.training").info("%d of %d epochs", 1, 20)
    >>> lines
    ['1 of 20 epochs']
    """
    logger = logging.getLogger(LOGGER)
    handler, level = _Reporter(report), logger.level
    logger.addHandler(handler)
    logger.setLevel(min(level or logging.INFO, logging.INFO))
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def deprecated_report(report: Callable[[str], None] | None) -> Iterator[None]:
    """Serve the parameter ``report`` of earlier versions; None is "not given"."""
    if report is None:
        yield
        return
    warnings.warn(
        "report= goes with the next version; progress is logged by the logger 'mirzoo': "
        "logging.basicConfig(level=logging.INFO) prints it",
        DeprecationWarning,
        stacklevel=4,
    )
    with messages_to(report):
        yield


def show_messages(stream: TextIO | None = None) -> None:
    """Print messages of mirzoo, by default to stderr, from now on: for the command line."""
    logger = logging.getLogger(LOGGER)
    for handler in [h for h in logger.handlers if getattr(h, "of_command_line", False)]:
        logger.removeHandler(handler)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.of_command_line = True  # type: ignore[attr-defined]
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # or a library that calls logging.basicConfig prints them again


class CMessages:
    """What C libraries print on the standard error of this process, kept instead: for the command
    line.

    LiteRT ("Created TensorFlow Lite XNNPACK delegate") and libmpg123 inside libsndfile print with
    C's ``stderr`` and have no setting against it that Python can reach. Descriptor 2 stays as it
    is; C's stream alone is pointed elsewhere, where the C library lets it (glibc).
    """

    def __init__(self) -> None:
        self._kept: int | None = None
        if sys.platform != "linux" or not hasattr(os, "memfd_create"):
            return
        import ctypes

        try:
            libc = ctypes.CDLL(None)
            libc.gnu_get_libc_version  # noqa: B018  # others have a constant `stderr`
            stream = ctypes.c_void_p.in_dll(libc, "stderr")
        except (AttributeError, OSError, ValueError):
            return
        kept = os.memfd_create("mirzoo")
        libc.fdopen.restype = ctypes.c_void_p
        opened = libc.fdopen(kept, b"a")
        if opened:
            libc.setbuf(ctypes.c_void_p(opened), None)
            stream.value = opened
            self._kept = kept

    def take(self) -> str:
        """What was printed since the last time."""
        if self._kept is None:
            return ""
        text = os.pread(self._kept, LONGEST_TEXT, 0).decode(errors="replace")
        os.ftruncate(self._kept, 0)
        os.lseek(self._kept, 0, os.SEEK_SET)
        return text
