"""Files of annotations, whose suffix names their format."""

from __future__ import annotations

import os
from pathlib import Path

from mirzoo._support import files
from mirzoo.errors import AnnotationError


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


def write_whole(path: str | os.PathLike, content: bytes | str) -> None:
    """Write a file, or leave what was there.

    Raises
    ------
    AnnotationError
        If it cannot be written.
    """
    try:
        files.write_whole(path, content)
    except OSError as error:
        reason = error.strerror or error
        raise AnnotationError(
            f"{path} cannot be written ({reason}). Does the folder exist?"
        ) from error
