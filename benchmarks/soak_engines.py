"""A catalogue of 10,000 short files on Beam and on Ray, killed in the middle: each path ends once.

    python benchmarks/soak_engines.py [--engines beam ray] [--files 10000] [--workers 2] [--seed 0]

One file in a hundred is bad. On each engine whose extra is installed, `mirzoo catalogue annotate`
is started, and

1. one of its workers is killed (SIGKILL): Ray replaces it, Beam's DirectRunner ends the run;
2. the program is killed, its workers are left to themselves, and it is started again at once;
3. the program and all of its workers are killed together;
4. a run goes to the end, and another finds nothing to do.

Afterwards the paths in results and dead letters are compared with those of the files, as sets and
by count. It ends with the first claim that does not hold, and prints figures as Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from soak import descendants, is_running, make_files, require

from mirzoo.engines.shards import Catalogue
from mirzoo.engines.vectors import escaped

PACKAGES = {"beam": "apache_beam", "ray": "ray"}
WORKER = {"beam": b"sdk_worker_main", "ray": b"ray::_Actor"}
"""What the command of an engine's worker process has in it."""

SHARD_FILES = 50


def main() -> None:
    """Make the files, and have each engine do them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engines", nargs="+", choices=list(PACKAGES), default=list(PACKAGES))
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="mel_cnn_tagger")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak_") as temporary:
        music = Path(temporary, "music")
        good, bad = make_files(music, options.files, options.seed, options.model)
        print(f"{len(good):,} good and {len(bad):,} bad files, seed {options.seed}\n")
        print(
            "| engine | worker killed | program killed | all killed | s | results | dead | twice |"
        )
        print("| --- | --- | --: | --: | --: | --: | --: | --: |", flush=True)
        for engine in options.engines:
            if find_spec(PACKAGES[engine]) is None:
                print(f"\n{engine} is left out: it needs the extra `{engine}`\n")
                continue
            Soak(engine, options, music, Path(temporary, engine)).run(good, bad)


class Soak:
    """The runs of an engine into one folder."""

    def __init__(self, engine: str, options: argparse.Namespace, music: Path, out: Path) -> None:
        self._engine = engine
        self._options, self._music, self._out = options, music, out
        self._catalogue = Catalogue.of_annotations(options.model, out)
        self._began = time.monotonic()

    def run(self, good: list[Path], bad: list[Path]) -> None:
        """Kill it three times, let it end, and compare."""
        process = self._start()
        self._wait_for(0.1, process)
        after = self._kill_a_worker(process)
        if process.poll() is not None:
            process = self._start()
        of_program = self._wait_for(0.4, process)
        process.kill()
        process.wait()
        process = self._start()
        of_all = self._wait_for(0.7, process)
        every = [process.pid, *descendants(process.pid)]
        for one in every:
            _kill(one)
        process.wait()
        while any(is_running(one) for one in every):
            time.sleep(0.05)
        first = self._to_the_end()
        require(first["files_done"] > 0, f"{self._engine}: nothing was left for the last run")
        written, dead = self._compare(good, bad)
        before = self._files()
        counts = self._to_the_end()
        require(
            (counts["files_done"], counts["files_failed"]) == (0, 0)
            and counts["files_there"] == len(good) + len(bad),
            f"{self._engine}: a run when all was done counted {counts}",
        )
        require(self._files() == before, f"{self._engine}: a run when all was done wrote files")
        print(
            f"| {self._engine} | {after} | at {of_program:,} | at {of_all:,} | "
            f"{time.monotonic() - self._began:.0f} | {written:,} | {dead:,} | 0 |",
            flush=True,
        )

    def _compare(self, good: list[Path], bad: list[Path]) -> tuple[int, int]:
        """Compare the paths as sets and by count; give how many there are."""
        found = {
            "results": (good, list(self._catalogue.written())),
            "dead letters": (bad, [letter["path"] for letter in self._catalogue.dead_letters()]),
        }
        for name, (expected, paths) in found.items():
            twice = [path for path, count in Counter(paths).items() if count > 1]
            require(not twice, f"{self._engine}: twice in {name}: {twice[:3]}")
            wanted = {escaped(os.fspath(path)) for path in expected}
            require(
                set(paths) == wanted,
                f"{self._engine}: {name} lack {sorted(wanted - set(paths))[:3]} and have "
                f"{sorted(set(paths) - wanted)[:3]} too much",
            )
            require(len(paths) == len(wanted), f"{self._engine}: {len(paths)} in {name}")
        return len(good), len(bad)

    def _start(self) -> subprocess.Popen[str]:
        arguments = [
            *("catalogue", "annotate", self._options.model, self._music, "-o", self._out),
            *("--engine", self._engine, "--workers", str(self._options.workers)),
            *("--shard-files", str(SHARD_FILES), "--json"),
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "mirzoo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _wait_for(self, share: float, process: subprocess.Popen[str]) -> int:
        """Wait until so much is written; give how many recordings are."""
        while True:
            written = sum(1 for _ in self._catalogue.written())
            if written >= share * self._options.files:
                return written
            if process.poll() is not None:
                raise SystemExit(f"soak: {self._engine} ended: {process.communicate()[1][-2000:]}")
            time.sleep(0.5)

    def _kill_a_worker(self, process: subprocess.Popen[str]) -> str:
        """Kill a worker, and tell what became of the run."""
        victims = [one for one in descendants(process.pid) if WORKER[self._engine] in _command(one)]
        require(len(victims) >= self._options.workers, f"{self._engine}: workers are {victims}")
        before = sum(1 for _ in self._catalogue.written())
        _kill(victims[0])
        if self._engine == "ray":
            self._wait_for((before + 4 * SHARD_FILES) / self._options.files, process)
            return "replaced"
        error = process.communicate()[1]
        require(
            process.returncode == 1 and "a worker died" in error,
            f"{self._engine}: after a worker was killed: {process.returncode}, {error[-2000:]}",
        )
        return "ends the run"

    def _to_the_end(self) -> dict[str, int]:
        process = self._start()
        said, error = process.communicate()
        require(process.returncode in (0, 1), f"{self._engine}: the last run: {error[-2000:]}")
        return json.loads(said)

    def _files(self) -> dict[Path, int]:
        return {
            path: path.stat().st_mtime_ns
            for folder in ("output", "dead_letters")
            for path in (self._out / folder).iterdir()
        }


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    main()
