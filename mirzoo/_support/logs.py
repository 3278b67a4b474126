"""Messages of long work: sent to the loggers ``mirzoo.…``, shown on demand."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

LOGGER = "mirzoo"


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
