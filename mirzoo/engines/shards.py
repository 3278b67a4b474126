"""A catalogue in shards: what engines on many machines share, so that nothing is done twice.

A shard is some hundred recordings, the unit that an engine hands to a worker, and to another where
that one dies. What came of it is written whole: first ``dead_letters/<shard>.jsonl``, then
``output/<shard>.parquet`` (or ``.jsonl``). Every path ends in exactly one of the two: a shard that
is done again leaves out what is in either of its files, and a new run what is in any of them.

The folder must be one that every worker sees, on a file system that has locks. The run that began
last is the only one that writes: what workers of earlier ones, whose program was killed, still do
is refused.
"""

from __future__ import annotations

import glob
import hashlib
import json
import logging
import os
import queue
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mirzoo._support.files import printable, remove_leftovers, unfinished, write_whole
from mirzoo._support.guards import reading
from mirzoo._support.locks import locked
from mirzoo._support.switches import require_switches
from mirzoo.annotate.settings import decoding_settings
from mirzoo.engines.batch import decodings
from mirzoo.engines.embedding import EmbeddingSetup, origin_of
from mirzoo.engines.one_file import Failure, Job, Outcome, Setup
from mirzoo.engines.processes import Processes
from mirzoo.engines.vectors import OUTPUT, Block, escaped, unescaped
from mirzoo.errors import DataError

if TYPE_CHECKING:
    from mirzoo.audio import Channel
    from mirzoo.engines.vectors import Origin

logger = logging.getLogger(__name__)

Format = Literal["parquet", "jsonl"]
FORMATS = ("parquet", "jsonl")
DEAD = "dead_letters"
COUNTS = ("files_done", "files_failed", "files_there", "audio_ms")
"""What a run counts: recordings with results, with a dead letter, with either from before, ms."""

RUN, WRITING, RUNNING = "run.json", ".writing.lock", ".running.lock"
SHARD_FILES = 200
"""How many recordings a shard has at most."""

FEWEST_SHARDS = 64
"""Of a run, where there are as many recordings: with fewer, workers would wait for the last."""

Localise = Callable[[str], AbstractContextManager[str]]
"""Gives a local file with the content of a path."""


@dataclass(frozen=True)
class Shard:
    """Recordings that are done together.

    Parameters
    ----------
    name : str
        A hash of the paths: the same recordings make the same shard.
    paths : tuple of str
        As `mirzoo.engines.vectors.escaped` writes them.
    """

    name: str
    paths: tuple[str, ...]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Shard:
        """Name a shard of paths.

        Examples
        --------
        >>> Shard.of(["b", "a"]) == Shard.of(["a", "b"])
        True
        """
        paths = tuple(sorted(paths))
        return cls(hashlib.sha256("\n".join(paths).encode()).hexdigest()[:32], paths)


class Plan(NamedTuple):
    """What a run is to do.

    Parameters
    ----------
    shards : list of Shard
    there : int
        How many recordings have results or a dead letter already.
    """

    shards: list[Shard]
    there: int


