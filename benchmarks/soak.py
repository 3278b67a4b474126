"""Soak: thousands of short files through the command line and through threads, kills among it.

make soak, or: python benchmarks/soak.py [--files 10000] [--kills 20] [--threads 8] [--seed 0]

Short stereo files at 44.1 kHz (WAV, FLAC, MP3, Ogg), one in a hundred of them bad in some way, are
annotated

1. by the command line, whose memory is watched: every good file has a result, every bad one an
   error, nothing else is left, and memory is flat;
2. by threads that share one LiteRT model: the same numbers, the same errors, flat memory;
3. by the command line again, killed at random moments (the program, or one of its workers) and
   resumed: nothing is half-written, nothing is done twice, and in the end all is there.

It ends with the first claim that does not hold, and prints figures as Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

import mirzoo

RATE = 44100
FORMATS = ("wav", "flac", "mp3", "ogg")
BAD_ONE_IN = 100
DIFFERENT = 25
SECONDS_BETWEEN_LOOKS = 0.5
WARM, FEWEST_LOOKS = 0.2, 60
GROWTH_MB = 30.0


def main() -> None:
    """Run all three parts, and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="mel_cnn_tagger")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak_") as temporary:
        root = Path(temporary)
        os.environ["TMPDIR"] = tempfile.tempdir = str(root / "tmp")
        (root / "tmp").mkdir()
        music = root / "music"
        good, bad = make_files(music, options.files, options.seed, options.model)
        print(f"{len(good):,} good and {len(bad):,} bad files, seed {options.seed}\n")
        print("| part | files | seconds | written | failed | memory, MB: at 20 %, end, most |")
        print("| --- | --: | --: | --: | --: | --- |", flush=True)
        annotate_all(options.model, music, root / "out", good, bad)
        annotate_in_threads(options.model, root / "out", good, bad, options.threads)
        kill_and_resume(options, music, root, good, bad)
        left = [path for path in (root / "tmp").rglob("*") if path.is_file()]
        require(not left, f"temporary files are left: {left[:3]}")


