"""Embeddings of a collection: one file of vectors, kept in step with its recordings.

A run embeds what is new in worker processes. What is done meanwhile is kept in a folder next to
the file (``music.parquet.unfinished``), so that a run that was stopped goes on where it was; in the
end the file is written whole. Recordings are known by their path, size and time of change, or else
by their content.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mirzoo._support.files import printable, remove_leftovers, sha256, write_whole
from mirzoo._support.guards import reading
from mirzoo._support.locks import locked
from mirzoo._support.switches import require_switches
from mirzoo.engines.one_file import Job, OneFile, Outcome, Setup
from mirzoo.errors import DataError

if TYPE_CHECKING:
    from mirzoo.annotate import AudioFile, LoadedModel
    from mirzoo.audio import Channel
    from mirzoo.engines.record import Source
    from mirzoo.engines.vectors import Block, Entry, Origin

logger = logging.getLogger(__name__)

UNFINISHED = ".unfinished"
PART_ROWS = 4096
PART_S = 30.0
"""What is done is kept after so many rows or seconds."""

Key = tuple[int, str]
"""Of a recording: the number of the file that has its rows, and its path there."""


@dataclass(frozen=True)
class EmbeddingSetup(Setup):
    """What holds for every recording; the parameters of `Setup`, whose one model embeds.

    Parameters
    ----------
    layers, over
        As `mirzoo.annotate.embed_recording` takes them.
    """

    layers: Literal["last", "all"] = "last"
    over: Literal["clip", "time"] = "clip"

    def start(self, models: list[LoadedModel] | None = None) -> OneEmbedding:
        """Give the function of one file; see `Setup.start`."""
        return OneEmbedding(self, models)


class OneEmbedding(OneFile):
    """The function of one file: its report is a `mirzoo.engines.vectors.Block`.

    Raises
    ------
    MirzooError
        If the model cannot be loaded, or gives no such embedding.
    """

    def __init__(self, setup: EmbeddingSetup, models: list[LoadedModel] | None = None) -> None:
        super().__init__(setup, models)
        self._layers, self._over = setup.layers, setup.over
        [self._model] = self.models
        import numpy as np

        contract = self._model.card.input
        short = contract.whole or getattr(self._model, "any_length", False)
        samples = contract.min_samples if short else contract.window_samples
        self._model.embed(np.zeros((1, samples), np.float32), layers=self._layers)

    def _results(
        self, numbers: list[int], job: Job, progress: Callable[[float], None] | None
    ) -> list[Any]:
        from mirzoo.annotate import embed_recording
        from mirzoo.engines.vectors import Block, Entry

        before = os.stat(job.source) if os.path.isfile(job.source) else None
        embedded = embed_recording(
            self._model,
            job.source,
            layers=self._layers,
            over=self._over,
            progress=progress,
            channel=self._setup.channel,
            allow_damaged=self._setup.allow_damaged,
        )
        if before is None:
            raise DataError(f"'{printable(job.source)}' is no file, and can only be read once")
        entry = Entry(
            os.path.abspath(job.source),
            sha256(job.source),
            before.st_size,
            before.st_mtime_ns,
            embedded.duration_s,
        )
        block = Block([entry] * len(embedded.vectors), embedded.starts_s, embedded.vectors)
        return [(block, embedded.warnings)]

    def _keep(
        self, number: int, result: Any, job: Job, outcome: Outcome, source: Source | None
    ) -> None:
        block, warnings = result
        outcome.warnings += warnings
        outcome.reports.append(block)


@dataclass
class Embedded:
    """What a run of `embed` did.

    Parameters
    ----------
    path : Path
        The file.
    added, updated, moved, kept, removed : int
        Recordings that are new, have other content than before, were found under another path,
        were there already, are no more or have another content that failed.
    elsewhere : int
        Recordings of the file that are in none of the folders given, and were left.
    failures : list of Outcome
        Of recordings that could not be embedded, and folders that could not be read.
    """

    path: Path
    added: int = 0
    updated: int = 0
    moved: int = 0
    kept: int = 0
    removed: int = 0
    elsewhere: int = 0
    failures: list[Outcome] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        failures = [
            {"source": outcome.source, "message": failure.message}
            for outcome in self.failures
            for failure in outcome.failures
        ]
        return {**asdict(self), "path": os.fspath(self.path), "failures": failures}

    def __str__(self) -> str:
        """One line: ``music.parquet: 1,980 added, 20 moved, 3 failed``."""
        said = ("added", "updated", "moved", "kept", "removed", "elsewhere")
        parts = [f"{getattr(self, name):,} {name}" for name in said if getattr(self, name)]
        parts += [f"{len(self.failures):,} failed"] if self.failures else []
        return f"{printable(self.path)}: {', '.join(parts) or 'nothing to do'}"


def embed(
    model: str | os.PathLike,
    paths: str | os.PathLike | Iterable[str | os.PathLike],
    output: str | os.PathLike,
    *,
    over: Literal["clip", "time"] = "clip",
    layers: Literal["last", "all"] = "last",
    runtime: str | None = None,
    channel: Channel = "mean",
    allow_damaged: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    timeout_s: float | None = None,
    imports: str | Sequence[str] = (),
    on_outcome: Callable[[Outcome, int], object] | None = None,
) -> Embedded:
    """Embed recordings into one file, or bring such a file in step with its recordings.

    New recordings are embedded. Those that have another path than before are found by their
    content (SHA-256), and keep their vectors. Rows of recordings that are no more in the folders
    given are removed; those of other folders are left. No file's fault ends it, and a run that
    was stopped goes on where it was when it is called again.

    Parameters
    ----------
    model : name or path
        As `mirzoo.load` takes it.
    paths : path or iterable of paths
        Audio files, and folders of them.
    output : path
        A ``.parquet`` file, for which the extra ``catalogue`` is needed, or a ``.npz`` file. Its
        columns are in `mirzoo.engines.vectors`.
    over : {"clip", "time"}
        One vector of each recording, or one of each stretch of it; see
        `mirzoo.annotate.embed_recording`.
    layers : {"last", "all"}
        With "all", the mean and the spread of what each block of the head gives follow the
        embedding.
    runtime : str, optional
        What computes the model; by default ``"litert"``, and ``"keras"`` for all layers, which
        no other runtime gives.
    channel, allow_damaged
        As `mirzoo.annotate.annotate` takes them.
    overwrite : bool
        Whether the file is made anew.
    workers, timeout_s, imports
        As `mirzoo.annotate_many` takes them; a single recording needs no worker.
    on_outcome : callable, optional
        Called with the outcome of each recording that is embedded or failed, and how many are
        still to come.

    Returns
    -------
    Embedded
        What was done, and what failed.

    Raises
    ------
    DataError
        If the file was made by another model or with other settings, is damaged, or cannot be
        written.
    MirzooError
        If the model cannot be loaded, or gives no such embedding.

    Examples
    --------
    >>> import mirzoo
    >>> print(mirzoo.embed("mel_cnn_tagger", "album/", "album.parquet"))  # doctest: +SKIP
    album.parquet: 12 added
    """
    from mirzoo.annotate import find_recordings
    from mirzoo.engines import vectors
    from mirzoo.engines.batch import problem

    require_switches(DataError, allow_damaged=allow_damaged, overwrite=overwrite)
    if workers == 0 and timeout_s is not None:
        raise ValueError("timeout_s needs a worker process that can be ended: workers=1 or more")
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    output = Path(output)
    vectors.format_of(output)
    _require_file(output)
    runtime = runtime or ("keras" if layers == "all" else "litert")
    setup = EmbeddingSetup(
        models=(os.fspath(model),),
        runtime=runtime,
        imports=(imports,) if isinstance(imports, str) else tuple(imports),
        channel=channel,
        allow_damaged=allow_damaged,
        layers=layers,
        over=over,
    )
    done = Embedded(output)
    recordings = find_recordings(given, lambda *args: done.failures.append(problem(*args)))
    for failed in done.failures:
        if on_outcome is not None:
            on_outcome(failed, 0)
    origin = origin_of(setup)

    with _alone(output):
        remove_leftovers(output.parent)
        journal = _Journal(output, origin, anew=overwrite)
        plan = _Plan(journal, output, done)
        plan.look_at(recordings, given)
        outcomes = _outcomes(setup, [Job(path) for path in plan.to_do], workers, timeout_s)
        left = len(plan.to_do)
        with journal, closing(outcomes):
            for outcome in outcomes:
                left -= 1
                plan.add(outcome)
                if on_outcome is not None:
                    on_outcome(outcome, left)
        plan.write()
        journal.remove()
    return done


def _require_file(output: Path) -> None:
    """Raise where there is something at a path that no file can take the place of."""
    if output.exists() and not output.is_file():
        what = "a folder" if output.is_dir() else "no regular file"
        raise DataError(f"{printable(output)} is {what}; name a .parquet or .npz file to write")


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Let one run at a time write a file, from before its recordings are looked at."""

    def wait() -> None:
        logger.warning("waiting for another run that writes %s", printable(output))

    with ExitStack() as stack:
        try:
            stack.enter_context(locked(output.with_name(f".{output.name}.lock"), wait))
        except OSError as error:
            raise DataError(f"{printable(output)} cannot be written ({error})") from error
        yield