@dataclass(frozen=True)
class Catalogue:
    """Where the results of a catalogue go, and what makes them.

    An object of this class is one run.

    Parameters
    ----------
    folder : str
        Seen by every worker.
    setup : Setup
        An `EmbeddingSetup` for embeddings.
    format : {"parquet", "jsonl"}
    timeout_s : float, optional
        How long a recording may take (s).
    retry_failed : bool
        Whether recordings that have a dead letter are done again.
    run : str
        What tells this run from others.

    Raises
    ------
    DataError
        If the format is none of these, or the folder is no path of a file system.
    """

    folder: str
    setup: Setup
    format: Format = "parquet"
    timeout_s: float | None = None
    retry_failed: bool = False
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise DataError(f"format is '{self.format}'; allowed are {', '.join(FORMATS)}")
        _require_folder(self.folder)
        if self.format == "parquet":
            from mirzoo.engines.vectors import require_pyarrow

            require_pyarrow()

    @classmethod
    def of_annotations(
        cls,
        models: str | Sequence[str],
        folder: str | os.PathLike,
        *,
        format: Format = "parquet",
        runtime: str = "litert",
        decoding: Mapping[str, Any] | None = None,
        channel: Channel = "mean",
        allow_damaged: bool = False,
        imports: Sequence[str] = (),
        timeout_s: float | None = None,
        retry_failed: bool = False,
        **settings: Any,
    ) -> Catalogue:
        """Describe a catalogue of annotations.

        Parameters are those of `mirzoo.annotate_many`, and of this class; settings of the decoding
        go to the models that have them.

        Raises
        ------
        CardError
            If a setting is none of any of the models, its value is not allowed, or it is given both
            as a keyword and in ``decoding``.
        DataError
            If anything else is not allowed.
        """
        require_switches(DataError, allow_damaged=allow_damaged, retry_failed=retry_failed)
        models = (models,) if isinstance(models, str) else tuple(models)
        setup = Setup(
            models=models,
            decodings=_decodings(models, decoding, settings),
            runtime=runtime,
            imports=tuple(imports),
            channel=channel,
            allow_damaged=allow_damaged,
            report="json",
        )
        return cls(_absolute(folder), setup, format, timeout_s, retry_failed)

    @classmethod
    def of_embeddings(
        cls,
        model: str,
        folder: str | os.PathLike,
        *,
        format: Format = "parquet",
        layers: Literal["last", "all"] = "last",
        over: Literal["clip", "time"] = "clip",
        runtime: str | None = None,
        channel: Channel = "mean",
        allow_damaged: bool = False,
        imports: Sequence[str] = (),
        timeout_s: float | None = None,
        retry_failed: bool = False,
    ) -> Catalogue:
        """Describe a catalogue of embeddings; settings as `mirzoo.embed` takes them."""
        require_switches(DataError, allow_damaged=allow_damaged, retry_failed=retry_failed)
        setup = EmbeddingSetup(
            models=(model,),
            runtime=runtime or ("keras" if layers == "all" else "litert"),
            imports=tuple(imports),
            channel=channel,
            allow_damaged=allow_damaged,
            layers=layers,
            over=over,
        )
        return cls(_absolute(folder), setup, format, timeout_s, retry_failed)

    @property
    def is_of_embeddings(self) -> bool:
        """Whether recordings are embedded, rather than annotated."""
        return isinstance(self.setup, EmbeddingSetup)

    def output(self, shard: str) -> Path:
        """The file of a shard's results."""
        return Path(self.folder, OUTPUT, f"{shard}.{self.format}")

    def dead(self, shard: str) -> Path:
        """The file of a shard's dead letters."""
        return Path(self.folder, DEAD, f"{shard}.jsonl")

    def origins(self) -> list[Origin]:
        """What computes: of each model its name, the hash of its file, and the settings.

        Raises
        ------
        MirzooError
            If there is no such model.
        """
        if isinstance(self.setup, EmbeddingSetup):
            return [origin_of(self.setup)]
        setup = self.setup
        return [
            origin_of(EmbeddingSetup((model,), (), setup.runtime, setup.imports, setup.channel))
            for model in setup.models
        ]

    def open(self) -> None:
        """Make the folder, or check that it is one of the same models and settings.

        From then on this run is the one that writes.

        Raises
        ------
        DataError
            If other models, settings or another format made what is there, or the folder cannot
            be written or locked.
        """
        stated = {
            "results": "embeddings" if self.is_of_embeddings else "annotations",
            "format": self.format,
            "models": [
                {
                    name: value
                    for name, value in asdict(origin).items()
                    if name not in ("loaded_from", "runtime", "mirzoo_version")
                }
                for origin in self.origins()
            ],
            "decodings": [dict(decoding) for decoding in self.setup.decodings],
            "allow_damaged": self.setup.allow_damaged,
        }
        stated = json.loads(json.dumps(stated))
        path = Path(self.folder, "catalogue.json")
        try:
            for name in (OUTPUT, DEAD):
                Path(self.folder, name).mkdir(parents=True, exist_ok=True)
                remove_leftovers(Path(self.folder, name))
            if not path.exists():
                write_whole(path, json.dumps(stated, indent=1))
        except OSError as error:
            raise DataError(f"{printable(self.folder)} cannot be written ({error})") from error
        with reading(printable(path), "description of a catalogue", DataError, "take a new folder"):
            there = json.loads(path.read_text("utf-8"))
            found = {name: there.get(name) for name in stated}
        for name, now in stated.items():
            if found[name] != now:
                raise DataError(
                    f"{printable(self.folder)} has results with {name} {found[name]!r}, and "
                    f"these would have {now!r}: they are never mixed; take another folder"
                )
        with self._lock(WRITING):
            write_whole(Path(self.folder, RUN), json.dumps({"run": self.run}))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other program runs on the folder, and let none until the block ends."""

        def wait() -> None:
            logger.warning("waiting for another run that writes to %s", printable(self.folder))

        with self._lock(RUNNING, wait):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let no new run begin while the block writes.

        Raises
        ------
        DataError
            If one has begun since this one did.
        """
        with self._lock(WRITING, shared=True):
            self.require_current()
            yield

    def require_current(self) -> None:
        """Raise a DataError where another run has begun since this one did."""
        path = Path(self.folder, RUN)
        with reading(printable(path), "description of a run", DataError, "begin a new run"):
            current = json.loads(path.read_text("utf-8"))["run"]
        if current != self.run:
            raise DataError(
                f"another run has begun to write to {printable(self.folder)}, so this one ends; "
                "what it had not written is done by the other"
            )

    @contextmanager
    def _lock(
        self, name: str, waiting: Callable[[], None] | None = None, *, shared: bool = False
    ) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(Path(self.folder, name), waiting, shared=shared))
            except OSError as error:
                raise DataError(
                    f"{printable(self.folder)} cannot be locked ({error.strerror}); results need "
                    "a folder that can be written, on a file system with locks"
                ) from error
            yield

    def plan(self, paths: Iterable[str], files: int = SHARD_FILES) -> Plan:
        """Give shards of the recordings of which nothing is there yet.

        Raises
        ------
        DataError
            If a file of results cannot be read, or another run has begun.
        """
        given = set(paths)
        done = set(self.written())
        for path in self._files_of_letters():
            letters = list(_lines(path))
            again = [letter for letter in letters if letter["path"] in given]
            if not self.retry_failed or not again:
                done.update(letter["path"] for letter in letters)
                continue
            others = [letter for letter in letters if letter["path"] not in given]
            done.update(letter["path"] for letter in others)
            with self.writing():
                _write_letters(path, others)
        left = sorted(given - done)
        files = max(1, min(files, -(-len(left) // FEWEST_SHARDS)))
        shards = [Shard.of(left[start : start + files]) for start in range(0, len(left), files)]
        return Plan(shards, len(given) - len(left))

    def written(self) -> Iterator[str]:
        """The path of every recording with results, once for each file that has it."""
        for path in sorted(Path(self.folder, OUTPUT).glob(f"[!.]*.{self.format}")):
            yield from _paths_in(path)

    def dead_letters(self) -> Iterator[dict[str, str]]:
        """Every dead letter: ``path``, ``kind``, ``message``."""
        for path in self._files_of_letters():
            yield from _lines(path)

    def _files_of_letters(self) -> list[Path]:
        return sorted(Path(self.folder, DEAD).glob("[!.]*.jsonl"))


def _decodings(
    models: Sequence[str], decoding: Mapping[str, Any] | None, keywords: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    """For each model the settings that it has; models are not looked at where there are none."""
    if not (decoding or keywords):
        return ()
    from mirzoo import hub

    cards = [hub.card(model) for model in models]
    given = decoding_settings(cards, decoding, keywords, call=Catalogue.of_annotations)
    return decodings(cards, given)


def _absolute(folder: str | os.PathLike) -> str:
    _require_folder(os.fspath(folder))  # before slashes of it are taken together
    return os.path.abspath(folder)


def _require_folder(folder: str) -> None:
    """Raise where a path is a place of an object store, as ``gs://bucket/music``."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", folder):  # a drive has one letter
        raise DataError(
            f"'{folder}' is no folder: results go to a file system that every worker "
            "has mounted, because files are put in place by renaming"
        )


class Worker:
    """Does shards, one after another, in a process of its own that loads the models once.

    A recording that ends the process, or takes too long, costs itself alone.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._outcomes = iter(
            Processes(
                catalogue.setup,
                iter(self._jobs.get, None),
                workers=1,
                timeout_s=catalogue.timeout_s,
                threads=1,
            )
        )
        setup = catalogue.setup
        self._origin = origin_of(setup) if isinstance(setup, EmbeddingSetup) else None

    def do(self, shard: Shard, localise: Localise | None = None) -> Counter[str]:
        """Do what of a shard is not done, and write its files.

        Returns
        -------
        Counter
            ``files_done``, ``files_failed``, ``files_there`` and ``audio_ms``.

        Raises
        ------
        MirzooError
            If models cannot be loaded, the files of the shard cannot be written, or another run
            has begun.
        """
        catalogue, counts = self._catalogue, Counter[str]()
        catalogue.require_current()
        output, dead = catalogue.output(shard.name), catalogue.dead(shard.name)
        there = set(_paths_in(output)) if output.exists() else set()
        letters = list(_lines(dead)) if dead.exists() else []
        there |= {letter["path"] for letter in letters}
        counts["files_there"] = len(there & set(shard.paths))
        rows: list[tuple[str, Outcome]] = []
        new = []
        for path in shard.paths:
            if path in there:
                continue
            outcome = self._one(path, localise or _as_it_is)
            if outcome.disk_is_full:
                raise DataError(outcome.failures[-1].message)
            if outcome.failures:
                new += [_letter(path, outcome.failures[0])]
            else:
                rows.append((path, outcome))
        try:
            with catalogue.writing():
                if new:
                    _write_letters(dead, letters + new)
                if rows:
                    counts["audio_ms"] = self._write(output, rows)
        except OSError as error:
            raise DataError(f"{printable(catalogue.folder)} cannot be written ({error})") from error
        counts["files_done"], counts["files_failed"] = len(rows), len(new)
        return counts

    def _one(self, path: str, localise: Localise) -> Outcome:
        name = unescaped(path)
        try:
            with localise(name) as local:
                self._jobs.put(Job(local, name=None if local == name else name))
                return next(self._outcomes)
        except OSError as error:
            return Outcome(name, failures=[Failure(type(error).__name__, f"'{path}': {error}")])

    def _write(self, output: Path, rows: list[tuple[str, Outcome]]) -> int:
        """Write the results; give how much audio they are of (ms)."""
        if self._origin is not None:
            blocks = [_called(path, outcome.reports[0]) for path, outcome in rows]
            _write_vectors(output, self._origin, Block.of(blocks))
            return round(1000 * sum(block.entries[0].duration_s for block in blocks))
        found = [(path, [json.loads(text) for text in one.reports]) for path, one in rows]
        _write_annotations(output, found)
        return round(1000 * sum(results[0]["duration_s"] for _, results in found))

    def close(self) -> None:
        """End the process."""
        self._jobs.put(None)
        self._outcomes.close()


def several(given: str | os.PathLike | Sequence[str | os.PathLike]) -> list[str]:
    """Give paths as a list of texts; one alone is a list of one."""
    return [
        os.fspath(path) for path in ([given] if isinstance(given, str | os.PathLike) else given)
    ]


def find(patterns: Iterable[str | os.PathLike]) -> Iterator[str]:
    """Give the recordings of files, folders and patterns, each as an absolute path, escaped.

    Parameters
    ----------
    patterns : iterable of path
        A file or folder that is there is itself, whatever its name; ``*``, ``?``, ``[]`` and
        ``**`` of others are matched. A file that is missing is given too, to fail as others do.

    Raises
    ------
    DataError
        If a pattern matches nothing.
    AudioError
        If a folder has no audio file, or cannot be read.
    """
    from mirzoo.annotate import find_recordings

    for given in [os.fspath(pattern) for pattern in patterns]:
        found: list[str] = [given]
        if not os.path.lexists(given) and glob.has_magic(given):
            found = [path for path in glob.iglob(given, recursive=True) if not os.path.isdir(path)]
            if not found:
                raise DataError(f"'{printable(given)}' matches no file; is the folder mounted?")
        for recording in find_recordings(found):
            yield escaped(os.path.abspath(recording.path))


@contextmanager
def _as_it_is(path: str) -> Iterator[str]:
    yield path


def _letter(path: str, failure: Failure) -> dict[str, str]:
    return {"path": path, "kind": failure.kind, "message": escaped(failure.message)}


def _write_letters(path: Path, letters: Sequence[Mapping[str, str]]) -> None:
    if letters:
        write_whole(path, [json.dumps(letter) + "\n" for letter in letters])
    else:
        path.unlink()


def _called(path: str, block: Block) -> Block:
    """The rows of a recording, under its own path."""
    entry = block.entries[0]._replace(path=unescaped(path))
    return Block([entry] * len(block), block.starts_s, block.vectors)


def _write_vectors(output: Path, origin: Origin, block: Block) -> None:
    from mirzoo.engines import vectors

    if output.suffix == ".parquet":
        vectors.write(output, origin, set(block.entries), block.vectors.shape[1], iter([block]))
        return
    write_whole(
        output,
        (
            json.dumps(
                {
                    **entry._asdict(),
                    "path": escaped(entry.path),
                    "start_s": float(start),
                    "embedding": vector.tolist(),
                }
            )
            + "\n"
            for entry, start, vector in zip(
                block.entries, block.starts_s, block.vectors, strict=True
            )
        ),
    )


def _write_annotations(output: Path, found: list[tuple[str, list[dict[str, Any]]]]) -> None:
    if output.suffix == ".jsonl":
        lines = (json.dumps({"path": path, "results": results}) + "\n" for path, results in found)
        write_whole(output, lines)
        return
    import pyarrow as pa
    from pyarrow import parquet

    rows = [(path, result) for path, results in found for result in results]
    table = pa.table(
        {
            "path": pa.array([path for path, _ in rows], pa.string()),
            "model": pa.array([result["model"] for _, result in rows], pa.string()),
            "duration_s": pa.array([result["duration_s"] for _, result in rows], pa.float64()),
            "result": pa.array([json.dumps(result) for _, result in rows], pa.string()),
        }
    )
    with unfinished(output) as new:
        parquet.write_table(table, new, compression="zstd", write_page_checksum=True)


def _paths_in(path: Path) -> list[str]:
    """The recordings of a file of results, each once."""
    if path.suffix == ".jsonl":
        return list(dict.fromkeys(line["path"] for line in _lines(path)))
    from pyarrow import parquet

    with reading(printable(path), "file of results", DataError, "remove it"):
        table = parquet.read_table(path, columns=["path"], page_checksum_verification=True)
        column = table.column("path")
        return list(dict.fromkeys(column.to_pylist()))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with (
        reading(printable(path), "file of results", DataError, "remove it"),
        path.open(encoding="utf-8") as file,
    ):
        for line in file:
            content = json.loads(line)
            if not isinstance(content["path"], str):
                raise TypeError(f"its path is {content['path']!r}")
            yield content
