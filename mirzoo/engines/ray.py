"""A catalogue on Ray: `annotate` and `embed`, on all cores of a cluster.

Needs the extra ``ray``. What is done with a recording, and what is written, is in
`mirzoo.engines.shards`, as for Beam: each path ends in exactly one of ``output/`` and
``dead_letters/``, after a kill too. A worker that is killed is replaced, and its shard done again.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mirzoo._support.cores import cores
from mirzoo.engines.shards import COUNTS, SHARD_FILES, Catalogue, Shard, Worker, find, several
from mirzoo.errors import DataError, MirzooError

ADDRESS = "RAY_ADDRESS"
"""The variable of the environment that states a cluster, such as ``10.0.0.1:6379`` or ``auto``."""

STORE_BYTES = 100 << 20
"""Of the memory that Ray shares among processes; results never go through it."""

SETTINGS = {"RAY_worker_niceness": "0", "RAY_raylet_start_wait_time_s": "300"}
"""Of a cluster that is made: workers have the program's priority, and a busy machine has time.

By default all other programs come first, and 30 s must do for Ray's processes to start.
"""

ANSWER_S = 10.0
"""How long a stated cluster may take to accept a connection."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")

JOINING = {"RAY_gcs_server_port_wait_time_s": "3"}
"""While a cluster is joined: so often Ray tries, for some 40 s each; its own default is 20."""


def annotate(
    models: str | Sequence[str],
    patterns: str | os.PathLike | Sequence[str | os.PathLike],
    output: str | os.PathLike,
    *,
    workers: int | None = None,
    shard_files: int = SHARD_FILES,
    **settings: Any,
) -> dict[str, int]:
    """Annotate all recordings of some file patterns.

    Unless the program called ``ray.init``, the cluster that the environment variable
    ``RAY_ADDRESS`` states is joined, or else one of this machine made for the time.

    Parameters
    ----------
    models : str or sequence of str
        As `mirzoo.load` takes them; every worker must have them.
    patterns : path or sequence of path
        Files, folders, and patterns of files, which every worker sees.
    output : path
        A folder that every worker sees.
    workers : int, optional
        How many, of one core each; by default as many as the cluster has cores.
    shard_files : int
        How many recordings a worker does before it writes them.
    **settings
        ``format``, ``runtime``, ``decoding``, ``channel``, ``allow_damaged``, ``imports``,
        ``timeout_s`` and ``retry_failed``, and settings of the decoding as keywords: as
        `mirzoo.engines.shards.Catalogue.of_annotations` takes them.

    Returns
    -------
    dict of str to int
        ``files_done``, ``files_failed``, ``files_there`` and ``audio_ms`` of this run.

    Raises
    ------
    DataError
        If Ray is missing, a pattern matches nothing, or the folder has results of other models or
        settings.

    Examples
    --------
    >>> annotate("mel_cnn_tagger", "music/**/*.mp3", "tags/")  # doctest: +SKIP
    {'files_done': 1980, 'files_failed': 20, 'files_there': 0, 'audio_ms': 431250000}
    """
    catalogue = Catalogue.of_annotations(models, output, **settings)
    return _run(catalogue, several(patterns), workers, shard_files)


def embed(
    model: str,
    patterns: str | os.PathLike | Sequence[str | os.PathLike],
    output: str | os.PathLike,
    *,
    workers: int | None = None,
    shard_files: int = SHARD_FILES,
    **settings: Any,
) -> dict[str, int]:
    """Embed all recordings of some file patterns; parameters and errors as of `annotate`.

    ``settings`` are those of `mirzoo.engines.shards.Catalogue.of_embeddings`.

    Examples
    --------
    >>> embed("mel_cnn_tagger", "music/**/*.mp3", "vectors/")  # doctest: +SKIP
    {'files_done': 1980, 'files_failed': 20, 'files_there': 0, 'audio_ms': 431250000}
    """
    catalogue = Catalogue.of_embeddings(model, output, **settings)
    return _run(catalogue, several(patterns), workers, shard_files)


