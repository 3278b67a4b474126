"""What the results in a folder were made of: a record by which a later run knows its own.

A folder of results has a file ``.mirzoo_results.jsonl``. Before a result is put in its place, a
line states its file, its recording (path, size, time of change, SHA-256) and what made it (model,
version, settings); afterwards a second line states that it is whole, and its size. Each line is one
write at the end of the file, so that processes do not cut off each other's, and what a kill leaves
is found: a result that was there before and has no second line is made anew.

What is there and not recorded as this recording's, with these settings, is never taken for it. A
``.json`` that is not recorded, as those of before mirzoo 0.2 are not, states its model and
recording itself; of other formats nothing tells.
"""

from __future__ import annotations

import errno
import filecmp
import hashlib
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from mirzoo._support.files import printable, sha256
from mirzoo._support.guards import DAMAGE
from mirzoo.card import Card
from mirzoo.errors import AnnotationError
from mirzoo.runtimes.base import runtime_of
from mirzoo.tasks.annotation.base import origin_of
from mirzoo.tasks.base import TASKS

RECORD = ".mirzoo_results.jsonl"
VERSION_DIGITS = 16

Made = Mapping[str, Any]
"""What makes a result: model, its version, and settings that change what is found."""


def made_with(
    models: Sequence[str | os.PathLike],
    cards: Sequence[Card],
    decodings: Sequence[Mapping[str, Any]],
    *,
    channel: str,
    careful: bool,
    beats: int | None,
) -> list[Made]:
    """Describe what makes the results of each model.

    The runtime is not among it, nor is ``allow_damaged``: what is whole comes out the same.

    Parameters
    ----------
    models : sequence of str or path
        As `mirzoo.load` takes them.
    cards : sequence of Card
        Theirs.
    decodings : sequence of mapping
        For each the settings that take the place of the card's.
    channel, careful
        As `mirzoo.annotate.annotate` takes them.
    beats : int or None
        The number of the model whose beats the results of the others are put on.
    """
    made: list[dict[str, Any]] = []
    for model, card, decoding in zip(models, cards, decodings, strict=True):
        before = {} if card.decoding is None else card.decoding.model_dump(mode="json")
        made.append(
            {
                "model": card.name,
                "version": _version(model, card, before),
                "decoding": _changed(card, decoding),
                "channel": channel,
                "careful": careful and bool(TASKS[card.task].detunings_cents),
                "snap": None,
            }
        )
    if beats is not None:
        to = {name: made[beats][name] for name in ("model", "version", "decoding")}
        made = [one if n == beats else {**one, "snap": to} for n, one in enumerate(made)]
    return list(made)


