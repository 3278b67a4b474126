"""Measure the ways through a catalogue: a bare loop, the command line, Beam and Ray.

::

    python benchmarks/catalogue.py --work FOLDER
    python benchmarks/catalogue.py --work FOLDER --what embed --songs MUSIC --workers 8

Each way does the same songs (44.1 kHz, stereo, 30 to 60 s, FLAC and MP3 in turn; generated, or
those of a folder) with one model in LiteRT, in as many workers of one thread each, without results
of earlier runs. The bare loop is a program for each worker that does its share of the songs one
after another and writes nothing.

A way is measured on a few songs and on all of them. What is done between is the throughput; what is
left of the first, start and end. Seconds of audio count per second and core, and per second of
processor time of all processes together, which other programs on the machine disturb less; the
share of the bare loop is of the latter. Memory is the most that all processes together had (each
page counted once). A crash costs what a run that is killed in its middle (SIGKILL of the program)
and the next one take longer than one that is left alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from soak import descendants, resident_mb

RATE = 44100
LENGTHS_S = (30, 36, 42, 48, 54, 60)
SUFFIXES = ("flac", "mp3")
LOOK_S, LOOK_AT_MEMORY = 0.2, 5
ENGINES = {"beam": "apache_beam", "ray": "ray"}
WAYS = ("bare loop", "command line", *ENGINES)
THREADS = ("MIRZOO_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
TICKS = os.sysconf("SC_CLK_TCK")


class Taken(NamedTuple):
    """What a run took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for songs and results")
    parser.add_argument("--songs", type=Path, help="folder of songs, instead of generated ones")
    parser.add_argument("--count", type=int, default=480, help="how many songs to generate")
    parser.add_argument("--few", type=int, default=60, help="how many songs a short run has")
    parser.add_argument("--what", choices=["annotate", "embed"], default="annotate")
    parser.add_argument("--model", default="mel_cnn_tagger")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=1, help="of which the medians are given")
    parser.add_argument("--crash", action="store_true", help="measure what a crash costs too")
    parser.add_argument("--loop", nargs="+", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        loop(options.what, options.model, options.loop)
        return
    folder = options.songs or write_songs(options.work / "songs", options.count)
    songs = sorted(path for path in folder.rglob("*") if path.is_file())
    if len(songs) <= options.few:
        parser.error(f"{folder} has {len(songs)} songs, and --few is {options.few}")
    print(table(options, songs))


def table(options: argparse.Namespace, songs: Sequence[Path]) -> str:
    """Measure each way, in turns, and give the table."""
    ways = [way for way in options.ways if way not in ENGINES or find_spec(ENGINES[way])]
    spread = songs[:: max(1, len(songs) // options.few)][: options.few]
    sets = [link(spread, options.work / "few"), link(songs, options.work / "all")]
    seconds = [sum(soundfile.info(path).duration for path in of.iterdir()) for of in sets]
    runs: dict[str, list[list[Taken]]] = {way: [[], []] for way in ways}
    for _ in range(options.rounds):
        for number, of in enumerate(sets):
            for way in ways:
                taken = run(way, of, options)
                runs[way][number].append(taken)
                print(f"{way}, {of.name}: {taken}", file=sys.stderr, flush=True)
    lines = [
        f"{len(songs)} songs, {seconds[1]:,.0f} s of audio, {options.what} {options.model}, "
        f"{options.workers} workers",
        "",
        "| way | audio s per s and core | audio s per CPU s | of the bare loop | start and end, s "
        "| CPU s of that | memory, MB | a crash costs, s |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    bare = None
    for way in ways:
        few, most = (
            Taken(*(float(np.median(values)) for values in zip(*taken))) for taken in runs[way]
        )
        more = seconds[1] - seconds[0]
        per_s = more / (most.wall_s - few.wall_s) / options.workers
        per_cpu_s = more / (most.cpu_s - few.cpu_s)
        bare = per_cpu_s if way == "bare loop" else bare
        start_s = few.wall_s - seconds[0] / per_s / options.workers
        cells = [
            way,
            f"{per_s:.0f}",
            f"{per_cpu_s:.0f}",
            "" if bare is None else f"{per_cpu_s / bare:.1%}",
            f"{start_s:.1f}",
            f"{few.cpu_s - seconds[0] / per_cpu_s:.1f}",
            f"{most.peak_mb:.0f}",
            f"{crash(way, sets[1], options, most.wall_s):.1f}" if options.crash else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def crash(way: str, songs: Path, options: argparse.Namespace, alone_s: float) -> float:
    """How much longer it takes when the program is killed in the middle and started again (s)."""
    killed = run(way, songs, options, kill_after_s=alone_s / 2)
    again = run(way, songs, options, anew=False)
    return killed.wall_s + again.wall_s - alone_s


def run(
    way: str,
    songs: Path,
    options: argparse.Namespace,
    *,
    anew: bool = True,
    kill_after_s: float | None = None,
) -> Taken:
    """Have a way do the songs."""
    out = options.work / "out"
    if anew:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
    workers = str(options.workers)
    what = ["embed", options.model] if options.what == "embed" else ["annotate", options.model]
    mirzoo = [sys.executable, "-m", "mirzoo"]
    if way == "bare loop":
        files = sorted(songs.iterdir())
        own = [sys.executable, __file__, "--work", options.work, "--what", options.what]
        commands = [
            [*own, "--model", options.model, "--loop", *files[number :: options.workers]]
            for number in range(options.workers)
        ]
    elif way == "command line":
        to = out / "vectors.npz" if options.what == "embed" else out / "results"
        commands = [[*mirzoo, *what, songs, "-o", to, "--workers", workers]]
    else:
        at = ["-o", out / way, "--engine", way, "--workers", workers]
        commands = [[*mirzoo, "catalogue", *what, songs, *at]]
    one_thread = dict.fromkeys(THREADS, "1")
    began = time.monotonic()
    with (options.work / "log.txt").open("w") as log:
        started = [
            subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **one_thread})
            for command in commands
        ]
        watched = Watch([process.pid for process in started])
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            for process in started:
                process.kill()
        statuses = [process.wait() for process in started]
    wall_s = time.monotonic() - began
    cpu_s, peak_mb = watched.end()
    if kill_after_s is None and any(statuses):
        raise SystemExit(f"{way} failed: {(options.work / 'log.txt').read_text()[-2000:]}")
    return Taken(wall_s, cpu_s, peak_mb)


def loop(what: str, model: str, songs: Sequence[Path]) -> None:
    """Do songs one after another."""
    from mirzoo.engines.embedding import EmbeddingSetup
    from mirzoo.engines.one_file import Job, Setup

    setup = EmbeddingSetup((model,)) if what == "embed" else Setup((model,), report="json")
    one_file = setup.start()
    for path in songs:
        outcome = one_file(Job(os.fspath(path)))
        if outcome.failures:
            raise SystemExit(outcome.failures[0].message)


def write_songs(folder: Path, count: int) -> Path:
    """Write songs of several lengths, or leave those that are there; give their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        seconds = LENGTHS_S[number % len(LENGTHS_S)]
        path = folder / f"{number:05}.{SUFFIXES[number % len(SUFFIXES)]}"
        if path.exists():
            continue
        time_s = np.arange(seconds * RATE) / RATE
        mono = sum(
            np.sin(2 * np.pi * f0 * time_s) * (np.sin(2 * np.pi * rate * time_s) > 0)
            for f0, rate in zip(110 * 2 ** (rng.integers(0, 36, 6) / 12), rng.uniform(0.3, 3, 6))
        )
        stereo = np.stack([mono, 0.8 * mono], axis=1) / 8
        soundfile.write(path, stereo + 0.02 * rng.standard_normal(stereo.shape), RATE)
    for path in sorted(folder.iterdir())[count:]:
        path.unlink()
    return folder


def link(songs: Sequence[Path], folder: Path) -> Path:
    """Make a folder of links to songs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, song in enumerate(songs):
        (folder / f"{number:05}{song.suffix}").symlink_to(song.resolve())
    return folder


class Watch:
    """Looks at the processor time and the memory of processes and all below them."""

    def __init__(self, processes: list[int]) -> None:
        self._processes = processes
        self._ended = threading.Event()
        self._cpu_s: dict[int, float] = {}
        self._peak_mb = 0.0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        looks = 0
        while True:
            every = [one for process in self._processes for one in (process, *descendants(process))]
            for process in every:
                self._cpu_s[process] = max(cpu_s(process), self._cpu_s.get(process, 0.0))
            if looks % LOOK_AT_MEMORY == 0:
                self._peak_mb = max(self._peak_mb, sum(map(resident_mb, every)))
            looks += 1
            if self._ended.wait(LOOK_S):
                return

    def end(self) -> tuple[float, float]:
        """Processor time (s) and the most memory (MB) of all."""
        self._ended.set()
        self._thread.join()
        return sum(self._cpu_s.values()), self._peak_mb


def cpu_s(process: int) -> float:
    """Processor time of a process so far (s); 0 where it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
