"""Decoded samples: a cache on disk, all cores, bounded memory, and how long it took.

What a file holds is decoded once for each sample rate; the samples are then mapped into memory from
the folder ``decoded`` of mirzoo's cache (`mirzoo._support.files.cache_home`). Entries are known by
the content of the file, so that a file that moves is found again and one that changes is not. The
entries that were not used for longest go where they would take more than `LIMIT_GB`, or what the
environment variable ``MIRZOO_DECODED_GB`` states; 0 turns the cache off.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile
import soxr

from mirzoo import audio
from mirzoo._support.cores import cores
from mirzoo._support.files import cache_home, sha256, unfinished, write_whole
from mirzoo.audio._checks import SILENT_PEAK
from mirzoo.errors import DataError

logger = logging.getLogger(__name__)

LIMIT_GB = 8.0
LIMIT = "MIRZOO_DECODED_GB"
"""Variable of the environment: how much the cache may take (GB); 0 turns it off."""

CLIPPED_LEVEL = 0.9985
CLIPPED_RUN = 3
CLIPPED_SHARE = 1e-3
AHEAD = 2
USUAL_RATE = 16000
TRIM_AFTER = 1 << 28

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass
class Clock:
    """How much of a time was spent waiting for decoded samples.

    Attributes
    ----------
    decoding_s : float
        Spent waiting for samples (s).
    """

    decoding_s: float = 0.0
    _start: float = field(default_factory=time.perf_counter)
    _end: float | None = None

    @property
    def total_s(self) -> float:
        """From the beginning to the end, or to now (s)."""
        return (self._end or time.perf_counter()) - self._start

    @property
    def share(self) -> float:
        """The share of the time that was spent decoding, from 0 to 1."""
        return min(1.0, self.decoding_s / max(self.total_s, 1e-9))


_CLOCK: ContextVar[Clock | None] = ContextVar("decoding", default=None)


@contextmanager
def clocked() -> Iterator[Clock]:
    """Measure which share of a block's time is spent decoding.

    Examples
    --------
    >>> with clocked() as clock:
    ...     samples = read(np.zeros(8000), 16000, source_rate=8000)
    >>> len(samples), 0 < clock.share <= 1
    (16000, True)
    """
    clock = Clock()
    before = _CLOCK.set(clock)
    try:
        yield clock
    finally:
        clock._end = time.perf_counter()
        _CLOCK.reset(before)


@contextmanager
def _waiting() -> Iterator[None]:
    clock, start = _CLOCK.get(), time.perf_counter()
    try:
        yield
    finally:
        if clock is not None:
            clock.decoding_s += time.perf_counter() - start


@dataclass(frozen=True)
class Inspection:
    """What was seen of a recording while it was decoded.

    Parameters
    ----------
    duration_s : float
    rate : int
        Its own (Hz).
    peak : float
        The largest absolute sample.
    clipped : float
        The share of samples in runs at full scale, of the channel with most.
    digest : str
        SHA-256 of its mono samples in 16 bits: the same for a WAV and a FLAC file of it.
    """

    duration_s: float
    rate: int
    peak: float
    clipped: float
    digest: str

    @property
    def silent(self) -> bool:
        """Whether nothing sounds: no sample is above -60 dB."""
        return self.peak < SILENT_PEAK

    @property
    def is_clipped(self) -> bool:
        """Whether more than a thousandth of it is cut off at full scale."""
        return self.clipped > CLIPPED_SHARE


class _Observer:
    """Takes decoded blocks and inspects them."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._samples, self._rate, self._peak = 0, 1, 0.0
        self._clipped: np.ndarray | int = 0

    def add(self, block: np.ndarray, mono: np.ndarray, rate: int) -> None:
        if not len(mono):
            return
        self._rate = rate
        self._samples += len(mono)
        peak = float(np.abs(block).max())
        self._peak = max(self._peak, float(np.abs(mono).max()))
        self._hash.update(np.clip(np.rint(mono * 32768), -32768, 32767).astype("<i2").tobytes())
        if peak >= CLIPPED_LEVEL:
            high = np.abs(block) >= CLIPPED_LEVEL
            run = high[2:] & high[1:-1] & high[:-2]
            self._clipped = self._clipped + np.where(run.any(0), run.sum(0) + CLIPPED_RUN - 1, 0)

    def result(self) -> Inspection:
        return Inspection(
            duration_s=self._samples / self._rate,
            rate=int(self._rate),
            peak=self._peak,
            clipped=float(np.max(self._clipped)) / max(self._samples, 1),
            digest=self._hash.hexdigest(),
        )