def _changed(card: Card, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that differ from the card's, as JSON has them."""
    decoded = card.decoded_with(settings).decoding
    changed = {name: getattr(decoded, name) for name in settings}
    return {
        name: to_jsonable_python(value)
        for name, value in changed.items()
        if value != getattr(card.decoding, name)
    }


def _version(model: str | os.PathLike, card: Card, decoding: Mapping[str, Any]) -> str:
    """Some digits that another version of a model would not have."""
    files = sha256(model) if runtime_of(model) else dict(card.files)
    content = json.dumps([files, list(card.labels), decoding], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:VERSION_DIGITS]


class Source(NamedTuple):
    """What tells a recording from others.

    Parameters
    ----------
    path : str
        Absolute.
    size_bytes, modified_ns : int
        Of the file.
    sha256 : str
        Of its content; empty where it can only be read once, which is never the same again.
    """

    path: str
    size_bytes: int
    modified_ns: int
    sha256: str

    @classmethod
    def of(cls, path: str, name: str | None = None) -> Source:
        """Look at a recording, which may be called otherwise.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        now = os.stat(path)
        called = os.path.abspath(path) if name is None else name
        if not stat.S_ISREG(now.st_mode):
            return cls(called, 0, 0, "")
        return cls(called, now.st_size, now.st_mtime_ns, sha256(path))

    def is_content_of(self, path: str | os.PathLike) -> bool:
        """Whether a file is this recording, under whichever name; its content may be read.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        now = os.stat(path)
        if not (self.sha256 and stat.S_ISREG(now.st_mode)) or now.st_size != self.size_bytes:
            return False
        as_it_was = os.path.abspath(path) == self.path and now.st_mtime_ns == self.modified_ns
        return as_it_was or sha256(path) == self.sha256


@contextmanager
def recorded(
    path: Path, source: Source, made: Sequence[Made], *, complete: bool = True, named: bool = False
) -> Iterator[None]:
    """Record the result that the block writes.

    Parameters
    ----------
    path : Path
        Where it goes.
    source : Source
        The recording.
    made : sequence of mapping
        What makes it; several for a picture of several models.
    complete : bool
        Whether it has all that was asked for, so that a later run leaves it.
    named : bool
        Whether the file was asked for by its own name, so that its folder gets no record by it.

    Raises
    ------
    OSError
        If the record cannot be written.
    """
    record = path.with_name(RECORD)
    if named and not record.exists():
        yield
        return
    mark = secrets.token_hex(4)
    about = {"new": complete and not _size(path), **source._asdict(), "made": list(made)}
    _append(record, {"file": path.name, "mark": mark, **about})
    yield
    if complete:
        _append(record, {"file": path.name, "whole": mark, "result_bytes": _size(path)})


class Found(NamedTuple):
    """What a result is that is there.

    Parameters
    ----------
    is_own : bool
        Whether it is what would be made.
    problem : str
        What it is else; empty where a run that was stopped left it to be made anew.
    """

    is_own: bool
    problem: str = ""


class _Entry(NamedTuple):
    mark: str
    source: Source
    made: str
    is_whole: bool
    result_bytes: int | None


class Records:
    """The records of any number of folders, read when they are first asked for."""

    def __init__(self) -> None:
        self._entries: dict[Path, dict[str, _Entry]] = {}
        self._read_bytes: dict[Path, int] = {}

    def look_at(self, path: Path, recording: Path, made: Sequence[Made]) -> Found:
        """Tell whether a result that is there is of a recording, as these would make it.

        Raises
        ------
        AnnotationError
            If the record cannot be read.
        OSError
            If the result or the recording cannot be read.
        """
        if path.parent not in self._entries:
            self._read(path.parent)
        found = self._judged(path, recording, made)
        # Another run may have written to the folder meanwhile.
        if not found.is_own and self._read(path.parent):
            found = self._judged(path, recording, made)
        return found

    def _judged(self, path: Path, recording: Path, made: Sequence[Made]) -> Found:
        name = printable(path)
        entry = self._entries[path.parent].get(path.name)
        if entry is None:
            problem = _stated(path, recording, made)
            return Found(not problem, problem and f"{name} {problem}")
        if not entry.source.is_content_of(recording):
            there = printable(entry.source.path)
            if entry.source.path == os.path.abspath(recording):
                return Found(False, f"{name} is of what {there} was before it was changed")
            return Found(False, f"{name} is of the recording {there}")
        there = json.loads(entry.made)
        if difference := _difference(there, json.loads(json.dumps(made))):
            return Found(False, f"{name} {difference}")
        if not entry.is_whole:
            return Found(False)
        size = _size(path)
        if entry.result_bytes not in (None, size):
            return Found(
                False,
                f"{name} is damaged or was changed: it has {size:,} bytes, and "
                f"{entry.result_bytes:,} were written",
            )
        return Found(True)

    def _read(self, folder: Path) -> bool:
        """Read what was added to a folder's record; whether there was anything."""
        entries = self._entries.setdefault(folder, {})
        record = folder / RECORD
        try:
            with record.open("rb") as file:
                begin = self._read_bytes.get(folder, 0)
                if os.fstat(file.fileno()).st_size < begin:
                    entries.clear()
                    begin = 0
                file.seek(begin)
                text = file.read()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise AnnotationError(
                f"the record of results {printable(record)} cannot be read ({error.strerror})"
            ) from error
        whole = text.rfind(b"\n") + 1  # a line may be on its way
        self._read_bytes[folder] = begin + whole
        for line in text[:whole].splitlines():
            _take(line, entries)
        return whole > 0


def _take(line: bytes, entries: dict[str, _Entry]) -> None:
    """Take a line of a record; one that a crash of the machine cut off tells nothing."""
    try:
        told = json.loads(line)
        file = told["file"]
        if "whole" in told:
            entry = entries.get(file)
            if entry is not None and entry.mark == told["whole"]:
                size = int(told["result_bytes"])
                entries[file] = entry._replace(is_whole=True, result_bytes=size)
            return
        source = Source(*(told[name] for name in Source._fields))
        made = sys.intern(json.dumps(told["made"]))
        entries[file] = _Entry(told["mark"], source, made, bool(told["new"]), None)
    except (ValueError, KeyError, TypeError):
        return


def _difference(there: Sequence[Made], now: Sequence[Made]) -> str:
    """What tells apart what made a result and what would make it now; empty for nothing."""
    names = [[one.get("model") for one in made] for made in (there, now)]
    if names[0] != names[1]:
        kind = "models" if len(names[0]) > 1 else "model"
        return f"is of the {kind} {printable(', '.join(map(str, names[0])))}"
    for before, after in zip(there, now, strict=True):
        if before.get("version") != after["version"]:
            return f"is of another version of {after['model']}"
        for name, value in after.items():
            if before.get(name) != value:
                told = before.get(name)
                return f"was made with {name} {_told(told)}, and this would have {_told(value)}"
    return ""


def _told(value: Any) -> str:
    """A setting in words; those of a decoding that are the card's are not among them."""
    if value == {}:
        return "as on the card"
    if isinstance(value, Mapping) and "model" in value:
        value = value["model"]
    return json.dumps(value)


def _stated(path: Path, recording: Path, made: Sequence[Made]) -> str:
    """What an unrecorded result is, by what a ``.json`` states itself; empty of its own."""
    if path.suffix.lower() != ".json":
        return "is not recorded as a result of it"
    origin = origin_of(path)
    try:
        with path.open(encoding="utf-8") as file:
            json.load(file)
    except DAMAGE:
        origin = None
    if origin is None:
        return "is damaged, or no result"
    of_model, source = origin
    [wanted] = [one["model"] for one in made]
    if of_model is not None and of_model != wanted:
        return f"is of the model {printable(of_model)}"
    if source is None or source == os.fspath(recording):
        return ""
    try:
        same = os.path.samefile(source, recording) or filecmp.cmp(source, recording, shallow=False)
    except (OSError, ValueError):
        return ""  # it is no more where it was: the recording may be the same, moved
    return "" if same else f"is of the recording {printable(source)}"


def _append(record: Path, line: Mapping[str, Any]) -> None:
    content = (json.dumps(line) + "\n").encode()
    binary = getattr(os, "O_BINARY", 0)
    file = os.open(record, os.O_RDWR | os.O_CREAT | os.O_APPEND | binary, 0o666)
    try:
        size = os.fstat(file).st_size
        os.lseek(file, max(size - 1, 0), os.SEEK_SET)  # written is at the end all the same
        if os.read(file, 1) not in (b"", b"\n"):
            # Cut off by a full disk or a crash, or on its way: an empty line more does no harm.
            content = b"\n" + content
        if os.write(file, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(record))
    finally:
        os.close(file)


def _size(path: Path) -> int:
    """How large a file is (bytes); 0 where there is none."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0
