"""Labels on disk: an archive for each part while a corpus is made, then tables for all of it.

The tables name the item in their first column, and are absent where no item has such labels:
``chords.csv`` (item, start_s, end_s, label), ``beats.csv`` (item, time_s, downbeat: 0 or 1),
``key_spans.csv`` (item, start_s, end_s, key), ``keys.csv``, ``instruments.csv`` and ``tags.csv``
(item and one word).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo._support.files import unfinished
from mirzoo._support.words import counted
from mirzoo.data.labels import ChordSpan, KeySpan, Labels
from mirzoo.errors import DataError

COLUMNS = {
    "chords": ("item", "start_s", "end_s", "label"),
    "beats": ("item", "time_s", "downbeat"),
    "key_spans": ("item", "start_s", "end_s", "key"),
    "keys": ("item", "key"),
    "instruments": ("item", "instrument"),
    "tags": ("item", "tag"),
}


def write_part(labels: Labels, path: Path, *, f0_frames: int) -> None:
    """Write one item's labels as an archive of arrays, appearing whole or not at all.

    Raises
    ------
    DataError
        When the f0 doesn't have ``f0_frames`` frames.
    """
    if labels.f0 is not None and len(labels.f0) != f0_frames:
        raise DataError(
            f"the f0 for '{path.name}' has {counted(len(labels.f0), 'frame')} and its audio "
            f"{f0_frames}; a frame is 160 samples at 16 kHz"
        )
    spans = labels.chords or ()
    arrays: dict[str, Any] = {
        "chord_times": _times(spans),
        "chord_labels": np.array([span.label for span in spans], dtype=str),
        "key_times": _times(labels.keys or ()),
        "key_names": np.array([span.key for span in labels.keys or ()], dtype=str),
        "key": np.array([labels.key] if labels.key else [], dtype=str),
        "instruments": np.array(labels.instruments or (), dtype=str),
        "tags": np.array(labels.tags or (), dtype=str),
    }
    for name in ("f0", "beats", "downbeats"):
        values = getattr(labels, name)
        if values is not None:
            arrays[name] = values
    with unfinished(path) as new, new.open("wb") as file:
        np.savez(file, **arrays)


def _times(spans: Sequence[ChordSpan] | Sequence[KeySpan]) -> np.ndarray:
    return np.array([(span.start_s, span.end_s) for span in spans]).reshape(-1, 2)


def put_together(parts: Sequence[tuple[str, Path, int]], directory: Path) -> None:
    """Gather the parts' archives into the tables and ``f0.f32`` of a corpus folder.

    ``parts`` names each item, its archive and how many frames of f0 it has; an item without f0
    gets NaN where others have some, and a part without an archive has no labels.
    """
    rows: dict[str, list[tuple]] = {kind: [] for kind in COLUMNS}
    with_f0 = [path for _, path, _ in parts if "f0" in _names_in(path)]
    for item, path, _ in parts:
        for kind, row in _rows(item, _read_archive(path)):
            rows[kind].append(row)
    if with_f0:
        with unfinished(directory / "f0.f32") as new, new.open("wb") as f0_file:
            for _, path, frames in parts:
                f0 = _read_archive(path).get("f0", np.full(frames, np.nan))
                f0_file.write(f0.astype(np.float32).tobytes())
    else:
        (directory / "f0.f32").unlink(missing_ok=True)
    for kind, columns in COLUMNS.items():
        _write_table(directory / f"{kind}.csv", columns, rows[kind])


def _names_in(path: Path) -> list[str]:
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as archive:
        return archive.files


def _read_archive(path: Path) -> dict[str, np.ndarray]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def _rows(item: str, arrays: dict[str, np.ndarray]) -> Iterator[tuple[str, tuple]]:
    for table, of, words in (
        ("chords", "chord_times", "chord_labels"),
        ("key_spans", "key_times", "key_names"),
    ):
        for (start_s, end_s), label in zip(arrays.get(of, ()), arrays.get(words, ()), strict=True):
            yield table, (item, f"{start_s:.4f}", f"{end_s:.4f}", label)
    downbeats = arrays.get("downbeats", np.zeros(0))
    others = np.setdiff1d(arrays.get("beats", np.zeros(0)), downbeats)
    times = [(time, 1) for time in downbeats] + [(time, 0) for time in others]
    for time_s, downbeat in sorted(times):
        yield "beats", (item, f"{time_s:.4f}", downbeat)
    for kind, name in (("keys", "key"), ("instruments", "instruments"), ("tags", "tags")):
        for word in arrays.get(name, ()):
            yield kind, (item, word)


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[tuple]) -> None:
    rows = list(rows)
    if not rows:
        path.unlink(missing_ok=True)
        return
    write_table(path, columns, rows)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write a CSV file with a first line of columns, whole or not at all."""
    with unfinished(path) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def open_f0(directory: Path, frames: int) -> np.ndarray | None:
    """A corpus' f0 as a read-only memory map, float32 ``(frames,)``; None where it has none.

    Raises
    ------
    DataError
        When the file hasn't ``frames`` frames.
    """
    path = directory / "f0.f32"
    if not path.exists():
        return None
    if path.stat().st_size != 4 * frames:
        raise DataError(
            f"'{path}' has {path.stat().st_size} bytes and items.csv accounts for "
            f"{4 * frames}; prepare the corpus again"
        )
    return np.memmap(path, np.float32, "r")


@dataclass(frozen=True)
class Tables:
    """The rows of a corpus' tables: kind → item → rows without the item."""

    rows: dict[str, dict[str, list[tuple[str, ...]]]]

    def labels(self, item: str, f0: np.ndarray | None) -> Labels:
        """The item's labels, with the f0 given."""

        def words(kind: str) -> tuple[str, ...] | None:
            return tuple(row[0] for row in self.rows[kind].get(item, ())) or None

        chords = tuple(
            ChordSpan(float(start), float(end), label)
            for start, end, label in self.rows["chords"].get(item, ())
        )
        keys = tuple(
            KeySpan(float(start), float(end), key)
            for start, end, key in self.rows["key_spans"].get(item, ())
        )
        beats = self.rows["beats"].get(item, ())
        times = np.array([float(time) for time, _ in beats])
        first = np.array([downbeat == "1" for _, downbeat in beats], dtype=bool)
        return Labels(
            chords=chords or None,
            f0=f0,
            beats=times if len(times) else None,
            downbeats=times[first] if first.any() else None,
            key=(words("keys") or (None,))[0],
            instruments=words("instruments"),
            tags=words("tags"),
            keys=keys or None,
        )


def read_tables(directory: Path) -> Tables:
    """Read whatever tables of labels a corpus folder has."""
    rows: dict[str, dict[str, list[tuple[str, ...]]]] = {}
    for kind in COLUMNS:
        rows[kind] = {}
        path = directory / f"{kind}.csv"
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                for item, *values in list(csv.reader(file))[1:]:
                    rows[kind].setdefault(item, []).append(tuple(values))
    return Tables(rows)
