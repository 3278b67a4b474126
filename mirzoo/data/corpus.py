"""Prepared corpora: many items as one memory-mapped file of samples.

Training reads random windows out of hours of music, so each collection is decoded once to
``audio.i16`` (int16 mono at 16 kHz, items one after the other, 115 MB an hour) and
``items.csv``, which states where each item begins, which group (album, artist, singer, instrument)
it belongs to and which split that group is in. Preparing is resumable: each item is finished
under ``parts/`` first, and both files appear only when all are there.

What is known of the items is in the same folder, each kind only where some item has it:
``chords.csv``, ``beats.csv``, ``keys.csv``, ``key_spans.csv``, ``instruments.csv``, ``tags.csv``,
and ``f0.f32``, the melody at 100 frames a second (float32, Hz, ``n_samples // 160`` frames an item,
items one after the other). `Corpus.labels` gives them back.
"""

from __future__ import annotations

import contextlib
import csv
import logging
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from mirzoo import audio
from mirzoo._support.files import unfinished
from mirzoo._support.guards import reading
from mirzoo._support.logs import deprecated_report
from mirzoo._support.words import counted
from mirzoo.data import label_files
from mirzoo.data.labels import F0_RATE, Labels
from mirzoo.errors import DataError, MirzooError

logger = logging.getLogger(__name__)

SAMPLE_RATE = 16000
FULL_SCALE = 32767
SPLITS = ("train", "valid", "test")
F0_HOP = SAMPLE_RATE // F0_RATE


@dataclass(frozen=True)
class Item:
    """Something to prepare: a recording, or a mix or render to make.

    Parameters
    ----------
    name : str
        Unique in its collection.
    collection, group : str
        Where it comes from; items of one group are never in two splits.
    path : str
        The recording's file, or for a made item whatever its maker needs.
    split : str
        "train", "valid" or "test".
    """

    name: str
    collection: str
    group: str
    path: str
    split: str


@dataclass(frozen=True)
class PreparedItem(Item):
    """An `Item` and its place in ``audio.i16`` (samples)."""

    offset_samples: int
    n_samples: int


def item_rng(item: Item, seed: int = 0) -> np.random.Generator:
    """Random numbers that depend on the seed and the item's name alone."""
    return np.random.default_rng([seed, *item.name.encode()])


def read_recording(item: Item) -> np.ndarray:
    """Decode the item's file to float32 ``(samples,)`` at 16 kHz: the maker of recordings."""
    return audio.read(item.path, SAMPLE_RATE)


Made = np.ndarray | tuple[np.ndarray, Labels]
"""What a maker gives: a waveform, or a waveform and what is known of it."""


def prepare(
    items: Sequence[Item],
    directory: Path | str,
    *,
    make: Callable[[Item], Made] = read_recording,
    min_seconds: float = 20.0,
    processes: int = 2,
    report: Callable[[str], None] | None = None,
) -> Corpus:
    """Decode or make every item into a corpus folder; what is already there is not done again.

    Items shorter than ``min_seconds`` (s), and those that cannot be decoded or made, are left
    out and listed with the reason in ``left_out.csv``.

    Parameters
    ----------
    items : sequence of Item
    directory : path
        The corpus folder, made where it is missing.
    make : callable
        Item → float32 ``(samples,)`` at 16 kHz in [-1, 1], or that and its `Labels`; a
        module-level function, or a `functools.partial` of one, since it runs in other processes.
    processes : int
        How many items are made at a time; 1 makes them in this process.
    report : callable, optional
        Deprecated: how far things are goes to the logger ``mirzoo.data.corpus``, level INFO.

    Raises
    ------
    DataError
        When there are no items, two share a name, or none is long enough.
    """
    with deprecated_report(report):
        return _prepare(
            items, Path(directory), make=make, min_seconds=min_seconds, processes=processes
        )


