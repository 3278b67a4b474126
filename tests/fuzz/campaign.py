"""Run cases in worker processes, each of which may crash, hang or grow without harm to the rest.

A worker draws cases with Hypothesis from a seed and writes each to a folder before it is judged, so
that what ends the process is still there. Outcomes are "accepted" and "refused" (one of mirzoo's
errors, whose message names what was given); anything else is a finding.
"""

from __future__ import annotations

import collections
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase

CHUNK = 50  # cases that a worker draws from one seed
OUTCOME_FILE = "outcome.txt"
RUNNING_FILE = "running"  # where a case leaves it, the rest is a program's own time
START_S = 120.0  # to import
BUSY = 4  # times longer than a case may compute is what it may take where others compute too


class Wrong(Exception):
    """An outcome that is neither right nor refused: less than the file holds, a nameless error."""


@dataclass(frozen=True)
class Kind:
    """A kind of cases.

    Parameters
    ----------
    name : str
    prepare : callable
        Writes valid files into a folder, once, which takes the place of an argument of `draw`.
    strategy : callable
        Gives Hypothesis' strategy for the files of a case (name to bytes) from that folder.
    warm : callable
        Imports what takes long, before cases are timed.
    judge : callable
        Reads the files of a case in a folder as mirzoo does, and returns "accepted" or "refused".
    most_s, most_mb : float
        Seconds of a processor and memory (MB) that a case may take at most.
    """

    name: str
    prepare: Callable[[Path], None]
    strategy: Callable[[Path], Any]
    judge: Callable[[Path], str]
    warm: Callable[[], Any] = lambda: None
    most_s: float = 20.0
    most_mb: float = 1000.0


@dataclass
class Report:
    """What came of a kind."""

    kind: str
    outcomes: collections.Counter = field(default_factory=collections.Counter)
    findings: list[Path] = field(default_factory=list)
    seconds: float = 0.0
    longest_s: float = 0.0
    largest_mb: float = 0.0

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return (
            f"{self.kind}: {self.outcomes.total()} cases in {self.seconds:.0f} s: {counts}; one "
            f"took at most {self.longest_s:.1f} CPU s and {self.largest_mb:.0f} MB; "
            f"{len(self.findings)} findings"
        )


def judged(kind: Kind, case: Path) -> str:
    """The outcome of a case; findings begin with "FINDING"."""
    from mirzoo.errors import MirzooError

    memory, start = _peak_mb(reset=True), _processor_s()
    try:
        outcome = kind.judge(case)
    except MirzooError as error:
        names = {case.name, *(file.name for file in case.iterdir())}
        outcome = "refused"
        if not any(name in str(error) for name in names):
            outcome = f"FINDING nameless: {type(error).__name__}: {error}"
    except Wrong as error:
        outcome = f"FINDING wrong: {error}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        outcome = f"FINDING {type(error).__name__}\n{traceback.format_exc()[-3000:]}"
    taken = _processor_s() - start
    more = _peak_mb() - memory
    if more > kind.most_mb and not outcome.startswith("FINDING"):
        outcome = f"FINDING memory: {more:.0f} MB"
    computes = (case / RUNNING_FILE).exists()
    if taken > kind.most_s and computes:
        outcome = "accepted, and computes for long"
    if taken > kind.most_s and not computes and not outcome.startswith("FINDING"):
        outcome = f"FINDING slow: {taken:.0f} s of a processor"
    return f"{taken:.2f} {more:.0f} {outcome}"


def _processor_s() -> float:
    """Seconds of processors that this process and its children have used."""
    return sum(os.times()[:4])


def _peak_mb(*, reset: bool = False) -> float:
    """The largest memory of this process: since the last reset on Linux, of all time elsewhere."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cases_of(kind: Kind, seeds: Path, seed: int, count: int, take: Callable[[dict], None]) -> None:
    """Draw cases with Hypothesis, the same for the same seed."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(kind.strategy(seeds))
    def draw(files: dict[str, bytes]) -> None:
        take(files)

    draw()


def _work(connection: Any, kind_name: str, seeds: Path, folder: Path) -> None:
    """Judge chunks of cases until told to stop; in a process of its own."""
    from kinds import KINDS

    kind = KINDS[kind_name]
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    kind.warm()
    while (job := connection.recv()) is not None:
        seed, count = job
        number = 0

        def take(files: dict[str, bytes], seed: int = seed) -> None:
            nonlocal number
            number += 1
            case = folder / f"{kind.name}-{seed}-{number}"
            write_case(case, files)
            connection.send(("case", str(case)))
            outcome = judged(kind, case)
            connection.send(("outcome", outcome))

        cases_of(kind, seeds, seed, count, take)
        connection.send(("done", ""))


