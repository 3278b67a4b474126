"""Many files in worker processes, of which each may die without harm to the others.

Every worker is a Python process of its own (`mirzoo.engines._worker`) that loads the models once.
A thread of the parent gives it one file after another, so it is always known whose file a dead
worker had, and a worker is replaced without the others noticing. Pools of the standard library end
when a worker dies; those of other libraries share a pipe and a lock among the workers, which one
that is killed at the wrong moment takes with it.
"""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mirzoo._support.cores import THREADS, cores
from mirzoo._support.files import printable, remove_leftovers
from mirzoo.engines.one_file import Failure, Job, Outcome, Setup
from mirzoo.errors import MirzooError

START_S = 300.0
"""How long a worker may take to load its models."""

MOST_STARTS = 3
"""How many workers in a row may die while they load their models."""

LOG_BYTES = 8000
"""How much of what libraries wrote is shown of a file that fails."""

WORKER_BYTES = {"litert": 300 << 20, "onnx": 500 << 20, "keras": 1500 << 20}
"""What a worker of a runtime may need, with room for a few models."""


class WorkerError(MirzooError):
    """Workers that cannot be started."""


def default_workers(runtime: str, files: int) -> int:
    """How many workers to use: one for each core, as far as memory and files go, at least one.

    Examples
    --------
    >>> default_workers("litert", files=1)
    1
    """
    by_memory = available_memory() // WORKER_BYTES.get(runtime, max(WORKER_BYTES.values()))
    return max(1, min(cores(), by_memory, files))


def available_memory() -> int:
    """How much memory is free, in bytes; very much where the system does not say.

    The limits of a container (control groups, both versions) count too.
    """
    found = [1 << 62]
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) << 10)
    except (OSError, ValueError):
        pass
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        root = Path("/sys/fs/cgroup")
        try:
            found.append(int((root / limit).read_text()) - int((root / usage).read_text()))
        except (OSError, ValueError):
            continue
    return max(min(found), 0)


