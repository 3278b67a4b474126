"""A table of recordings and their labels: ``.csv``, ``.tsv`` or ``.jsonl``.

Each row names a file, relative to the table's folder, and its labels; columns are known by the
names in `USUAL`, or chosen (`mirzoo.data.readers.SourceOptions`). ``,``, ``;`` or tab is between
the columns, as the first line has it. Labels are

- a column of words, several of them separated by ``;`` (by ``,`` where ``;`` is between columns);
- or a column for each label that holds 0 and 1, "one-hot";
- with columns for start and end also for a time: then a recording has as many rows as it has
  tags, and what no row covers is not labelled.

Where chords are wanted, the labels are those: of the whole recording, or with start and end.

A column for groups (the artist, or the recording that clips were cut from) and one for splits
("train", "validation", "test") may follow. In JSON Lines each line is an object of such columns,
of which the label may be a list.
"""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mirzoo._support.guards import reading
from mirzoo._support.names import near_names
from mirzoo.data import decoded
from mirzoo.data.findings import Finding, Severity
from mirzoo.data.labels import ChordSpan, Labels, TagSpan
from mirzoo.data.readers import READERS, SPLITS, Found, Reader, SourceOptions
from mirzoo.data.recordings import Recording
from mirzoo.errors import AudioError, DataError

LABEL_SEPARATOR = ";"
SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson")
LINES_OF_JSON = (".jsonl", ".ndjson")
DELIMITERS = ",;\t"
EXCESS = "\0"
"""Under which cells of a row are that no column has; no column is called so."""

USUAL: dict[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "audio",
             "audio_path", "audio_file", "audio_filename", "clip", "fname", "wav",
             "slice_file_name"),
    "label": ("label", "labels", "tag", "tags", "class", "classes", "category", "genre", "genres",
              "instrument", "target", "class_name"),
    "group": ("group", "artist", "artist_id", "artist_name", "singer", "speaker", "player", "album",
              "source_file", "source", "recording", "performer", "track_id"),
    "split": ("split", "subset", "partition", "fold_name", "set"),
    "start": ("start", "start_s", "start_time", "onset", "begin", "start_seconds"),
    "end": ("end", "end_s", "end_time", "offset", "stop", "end_seconds"),
}  # fmt: skip
"""Names of columns that are known, whatever their case, the first that a table has counts."""

PER_UNIT = {"s": 1.0, "ms": 1e-3}


@READERS.register
class Table(Reader):
    """Clips that a table lists."""

    name = "csv"
    forms = ("an existing .csv file", "a table (.csv, .tsv or .jsonl)")

    def takes(self, path: Path) -> bool:
        return path.suffix.lower() == ".csv" and path.exists()

    def finds(self, path: Path, options: SourceOptions) -> bool:
        return path.suffix.lower() in SUFFIXES and path.is_file()

    def clips(self, words: str) -> list[Recording]:
        table = Path(words)
        as_table = (table, "table of clips in UTF-8", DataError, "its columns are path,label,group")
        with reading(*as_table), table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            if not {"path", "label"} <= columns <= {"path", "label", "group"}:
                raise DataError(
                    f"'{table}' has the columns {sorted(columns)}; its first line must be "
                    "path,label or path,label,group"
                )
            rows = list(enumerate(reader, 2))
        if not rows:
            raise DataError(f"'{table}' lists no clips")
        with reading(*as_table):
            return [_clip(row, table, line) for line, row in rows]

    def find(self, words: str, options: SourceOptions) -> Found:
        if options.kind == "f0":
            raise DataError(
                f"'{words}' is a table, whose labels are words, and melodies are wanted; put "
                "each recording's into a file next to it, and name their folder"
            )
        table = Path(words)
        with reading(
            table, "table in UTF-8", DataError, "save it anew in UTF-8, as CSV or JSON Lines"
        ):
            read = _read_json if table.suffix.lower() in LINES_OF_JSON else _read_table
            content = read(table, options)
        if not content.rows:
            raise DataError(f"'{table}' lists no clips")
        columns = _Columns.of(table, content, options)
        found = _Rows(table, columns, content.separator, options.time_unit).found(content.rows)
        return _as_chords(found) if options.kind == "chords" else found


def _clip(row: dict[str, str], table: Path, line: int) -> Recording:
    path = table.parent / (row["path"] or "")
    if not path.is_file():
        raise DataError(f"'{table}', line {line}: there is no file '{path}'")
    labels = tuple(filter(None, map(str.strip, (row["label"] or "").split(LABEL_SEPARATOR))))
    return Recording.tagged(path, labels, row.get("group") or row["path"], name=row["path"])


def _as_chords(found: Found) -> Found:
    """Recordings whose words are chords: those that have no times last as long as the recording."""
    recordings, findings = [], list(found.findings)
    for recording in found.recordings:
        try:
            spans = _chord_spans(recording)
            labels = Labels(chords=spans)
        except DataError as error:
            name = (recording.name,)
            findings.append(Finding("unreadable labels", "error", str(error), name, name))
        else:
            recordings.append(replace(recording, read_labels=partial(_known, labels)))
    return Found(tuple(recordings), tuple(findings))


