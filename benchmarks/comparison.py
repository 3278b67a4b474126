"""What `beats.py`, `chords.py`, `key.py` and `melody.py` share: recordings, systems, tables.

A system is a model of mirzoo, a published package in an environment of its own (a *peer*,
``peers/<name>/original.py``), or a function. All process the same files: prepared corpora are mono
at 16 kHz, and each system resamples to what it needs. What a system finds in a recording is cached
under the ``--work`` folder by the hash of the samples, and of the model's files, so that nothing is
computed twice and nothing old is taken for new.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import soundfile

import mirzoo
from mirzoo import audio, hub
from mirzoo.audio import demo_clip
from mirzoo.data.corpus import FULL_SCALE, SAMPLE_RATE, Corpus
from mirzoo.data.labels import Labels
from mirzoo.data.sources import data_home
from mirzoo.errors import DataError
from mirzoo.evaluation import Score, overall
from mirzoo.evaluation.bootstrap import RESAMPLES, interval, interval_of_mean, resampled
from mirzoo.evaluation.corpora import truth_of
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.scores import ratio

PEERS = Path(__file__).parent / "peers"
RESULT_SUFFIX = {"beats": ".beats", "chords": ".lab", "key": ".key", "melody": ".csv"}
HASH_LENGTH = 16
ERRORS_FILE = "stderr.txt"
CLOSING_S = 60
SPEED_RATE = 44100
SPEED_S = 60
Timing = tuple[float, float]


class Recording(NamedTuple):
    """An item of a corpus: int16 ``(samples,)``, by default at 16 kHz, and what is known of it."""

    name: str
    group: str
    samples: np.ndarray
    labels: Labels
    sample_rate: int = SAMPLE_RATE

    @property
    def duration_s(self) -> float:
        """Length (s)."""
        return len(self.samples) / self.sample_rate

    @property
    def key(self) -> str:
        """A hash of the samples."""
        return hashlib.sha256(self.samples.tobytes()).hexdigest()[:HASH_LENGTH]

    def truth(self, task: str) -> Annotation | None:
        """What a system for the task should say; None where the labels don't tell."""
        return truth_of(self.labels, task, self.duration_s)


class System(Protocol):
    """Anything that processes files.

    ``name`` is for people, ``key`` is the name of the folder that its results are cached in.
    """

    name: str
    key: str

    def run(self, recording: Path, result: Path) -> Timing:
        """Write what sounds in a wav file to a ``.lab`` or ``.csv``; wall and CPU seconds."""

    def close(self) -> None:
        """Let go of whatever the system holds."""


class Function:
    """A system in a few lines of Python.

    Parameters
    ----------
    name : str
    annotate : callable
        Path of a recording → annotation.
    version : int
        Raised whenever it would say something else than before.
    """

    def __init__(
        self, name: str, annotate: Callable[[Path], Annotation], *, version: int = 1
    ) -> None:
        self.name = name
        self.key = f"{name}-{version}"
        self._annotate = annotate

    def run(self, recording: Path, result: Path) -> Timing:
        """Annotate and write, timing the first alone."""
        wall, cpu = time.perf_counter(), time.process_time()
        estimate = self._annotate(recording)
        took = time.perf_counter() - wall, time.process_time() - cpu
        estimate.write(result)
        return took

    def close(self) -> None:
        """Hold nothing."""


class Model(Function):
    """A model of mirzoo, by name or folder, loaded when it is first needed.

    In tables it is called as the folder is.
    """

    def __init__(self, name: str, runtime: str = "litert") -> None:
        self._runner = None
        self._name, self._runtime = name, runtime
        card = hub.card(name)
        files = hashlib.sha256("".join(sorted(card.files.values())).encode()).hexdigest()
        self.task = card.task
        super().__init__(Path(name).name, self._hear)
        self.key = f"{card.name}-{files[:HASH_LENGTH]}-{runtime}"

    def _hear(self, recording: Path) -> Annotation:
        if self._runner is None:
            self._runner = mirzoo.load(self._name, runtime=self._runtime)
        return self._runner.annotate(recording)


