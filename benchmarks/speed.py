"""Measure how fast recordings are annotated.

::

    python benchmarks/speed.py
    python benchmarks/speed.py table --runtimes litert onnx keras --peers musicnn=ENV/bin/python
    python benchmarks/speed.py table --against ANOTHER_CHECKOUT --models mel_cnn_tagger
    python benchmarks/speed.py scaling --seconds 1 60 600 --files 1 100

Without a word it measures the models that are here in LiteRT and writes what `mirzoo list` and
`mirzoo info` show: seconds of music that `annotate` processes in a second of processor time, the
best of several runs on a synthetic recording of a minute; the file names the processor.

``table`` annotates a minute of stereo at 44.1 kHz (a WAV file, decoding included) with every model
and runtime, with published packages in environments of their own, librosa's features, and as the
floor with nothing but the transforms: decoding, the mean of the channels, resampling to 16 kHz and
a real FFT of 512 samples every 256. All that belongs together takes turns, round after round, so
that whatever else the machine does hits each alike; with ``--against`` every model is paired with
itself in another checkout, and the ratio is the median over pairs. A ratio below 1 is quicker.

``scaling`` gives the time and the peak memory by the recording's length, by the number of threads,
and of `mirzoo annotate` by the number of files. Wall and CPU seconds stand side by side: on a busy
machine only the second tells much.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).parent / "peers"
SECONDS = 60
RUNS = 5
WARM_UP_S = 5
SONG_RATE = 44100
FLOOR_RATE, N_FFT, HOP = 16000, 512, 256
FLOOR = "decoding and FFT"
FEATURES = ("librosa mel", "librosa CQT")
LINES = {"musicnn": "{song}", "crepe": "tiny {song}"}
"""What a package's program reads for a recording; the others read this and a file to write."""

KNOWN_PEERS = ("musicnn", "basic_pitch", "crema", "melodia")
LENGTHS_S = (1, 10, 60, 600, 7200)
FILES = (1, 10, 100, 1000, 10000)
FILE_S = 10


class Taken(NamedTuple):
    """What one run took: seconds, and the largest memory of the process so far (bytes)."""

    wall_s: float
    cpu_s: float
    peak: int = 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for."""
    options = _parser().parse_args(arguments)
    if options.what == "worker":
        work(options.name, options.runtime)
    elif options.what == "table":
        print(table(options))
    elif options.what == "scaling":
        print(scaling(options))
    else:
        write_speeds()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.set_defaults(what="list")
    commands = parser.add_subparsers()
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--models", nargs="*", help="names or folders; by default all here")
    shared.add_argument("--rounds", type=int, default=5, help="counted runs, after one to warm up")
    wide = commands.add_parser("table", parents=[shared], help="all models, runtimes and peers")
    wide.set_defaults(what="table")
    wide.add_argument("--runtimes", nargs="*", default=["litert"])
    wide.add_argument("--peers", nargs="*", default=[], metavar="NAME=PYTHON",
                      help="packages, each with its environment's interpreter")  # fmt: skip
    wide.add_argument("--against", type=Path, metavar="CHECKOUT", help="another mirzoo to compare")
    wide.add_argument("--song", type=Path, help="a recording; by default a minute of the demo clip")
    curve = commands.add_parser("scaling", parents=[shared], help="lengths, threads and files")
    curve.set_defaults(what="scaling")
    curve.add_argument("--seconds", nargs="*", type=int, default=LENGTHS_S, help="of a recording")
    curve.add_argument("--threads", nargs="*", type=int,
                       default=range(1, 1 + (os.cpu_count() or 1)))  # fmt: skip
    curve.add_argument("--files", nargs="*", type=int, default=FILES, help="in a folder")
    worker = commands.add_parser("worker")
    worker.set_defaults(what="worker")
    worker.add_argument("name")
    worker.add_argument("runtime")
    return parser


# What `mirzoo list` shows


def write_speeds() -> None:
    """Measure every model that is here, and write the file."""
    from mirzoo import hub
    from mirzoo.cli.listing import SPEEDS_FILE

    speeds = {}
    for name in hub.local_models():
        speeds[name] = float(f"{audio_s_per_cpu_s(name):.2g}")
        print(f"{speeds[name]:8g}  {name}")
    measured = {
        "conditions": f"a second of one core of {processor()}, LiteRT",
        "audio_s_per_cpu_s": speeds,
    }
    SPEEDS_FILE.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def audio_s_per_cpu_s(name: str) -> float:
    """Seconds of music for each second of processor time, the best of some runs."""
    from mirzoo import hub

    model = hub.load(name, runtime="litert")
    rate = model.card.sample_rate
    model.annotate(_music(WARM_UP_S, rate))
    music, times = _music(SECONDS, rate), []
    for _ in range(RUNS):
        before = time.process_time()
        model.annotate(music)
        times.append(time.process_time() - before)
    return SECONDS / min(times)


def _music(seconds: int, rate: int) -> np.ndarray:
    """Chords of harmonic tones with noise, another chord every second."""
    rng = np.random.default_rng(0)
    t = np.arange(rate) / rate
    parts = []
    for _ in range(seconds):
        f0 = 110.0 * 2 ** (rng.integers(0, 24, 3) / 12)
        parts.append(sum(np.sin(2 * np.pi * f * k * t) / k for f in f0 for k in (1, 2, 3)))
    music = 0.1 * np.concatenate(parts) + 0.01 * rng.standard_normal(seconds * rate)
    return music.astype(np.float32)


def processor() -> str:
    """The processor's name, as Linux has it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