def origin_of(setup: EmbeddingSetup) -> Origin:
    """What the vectors of a setup are made by.

    Raises
    ------
    MirzooError
        If there is no such model.
    """
    from importlib.metadata import version

    from mirzoo import hub
    from mirzoo._support.registry import import_plugin
    from mirzoo.engines.vectors import Origin
    from mirzoo.errors import ArtefactError
    from mirzoo.runtimes.base import RUNTIMES, runtime_of

    for module in setup.imports:
        import_plugin(module)
    [name] = setup.models
    of_a_lone_file = runtime_of(name)
    chosen = of_a_lone_file or RUNTIMES[setup.runtime]
    card = hub.card(name)
    file = Path(name) if of_a_lone_file else hub.folder(name) / chosen.file
    if not file.is_file():
        raise ArtefactError(f"{printable(file)} does not exist, for the runtime '{chosen.name}'")
    return Origin(
        model=card.name,
        model_sha256=sha256(file),
        layers=setup.layers,
        over=setup.over,
        channel=setup.channel,
        loaded_from=os.path.abspath(name) if os.path.exists(name) else name,
        runtime=chosen.name,
        mirzoo_version=version("mirzoo"),
    )


def _outcomes(
    setup: EmbeddingSetup, jobs: list[Job], workers: int | None, timeout_s: float | None
) -> Generator[Outcome, None, None]:
    from mirzoo.engines.processes import Processes, default_workers

    if not jobs:
        return
    if workers is None:
        alone = len(jobs) == 1 and timeout_s is None
        workers = 0 if alone else default_workers(setup.runtime, len(jobs))
    if workers:
        processes = Processes(setup, jobs, workers=workers, timeout_s=timeout_s)
        with closing(iter(processes)) as done:
            yield from done
        return
    one_file = setup.start()
    for job in jobs:
        yield one_file(job)


