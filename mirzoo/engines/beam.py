"""A catalogue on Apache Beam: `Annotate` and `Embed`, transforms from file patterns to results.

Needs the extra ``beam``. What is done with a recording, and what is written, is in
`mirzoo.engines.shards`: each path ends in exactly one of ``output/`` and ``dead_letters/``, after a
kill too, and a run that is started again does what is missing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mirzoo.engines.embedding import EmbeddingSetup
from mirzoo.engines.one_file import Setup
from mirzoo.engines.shards import SHARD_FILES, Catalogue, Format, Shard, Worker, find
from mirzoo.errors import DataError

try:
    import apache_beam as beam
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.metrics import Metrics
except ImportError as error:
    raise DataError('Beam needs the extra: pip install "mirzoo[beam]"') from error

if TYPE_CHECKING:
    from mirzoo.audio import Channel


class _Transform(beam.PTransform):
    """From file patterns to files of results; gives the name of each shard with its counts."""

    def __init__(
        self, patterns: Sequence[str | os.PathLike], catalogue: Catalogue, shard_files: int
    ) -> None:
        super().__init__()
        self._patterns = [os.fspath(pattern) for pattern in patterns]
        self._catalogue, self._shard_files = catalogue, shard_files

    def expand(self, begin: Any) -> Any:
        self._catalogue.open()
        return (
            begin
            | "Patterns" >> beam.Create([self._patterns])
            | "Plan" >> beam.FlatMap(_plan, self._catalogue, self._shard_files)
            | "Distribute" >> beam.Reshuffle()
            | "Do" >> beam.ParDo(_Do(self._catalogue))
        )


class Annotate(_Transform):
    """Annotate all recordings of some file patterns.

    Apply it to a pipeline: ``pipeline | Annotate(...)``. It gives ``(shard, counts)`` pairs, and
    counts ``files_done``, ``files_failed``, ``files_there`` and ``audio_ms`` in Beam's metrics, in
    the namespace ``mirzoo``.

    Parameters
    ----------
    models : str or sequence of str
        As `mirzoo.load` takes them; every worker must have them.
    patterns : str or sequence of str
        Files, folders, and patterns of files; those with a scheme (``gs://music/**.flac``) are
        matched and read by Beam's file systems.
    output : path
        A folder that every worker sees.
    format : {"parquet", "jsonl"}
    runtime, decodings, channel, allow_damaged, imports
        As `mirzoo.engines.one_file.Setup` takes them.
    timeout_s : float, optional
        How long a recording may take (s).
    shard_files : int
        How many recordings a worker does before it writes them.

    Raises
    ------
    DataError
        If the folder has results of other models or settings.

    Examples
    --------
    >>> import apache_beam as beam  # doctest: +SKIP
    >>> with beam.Pipeline() as pipeline:  # doctest: +SKIP
    ...     pipeline | Annotate("mel_cnn_tagger", "music/**/*.mp3", "tags/")
    """

    def __init__(
        self,
        models: str | Sequence[str],
        patterns: str | os.PathLike | Sequence[str | os.PathLike],
        output: str | os.PathLike,
        *,
        format: Format = "parquet",
        runtime: str = "litert",
        decodings: Sequence[Mapping[str, Any]] = (),
        channel: Channel = "mean",
        allow_damaged: bool = False,
        imports: Sequence[str] = (),
        timeout_s: float | None = None,
        shard_files: int = SHARD_FILES,
    ) -> None:
        setup = Setup(
            models=(models,) if isinstance(models, str) else tuple(models),
            decodings=tuple(decodings),
            runtime=runtime,
            imports=tuple(imports),
            channel=channel,
            allow_damaged=allow_damaged,
            report="json",
        )
        catalogue = Catalogue(os.path.abspath(output), setup, format, timeout_s)
        super().__init__(_several(patterns), catalogue, shard_files)


class Embed(_Transform):
    """Embed all recordings of some file patterns; see `Annotate`.

    Files of the format "parquet" are those that `mirzoo.embed` writes.

    Parameters
    ----------
    model : str
    patterns, output, format, runtime, channel, allow_damaged, imports, timeout_s, shard_files
        As `Annotate` takes them.
    layers, over
        As `mirzoo.embed` takes them.

    Raises
    ------
    DataError
        If the folder has results of another model or other settings.

    Examples
    --------
    >>> import apache_beam as beam  # doctest: +SKIP
    >>> with beam.Pipeline() as pipeline:  # doctest: +SKIP
    ...     pipeline | Embed("mel_cnn_tagger", "music/**/*.mp3", "vectors/")
    """

    def __init__(
        self,
        model: str,
        patterns: str | os.PathLike | Sequence[str | os.PathLike],
        output: str | os.PathLike,
        *,
        format: Format = "parquet",
        layers: Literal["last", "all"] = "last",
        over: Literal["clip", "time"] = "clip",
        runtime: str | None = None,
        channel: Channel = "mean",
        allow_damaged: bool = False,
        imports: Sequence[str] = (),
        timeout_s: float | None = None,
        shard_files: int = SHARD_FILES,
    ) -> None:
        setup = EmbeddingSetup(
            models=(model,),
            runtime=runtime or ("keras" if layers == "all" else "litert"),
            imports=tuple(imports),
            channel=channel,
            allow_damaged=allow_damaged,
            layers=layers,
            over=over,
        )
        catalogue = Catalogue(os.path.abspath(output), setup, format, timeout_s)
        super().__init__(_several(patterns), catalogue, shard_files)


class _Do(beam.DoFn):
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._worker: Worker | None = None

    def setup(self) -> None:
        self._worker = Worker(self._catalogue)

    def process(self, shard: Shard) -> Iterator[tuple[str, dict[str, int]]]:
        assert self._worker is not None
        counts = self._worker.do(shard, _local)
        for name, count in counts.items():
            Metrics.counter("mirzoo", name).inc(count)
        yield shard.name, dict(counts)

    def teardown(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def _plan(patterns: list[str], catalogue: Catalogue, shard_files: int) -> Iterator[Shard]:
    return catalogue.plan(_matched(patterns), shard_files)


def _matched(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        if "://" not in pattern:
            yield from find([pattern])
            continue
        [matched] = FileSystems.match([pattern])
        if not matched.metadata_list:
            raise DataError(f"'{pattern}' matches no file; may this account list them?")
        yield from (one.path for one in matched.metadata_list)


@contextmanager
def _local(path: str) -> Iterator[str]:
    """A local file with the content of a path of Beam's file systems."""
    if "://" not in path:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="mirzoo_") as folder:
        local = Path(folder, f"recording{Path(path).suffix}")
        with FileSystems.open(path) as source, local.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
        yield os.fspath(local)


def _several(patterns: str | os.PathLike | Sequence[str | os.PathLike]) -> list[str]:
    given = [patterns] if isinstance(patterns, str | os.PathLike) else patterns
    return [os.fspath(pattern) for pattern in given]
