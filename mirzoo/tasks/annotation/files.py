"""Files of annotations, whose suffix names their format, written piece by piece."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from mirzoo._support import files
from mirzoo.errors import AnnotationError

BLOCK_ROWS = 4096


def format_of(path: str | os.PathLike, allowed: tuple[str, ...], kind: str) -> str:
    """The format that a path's suffix names, without the dot.

    Raises
    ------
    AnnotationError
        If it is none of those ``allowed`` for what the file is to hold (``kind``).
    """
    suffix = Path(path).suffix.lower()
    if suffix not in allowed:
        raise AnnotationError(
            f"{path}: the suffix {Path(path).suffix!r} is no format for {kind}; allowed are "
            f"{', '.join(allowed)}."
        )
    return suffix.removeprefix(".")


class Rows(list):
    """A long list of a JSON document, whose values are made while they are written.

    Parameters
    ----------
    length : int
        How many values there are.
    values : callable
        Gives an iterator over them, as often as it is called.

    Examples
    --------
    >>> squares = Rows(3, lambda: (number**2 for number in range(3)))
    >>> len(squares), list(squares), "".join(json_pieces({"squares": squares}))
    (3, [0, 1, 4], '{"squares": [0, 1, 4]}')
    """

    def __init__(self, length: int, values: Callable[[], Iterable[Any]]) -> None:
        super().__init__()
        self._length, self._values = length, values

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values())


def number_rows(values: np.ndarray, digits: int | None = None) -> Rows:
    """The numbers, or rows of numbers, of an array as Python's own, rounded where asked for."""

    def plain() -> Iterator[Any]:
        for start in range(0, len(values), BLOCK_ROWS):
            block = values[start : start + BLOCK_ROWS]
            yield from (block if digits is None else block.round(digits)).tolist()

    return Rows(len(values), plain)


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A document with lists in place of its `Rows`."""
    return {name: list(v) if isinstance(v, Rows) else v for name, v in document.items()}


def json_pieces(
    document: dict[str, Any], *, indent: int | None = None, ensure_ascii: bool = True
) -> Iterator[str]:
    """The text that `json.dumps` gives for a document that may hold `Rows`, piece by piece."""
    pieces: list[str] = []
    for piece in json.JSONEncoder(indent=indent, ensure_ascii=ensure_ascii).iterencode(document):
        pieces.append(piece)
        if len(pieces) == BLOCK_ROWS:
            yield "".join(pieces)
            pieces.clear()
    yield "".join(pieces)


NO_ROWS = "there is no row below the names of the columns"
"""What is wrong with a table that holds nothing, of a task whose results always hold something."""


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a CSV file."""
    writer = csv.writer(_Line(), lineterminator="\n")
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow(row)


class _Line:
    """A file that gives back what is written to it, as `csv.writer` does then."""

    def write(self, line: str) -> str:
        return line


@contextmanager
def unfinished(path: str | os.PathLike) -> Iterator[Path]:
    """`mirzoo._support.files.unfinished`, whose errors say which file cannot be written.

    Raises
    ------
    AnnotationError
        If it cannot be written.
    """
    try:
        with files.unfinished(path) as new:
            yield new
    except OSError as error:
        raise _unwritten(path, error) from error


@contextmanager
def temporary(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file without a name in the folder of ``path``, gone when it is closed.

    Raises
    ------
    AnnotationError
        If the folder is missing or full.
    """
    try:
        with tempfile.TemporaryFile(dir=Path(path).parent) as file:
            yield cast("BinaryIO", file)
    except OSError as error:
        raise _unwritten(path, error) from error


def write_whole(path: str | os.PathLike, content: bytes | str | Iterable[str]) -> None:
    """Write a file, or leave what was there.

    Raises
    ------
    AnnotationError
        If it cannot be written.
    """
    try:
        files.write_whole(path, content)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: str | os.PathLike, error: OSError) -> AnnotationError:
    reason = error.strerror or error
    question = " Does the folder exist?" if isinstance(error, FileNotFoundError) else ""
    return AnnotationError(f"{path} cannot be written ({reason}).{question}")