class _Journal:
    """What is done and not yet in the file: parts in a folder next to it.

    Raises
    ------
    DataError
        If what another run left there is of another model or of other settings.
    """

    def __init__(self, output: Path, origin: Origin, *, anew: bool) -> None:
        from mirzoo.engines.vectors import Origin

        self.origin = origin
        self._folder = output.with_name(output.name + UNFINISHED)
        self._said = self._folder / "origin.json"
        if anew:
            self.remove()
        self.anew = anew
        """Whether the file that is there is left out of account."""
        if self._said.exists():
            with reading(
                printable(self._said), "record of an unfinished run", DataError, "remove its folder"
            ):
                said = json.loads(self._said.read_text("utf-8"))
                there = Origin(**said["origin"])
                self.anew = bool(said["anew"])
            there.require_same(origin, self._folder)
        self.parts = sorted(self._folder.glob("part-*.npz"))
        self._waiting: list[Block] = []
        self._rows = 0
        self._kept_at = time.monotonic()

    def __enter__(self) -> _Journal:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None:
            self._keep()
            return
        with suppress(Exception):
            self._keep()

    def add(self, block: Block) -> int:
        """Take the rows of a recording; the number of the part that they are in."""
        number = len(self.parts)
        self._waiting.append(block)
        self._rows += len(block)
        if self._rows >= PART_ROWS or time.monotonic() - self._kept_at >= PART_S:
            self._keep()
        return number

    def _keep(self) -> None:
        from mirzoo.engines import vectors

        if not self._waiting:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not self._said.exists():
                said = {"origin": asdict(self.origin), "anew": self.anew}
                write_whole(self._said, json.dumps(said))
        except OSError as error:
            raise DataError(f"{printable(self._folder)} cannot be written ({error})") from error
        together = vectors.Block.of(self._waiting)
        part = self._folder / f"part-{len(self.parts):08}.npz"
        vectors.write(
            part, self.origin, set(together.entries), together.vectors.shape[1], iter([together])
        )
        self.parts.append(part)
        self._waiting, self._rows, self._kept_at = [], 0, time.monotonic()

    def remove(self) -> None:
        """Remove it, once the file has everything."""
        if self._folder.exists():
            shutil.rmtree(self._folder)