class Peer:
    """A published package, run by ``peers/<name>/original.py`` in its own environment.

    That script reads lines, a recording and a file to write with a tab between, and answers each
    with wall and CPU seconds. It is started when it is first needed.

    Parameters
    ----------
    name : str
        Its folder under ``peers``; behind a colon what its script is started with, where it runs
        several systems (``madmom_chords:cnn``).
    python : str
        The interpreter of its environment; where it is empty, only what is kept already counts.
    """

    def __init__(self, name: str, python: str = "") -> None:
        folder, _, self._variant = name.partition(":")
        self.name, self.key = name, name.replace(":", "-")
        self._python = python
        self._script = PEERS / folder / "original.py"
        self._process: subprocess.Popen | None = None
        self._scratch: tempfile.TemporaryDirectory | None = None
        if not self._script.is_file():
            known = sorted(path.parent.name for path in PEERS.glob("*/original.py"))
            raise DataError(f"there is no peer '{folder}'; there are: {', '.join(known)}")

    def run(self, recording: Path, result: Path) -> Timing:
        """Ask the package's process."""
        if self._process is None:
            if not self._python:
                raise DataError(
                    f"{self.name} is not finished and its interpreter isn't given; "
                    f"give {self.name}=PYTHON, and see {self._script} for its environment"
                )
            self._process = self._start()
        print(f"{recording}\t{result}", file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline().split()
        if len(answer) != 2 or not result.exists():
            tail = Path(self._scratch.name, ERRORS_FILE).read_text()[-2000:]
            raise DataError(f"{self.name} failed on {recording.name}; its last words:\n{tail}")
        return float(answer[0]), float(answer[1])

    def _start(self) -> subprocess.Popen:
        self._scratch = tempfile.TemporaryDirectory()
        with Path(self._scratch.name, ERRORS_FILE).open("w") as errors:
            return subprocess.Popen(
                [self._python, os.fspath(self._script), *filter(None, [self._variant])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def close(self) -> None:
        """Let the process end, by force after `CLOSING_S`; its results are written by then."""
        if self._process is not None:
            self._process.stdin.close()
            try:
                self._process.wait(timeout=CLOSING_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process.stdout.close()
            self._process = None
            self._scratch.cleanup()


def parser(description: str) -> argparse.ArgumentParser:
    """The options that both benchmarks have."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--home", type=Path, default=data_home(),
                           help="folder that holds corpus/ (mirzoo prepare)")  # fmt: skip
    arguments.add_argument("--work", type=Path, required=True,
                           help="folder that the systems' results are cached in")  # fmt: skip
    arguments.add_argument("--models", nargs="*", default=[], help="names or folders of models")
    arguments.add_argument("--runtime", choices=["litert", "keras"], default="litert")
    arguments.add_argument("--peers", nargs="*", default=[], metavar="NAME[=PYTHON]",
                           help="packages, each with its environment's interpreter")  # fmt: skip
    arguments.add_argument("--limit", type=int, default=60,
                           help="recordings of a set, spread evenly over it")  # fmt: skip
    arguments.add_argument("--names", default="", metavar="PREFIX",
                           help="only recordings whose names begin so (sung_own: level/ is "
                           "sung at 0 dB)")  # fmt: skip
    arguments.add_argument("--snr", type=float, metavar="DB",
                           help="add white noise, recordings so much louder than it")  # fmt: skip
    arguments.add_argument("--speed", action="store_true",
                           help="only time all systems on a minute of music")  # fmt: skip
    arguments.add_argument("--rounds", type=int, default=3, help="of the timing")
    return arguments


def add_against(arguments: argparse.ArgumentParser) -> None:
    """Add the option of `print_scores`; `systems` checks it."""
    arguments.add_argument("--against", metavar="SYSTEM",
                           help="also print by how much scores over time differ from its, with "
                           "intervals")  # fmt: skip


def systems(options: argparse.Namespace, task: str, own: Sequence[System] = ()) -> list[System]:
    """Those that the command line asks for, after our own baselines.

    Raises
    ------
    DataError
        If a model has another task, two systems share a name, or ``--against`` is none of them.
    """
    models = [Model(name, options.runtime) for name in options.models]
    for model in models:
        if model.task != task:
            raise DataError(f"{model.name} is a model for {model.task}, not for {task}")
    peers = [Peer(*peer.split("=", 1)) for peer in options.peers]
    every = [*own, *peers, *models]
    names = [system.name for system in every]
    for name in set(names):
        if names.count(name) > 1:
            raise DataError(f"two systems are called '{name}'; rename one model's folder")
    against = getattr(options, "against", None)
    if against is not None and against not in names:
        raise DataError(f"--against is '{against}'; there are {', '.join(names)}")
    return every


def recordings(
    home: Path,
    sets: str,
    *,
    split: str = "test",
    names: str = "",
    limit: int,
    snr_db: float | None = None,
) -> list[Recording]:
    """Items of prepared corpora.

    Parameters
    ----------
    home : path
        The folder that holds ``corpus/``.
    sets : str
        Names of collections, ``+`` between them.
    split : str
    names : str
        What the names of the recordings begin with.
    limit : int
        At most so many, spread evenly over all.
    snr_db : float, optional
        White noise is added, each recording so much louder than it (dB); by default none.

    Raises
    ------
    DataError
        If a corpus isn't prepared, or nothing is left.
    """
    items = [
        (corpus, number)
        for name in sets.split("+")
        for corpus in [Corpus.load(home / "corpus" / name)]
        for number, item in enumerate(corpus.items)
        if item.split == split and item.name.startswith(names)
    ]
    if not items:
        called = f" called '{names}…'" if names else ""
        raise DataError(f"'{sets}' has no items of the split '{split}'{called}")
    found = [_recording(corpus, number) for corpus, number in spread(items, limit)]
    return found if snr_db is None else [with_noise(clean, snr_db) for clean in found]


def _recording(corpus: Corpus, number: int) -> Recording:
    item = corpus.items[number]
    samples = corpus.audio[item.offset_samples : item.offset_samples + item.n_samples]
    return Recording(item.name, item.group, np.array(samples), corpus.labels(number))


def with_noise(clean: Recording, snr_db: float) -> Recording:
    """The recording with white noise, always the same; softer as a whole where it would clip."""
    waveform = clean.samples.astype(np.float64)
    noise = np.random.default_rng(int(clean.key, 16)).standard_normal(len(waveform))
    rms = np.sqrt(np.mean(np.square(waveform)))
    mixed = waveform + noise * rms * 10 ** (-snr_db / 20)
    mixed /= max(1.0, np.max(np.abs(mixed)) / FULL_SCALE)
    return clean._replace(samples=np.round(mixed).astype(np.int16))


def spread(items: Sequence, limit: int) -> list:
    """At most ``limit`` items, evenly spread.

    Examples
    --------
    >>> spread("abcdefgh", 4)
    ['a', 'c', 'e', 'g']
    """
    count = min(limit, len(items))
    return [items[number * len(items) // count] for number in range(count)]


def estimates_of(
    system: System,
    found: Iterable[Recording],
    task: str,
    work: Path,
    *,
    report: Callable[[str], None] = print,
) -> Iterator[Annotation]:
    """What a system finds in each recording, from the work folder where it is cached already.

    Yields
    ------
    Annotation
        In the order of the recordings.
    """
    folder = work / task / system.key
    folder.mkdir(parents=True, exist_ok=True)
    computed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for recording in found:
            result = folder / f"{recording.key}{RESULT_SUFFIX[task]}"
            if not result.exists():
                wav = Path(scratch) / f"{recording.key}.wav"
                soundfile.write(wav, recording.samples, recording.sample_rate)
                fresh = Path(scratch) / result.name
                system.run(wav, fresh)
                unfinished = result.with_suffix(".unfinished")
                unfinished.write_bytes(fresh.read_bytes())
                os.replace(unfinished, result)
                wav.unlink()
                fresh.unlink()
                computed += 1
                if computed % 20 == 0:
                    report(f"{system.name}: {computed} recordings processed")
            yield TASKS[task].annotation.read(result)


def timings(contestants: Sequence[System], task: str, rounds: int) -> dict[str, Timing]:
    """Median wall and CPU seconds of each for a minute of music; one round more warms up.

    All take turns on the same file, so that whatever else the machine does hits each alike.
    """
    taken: dict[str, list[Timing]] = {system.name: [] for system in contestants}
    with tempfile.TemporaryDirectory() as scratch:
        song = Path(scratch) / "song.wav"
        clip = audio.read(demo_clip(), SPEED_RATE)
        soundfile.write(song, np.resize(clip, SPEED_S * SPEED_RATE), SPEED_RATE)
        for _ in range(1 + rounds):
            for number, system in enumerate(contestants):
                result = Path(scratch) / f"{number}{RESULT_SUFFIX[task]}"
                taken[system.name].append(system.run(song, result))
                result.unlink()
    return {
        name: tuple(statistics.median(column) for column in zip(*taken_each[1:], strict=True))
        for name, taken_each in taken.items()
    }


def print_timings(contestants: Sequence[System], task: str, rounds: int) -> None:
    """Print what `timings` gives, the fastest first."""
    print(f"\n{SPEED_S} s of music\n{'':26}{'wall s':>9}{'CPU s':>9}")
    medians = timings(contestants, task, rounds)
    for name, (wall, cpu) in sorted(medians.items(), key=lambda row: row[1]):
        print(f"{name:26}{wall:9.2f}{cpu:9.2f}")


def print_table(
    title: str, rows: dict[str, dict[str, Score]], columns: Sequence[str], n: int
) -> None:
    """Print a row per system; scores that judge no second are left blank."""
    seconds = max((score.seconds for row in rows.values() for score in row.values()), default=0.0)
    print(f"\n{title}: n = {n}, {seconds:.0f} s judged")
    widths = [max(8, len(column) + 2) for column in columns]
    print(" " * 26 + "".join(f"{column:>{width}}" for column, width in zip(columns, widths)))
    for name, scores in rows.items():
        cells = (
            f"{scores[column].value:{width}.3f}"
            if column in scores and scores[column].seconds > 0 else " " * width
            for column, width in zip(columns, widths)
        )  # fmt: skip
        print(f"{name:26}" + "".join(cells), flush=True)


def print_scores(
    title: str,
    scores: dict[str, list[dict[str, Score]]],
    columns: Sequence[str],
    groups: Sequence[str],
    against: str | None = None,
) -> None:
    """Print a row per system; with ``against`` also by how much each differs from that one.

    Parameters
    ----------
    title : str
    scores : dict of str to list
        Of each system, the scores of each recording.
    columns : sequence of str
    groups : sequence of str
        Of each recording: what the bootstrap draws.
    against : str, optional
        A system. Differences are of the same recordings, with the interval of 95 % of draws.
    """
    rows = {name: overall(each) for name, each in scores.items()}
    print_table(title, rows, columns, len(groups))
    if against is None:
        return
    judged = [column for column in columns if any(each.get(column) for each in scores[against])]
    width = 26
    print(f"less those of {against}")
    print(" " * 26 + "".join(f"{column:>{width}}" for column in judged))
    for name, each in scores.items():
        if name != against:
            cells = (difference(each, scores[against], column, groups) for column in judged)
            print(f"{name:26}" + "".join(f"{cell:>{width}}" for cell in cells), flush=True)


def difference(
    one: Sequence[dict[str, Score]],
    other: Sequence[dict[str, Score]],
    column: str,
    groups: Sequence[str],
) -> str:
    """By how much a score is higher than another's on the same recordings, with its interval.

    Recordings count by the seconds that both judge; where there are none it is empty.
    """
    none = Score(float("nan"), 0.0)
    pairs = [(a.get(column, none), b.get(column, none)) for a, b in zip(one, other, strict=True)]
    seconds = np.array([[a.seconds, b.seconds] for a, b in pairs])
    values = np.nan_to_num(np.array([[a.value, b.value] for a, b in pairs]))
    counted = (seconds > 0).all(axis=1)
    if not counted.any():
        return ""

    def of_draws(weights: np.ndarray) -> dict[str, np.ndarray]:
        parts = [
            ratio(
                weights @ (values[:, number] * seconds[:, number] * counted),
                weights @ (seconds[:, number] * counted),
            )
            for number in range(2)
        ]
        return {"difference": parts[0] - parts[1]}

    whole = float(of_draws(np.ones((1, len(pairs))))["difference"][0])
    found = interval(resampled(of_draws, groups, RESAMPLES, 0)["difference"])
    assert found is not None  # there are values
    return f"{whole:+.3f} [{found[0]:+.3f}, {found[1]:+.3f}]"


def with_interval(each: Sequence[Score], groups: Sequence[str]) -> str:
    """Mean and interval of a score over the recordings that it judges; empty where that is none."""
    judged = np.array([score.seconds > 0 for score in each])
    if not judged.any():
        return ""
    values = np.array([score.value for score in each])[judged]
    return mean_with_interval(values, [group for group, counts in zip(groups, judged) if counts])


def mean_with_interval(values: np.ndarray, groups: Sequence[str]) -> str:
    """The mean of a value a recording, and where it lies in 95 % of draws of whole groups."""
    ends = interval_of_mean(values, groups)
    assert ends is not None  # there are values
    return f"{values.mean():.3f} [{ends[0]:.2f}, {ends[1]:.2f}]"
