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
import warnings
from abc import ABC
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from mirzoo._support.registry import Registry
from mirzoo._support.switches import require_switches
from mirzoo.data.findings import Finding
from mirzoo.data.recordings import Recording, label_kinds
from mirzoo.errors import DataError

Kind = Literal["tags", "chords", "f0"]
KINDS: tuple[Kind, ...] = ("tags", "chords", "f0")
TIME_UNITS = ("s", "ms")

SPLITS = {
    "train": "train", "training": "train", "dev": "validation", "val": "validation",
    "valid": "validation", "validation": "validation", "test": "test", "testing": "test",
    "eval": "test", "evaluation": "test",
}  # fmt: skip
"""What splits are called elsewhere, and here."""


@dataclass(frozen=True)
class SourceOptions:
    """How a source is read; the fields are parameters of `mirzoo.data.load`.

    Parameters
    ----------
    kind : {"tags", "chords", "f0"}, optional
        What kind of labels is wanted; by default what the source has.
    path_column, label_column, group_column, split_column, start_column, end_column : str, optional
        Names of a table's columns; by default the usual ones (`mirzoo.data.readers.csv.USUAL`).
    one_hot : tuple of str
        Columns of a table that are labels, 1 where they hold; by default, where no column has
        labels, all others that hold 0 and 1 alone.
    delimiter : str, optional
        Between a table's columns; by default ``,``, ``;`` or tab, whichever its first line has.
    label_separator : str, optional
        Between several labels in a cell; by default ``;``, and ``,`` where ``;`` is between the
        columns.
    time_unit : {"s", "ms"}
        Of times in tables and label files.
    download : bool
        Whether a data set of TensorFlow Datasets may be downloaded.
    """

    kind: Kind | None = None
    path_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    split_column: str | None = None
    start_column: str | None = None
    end_column: str | None = None
    one_hot: tuple[str, ...] = ()
    delimiter: str | None = None
    label_separator: str | None = None
    time_unit: Literal["s", "ms"] = "s"
    download: bool = False

    def __post_init__(self) -> None:
        require_switches(DataError, download=self.download)
        if self.time_unit not in TIME_UNITS:
            allowed = ", ".join(map(repr, TIME_UNITS))
            raise DataError(f"time_unit is {self.time_unit!r}; allowed are {allowed}")


@dataclass(frozen=True)
class Found:
    """What a reader found in a source.

    Parameters
    ----------
    recordings : tuple of Recording
    findings : tuple of Finding
        What is wrong with what is there, or missing.
    labels : tuple of str
        Tags that the source names, also those that no recording has.
    """

    recordings: tuple[Recording, ...]
    findings: tuple[Finding, ...] = ()
    labels: tuple[str, ...] = ()


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

    def finds(self, path: Path, options: SourceOptions) -> bool:
        """Whether `find` is for this path; only asked of readers without a prefix."""
        return self.takes(path)

    def find(self, words: str, options: SourceOptions) -> Found:
        """Find all of a source's recordings, with their labels, groups and splits.

        What is wrong with one of them is a finding, not an error. By default the `clips`, or the
        `recordings` that have the kind of labels that is wanted.

        Raises
        ------
        DataError
            If it cannot be read at all.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            found = self._found(words, options)
        told = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
        findings = [Finding("incomplete", "warning", what) for what in dict.fromkeys(told)]
        return replace(found, findings=(*found.findings, *findings))

    def _found(self, words: str, options: SourceOptions) -> Found:
        if options.kind in (None, "tags") and self.gives("clips"):
            try:
                return Found(tuple(self.clips(words)))
            except DataError:
                if options.kind or not self.gives("recordings"):
                    raise
        return self.found_recordings(words, options.kind)

    def found_recordings(self, words: str, kind: Kind | None) -> Found:
        """Find the `recordings` that have a kind of labels, by default the first that they have."""
        splits: list[str | None] = [*sorted(self.splits(words))]
        recordings, kinds = [], []
        wrong: dict[str, list[str]] = {}
        for split in splits or [None]:
            for recording in self.recordings(words, split):
                try:
                    kinds.append(label_kinds(recording.labels))
                except DataError as error:
                    wrong.setdefault(str(error), []).append(recording.name)
                else:
                    recordings.append(replace(recording, split=split and SPLITS.get(split, split)))
        wanted = [kind] if kind else list(KINDS)
        chosen = next((kind for kind in wanted if any(kind in has for has in kinds)), None)
        if chosen is None and not wrong:
            has = ", ".join(sorted(set().union(*kinds))) or "no labels at all"
            raise DataError(f"'{words}' has no {' or '.join(wanted)}: its recordings have {has}")
        findings = tuple(
            Finding("unreadable labels", "error", reason, tuple(names), tuple(names))
            for reason, names in wrong.items()
        )
        of_kind = (r for r, has in zip(recordings, kinds, strict=True) if chosen in has)
        return Found(tuple(of_kind), findings)

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


def find_own_reader(source: str, options: SourceOptions) -> Reader | None:
    """Find the reader of a source of either kind; None where there is none.

    Of several readers that take a path the first in alphabetical order of their names counts,
    so that "beside" is asked before "folder".
    """
    prefix, colon, _ = source.partition(":")
    if colon and prefix in READERS and READERS[prefix].prefixed:
        return READERS[prefix]
    for reader in READERS.values():
        if not reader.prefixed and reader.finds(Path(source), options):
            return reader
    return None


def own_forms() -> str:
    """What sources of `mirzoo.data.load` look like, as a list in words."""
    readers = sorted(READERS.values(), key=lambda reader: (not reader.prefixed, reader.name))
    forms = list(dict.fromkeys(form for reader in readers for form in reader.forms))
    return f"{', '.join(forms[:-1])} and {forms[-1]}"


def forms_of(what: str) -> str:
    """What sources of "recordings" or "clips" look like, as a list in words."""
    readers = sorted(READERS.values(), key=lambda reader: (not reader.prefixed, reader.name))
    forms = [form for reader in readers if reader.gives(what) for form in reader.forms]
    return f"{', '.join(forms[:-1])} and {forms[-1]}"


def check_split(words: str, split: str | None, there: Iterable[str]) -> None:
    """Raise DataError where a source has not the split that is asked for."""
    if split is not None and split not in there:
        raise DataError(f"'{words}' has no split '{split}'; it has {', '.join(sorted(there))}")