# Worker processes, one for each system


def work(name: str, runtime: str) -> None:
    """Time one system on each recording that comes on the standard input."""
    process = _system(name, runtime)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        process(Path(line.rstrip("\n")))
        took = time.perf_counter() - wall, time.process_time() - cpu
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(*took, peak, flush=True)


def _system(name: str, runtime: str) -> Callable[[Path], object]:
    if runtime == "features":
        return {FLOOR: _floor, "librosa mel": _librosa_mel, "librosa CQT": _librosa_cqt}[name]
    import mirzoo

    if runtime != "onnx":
        return mirzoo.load(name, runtime=runtime).annotate
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        mirzoo.export(mirzoo.load(name), file)
        return mirzoo.load(file).annotate


def _floor(song: Path) -> None:
    import soxr

    samples, rate = soundfile.read(song, dtype="int16", always_2d=True)
    mono = samples.astype(np.float32) @ np.full(samples.shape[1], 1 / 32768 / samples.shape[1], "f")
    mono = soxr.resample(mono, rate, FLOOR_RATE)
    frames = np.lib.stride_tricks.sliding_window_view(mono, N_FFT)[::HOP]
    np.fft.rfft(frames * np.hanning(N_FFT).astype(np.float32))


def _librosa_mel(song: Path) -> None:
    import librosa

    mono, rate = librosa.load(song, sr=FLOOR_RATE)
    mel = librosa.feature.melspectrogram(y=mono, sr=rate, n_fft=N_FFT, hop_length=HOP, n_mels=96)
    librosa.power_to_db(mel)


def _librosa_cqt(song: Path) -> None:
    import librosa

    mono, rate = librosa.load(song, sr=22050)
    np.abs(librosa.cqt(mono, sr=rate, hop_length=512, n_bins=84))


