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

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError, UnknownNameError
from mirzoo.tasks.base import ModelWithCard, Teachers

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

BEHIND_S = 1.0
"""By so much a system's last frames may reach beyond an item's end."""


def has_labels(teachers: Teachers, name: str, suffix: str) -> bool:
    """Whether a teacher has annotated any item of the corpus."""
    return any(teachers.labels_folder(name).glob(f"*{suffix}"))


def labels_of(
    teachers: Teachers,
    name: str,
    suffix: str,
    read: Callable[[Path], Result],
    end_s: Callable[[Result], float],
) -> list[Result | None]:
    """Read what a teacher has annotated: for each item its annotation, None where it has none.

    Parameters
    ----------
    teachers : Teachers
    name : str
        One of them.
    suffix : str
        Of its files.
    read : callable
        Reads a file.
    end_s : callable
        From an annotation to where it ends (s).

    Raises
    ------
    DataError
        If a file is for no item, is empty, or goes on after the item's end.
    """
    folder = teachers.labels_folder(name)
    items = teachers.corpus.items
    paths = [folder / f"{number:05d}{suffix}" for number in range(len(items))]
    stray = sorted({path.name for path in folder.glob(f"*{suffix}")} - {p.name for p in paths})
    if stray:
        raise DataError(
            f"'{folder}' holds {', '.join(stray[:3])}, which is for no item of "
            f"{teachers.corpus.directory.name}; allowed are 00000{suffix} to "
            f"{len(items) - 1:05d}{suffix}. Is it of another corpus?"
        )
    for path in paths:
        if path.exists() and not path.read_text(encoding="utf-8").strip():
            raise DataError(
                f"'{path}' is empty; an item in which {name} finds nothing has no file, or one "
                "that states so. Was its writing interrupted?"
            )
    found = [read(path) if path.exists() else None for path in paths]
    for path, annotation, item in zip(paths, found, items, strict=True):
        lasts = item.n_samples / SAMPLE_RATE
        if annotation is not None and end_s(annotation) > lasts + BEHIND_S:
            raise DataError(
                f"'{path}' ends at {end_s(annotation):g} s, and its item lasts {lasts:.1f} s; are "
                "its times in milliseconds, or is it of another recording?"
            )
    logger.info(
        "%s: %d of %d items have labels of %s",
        teachers.corpus.directory.name,
        sum(labels is not None for labels in found),
        len(items),
        name,
    )
    return found


def teaching_model(teachers: Teachers, name: str, suffix: str) -> ModelWithCard:
    """Find the model that a teacher without annotations must be.

    Raises
    ------
    UnknownNameError
        If there is none; it tells where annotations would lie.
    """
    try:
        return teachers.model(name)
    except UnknownNameError as unknown:
        raise UnknownNameError(
            f"{unknown}. Another system can teach by its labels, and "
            f"'{teachers.labels_folder(name)}' holds none (00000{suffix} and so on, by the rows of "
            "items.csv); benchmarks/teachers.py makes them"
        ) from None