def make_files(folder: Path, count: int, seed: int, model: str) -> tuple[list[Path], list[Path]]:
    """Write the files; give the good and the bad ones."""
    rng, chance = np.random.default_rng(seed), random.Random(seed)
    contract = mirzoo.load(model, runtime="litert").card.input
    seconds = max(1.0, contract.min_samples / contract.sample_rate + 0.1)
    contents: dict[str, list[bytes]] = {}
    folder.mkdir(parents=True)
    for suffix in FORMATS:
        for number in range(DIFFERENT):
            time_s = np.arange(int(RATE * (seconds + 0.02 * number))) / RATE
            tones = 110.0 * 2 ** (rng.integers(0, 36, 4) / 12)
            mono = sum(np.sin(2 * np.pi * f0 * time_s) for f0 in tones) / 8
            stereo = np.stack([mono, 0.7 * mono], axis=1)
            stereo += 0.02 * rng.standard_normal(stereo.shape)
            path = folder / f"one.{suffix}"
            soundfile.write(path, stereo, RATE)
            contents.setdefault(suffix, []).append(path.read_bytes())
            path.unlink()
    good, bad = [], []
    bad_numbers = set(chance.sample(range(count), count // BAD_ONE_IN))
    for number in range(count):
        suffix = FORMATS[number % len(FORMATS)]
        parent = folder / f"{number // 1000:03}"
        parent.mkdir(exist_ok=True)
        name = f"{number:06}"
        if number % 1000 == 7:
            name = os.fsdecode(name.encode() + b" \xff\n")
        path = parent / f"{name}.{suffix}"
        content = chance.choice(contents[suffix])
        if number not in bad_numbers:
            path.write_bytes(content)
            good.append(path)
            continue
        spoil(path, content, len(bad), chance)
        bad.append(path)
    return good, bad


def spoil(path: Path, content: bytes, which: int, chance: random.Random) -> None:
    """Write one of several kinds of files that are no recording."""
    kinds = ("empty", "noise", "cut", "header", "text", "gone")
    kind = kinds[which % len(kinds)]
    if kind == "gone":
        path.symlink_to(path.with_name("nowhere.wav"))
        return
    contents = {
        "empty": b"",
        "noise": chance.randbytes(5000),
        "cut": content[: len(content) // 2 - 7],
        "header": content[:40],
        "text": b"not a recording\n" * 50,
    }
    path.write_bytes(contents[kind])


def annotate_all(model: str, music: Path, out: Path, good: list[Path], bad: list[Path]) -> None:
    """Part 1: the command line."""
    began = time.monotonic()
    process = start(model, music, out)
    watched = Watch(lambda: [process.pid, *children(process.pid)])
    records, summary = [], {}
    assert process.stdout is not None
    for line in process.stdout:
        document = json.loads(line)
        if "summary" in document:
            summary = document["summary"]
        else:
            records.append((document["source"], document["status"]))
    status = process.wait()
    memory = watched.end()
    require(status == 1, f"the exit status is {status}")
    counts = Counter(status for _, status in records)
    require(
        (summary["files"], summary["written"], summary["failed"])
        == (len(good) + len(bad), len(good), len(bad)),
        f"the summary is {summary}",
    )
    require(dict(counts) == {"written": len(good), "failed": len(bad)}, f"records: {counts}")
    of_status = {s: sorted(path for path, was in records if was == s) for s in counts}
    require(of_status["written"] == sorted(map(str, good)), "other files were written")
    require(of_status["failed"] == sorted(map(str, bad)), "other files failed")
    require(set(results(out)) == {result_of(out, music, path) for path in good}, "results differ")
    row("command line", good, bad, time.monotonic() - began, memory)


def annotate_in_threads(
    model: str, out: Path, good: list[Path], bad: list[Path], threads: int
) -> None:
    """Part 2: threads that share a model; results as those of the command line."""
    began = time.monotonic()
    loaded = mirzoo.load(model, runtime="litert")
    watched = Watch(lambda: [os.getpid()])
    music = good[0].parents[1]
    is_bad = set(bad)

    def one(path: Path) -> str:
        try:
            result = loaded.annotate(path)
        except mirzoo.MirzooError:
            return "failed"
        written = json.loads(result_of(out, music, path).read_text())
        for name, value in result.to_dict().items():
            require(written[name] == value, f"{path}: {name} differs from the command line's")
        return "written"

    with ThreadPoolExecutor(threads) as pool:
        statuses = list(pool.map(one, files := sorted([*good, *bad])))
    memory = watched.end()
    for path, status in zip(files, statuses, strict=True):
        require(status == ("failed" if path in is_bad else "written"), f"{path}: {status}")
    row(f"{threads} threads", good, bad, time.monotonic() - began, memory)


def kill_and_resume(
    options: argparse.Namespace, music: Path, root: Path, good: list[Path], bad: list[Path]
) -> None:
    """Part 3: killed at random moments."""
    began, out, chance = time.monotonic(), root / "resumed", random.Random(options.seed)
    seen: dict[Path, tuple[int, int]] = {}
    programs = workers = leftovers = 0
    for number in range(options.kills):
        process = start(options.model, music, out, quiet=True)
        before = len(seen)
        share = (len(good) - before) // (options.kills - number + 1)
        enough = before + chance.randint(1, max(2, 2 * share))
        while process.poll() is None and len(results(out)) < enough:
            time.sleep(chance.uniform(0.1, 0.6))
        if number % 4 == 3 and (victims := children(process.pid)):
            workers += 1
            os.kill(chance.choice(victims), signal.SIGKILL)  # costs a file; the rest goes on
            time.sleep(chance.uniform(0.0, 0.5))
        programs += 1
        alive = children(process.pid)
        process.kill()
        process.wait()
        while any(is_running(worker) for worker in alive):
            time.sleep(0.01)
        leftovers += len(list(out.rglob(".mirzoo-*")))
        check_whole(out, seen)
    process = start(options.model, music, out, quiet=True)
    require(process.wait() == 1, "the last run has another exit status")
    check_whole(out, seen)
    require(set(seen) == {result_of(out, music, path) for path in good}, "results differ")
    require(not list(out.rglob(".mirzoo-*")), "unfinished files are left")
    seconds = time.monotonic() - began
    print(
        f"\nKilled {programs} times ({workers} times a worker first) and resumed, in "
        f"{seconds:.0f} s: {len(seen):,} results, 0 half-written, 0 done twice; {leftovers} "
        "unfinished files were left by kills and removed by the next run."
    )


def check_whole(out: Path, seen: dict[Path, tuple[int, int]]) -> None:
    """Every result can be read, and those of earlier runs are the same files."""
    for path in results(out):
        found = path.stat()
        identity = found.st_ino, found.st_mtime_ns
        if path not in seen:
            json.loads(path.read_text())
        require(seen.setdefault(path, identity) == identity, f"{path} was written twice")


def results(out: Path) -> list[Path]:
    """The results that are there."""
    return [path for path in out.rglob("*.json") if not path.name.startswith(".")]


def result_of(out: Path, music: Path, path: Path) -> Path:
    """Where the result of a recording is."""
    return (out / path.relative_to(music)).with_suffix(".json")


def start(model: str, music: Path, out: Path, *, quiet: bool = False) -> subprocess.Popen[str]:
    """Start the command line."""
    return subprocess.Popen(
        [sys.executable, "-m", "mirzoo", "annotate", model, music, "-o", out, "--json"],
        stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


class Watch:
    """Looks at the memory of processes now and then."""

    def __init__(self, processes: Callable[[], list[int]]) -> None:
        self._processes = processes
        self._ended = threading.Event()
        self._looks: list[float] = []
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self._looks.append(sum(resident_mb(process) for process in self._processes()))

    def end(self) -> tuple[float, float, float]:
        """Memory when a fifth was done, in the end, and at most (MB); it must not have grown."""
        self._ended.set()
        self._thread.join()
        looks = self._looks[:-1] or [0.0]
        warm = max(looks[: max(1, int(WARM * len(looks)))])
        late = float(np.median(looks[-max(1, len(looks) // 10) :]))
        is_flat = late <= warm + GROWTH_MB or len(looks) < FEWEST_LOOKS
        require(is_flat, f"memory grew from {warm:.0f} to {late:.0f} MB")
        return warm, late, max(looks)


def resident_mb(process: int) -> float:
    """Memory of a process (MB); of what it shares with others its share."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def children(process: int) -> list[int]:
    """The processes that a process started."""

    def listed() -> Iterator[int]:
        for path in Path(f"/proc/{process}/task").glob("*/children"):
            try:
                yield from map(int, path.read_text().split())
            except OSError:
                continue

    return list(listed())


def descendants(process: int) -> list[int]:
    """All processes below one."""
    found = []
    for child in children(process):
        found += [child, *descendants(child)]
    return found


def is_running(process: int) -> bool:
    """Whether a process has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def row(
    part: str,
    good: list[Path],
    bad: list[Path],
    seconds: float,
    memory: tuple[float, float, float],
) -> None:
    """Print a line of the table."""
    figures = ", ".join(f"{value:.0f}" for value in memory)
    total = len(good) + len(bad)
    print(
        f"| {part} | {total:,} | {seconds:.0f} | {len(good):,} | {len(bad):,} | {figures} |",
        flush=True,
    )


def require(holds: bool, otherwise: str) -> None:
    """End with a sentence where a claim does not hold."""
    if not holds:
        raise SystemExit(f"soak: {otherwise}")


if __name__ == "__main__":
    main()
