"""A catalogue on Apache Beam: `Annotate` and `Embed`, transforms from file patterns to results.

Needs the extra ``beam``. What is done with a recording, and what is written, is in
`mirzoo.engines.shards`: each path ends in exactly one of ``output/`` and ``dead_letters/``, after a
kill too, and a run that is started again does what is missing.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mirzoo._support.cores import cores
from mirzoo._support.names import did_you_mean
from mirzoo.engines.processes import LOG_BYTES
from mirzoo.engines.shards import COUNTS, SHARD_FILES, Catalogue, Shard, Worker, find, several
from mirzoo.errors import DataError, MirzooError

_disabled = logging.root.manager.disable
logging.disable(logging.WARNING)  # Beam warns of clients of clouds that are not installed
try:
    import apache_beam as beam
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.metrics import Metrics, MetricsFilter
    from apache_beam.options.pipeline_options import PipelineOptions
except ImportError as error:
    raise DataError('Beam needs the extra: pip install "mirzoo[beam]"') from error
finally:
    logging.disable(_disabled)

logger = logging.getLogger(__name__)

NAMESPACE = "mirzoo"
"""Of the counters in Beam's metrics."""

LOCALLY = {"runner": "DirectRunner", "direct_running_mode": "multi_processing"}
"""Options of a pipeline in several processes of this machine.

The default of ``direct_running_mode`` may try a runner whose program Beam downloads.
"""

_REFUSED = re.compile(r"mirzoo\.[\w.]+: (?P<why>.*?)(?: \[while running '[^']*'\])?")

WORKER_THREAD = "run_worker"
"""The name of the thread in which Beam waits for a worker process."""


