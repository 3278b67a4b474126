"""Other systems as teachers: by annotations of theirs that are stored with a corpus.

A teacher is a model of the zoo or of an earlier run, or any other system whose annotations lie in
``<corpus>/targets/<teacher>/``, ``00000`` and so on with the suffix of the task's files, by the
rows of items.csv (``benchmarks/teachers.py`` has published packages write them).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mirzoo.errors import UnknownNameError
from mirzoo.tasks.base import ModelWithCard, Teachers

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def has_labels(teachers: Teachers, name: str, suffix: str) -> bool:
    """Whether a teacher has annotated any item of the corpus."""
    return any(teachers.labels_folder(name).glob(f"*{suffix}"))


def labels_of(
    teachers: Teachers, name: str, suffix: str, read: Callable[[Path], Result]
) -> list[Result | None]:
    """Read what a teacher has annotated: for each item its annotation, None where it has none."""
    folder = teachers.labels_folder(name)
    items = len(teachers.corpus.items)
    paths = [folder / f"{number:05d}{suffix}" for number in range(items)]
    found = [read(path) if path.exists() else None for path in paths]
    logger.info(
        "%s: %d of %d items have labels of %s",
        teachers.corpus.directory.name,
        sum(labels is not None for labels in found),
        items,
        name,
    )
    return found


def teaching_model(teachers: Teachers, name: str, suffix: str) -> ModelWithCard:
    """Find the model that a teacher without annotations must be.

    Raises
    ------
    UnknownNameError
        If there is none; it says where annotations would lie.
    """
    try:
        return teachers.model(name)
    except UnknownNameError as unknown:
        raise UnknownNameError(
            f"{unknown}. Another system can teach by its labels, and "
            f"'{teachers.labels_folder(name)}' holds none (00000{suffix} and so on, by the rows of "
            "items.csv); benchmarks/teachers.py makes them"
        ) from None