class Worker:
    """A process that times one system.

    Parameters
    ----------
    command : sequence of str
        Starts it.
    line : str
        What it reads for a recording, with ``{song}`` and ``{result}``.
    variables : dict of str to str
        Of the environment, besides those of this process.
    """

    def __init__(
        self, command: Sequence[str], line: str = "{song}", variables: dict[str, str] | None = None
    ) -> None:
        self._line = line
        self._scratch = tempfile.TemporaryDirectory()
        self._errors = Path(self._scratch.name) / "stderr.txt"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=self._scratch.name,
                env={**os.environ, **(variables or {})},
            )

    def time(self, song: Path) -> Taken:
        """Time a recording.

        Raises
        ------
        RuntimeError
            If the system fails; with its last words.
        """
        result = Path(self._scratch.name) / "result"
        print(self._line.format(song=song, result=result), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline().split()
        if len(answer) < 2:
            raise RuntimeError(
                self._errors.read_text(errors="replace").strip()[-300:] or "it ended"
            )
        peak = int(answer[2]) if len(answer) > 2 else 0
        return Taken(float(answer[0]), float(answer[1]), peak)

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._scratch.cleanup()


@contextmanager
def worker(
    name: str, runtime: str, *, checkout: Path = ROOT, threads: int | None = None
) -> Iterator[Worker]:
    """Start a worker for a system of ours."""
    program = [sys.executable, os.fspath(Path(__file__).resolve()), "worker", name, runtime]
    variables = {"PYTHONPATH": os.fspath(checkout)}
    if threads is not None:
        variables["MIRZOO_THREADS"] = str(threads)
    started = Worker(program, variables=variables)
    try:
        yield started
    finally:
        started.close()


@contextmanager
def peer(name: str, python: str) -> Iterator[Worker]:
    """Start a worker for a published package."""
    script = PEERS / name / "original.py"
    started = Worker([python, os.fspath(script)], LINES.get(name, "{song}\t{result}"))
    try:
        yield started
    finally:
        started.close()


def in_turns(
    workers: dict[str, Worker], song: Path, rounds: int
) -> tuple[dict[str, list[Taken]], dict[str, str]]:
    """Time all in turns; whoever fails is left out from then on.

    Returns
    -------
    taken : dict of str to list of Taken
        Of each that never failed, one a round; the round that warms up is left out.
    failed : dict of str to str
        Last words of the others.
    """
    taken: dict[str, list[Taken]] = {name: [] for name in workers}
    failed: dict[str, str] = {}
    for number in range(1 + rounds):
        order = list(taken) if number % 2 else list(reversed(taken))
        for name in order:
            try:
                took = workers[name].time(song)
            except (RuntimeError, OSError) as error:
                failed[name] = str(error)
                del taken[name]
                continue
            if number:
                taken[name].append(took)
    return taken, failed


# The table


def table(options: argparse.Namespace) -> str:
    """Time models, features and peers on a recording; the rows of a Markdown table."""
    rows, lines = [], []
    with tempfile.TemporaryDirectory() as folder:
        song = options.song or write_song(Path(folder) / "song.wav", SECONDS)
        seconds = soundfile.info(song).duration
        for name in (FLOOR, *FEATURES):
            rows += _group({(name, ""): worker(name, "features")}, song, options, lines)
        for name in _models(options.models):
            group = {(name, runtime): worker(name, runtime) for runtime in options.runtimes}
            if options.against is not None:
                before = worker(name, "litert", checkout=options.against.resolve())
                group[name, "before"] = before
            rows += _group(group, song, options, lines)
        for entry in options.peers:
            name, _, python = entry.partition("=")
            rows += _group({(name, "package"): peer(name, python)}, song, options, lines)
    given = {entry.partition("=")[0] for entry in options.peers}
    for name in KNOWN_PEERS:
        if name not in given:
            lines.append(f"{name}: not measured; give --peers {name}=PYTHON (benchmarks/peers)")
    head = f"{seconds:.0f} s of music, {processor()}, {os.cpu_count()} cores"
    return "\n".join([head, "", *_table(rows, seconds), *([""] if lines else []), *lines])


class Row(NamedTuple):
    """A system in the table; ``ratio`` is to the same model in another checkout."""

    name: str
    runtime: str
    wall_s: float
    cpu_s: float
    peak: int
    ratio: tuple[float, float] | None = None


def _group(
    group: dict[tuple[str, str], object], song: Path, options: argparse.Namespace, lines: list[str]
) -> list[Row]:
    """Time those that belong together."""
    with ExitStack() as stack:
        workers = {
            f"{name}\t{runtime}": stack.enter_context(started)
            for (name, runtime), started in group.items()
        }
        taken, failed = in_turns(workers, song, options.rounds)
    lines += [f"{key.replace(chr(9), ' ')}: {words}" for key, words in failed.items()]
    before = next((runs for key, runs in taken.items() if key.endswith("\tbefore")), None)
    rows = []
    for key, runs in taken.items():
        name, _, runtime = key.partition("\t")
        ratio = ratios(runs, before) if before and runtime == "litert" else None
        rows.append(Row(name, runtime, *_medians(runs), ratio))
    return rows


def _medians(runs: Iterable[Taken]) -> tuple[float, float, int]:
    wall, cpu, peak = zip(*runs)
    return statistics.median(wall), statistics.median(cpu), max(peak)


def ratios(runs: Sequence[Taken], others: Sequence[Taken]) -> tuple[float, float]:
    """Median over pairs of the ratio of wall and of CPU seconds.

    Examples
    --------
    >>> ratios([Taken(1.0, 2.0), Taken(3.0, 2.0)], [Taken(2.0, 4.0), Taken(3.0, 4.0)])
    (0.75, 0.5)
    """
    pairs = list(zip(runs, others, strict=True))
    return (
        statistics.median(ours.wall_s / theirs.wall_s for ours, theirs in pairs),
        statistics.median(ours.cpu_s / theirs.cpu_s for ours, theirs in pairs),
    )


def _table(rows: Sequence[Row], seconds: float) -> list[str]:
    floor = next((row.cpu_s for row in rows if row.name == FLOOR), None)
    head = ["", "runtime", "wall s", "CPU s", "music s / CPU s", "CPU / floor", "peak MB",
            "wall / before", "CPU / before"]  # fmt: skip
    cells = [head, ["---"] * len(head)]
    for row in rows:
        cells.append(
            [
                row.name,
                row.runtime,
                f"{row.wall_s:.3f}",
                f"{row.cpu_s:.3f}",
                f"{seconds / row.cpu_s:,.0f}",
                f"{row.cpu_s / floor:.1f}" if floor else "",
                f"{row.peak / 1e6:.0f}" if row.peak else "",
                *(f"{ratio:.2f}" for ratio in row.ratio or ()),
                *([""] * 2 if row.ratio is None else []),
            ]
        )
    return [f"| {' | '.join(line)} |" for line in cells]


def _models(given: Sequence[str] | None) -> list[str]:
    from mirzoo import hub

    here = hub.local_models() if given is None else given
    return [os.fspath(Path(name).resolve()) if Path(name).is_dir() else name for name in here]


def write_song(path: Path, seconds: int) -> Path:
    """Write the demo clip again and again, as 16-bit stereo at 44.1 kHz, in bounded memory."""
    from mirzoo import audio

    clip = audio.read(audio.demo_clip(), SONG_RATE)
    stereo = np.stack([clip, np.roll(clip, SONG_RATE // 100)], axis=1)
    left = seconds * SONG_RATE
    with soundfile.SoundFile(path, "w", SONG_RATE, 2, "PCM_16") as file:
        while left > 0:
            file.write(stereo[:left])
            left -= len(stereo)
    return path


# Scaling


def scaling(options: argparse.Namespace) -> str:
    """Time by length, threads and number of files; lines of Markdown tables."""
    lines = [f"{processor()}, {os.cpu_count()} cores"]
    with tempfile.TemporaryDirectory() as folder:
        for name in _models(options.models or ["mel_cnn_tagger"]):
            lines += ["", f"{name}: length of the recording", ""]
            lines += _lengths(name, Path(folder), options)
            lines += ["", f"{name}: threads, {SECONDS} s", ""]
            lines += _threads(name, Path(folder), options)
            lines += ["", f"{name}: `mirzoo annotate` of files of {FILE_S} s", ""]
            lines += _files(name, Path(folder), options)
    return "\n".join(lines)


def _lengths(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    rows = [["seconds", "wall s", "CPU s", "music s / wall s", "peak MB"], ["---"] * 5]
    for seconds in options.seconds:
        song = write_song(folder / "song.wav", seconds)
        with worker(name, "litert") as started:
            wall, cpu, peak = _medians(in_turns({"": started}, song, options.rounds)[0][""])
        row = [f"{seconds}", f"{wall:.3f}", f"{cpu:.3f}", f"{seconds / wall:,.0f}"]
        rows.append([*row, f"{peak / 1e6:.0f}"])
    return [f"| {' | '.join(row)} |" for row in rows]


def _threads(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    song = write_song(folder / "song.wav", SECONDS)
    with ExitStack() as stack:
        workers = {
            str(threads): stack.enter_context(worker(name, "litert", threads=threads))
            for threads in options.threads
        }
        taken, _ = in_turns(workers, song, options.rounds)
    rows = [["threads", "wall s", "CPU s", "peak MB"], ["---"] * 4]
    for threads, runs in taken.items():
        wall, cpu, peak = _medians(runs)
        rows.append([threads, f"{wall:.3f}", f"{cpu:.3f}", f"{peak / 1e6:.0f}"])
    return [f"| {' | '.join(row)} |" for row in rows]


def _files(name: str, folder: Path, options: argparse.Namespace) -> list[str]:
    first = write_song(folder / "first.wav", FILE_S)
    rows = [["files", "wall s", "CPU s", "files / wall s"], ["---"] * 4]
    for count in options.files:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            music = Path(made) / "music"
            music.mkdir()
            for number in range(count):
                os.link(first, music / f"{number:05}.wav")
            taken = _command(["annotate", name, music, "-o", Path(made) / "results"])
        wall, cpu = taken.wall_s, taken.cpu_s
        rows.append([f"{count:,}", f"{wall:.2f}", f"{cpu:.2f}", f"{count / wall:,.1f}"])
    return [f"| {' | '.join(row)} |" for row in rows]


def _command(arguments: Sequence[object]) -> Taken:
    """Run `mirzoo`, once: the time of its start is in it."""
    before, wall = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mirzoo", *map(str, arguments)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
    )
    after, wall = os.times(), time.perf_counter() - wall
    user, system = (
        after.children_user - before.children_user,
        after.children_system - before.children_system,
    )
    return Taken(wall, user + system)


if __name__ == "__main__":
    main()