def _run(
    catalogue: Catalogue, patterns: list[str], workers: int | None, shard_files: int
) -> dict[str, int]:
    try:
        import ray
    except ImportError as error:
        raise DataError('Ray needs the extra: pip install "mirzoo[ray]"') from error
    with catalogue.alone():
        catalogue.open()
        plan = catalogue.plan(find(patterns), shard_files)
        counts = Counter({**dict.fromkeys(COUNTS, 0), "files_there": plan.there})
        if not plan.shards:
            return dict(counts)
        is_ours = not ray.is_initialized()
        if is_ours:
            _start(ray, workers)
        try:
            for of_shard in _do_all(ray, catalogue, plan.shards, workers):
                counts.update(of_shard)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, MirzooError):
                raise cause from error
            raise DataError(
                f"Ray failed: {str(error).strip().splitlines()[-1]}; what is done stays, and the "
                "same run goes on from there"
            ) from error
        finally:
            if is_ours:
                ray.shutdown()
    return dict(counts)


def _start(ray: Any, workers: int | None) -> None:
    """Join the cluster that ``RAY_ADDRESS`` states, or make one of this machine.

    Ray's own search would find that of another run, which ends with it.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address := os.environ.get(ADDRESS):
        try:
            _connect(ray, address)
            with _defaults(JOINING):
                ray.init(**quiet)
        except (OSError, OverflowError, ValueError, RuntimeError) as error:
            raise DataError(
                f"no cluster of Ray answers at {ADDRESS}={address} ({error}); state the address "
                f"that `ray start --head` printed, or leave {ADDRESS} out for one of this machine"
            ) from error
        return
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        ray.init(
            "local",
            num_cpus=max(cores(), workers or 0),
            object_store_memory=STORE_BYTES,
            include_dashboard=False,
            **quiet,
        )
    except Exception as error:  # nothing more special, where its processes take too long
        ray.shutdown()
        raise DataError(f"Ray did not start on this machine ({error})") from error


def _connect(ray: Any, address: str) -> None:
    """Raise an OSError where nothing accepts connections at the address of a cluster.

    Ray itself tries for a quarter of an hour. What is no host and port, as "auto", is left to it.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):
        return
    host = host.strip("[]")
    try:
        socket.create_connection((host, int(port)), ANSWER_S).close()
    except OSError:
        if host not in LOOPBACK:
            raise
        # Ray takes these for the machine's own address.
        own = ray.util.get_node_ip_address()
        socket.create_connection((own, int(port)), ANSWER_S).close()


@contextmanager
def _defaults(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment that are not set, as long as the block lasts."""
    added = [name for name in settings if name not in os.environ]
    os.environ.update({name: settings[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def _do_all(
    ray: Any, catalogue: Catalogue, shards: list[Shard], workers: int | None
) -> Iterator[dict[str, int]]:
    """Give the counts of each shard as it is done."""
    count = min(workers or max(1, int(ray.cluster_resources().get("CPU", 1))), len(shards))
    actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Actor)
    idle = [actor.remote(catalogue) for _ in range(count)]
    busy: dict[Any, Any] = {}
    left = iter(shards)
    try:
        while True:
            while idle and (shard := next(left, None)) is not None:
                worker = idle.pop()
                busy[worker.do.remote(shard)] = worker
            while idle:  # nothing is left for it: its core is for a worker whose machine is gone
                ray.kill(idle.pop())
            if not busy:
                return
            [done], _ = ray.wait(list(busy), num_returns=1)
            idle.append(busy.pop(done))
            yield ray.get(done)
    finally:
        for worker in [*idle, *busy.values()]:
            ray.kill(worker)


class _Actor:
    """A worker that Ray starts, and starts again where it dies."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._worker = Worker(catalogue)

    def do(self, shard: Shard) -> dict[str, int]:
        return dict(self._worker.do(shard))