def _known(labels: Labels) -> Labels:
    return labels


def _chord_spans(recording: Recording) -> tuple[ChordSpan, ...]:
    if recording.labels.tag_spans is not None:
        return tuple(ChordSpan(s.start_s, s.end_s, s.tag) for s in recording.labels.tag_spans)
    words = recording.labels.tags or ()
    if len(words) > 1:
        raise DataError("it has several chords and no times; give columns for start and end")
    try:
        duration_s = decoded.inspect(recording.source).duration_s
    except AudioError:  # is found by the check
        duration_s = 1.0
    return tuple(ChordSpan(0.0, duration_s, word) for word in words)


Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Content:
    """Names of the columns, the rows with their lines, and what is between labels in a cell."""

    names: list[str]
    rows: list[tuple[int, Row]]
    separator: str


def _read_table(table: Path, options: SourceOptions) -> _Content:
    with table.open(newline="", encoding="utf-8-sig") as file:
        delimiter = options.delimiter or sniffed(file.readline())
        file.seek(0)
        reader = csv.DictReader(file, delimiter=delimiter, strict=True, restkey=EXCESS)
        names = [name for name in reader.fieldnames or () if name]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"'{table}' has two columns called '{twice}'; rename one")
        rows: list[tuple[int, Row]] = [
            (reader.line_num, row) for row in reader if any(row.values())
        ]
    between = "," if delimiter == LABEL_SEPARATOR else LABEL_SEPARATOR
    return _Content(names, rows, options.label_separator or between)


def sniffed(line: str) -> str:
    """What is between the columns of a table, by its first line.

    Examples
    --------
    >>> sniffed("path;label"), sniffed("path,label"), sniffed('"a;b";c,d,e')
    (';', ',', ',')
    """

    def columns(delimiter: str) -> int:
        return len(next(csv.reader([line], delimiter=delimiter), []))

    return max(DELIMITERS, key=columns)