def write_case(case: Path, files: dict[str, bytes]) -> None:
    case.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (case / name).parent.mkdir(parents=True, exist_ok=True)
        (case / name).write_bytes(content)


class _Worker:
    """A process that judges cases, and what is known of the one at hand."""

    def __init__(self, kind: Kind, seeds: Path, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=_work, args=(theirs, kind.name, seeds, folder), daemon=True
        )
        self.process.start()
        theirs.close()
        self.case: Path | None = None
        self.since = time.monotonic()
        self.judged = 0

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def died_of(self) -> str:
        self.process.join(5)
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"FINDING crash: {signal.Signals(-code).name}"
        return f"FINDING crash: the process ended with {code}"


def run(
    kind: Kind, *, cases: int, seed: int, jobs: int, keep: Path, say: Callable[[str], None]
) -> Report:
    """Judge cases of a kind and keep what is found."""
    report, start = Report(kind.name), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mirzoo-fuzz-") as scratch:
        seeds, folder = Path(scratch, "seeds"), Path(scratch, "cases")
        seeds.mkdir()
        kind.prepare(seeds)
        chunks = collections.deque(
            (seed * 100_000 + number, min(CHUNK, cases - at))
            for number, at in enumerate(range(0, cases, CHUNK))
        )
        workers: list[_Worker] = []
        try:
            while chunks or workers:
                while chunks and len(workers) < jobs:
                    workers.append(_Worker(kind, seeds, folder))
                    workers[-1].connection.send(chunks.popleft())
                for worker in list(workers):
                    _attend(worker, workers, chunks, kind, report, keep, say)
                time.sleep(0.002)
        finally:
            for worker in workers:
                worker.end()
    report.seconds = time.monotonic() - start
    return report


def _attend(
    worker: _Worker,
    workers: list[_Worker],
    chunks: collections.deque,
    kind: Kind,
    report: Report,
    keep: Path,
    say: Callable[[str], None],
) -> None:
    try:
        while worker.connection.poll():
            what, text = worker.connection.recv()
            worker.since = time.monotonic()
            if what == "case":
                worker.case = Path(text)
            elif what == "outcome":
                assert worker.case is not None
                _count(report, worker.case, text, keep, say)
                worker.case, worker.judged = None, worker.judged + 1
            elif chunks:
                worker.connection.send(chunks.popleft())
            else:
                worker.connection.send(None)
                workers.remove(worker)
                worker.end()
                return
    except (EOFError, OSError):
        _lose(worker, workers, worker.died_of(), report, keep, say)
        return
    waited = time.monotonic() - worker.since
    if waited > BUSY * kind.most_s + (0 if worker.judged else START_S):
        if worker.case is not None and (worker.case / RUNNING_FILE).exists():
            _lose(worker, workers, "accepted, and computes for long", report, keep, say)
            return
        _lose(worker, workers, f"FINDING hang: over {waited:.0f} s", report, keep, say)


def _lose(worker, workers, outcome, report, keep, say) -> None:
    """Replace a worker that died or hung; the rest of its chunk is lost."""
    workers.remove(worker)
    worker.end()
    if worker.case is None:
        raise RuntimeError(f"{report.kind}: a worker ended outside of a case: {outcome}")
    _count(report, worker.case, f"0 0 {outcome}", keep, say)


def _count(report: Report, case: Path, text: str, keep: Path, say: Callable[[str], None]) -> None:
    taken, more, outcome = text.split(" ", 2)
    report.longest_s = max(report.longest_s, float(taken))
    report.largest_mb = max(report.largest_mb, float(more))
    if not outcome.startswith("FINDING"):
        report.outcomes[outcome] += 1
        shutil.rmtree(case, ignore_errors=True)
        return
    report.outcomes["found"] += 1
    kept = keep / case.name
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(case, kept)
    shutil.rmtree(case, ignore_errors=True)
    (kept / OUTCOME_FILE).write_text(outcome)
    report.findings.append(kept)
    say(f"{kept}: {outcome.removeprefix('FINDING ').partition(chr(10))[0][:300]}")