class Processes:
    """Jobs done by worker processes: iterate over it for the records, in the order of their end.

    Jobs are taken from their iterable one by one as workers get free, so that it may be endless.
    Whoever stops iterating (`close`, an error, an interrupt) stops the workers at once, in the
    middle of a file; what they had begun to write is removed.

    Parameters
    ----------
    setup : Setup
    jobs : iterable of Job
    workers : int
        How many at a time.
    timeout_s : float, optional
        How long a file may take; then its worker is killed and replaced.
    threads : int, optional
        Of each worker; by default the cores are shared among them.

    Raises
    ------
    MirzooError
        If the models cannot be loaded.
    WorkerError
        If workers die while they start.
    """

    def __init__(
        self,
        setup: Setup,
        jobs: Iterable[Job],
        *,
        workers: int,
        timeout_s: float | None = None,
        threads: int | None = None,
    ) -> None:
        self._threads = threads or max(1, cores() // workers)
        self._setup = setup
        self._jobs = iter(jobs)
        self._count = workers
        self._timeout_s = timeout_s
        self._done: queue.Queue[Outcome | BaseException | None] = queue.Queue(2 * workers)
        self._lock = threading.Lock()
        self._stopping = False
        self._failed_starts = 0
        self._workers: dict[int, _Worker] = {}
        self._at_hand: dict[int, str] = {}
        self.rest: list[Outcome] = []
        """Once it was stopped: what was done by then and had not been given out."""

    @property
    def at_hand(self) -> list[str]:
        """The recordings that are being processed."""
        return list(self._at_hand.values())

    def __iter__(self) -> Generator[Outcome, None, None]:
        with tempfile.TemporaryDirectory(prefix="mirzoo_", ignore_cleanup_errors=True) as folder:
            threads = [
                threading.Thread(target=self._drive, args=(number, Path(folder)), daemon=True)
                for number in range(self._count)
            ]
            try:
                for thread in threads:
                    thread.start()
                running = len(threads)
                while running:
                    done = self._done.get()
                    if done is None:
                        running -= 1
                    elif isinstance(done, BaseException):
                        raise done
                    else:
                        yield done
            finally:
                self._stop(threads)

    def _stop(self, threads: list[threading.Thread]) -> None:
        with self._lock:
            self._stopping = True
            for worker in self._workers.values():
                worker.stop()
        while any(thread.is_alive() for thread in threads) or not self._done.empty():
            with suppress(queue.Empty):
                done = self._done.get(timeout=0.05)
                if isinstance(done, Outcome):
                    self.rest.append(done)

    def _next(self) -> Job | None:
        with self._lock:
            return None if self._stopping else next(self._jobs, None)

    def _drive(self, number: int, folder: Path) -> None:
        """Give a worker, and those that replace it, one job after another."""
        try:
            while (job := self._next()) is not None:
                if (known := job.without_work) is not None:
                    self._done.put(known)
                    continue
                self._at_hand[number] = job.called
                try:
                    outcome = self._worker(number, folder).do(job, self._timeout_s)
                finally:
                    self._at_hand.pop(number, None)
                # Of the files that a stop ended, those count whose results were whole by then.
                if not self._stopping or outcome.status == "written":
                    self._done.put(outcome)
        except BaseException as error:
            self._done.put(error)
        finally:
            with self._lock:
                worker = self._workers.pop(number, None)
            if worker is not None:
                worker.end()
            self._done.put(None)

    def _worker(self, number: int, folder: Path) -> _Worker:
        while True:
            worker = self._workers.get(number)
            if worker is not None and worker.is_alive():
                return worker
            if worker is not None:
                worker.end()
            with self._lock:
                if self._stopping:
                    raise WorkerError("the batch was stopped")
                worker = self._workers[number] = _Worker(self._setup, folder, self._threads)
            reason = worker.start()
            if reason is None:
                self._failed_starts = 0
                continue
            self._failed_starts += 1
            if self._failed_starts >= MOST_STARTS and not self._stopping:
                raise WorkerError(
                    f"worker processes end while they load {', '.join(self._setup.models)} "
                    f"({reason}); is there memory for {self._count}? --workers takes fewer"
                )


class _Worker:
    """A worker process, seen from the thread that gives it jobs."""

    def __init__(self, setup: Setup, folder: Path, threads_each: int) -> None:
        self._setup = setup
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._timed_out = self._was_stopped = False
        threads = str(threads_each)
        environment = {
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": threads,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **os.environ,
            THREADS: threads,
            "TMPDIR": str(self._folder),
        }
        program = (
            f"import sys; sys.path[:] = {sys.path!r}\n"
            f"from mirzoo.engines._worker import main; main({str(self._folder)!r})"
        )
        own_group = {"process_group": 0} if os.name == "posix" else {}
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            **own_group,  # type: ignore[call-overload]
        )

    def start(self) -> str | None:
        """Wait until its models are loaded; the reason where it dies before.

        Raises
        ------
        MirzooError
            What the worker raises.
        """
        try:
            problem = self._ask(self._setup, START_S)
        except EOFError:
            reason = f"it took longer than {START_S:.0f} s" if self._timed_out else self._death()
            text = self._text().strip()
            return f"{reason}; it wrote: {text.splitlines()[-1]}" if text else reason
        if problem is not None:
            raise problem
        return None

    def do(self, job: Job, timeout_s: float | None) -> Outcome:
        """Have it do a job, whatever happens to it."""
        began = time.monotonic()
        before = {path: _inode(path) for path in job.files}
        os.ftruncate(self._log.fileno(), 0)
        os.lseek(self._log.fileno(), 0, os.SEEK_SET)  # the worker writes where this stands
        try:
            outcome: Outcome = self._ask(job, timeout_s)
        except EOFError:
            for folder in {os.path.dirname(path) or "." for path in job.files}:
                remove_leftovers(folder, process=self._process.pid)
            files = [path for path in job.files if _inode(path) not in (None, before[path])]
            outcome = Outcome(job.called, files)
            if not (self._was_stopped and files and len(files) == len(job.files)):
                outcome.failures.append(self._failure(job, timeout_s))
            outcome.seconds = time.monotonic() - began
        return outcome.with_details(self._text())

    def is_alive(self) -> bool:
        return not self._timed_out and self._process.poll() is None

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self._was_stopped = True
        self._process.kill()

    def end(self) -> None:
        """End it, where it has not ended, and clear up."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # of what was not sent any more
                pipe.close()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, message: Any, timeout_s: float | None) -> Any:
        """Send something and wait for the answer; EOFError where the worker ends before."""
        assert self._process.stdin is not None and self._process.stdout is not None
        clock = None if timeout_s is None else threading.Timer(timeout_s, self._time_out)
        if clock is not None:
            clock.daemon = True
            clock.start()
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (OSError, pickle.UnpicklingError, ValueError) as error:
            raise EOFError from error
        finally:
            if clock is not None:
                clock.cancel()

    def _time_out(self) -> None:
        self._timed_out = True
        self._process.kill()

    def _failure(self, job: Job, timeout_s: float | None) -> Failure:
        name = printable(job.called)
        if self._timed_out:
            return Failure("Timeout", f"'{name}' took longer than {timeout_s:g} s")
        return Failure("WorkerDied", f"'{name}': its worker process {self._death()}")

    def _death(self) -> str:
        status = self._process.wait()
        if status >= 0:
            return f"ended by itself (status {status})"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        hint = "; was there too little memory?" if name == "SIGKILL" else ""
        return f"was ended by {name}{hint}"

    def _text(self) -> str:
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), LOG_BYTES, max(size - LOG_BYTES, 0))
        return text.decode(errors="replace")


def _inode(path: str) -> int | None:
    """What tells a file from the one that took its place; None where there is none."""
    try:
        return os.stat(path).st_ino
    except (OSError, ValueError):
        return None