def _prepare(
    items: Sequence[Item],
    directory: Path,
    *,
    make: Callable[[Item], Made],
    min_seconds: float,
    processes: int,
) -> Corpus:
    _check_items(items)
    if (directory / "items.csv").exists():
        corpus = Corpus.load(directory)
        done = {item.name for item in corpus.items} | set(_read_left_out(directory))
        if done == {item.name for item in items}:
            logger.info("%s: already prepared, %s", directory.name, corpus)
            return corpus
    parts = directory / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    logger.info(
        "%s: %s into %s; an hour of audio takes %.0f MB, twice that while it is put "
        "together; %.0f GB are free",
        directory.name,
        counted(len(items), "item"),
        directory,
        3600 * SAMPLE_RATE * 2 / 1e6,
        shutil.disk_usage(directory).free / 1e9,
    )
    left_out = {}
    work = partial(_prepare_one, make=make, parts=parts, min_seconds=min_seconds)
    with _mapper(processes) as apply:
        for count, (item, reason) in enumerate(apply(work, items), 1):
            if reason:
                left_out[item.name] = reason
            if count % max(1, len(items) // 10) == 0:
                logger.info("%s: %d of %d items", directory.name, count, len(items))
    usable = [item for item in items if item.name not in left_out]
    if not usable:
        raise DataError(
            f"of {counted(len(items), 'item')} for {directory} none could be used; the first "
            f"was left out because: {next(iter(left_out.values()))}"
        )
    _put_together(usable, parts, directory, left_out)
    shutil.rmtree(parts)
    corpus = Corpus.load(directory)
    logger.info("%s: %s", directory.name, corpus)
    return corpus


@contextlib.contextmanager
def _mapper(processes: int) -> Iterator[Callable]:
    if processes == 1:
        yield map
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            yield pool.imap


def _check_items(items: Sequence[Item]) -> None:
    if not items:
        raise DataError("there are no items to prepare; is the collection's folder empty?")
    seen: set[str] = set()
    for item in items:
        if item.name in seen:
            raise DataError(f"two items are called '{item.name}'; names must be unique")
        seen.add(item.name)
        if item.split not in SPLITS:
            raise DataError(f"item '{item.name}' has split '{item.split}'; allowed are {SPLITS}")


def _part_path(parts: Path, name: str) -> Path:
    return parts / (name.replace("/", "∕") + ".i16")


def _labels_path(part: Path) -> Path:
    return part.with_suffix(".labels.npz")


def _prepare_one(
    item: Item, *, make: Callable[[Item], Made], parts: Path, min_seconds: float
) -> tuple[Item, str]:
    """Make one part: its labels first, then its samples, whose file shows that it is whole.

    The reason is empty where the item can be used.
    """
    part = _part_path(parts, item.name)
    if part.exists():
        return item, ""
    try:
        made = make(item)
    except MirzooError as error:
        return item, str(error)
    waveform, labels = made if isinstance(made, tuple) else (made, Labels())
    seconds = len(waveform) / SAMPLE_RATE
    if seconds < min_seconds:
        return item, f"{seconds:.1f} s long, the least is {min_seconds:g} s"
    label_files.write_part(labels, _labels_path(part), f0_frames=len(waveform) // F0_HOP)
    with unfinished(part) as new:
        to_int16(waveform).tofile(new)
    return item, ""


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Round a float waveform in [-1, 1] to int16; louder samples make the whole quieter.

    Loud mp3 and ogg go beyond full scale; scaling the item keeps its shape where clipping would
    add harmonics.
    """
    peak = float(np.max(np.abs(waveform), initial=1.0))
    return np.round(waveform * (FULL_SCALE / peak)).astype(np.int16)


def _put_together(
    items: Iterable[Item], parts: Path, directory: Path, left_out: dict[str, str]
) -> None:
    offset = 0
    prepared = []
    with unfinished(directory / "audio.i16") as new, new.open("wb") as whole:
        for item in items:
            part = _part_path(parts, item.name)
            n_samples = part.stat().st_size // 2
            with part.open("rb") as samples:
                shutil.copyfileobj(samples, whole, 1 << 22)
            prepared.append(
                PreparedItem(**asdict(item), offset_samples=offset, n_samples=n_samples)
            )
            offset += n_samples
    label_files.put_together(
        [
            (item.name, _labels_path(_part_path(parts, item.name)), item.n_samples // F0_HOP)
            for item in prepared
        ],
        directory,
    )
    label_files.write_table(directory / "left_out.csv", ("name", "reason"), left_out.items())
    columns = [field.name for field in fields(PreparedItem)]
    rows = ([getattr(item, column) for column in columns] for item in prepared)
    label_files.write_table(directory / "items.csv", columns, rows)


def _read_left_out(directory: Path) -> dict[str, str]:
    with (directory / "left_out.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row["reason"] for row in csv.DictReader(file)}


@dataclass(frozen=True)
class Corpus:
    """A prepared corpus folder.

    Examples
    --------
    >>> corpus = Corpus.load("corpus/emotify")             # doctest: +SKIP
    >>> corpus.windows(per_item=4, seed=0, split="test")   # doctest: +SKIP
    """

    directory: Path
    items: tuple[PreparedItem, ...]

    @classmethod
    def load(cls, directory: Path | str) -> Corpus:
        """Open the corpus in ``directory``; raises DataError where it isn't prepared or broken."""
        directory = Path(directory)
        table = directory / "items.csv"
        if not table.exists():
            raise DataError(f"'{directory}' is not a prepared corpus: it has no items.csv")
        as_corpus = (directory, "prepared corpus", DataError, "prepare the corpus again")
        with reading(*as_corpus), table.open(newline="", encoding="utf-8") as file:
            items = tuple(
                PreparedItem(**row, offset_samples=int(offset_samples), n_samples=int(n_samples))
                for row in csv.DictReader(file)
                for offset_samples, n_samples in [(row.pop("offset_samples"), row.pop("n_samples"))]
            )
        expected = 2 * sum(item.n_samples for item in items)
        with reading(*as_corpus):
            found = (directory / "audio.i16").stat().st_size
        if any(i.n_samples < 0 or not 0 <= i.offset_samples <= found // 2 for i in items):
            raise DataError(f"'{table}' has items outside of audio.i16; prepare the corpus again")
        if expected != found:
            raise DataError(
                f"'{directory}/audio.i16' has {found} bytes and items.csv accounts for "
                f"{expected}; prepare the corpus again"
            )
        return cls(directory, items)

    @cached_property
    def audio(self) -> np.ndarray:
        """All samples as a read-only memory map, int16 ``(samples,)`` at 16 kHz."""
        return np.memmap(self.directory / "audio.i16", np.int16, "r")

    @cached_property
    def f0(self) -> np.ndarray | None:
        """The melody of all items, float32 ``(frames,)`` in Hz, as a read-only memory map.

        Item ``i`` begins at frame ``f0_starts[i]``; None where the collection has no f0.
        """
        return label_files.open_f0(self.directory, int(self.f0_starts[-1]))

    @cached_property
    def f0_starts(self) -> np.ndarray:
        """Where each item begins in `f0`, and after them the whole: int64 ``(items + 1,)``."""
        frames = [item.n_samples // F0_HOP for item in self.items]
        return np.concatenate([[0], np.cumsum(frames, dtype=np.int64)])

    @cached_property
    def _tables(self) -> label_files.Tables:
        return label_files.read_tables(self.directory)

    def labels(self, index: int) -> Labels:
        """What is known of ``items[index]``; what is not known is None."""
        f0 = None
        if self.f0 is not None:
            f0 = np.array(self.f0[self.f0_starts[index] : self.f0_starts[index + 1]])
            f0 = None if len(f0) and np.isnan(f0).all() else f0
        with reading(self.directory, "prepared corpus", DataError, "prepare the corpus again"):
            return self._tables.labels(self.items[index].name, f0)

    @property
    def hours(self) -> float:
        """Length of all items together (h)."""
        return sum(item.n_samples for item in self.items) / SAMPLE_RATE / 3600

    def __str__(self) -> str:
        groups = len({item.group for item in self.items})
        return f"{self.hours:.2f} h, {counted(len(self.items), 'item')}, {counted(groups, 'group')}"

    def windows(
        self,
        *,
        per_item: int,
        seed: int,
        window_samples: int = 48128,
        split: str | None = None,
    ) -> Windows:
        """Choose windows: at most ``per_item`` an item, spread over it, the same for a seed.

        An item of ``n`` samples is divided into ``min(per_item, n // window_samples)`` equal
        stretches and one window is put at random inside each, so none overlap. The choice for
        an item depends on the seed and its name alone: other items may come and go.
        """
        chosen = []
        for index, item in enumerate(self.items):
            if split is not None and item.split != split:
                continue
            count = min(per_item, item.n_samples // window_samples)
            if count == 0:
                continue
            rng = item_rng(item, seed)
            edges = np.linspace(0, item.n_samples, count + 1).astype(np.int64)
            room = np.diff(edges) - window_samples
            starts = edges[:-1] + (rng.random(count) * (room + 1)).astype(np.int64)
            chosen.append(np.stack([np.full(count, index), item.offset_samples + starts], axis=1))
        table = np.concatenate(chosen) if chosen else np.zeros((0, 2), np.int64)
        return Windows(self, table[:, 0], table[:, 1], window_samples)


@dataclass(frozen=True)
class Windows:
    """Windows of a corpus: ``items`` and ``starts`` are int64 ``(windows,)``.

    ``items`` indexes ``corpus.items``; ``starts`` is each window's first sample in ``audio.i16``.
    """

    corpus: Corpus
    items: np.ndarray
    starts: np.ndarray
    window_samples: int

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def groups(self) -> list[str]:
        """The group of each window."""
        return [self.corpus.items[index].group for index in self.items]

    def read(self, indices: np.ndarray) -> np.ndarray:
        """The windows ``indices`` as int16 ``(len(indices), window_samples)``.

        A recording that is shorter than a window is repeated.
        """
        samples = self.corpus.audio
        out = np.empty((len(indices), self.window_samples), np.int16)
        for row, index in enumerate(indices):
            start, item = self.starts[index], self.corpus.items[self.items[index]]
            room = item.offset_samples + item.n_samples - start
            if room < self.window_samples:
                out[row] = np.resize(samples[start : start + room], self.window_samples)
            else:
                out[row] = samples[start : start + self.window_samples]
        return out

    def around(self, samples: int) -> tuple[Windows, np.ndarray]:
        """Longer windows, of ``samples`` each, and for each of these the one that it is amid.

        A recording's longer windows lie evenly over it, as few as leave no gap longer than a
        window of these; of a recording that is shorter there is one, which repeats it.

        Returns
        -------
        Windows
        np.ndarray
            Rows of those, int64 ``(windows,)``.
        """
        items: list[int] = []
        starts: list[int] = []
        rows = np.empty(len(self), np.int64)
        for index in np.unique(self.items):
            item = self.corpus.items[index]
            last = max(0, item.n_samples - samples)
            count = max(1, -(-(item.n_samples - self.window_samples) // samples))
            begins = np.linspace(0, last, count).astype(np.int64)
            mine = self.items == index
            middles = self.starts[mine] - item.offset_samples + self.window_samples // 2
            away = np.abs(begins + samples // 2 - middles[:, np.newaxis])
            rows[mine] = len(starts) + away.argmin(axis=1)
            items += [index] * len(begins)
            starts += list(item.offset_samples + begins)
        longer = Windows(
            self.corpus, np.array(items, np.int64), np.array(starts, np.int64), samples
        )
        return longer, rows
