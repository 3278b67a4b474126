"""A catalogue on Apache Beam: `Annotate` and `Embed`, transforms from file patterns to results.

Needs the extra ``beam``. What is done with a recording, and what is written, is in
`mirzoo.engines.shards`: each path ends in exactly one of ``output/`` and ``dead_letters/``, after a
kill too, and a run that is started again does what is missing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mirzoo.engines.shards import SHARD_FILES, Catalogue, Shard, Worker, find, several
from mirzoo.errors import DataError

try:
    import apache_beam as beam
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.metrics import Metrics
except ImportError as error:
    raise DataError('Beam needs the extra: pip install "mirzoo[beam]"') from error


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
    shard_files : int
        How many recordings a worker does before it writes them.
    **settings
        ``format``, ``runtime``, ``decodings``, ``channel``, ``allow_damaged``, ``imports`` and
        ``timeout_s``: as `mirzoo.engines.shards.Catalogue.of_annotations` takes them.

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
        shard_files: int = SHARD_FILES,
        **settings: Any,
    ) -> None:
        catalogue = Catalogue.of_annotations(models, output, **settings)
        super().__init__(several(patterns), catalogue, shard_files)


class Embed(_Transform):
    """Embed all recordings of some file patterns; see `Annotate`.

    Files of the format "parquet" are those that `mirzoo.embed` writes.

    Parameters
    ----------
    model : str
    patterns, output, shard_files
        As `Annotate` takes them.
    **settings
        ``format``, ``layers``, ``over``, ``runtime``, ``channel``, ``allow_damaged``, ``imports``
        and ``timeout_s``: as `mirzoo.engines.shards.Catalogue.of_embeddings` takes them.

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
        shard_files: int = SHARD_FILES,
        **settings: Any,
    ) -> None:
        catalogue = Catalogue.of_embeddings(model, output, **settings)
        super().__init__(several(patterns), catalogue, shard_files)


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