class Cache:
    """Decoded samples and inspections in a folder.

    Parameters
    ----------
    folder : path, optional
        By default ``decoded`` in mirzoo's own.
    limit_gb : float, optional
        By default as the environment states it, else `LIMIT_GB`.

    Raises
    ------
    DataError
        If the environment states what is no number.
    """

    def __init__(self, folder: Path | None = None, limit_gb: float | None = None) -> None:
        self.folder = cache_home() / "decoded" if folder is None else folder
        if limit_gb is None:
            given = os.environ.get(LIMIT) or LIMIT_GB
            try:
                limit_gb = float(given)
            except ValueError:
                raise DataError(f"{LIMIT} is {given!r}; it must be a number of GB") from None
        self.limit_bytes = int(limit_gb * 1e9)
        self._written = 0

    def samples(self, path: Path, sample_rate: int) -> np.ndarray | None:
        """The samples of a file, float32 ``(samples,)``, where they are there."""
        entry = self._entry(path, f"-{sample_rate}.f32")
        with suppress(OSError, ValueError):  # an empty file cannot be mapped: there is none
            found = np.memmap(entry, np.float32, "r")
            os.utime(entry)
            return found
        return None

    def inspection(self, path: Path) -> Inspection | None:
        """What was seen of a file, where that is there."""
        with suppress(OSError, ValueError, TypeError):
            return Inspection(**json.loads(self._entry(path, ".json").read_bytes()))
        return None

    def fill(self, path: Path, sample_rate: int) -> bool:
        """Decode a file block by block into the cache; whether there was room for it.

        Raises
        ------
        AudioError
            If it cannot be decoded.
        """
        if not self.limit_bytes:
            return False
        observer = _Observer()
        reader = audio.Reader(path, sample_rate, observe=observer.add)
        entry = self._entry(path, f"-{sample_rate}.f32")
        blocks = iter(reader)
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with unfinished(entry) as new, new.open("wb") as file:
                for block in blocks:
                    self._written += file.write(np.ascontiguousarray(block, np.float32).data)
            write_whole(self._entry(path, ".json"), json.dumps(asdict(observer.result())))
        except OSError as error:
            logger.warning(
                "decoded samples cannot be cached in %s (%s); free some room, or set %s=0",
                self.folder, error.strerror, LIMIT,
            )  # fmt: skip
            return False
        if self._written > TRIM_AFTER:
            self.trim()
        return True

    def trim(self) -> None:
        """Remove what was not used for longest until no more than the limit is left."""
        self._written = 0
        entries = []
        for path in self.folder.glob("??/*"):
            with suppress(OSError):
                known = path.stat()
                entries.append((known.st_mtime, known.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit_bytes:
                return
            with suppress(OSError):
                path.unlink()
                total -= size

    def _entry(self, path: Path, ending: str) -> Path:
        known = path.stat()
        name = _content(os.fspath(path), known.st_size, known.st_mtime_ns)
        return self.folder / name[:2] / f"{name}-{_libraries()}{ending}"


@lru_cache(maxsize=1 << 16)
def _content(path: str, size: int, changed_ns: int) -> str:
    return sha256(path)


@lru_cache
def _libraries() -> str:
    """Eight digits for what decodes and resamples: with others the samples may be others."""
    versions = f"1 {soundfile.__libsndfile_version__} {soxr.__version__}"
    return hashlib.sha256(versions.encode()).hexdigest()[:8]


def read(source: audio.Source, sample_rate: int, *, source_rate: int | None = None) -> np.ndarray:
    """Read a source as `mirzoo.audio.read` does, files through the cache.

    Parameters
    ----------
    source, sample_rate, source_rate
        As `mirzoo.audio.read` takes them.

    Returns
    -------
    np.ndarray
        float32 ``(samples,)``; of a file mapped into memory and read-only.

    Raises
    ------
    AudioError
        As `mirzoo.audio.read`.
    """
    with _waiting():
        return _read(Cache(), source, source_rate, sample_rate)


def _read(
    cache: Cache, source: audio.Source, source_rate: int | None, sample_rate: int
) -> np.ndarray:
    if not (isinstance(source, str | os.PathLike) and os.path.isfile(source)):
        return audio.read(source, sample_rate, source_rate=source_rate)
    path = Path(source)
    if source_rate is None and cache.limit_bytes:
        found = cache.samples(path, sample_rate)
        if found is None and cache.fill(path, sample_rate):
            found = cache.samples(path, sample_rate)
        if found is not None:
            return found
    return audio.read(path, sample_rate, source_rate=source_rate)


def read_all(
    sources: Iterable[tuple[audio.Source, int | None]], sample_rate: int
) -> Iterator[np.ndarray]:
    """Read sources in their order, on all cores, a few ahead of the one that is asked for.

    Parameters
    ----------
    sources : iterable of (source, int or None)
        Each with the rate of an array (Hz).
    sample_rate : int
        Hz.

    Yields
    ------
    np.ndarray
        As `read` gives them.

    Raises
    ------
    AudioError
        Of the first source that cannot be read, in its turn.
    """
    cache = Cache()
    yield from _in_order(lambda given: _read(cache, *given, sample_rate), sources)
    cache.trim()


def inspect(
    source: audio.Source, *, source_rate: int | None = None, sample_rate: int = USUAL_RATE
) -> Inspection:
    """Decode a source and state what was seen; files at ``sample_rate`` (Hz) into the cache.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    return _inspect(Cache(), source, source_rate, sample_rate)


def _inspect(
    cache: Cache, source: audio.Source, source_rate: int | None, sample_rate: int
) -> Inspection:
    if isinstance(source, str | os.PathLike) and os.path.isfile(source) and cache.limit_bytes:
        path = Path(source)
        known = cache.inspection(path)
        if known is None and cache.fill(path, sample_rate):
            known = cache.inspection(path)
        if known is not None:
            return known
    observer = _Observer()
    for _ in audio.Reader(source, sample_rate, source_rate=source_rate, observe=observer.add):
        pass
    return observer.result()


def inspect_all(
    sources: Iterable[tuple[audio.Source, int | None]],
    sample_rate: int = USUAL_RATE,
    progress: Callable[[int], None] | None = None,
) -> list[Inspection | Exception]:
    """Inspect sources on all cores; of what cannot be decoded the error.

    Parameters
    ----------
    sources, sample_rate
        As in `read_all`.
    progress : callable, optional
        Called with how many are done.
    """
    cache = Cache()

    def one(given: tuple[audio.Source, int | None]) -> Inspection | Exception:
        try:
            return _inspect(cache, *given, sample_rate)
        except (ValueError, OSError) as error:  # AudioError is a ValueError
            return error

    found = []
    for number, result in enumerate(_in_order(one, sources), 1):
        found.append(result)
        if progress is not None:
            progress(number)
    cache.trim()
    return found


def _in_order(work: Callable[[Given], Made], things: Iterable[Given]) -> Iterator[Made]:
    """What ``work`` makes of things, in their order; threads work a few things ahead."""
    threads = cores()
    waiting = iter(things)
    under_way: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads, "mirzoo-decoding") as pool:
        try:
            for thing in itertools.islice(waiting, AHEAD * threads):
                under_way.append(pool.submit(work, thing))
            while under_way:
                with _waiting():
                    made = under_way.popleft().result()
                for thing in itertools.islice(waiting, 1):
                    under_way.append(pool.submit(work, thing))
                yield made
        finally:
            for future in under_way:
                future.cancel()