class _Transform(beam.PTransform):
    """From file patterns to files of results; gives the name of each shard with its counts."""

    def __init__(
        self, patterns: Sequence[str | os.PathLike], catalogue: Catalogue, shard_files: int
    ) -> None:
        super().__init__()
        self._patterns = [os.fspath(pattern) for pattern in patterns]
        self._shard_files = shard_files
        self.catalogue = catalogue

    def expand(self, begin: Any) -> Any:
        self.catalogue.open()
        return (
            begin
            | "Patterns" >> beam.Create([self._patterns])
            | "Plan" >> beam.FlatMap(_plan, self.catalogue, self._shard_files)
            | "Distribute" >> beam.Reshuffle()
            | "Do" >> beam.ParDo(_Do(self.catalogue))
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
        ``format``, ``runtime``, ``decoding``, ``channel``, ``allow_damaged``, ``imports``,
        ``timeout_s`` and ``retry_failed``, and settings of the decoding as keywords: as
        `mirzoo.engines.shards.Catalogue.of_annotations` takes them.

    Raises
    ------
    DataError
        If the folder has results of other models or settings.

    Examples
    --------
    >>> import apache_beam as beam
    >>> from apache_beam.options.pipeline_options import PipelineOptions
    >>> options = PipelineOptions.from_dictionary({**LOCALLY, "direct_num_workers": 4})
    >>> with beam.Pipeline(options=options) as pipeline:  # doctest: +SKIP
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
        ``format``, ``layers``, ``over``, ``runtime``, ``channel``, ``allow_damaged``, ``imports``,
        ``timeout_s`` and ``retry_failed``: as
        `mirzoo.engines.shards.Catalogue.of_embeddings` takes them.

    Raises
    ------
    DataError
        If the folder has results of another model or other settings.

    Examples
    --------
    >>> import apache_beam as beam
    >>> from apache_beam.options.pipeline_options import PipelineOptions
    >>> options = PipelineOptions.from_dictionary({**LOCALLY, "direct_num_workers": 4})
    >>> with beam.Pipeline(options=options) as pipeline:  # doctest: +SKIP
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


def run(
    transform: Annotate | Embed,
    *,
    workers: int | None = None,
    options: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Run a pipeline of one transform, by default in processes of this machine.

    Parameters
    ----------
    transform : Annotate or Embed
    workers : int, optional
        How many processes of this machine, one core each; by default as many as it has cores.
    options : mapping of str to str, optional
        Of the pipeline, such as ``{"runner": "FlinkRunner", "flink_master": "localhost:8081"}``;
        they take the place of `LOCALLY`'s. A runner that is not the DirectRunner has options of
        its own for the number of workers.

    Returns
    -------
    dict of str to int
        ``files_done``, ``files_failed``, ``files_there`` and ``audio_ms`` of this run.

    Raises
    ------
    DataError
        If there is no such option, the pipeline fails, or the folder has results of other models
        or settings.

    Examples
    --------
    >>> run(Annotate("mel_cnn_tagger", "music/", "tags/"), workers=8)  # doctest: +SKIP
    {'files_done': 1980, 'files_failed': 20, 'files_there': 0, 'audio_ms': 431250000}
    """
    flags = _flags(workers, dict(options or {}))
    with transform.catalogue.alone():
        answer = _in_a_process((transform, flags))
    if isinstance(answer, MirzooError):
        raise answer
    return answer


def _in_a_process(task: tuple[Annotate | Embed, list[str]]) -> Any:
    """Run a pipeline in a process of its own, which is ended with all of its workers.

    The DirectRunner waits for ever for a worker process that died, and cannot be stopped.
    """
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from mirzoo.engines.beam import _run_and_answer; _run_and_answer()"
    )
    own_group = {"process_group": 0} if os.name == "posix" else {}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            **own_group,  # type: ignore[call-overload]
        )
        try:
            pickle.dump(task, process.stdin)
            process.stdin.flush()
            answer = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            answer = _PipelineError(f"its process ended with status {process.wait()}")
        finally:
            with suppress(ProcessLookupError):
                if own_group:
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        if isinstance(answer, _PipelineError):
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_BYTES))
            logger.info("Beam wrote: %s", log.read().decode(errors="replace"))
    return answer


def _run_and_answer() -> None:
    """Run the pipeline that comes on the standard input; counts, or an error, go to the output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lock = threading.Lock()

    def answer(message: dict[str, int] | MirzooError) -> None:
        with lock:
            pickle.dump(message, out)
            out.flush()
            os._exit(0)

    def end_with_the_parent() -> None:
        sys.stdin.buffer.read()
        if os.name == "posix":
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    def look(args: threading.ExceptHookArgs) -> None:
        if args.thread is not None and args.thread.name == WORKER_THREAD:
            answer(_PipelineError(f"a worker died: {args.exc_value}"))
        threading.__excepthook__(args)

    transform, flags = pickle.load(sys.stdin.buffer)
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    threading.excepthook = look
    try:
        pipeline = beam.Pipeline(options=PipelineOptions(flags))
        _ = pipeline | transform
        result = pipeline.run()
        result.wait_until_finish()
        counts = Counter(dict.fromkeys(COUNTS, 0))
        for one in result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]:
            counts[one.key.metric.name] += one.result
    except MirzooError as error:
        answer(error)
    except BaseException as error:
        traceback.print_exc()
        answer(_cause(error))
    answer(dict(counts))


class _PipelineError(DataError):
    """A pipeline that failed, and not for what mirzoo refuses."""

    def __str__(self) -> str:
        why = super().__str__()
        return (
            f"the pipeline failed: {why}; what is done stays, and the same run goes on from there"
        )


def _cause(error: BaseException) -> DataError:
    """The error inside a worker, without the trace that Beam makes its message of."""
    last = str(error).strip().rpartition("\n")[2]
    refused = _REFUSED.fullmatch(last)
    return DataError(refused["why"]) if refused else _PipelineError(last or type(error).__name__)


def _flags(workers: int | None, given: dict[str, str]) -> list[str]:
    known = PipelineOptions([]).get_all_options()
    for name in given:
        if name not in known:
            raise DataError(f"'{name}' is no option of Beam's pipelines{did_you_mean(name, known)}")
    chosen = {**LOCALLY, **given}
    if chosen["runner"] == "DirectRunner":
        chosen.setdefault("direct_num_workers", str(workers or cores()))
    elif workers is not None:
        raise DataError(
            f"workers are processes of the DirectRunner; {chosen['runner']} has options of its own"
        )
    return [f"--{name}={value}" for name, value in chosen.items()]


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
            Metrics.counter(NAMESPACE, name).inc(count)
        yield shard.name, dict(counts)

    def teardown(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def _plan(patterns: list[str], catalogue: Catalogue, shard_files: int) -> Iterator[Shard]:
    plan = catalogue.plan(_matched(patterns), shard_files)
    Metrics.counter(NAMESPACE, "files_there").inc(plan.there)
    yield from plan.shards


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
