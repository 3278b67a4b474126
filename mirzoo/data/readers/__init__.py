"""Readers of data sets: a module for each kind of source, known by its prefix or its files.

``mirdata:NAME`` is read by the reader that is registered as ``mirdata``, ``tfds:NAME`` by ``tfds``;
paths are read by the first of the others that takes them. A reader of your own is registered from
your own module, and then ``myset:NAME`` can be evaluated and trained on like any other source::

    @READERS.register
    class MySet(Reader):
        name, prefixed = "myset", True
        forms = ("myset:NAME",)

        def recordings(self, words, split): ...
"""

from __future__ import annotations

import os
from abc import ABC
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from mirzoo._support.registry import Registry
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError


class Reader(ABC):
    """How one kind of source is read; recordings, clips, or both.

    Clips are recordings whose labels are words of all of them, in `Labels.tags`.
    """

    name: ClassVar[str]
    """Under which it is registered; where it is ``prefixed``, sources begin with it and a colon."""

    prefixed: ClassVar[bool] = False

    forms: ClassVar[tuple[str, ...]]
    """What its sources look like, for messages."""

    def takes(self, path: Path) -> bool:
        """Whether a path is a source of this kind; only asked of readers without a prefix."""
        return False

    def splits(self, words: str) -> set[str]:
        """The splits that a source has; empty where it has none."""
        return set()

    def recordings(self, words: str, split: str | None) -> Iterator[Recording]:
        """Give the recordings of a source, or of one of its splits, with all their labels.

        Raises
        ------
        DataError
            If it cannot be read or has not the split.
        """
        raise DataError(f"'{words}' holds no recordings with labels over time")

    def clips(self, words: str) -> list[Recording]:
        """Give the clips of a source.

        Raises
        ------
        DataError
            If it cannot be read or has no labels of whole clips.
        """
        raise DataError(f"'{words}' holds no clips with labels of their own")

    @classmethod
    def gives(cls, what: str) -> bool:
        """Whether it reads "recordings", or "clips"."""
        return getattr(cls, what) is not getattr(Reader, what)


class _Readers(Registry[Reader]):
    def register(self, thing: Any) -> Any:
        """Make a reader known: an object of a class of `Reader`, or the class itself."""
        super().register(thing() if isinstance(thing, type) else thing)
        return thing


READERS = _Readers("reader", "mirzoo.data.readers", name_of=lambda reader: reader.name)
"""Every reader by name."""


def find_reader(source: str | os.PathLike, what: str) -> Reader | None:
    """Find the reader of the "recordings" or "clips" of a source; None where there is none."""
    words = os.fspath(source)
    prefix, colon, _ = words.partition(":")
    if colon and prefix in READERS and READERS[prefix].prefixed:
        reader = READERS[prefix]
        return reader if reader.gives(what) else None
    return next(
        (
            reader
            for reader in READERS.values()
            if not reader.prefixed and reader.gives(what) and reader.takes(Path(words))
        ),
        None,
    )


def forms_of(what: str) -> str:
    """What sources of "recordings" or "clips" look like, as a list in words."""
    readers = sorted(READERS.values(), key=lambda reader: (not reader.prefixed, reader.name))
    forms = [form for reader in readers if reader.gives(what) for form in reader.forms]
    return f"{', '.join(forms[:-1])} and {forms[-1]}"


def check_split(words: str, split: str | None, there: Iterable[str]) -> None:
    """Raise DataError where a source has not the split that is asked for."""
    if split is not None and split not in there:
        raise DataError(f"'{words}' has no split '{split}'; it has {', '.join(sorted(there))}")