class _Plan:
    """Which rows of which file become which rows of the new one.

    The file that is there is number -1, parts of the journal are numbered as there.
    """

    def __init__(self, journal: _Journal, output: Path, done: Embedded) -> None:
        from mirzoo.engines import vectors

        self._journal, self._output, self._done = journal, output, done
        self._old: list[Entry] = []
        self._known: dict[str, tuple[Key, Entry]] = {}
        self._has_old = output.exists() and not journal.anew
        if self._has_old:
            index = vectors.read_index(output)
            index.origin.require_same(journal.origin, output)
            self._old = index.entries
            # The version that began a file, and where its model was, stay what they were.
            journal.origin = index.origin
        for number, entries in enumerate(
            [self._old, *(vectors.read_index(part).entries for part in journal.parts)], start=-1
        ):
            self._known |= {entry.path: ((number, entry.path), entry) for entry in entries}
        self._uses: dict[Key, list[Entry]] = {}
        self.to_do: list[str] = []
        self._size: int | None = None
        for source in [*([output] if self._has_old else []), *journal.parts]:
            with closing(vectors.read_blocks(source)) as blocks:
                first = next(blocks, None)
            if first is not None and first.vectors.shape[1]:
                self._require_size(first, source)

    def look_at(self, recordings: Sequence[AudioFile], given: Sequence[str | os.PathLike]) -> None:
        """Tell what is known from what is to be done."""
        by_content = {entry.sha256: (key, entry) for key, entry in self._known.values()}
        sizes = {entry.size_bytes for _, entry in self._known.values()}
        found = {os.path.abspath(one.path): os.fspath(one.path) for one in recordings}
        for path, name in found.items():
            known = self._known.get(path)
            try:
                now = os.stat(name)
            except (OSError, ValueError):
                self.to_do.append(name)  # where it fails with the reason
                continue
            if known is not None and _is_same(known[1], now):
                self._use(*known)
                self._done.kept += 1
                continue
            content = self._content(name) if now.st_size in sizes else None
            if content not in by_content:
                self.to_do.append(name)
                continue
            key, entry = by_content[content]
            changed = entry._replace(path=path, modified_ns=now.st_mtime_ns)
            self._use(key, changed)
            if known is not None and known[1].sha256 == content:
                self._done.kept += 1
            else:
                self._done.moved += 1
        self._leave(found.keys(), given)

    def _content(self, name: str) -> str | None:
        try:
            return sha256(name)
        except OSError:
            return None

    def _leave(self, found: Iterable[str], given: Sequence[str | os.PathLike]) -> None:
        """Keep the rows of other folders, and of those that could not be read."""
        files = {os.path.abspath(path) for path in given}
        folders = {path for path in files if os.path.isdir(path)}
        unread = {os.path.abspath(outcome.source) for outcome in self._done.failures}
        present = set(found)
        for path, (key, entry) in self._known.items():
            if path in present:
                continue
            if path in files or (_is_in(path, folders) and not _is_in(path, unread)):
                self._done.removed += key not in self._uses  # it was moved
            else:
                self._use(key, entry)
                self._done.elsewhere += 1

    def add(self, outcome: Outcome) -> None:
        """Take what came of a recording."""
        if outcome.failures:
            self._done.failures.append(outcome)
            # What the file has of it is of a former content, and goes.
            self._done.removed += os.path.abspath(outcome.source) in self._known
            return
        [block] = outcome.reports
        self._require_size(block, self._output)
        entry = block.entries[0]
        self._use((self._journal.add(block), entry.path), entry)
        if entry.path in self._known:
            self._done.updated += 1
        else:
            self._done.added += 1

    def write(self) -> None:
        """Write the file, where anything is other than before."""
        from mirzoo.engines import vectors

        entries = [entry for used in self._uses.values() for entry in used]
        if not (entries or self._has_old):
            return
        if self._has_old and sorted(entries) == sorted(self._old):
            return
        sources = {-1: self._output} if self._has_old else {}
        sources |= dict(enumerate(self._journal.parts))
        vectors.write(
            self._output, self._journal.origin, entries, self._size or 0, self._rows(sources)
        )

    def _require_size(self, block: Block, path: Path) -> None:
        """Raise a DataError where vectors are of another size than those before."""
        size = block.vectors.shape[1]
        if self._size is None:
            self._size = size
        if size != self._size:
            raise DataError(
                f"{printable(path)}: vectors of {self._size} numbers are there and others have "
                f"{size}, though all are of {self._journal.origin.model} with the same SHA-256. "
                "Was one of the files altered, or written by something else? Take another file, "
                "or make it anew with --overwrite (overwrite=True in Python)"
            )

    def _rows(self, sources: dict[int, Path]) -> Iterator[Block]:
        from mirzoo.engines import vectors

        for number, source in sources.items():
            for block in vectors.read_blocks(source):
                rows, entries = [], []
                for row, entry in enumerate(block.entries):
                    for now in self._uses.get((number, entry.path), ()):
                        rows.append(row)
                        entries.append(now)
                if rows:
                    yield block.take(rows, entries)

    def _use(self, key: Key, entry: Entry) -> None:
        self._uses.setdefault(key, []).append(entry)


def _is_same(entry: Entry, now: os.stat_result) -> bool:
    return (entry.size_bytes, entry.modified_ns) == (now.st_size, now.st_mtime_ns)


def _is_in(path: str, folders: Container[str]) -> bool:
    """Whether a path is one of these, or below one."""
    while path not in folders:
        above = os.path.dirname(path)
        if above == path:
            return False
        path = above
    return True