def _read_json(table: Path, options: SourceOptions) -> _Content:
    names: dict[str, None] = {}
    rows: list[tuple[int, Row]] = []
    for number, line in enumerate(table.read_text("utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"'{table}', line {number} is no JSON ({error})") from error
        if not isinstance(row, dict):
            raise DataError(f"'{table}', line {number} is no object with columns")
        names.update(dict.fromkeys(row))
        rows.append((number, row))
    return _Content(list(names), rows, options.label_separator or LABEL_SEPARATOR)


@dataclass(frozen=True)
class _Columns:
    """Which columns hold what; ``labels`` are those of a one-hot table."""

    path: str
    label: str | None
    labels: tuple[str, ...]
    group: str | None
    split: str | None
    start: str | None
    end: str | None

    @classmethod
    def of(cls, table: Path, content: _Content, options: SourceOptions) -> _Columns:
        names = content.names
        for name in options.one_hot:
            _column(table, names, "one_hot", name)
        chosen = {
            role: _column(table, names, role, getattr(options, f"{role}_column")) for role in USUAL
        }
        path = chosen.pop("path")
        if path is None:
            raise DataError(_lacking(table, names, "path"))
        if (chosen["start"] is None) != (chosen["end"] is None):
            if options.start_column or options.end_column:
                raise DataError(
                    f"'{table}' has times in one column, and tags over time need two: give both "
                    "start_column and end_column"
                )
            chosen["start"] = chosen["end"] = None
        labels = options.one_hot
        if labels:
            chosen["label"] = None
        elif chosen["label"] is None:
            others = [name for name in names if name not in {path, *chosen.values()}]
            labels = tuple(name for name in others if _is_one_hot(table, name, content.rows))
            if not labels:
                raise DataError(_lacking(table, names, "label"))
        return cls(path=path, labels=labels, **chosen)


def _column(table: Path, names: Sequence[str], role: str, wanted: str | None) -> str | None:
    if wanted is not None:
        if wanted in names:
            return wanted
        near = near_names(wanted, names, n=2)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise DataError(f"'{table}' has no column '{wanted}'; it has {', '.join(names)}{hint}")
    known = {name.strip().casefold().replace(" ", "_"): name for name in reversed(names)}
    return next((known[usual] for usual in USUAL[role] if usual in known), None)


def _lacking(table: Path, names: Sequence[str], role: str) -> str:
    usual = ", ".join(USUAL[role][:6])
    one_hot = "; or have a column of 0 and 1 for each label" if role == "label" else ""
    return (
        f"'{table}' has the columns {', '.join(names) or 'none'}, of which none is known to hold "
        f"the {role}: give {role}_column (--{role}-column), or call it one of {usual}{one_hot}"
    )


ONE, NONE = {"1", "1.0", "true"}, {"0", "0.0", "false"}


def _is_one_hot(table: Path, name: str, rows: Sequence[tuple[int, Row]]) -> bool:
    """Whether a column holds 0 and 1; one that does but for few rows raises DataError."""
    words = {line: _text(row.get(name)).casefold() for line, row in rows}
    words = {line: word for line, word in words.items() if word}
    stray = [line for line, word in words.items() if word not in ONE | NONE]
    if not stray:
        return bool(words)
    if 2 * len(stray) < len(words):
        raise DataError(
            f"'{table}' has a column '{name}' of 0 and 1, but in line {stray[0]}"
            f"{f' and {len(stray) - 1} more' * (len(stray) > 1)} it holds '{words[stray[0]]}'; "
            "correct that, or name the columns that are labels: one_hot=('cat', 'dog', …)"
        )
    return False


class _Rows:
    """Makes recordings of rows, and findings of what is wrong with them."""

    def __init__(self, table: Path, columns: _Columns, separator: str, time_unit: str) -> None:
        self._table, self._columns, self._separator = table, columns, separator
        self._scale = PER_UNIT[time_unit]
        self._several = False
        self._wrong: dict[tuple[str, Severity, str], list[tuple[str, str]]] = defaultdict(list)

    def found(self, rows: Sequence[tuple[int, Row]]) -> Found:
        self._several = bool(self._columns.labels) or any(
            len(self._words(row)) > 1 for _, row in rows
        )
        of_path: dict[str, list[tuple[int, Row]]] = {}
        for line, row in rows:
            name = _text(row.get(self._columns.path))
            if EXCESS in row:
                what = "more cells than columns: put what has the separator in it into quotes"
                self._complain("too many cells", "error", what, f"line {line}: {name}", name)
            if name:
                of_path.setdefault(name, []).append((line, row))
            else:
                self._complain("empty cell", "error", "no file is named", f"line {line}")
        recordings = [self._recording(name, some) for name, some in of_path.items()]
        return Found(tuple(recordings), tuple(self._findings()), self._columns.labels)

    def _complain(
        self, kind: str, severity: Severity, what: str, where: str, name: str | None = None
    ) -> None:
        self._wrong[kind, severity, what].append((where, name or where))

    def _findings(self) -> Iterator[Finding]:
        for (kind, severity, what), places in self._wrong.items():
            bad = dict.fromkeys(name for _, name in places) if severity == "error" else ()
            yield Finding(kind, severity, what, tuple(place for place, _ in places), tuple(bad))

    def _recording(self, name: str, rows: Sequence[tuple[int, Row]]) -> Recording:
        columns, (line, first) = self._columns, rows[0]
        where = f"line {line}: {name}"
        group = _text(first.get(columns.group)) if columns.group else ""
        if columns.group and not group:
            what = "no group is named, so it is a group of its own"
            self._complain("empty cell", "warning", what, where)
        split = None
        if columns.split:
            word = _text(first.get(columns.split))
            split = SPLITS.get(word.casefold(), word) or None
            if split is None:
                self._complain("empty cell", "error", "no split is named", where, name)
        over_time = columns.start and columns.end
        labels = self._spans(name, rows) if over_time else self._tags(name, rows)
        source = self._table.parent / name
        return Recording(name, group or name, source, lambda: labels, split=split)

    def _tags(self, name: str, rows: Sequence[tuple[int, Row]]) -> Labels:
        words = [word for _, row in rows for word in self._words(row)]
        if len(rows) > 1:
            where = f"{name} in the lines {', '.join(str(line) for line, _ in rows)}"
            what = "listed in several rows, whose labels are taken together"
            self._complain("listed twice", "warning", what, where)
        where = f"line {rows[0][0]}: {name}"
        if self._columns.labels:
            for line, row in rows:
                for label in self._columns.labels:
                    if _text(row.get(label)).casefold() not in ONE | NONE:
                        what = "a label's column must hold 0 or 1"
                        self._complain("empty cell", "error", what, f"line {line}: {label}", name)
        elif not words and self._several:
            what = "no label is named: a clip that has none of the labels"
            self._complain("empty cell", "warning", what, where)
        elif not words:
            self._complain("empty cell", "error", "no label is named", where, name)
        return Labels(tags=tuple(dict.fromkeys(words)))

    def _words(self, row: Row) -> list[str]:
        if self._columns.labels:
            return [name for name in self._columns.labels if _text(row.get(name)).casefold() in ONE]
        value = row.get(self._columns.label or "")
        words = value if isinstance(value, list) else _text(value).split(self._separator)
        return [word for word in map(_text, words) if word]

    def _spans(self, name: str, rows: Sequence[tuple[int, Row]]) -> Labels:
        spans = []
        for line, row in rows:
            where, words = f"line {line}: {name}", self._words(row)
            start, end = (
                _number(row.get(c or "")) for c in (self._columns.start, self._columns.end)
            )
            if not words:
                self._complain("empty cell", "error", "no label is named", where, name)
            elif start is None or end is None:
                what = "start and end must be numbers, with a point before decimals"
                self._complain("times", "error", what, where, name)
            elif not 0 <= start < end:
                what = "a tag must begin at 0 or later, and end after it begins"
                self._complain("times", "error", what, where, name)
            else:
                times = start * self._scale, end * self._scale
                spans += [TagSpan(*times, word) for word in words]
        return Labels(tag_spans=tuple(sorted(spans, key=lambda span: span.start_s)))


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
