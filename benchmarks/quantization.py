"""Measure what quantised LiteRT files cost and gain: size, speed, memory, scores.

python benchmarks/quantization.py --models mel_cnn_tagger cqt_crnn_chords hcqt_cnn_melody
--reference older/saved_models --home data/

Every model is exported in every precision. Times are those of one thread on the model's own
window, the files taking turns, as ratios to the ``--reference`` (another checkout's
``saved_models``; by default the files that come with mirzoo). Memory is the peak of a process of
its own over that of the bare runtime, as Linux counts it. Losses are those of the scores of each
task on the prepared corpora under ``--home``, float32 less quantised: on the test items of
corpora with chords or melodies, and of taggers the probes of their cards. Other ``.tflite`` files
take part in speed and memory with ``--others NAME=FILE``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mirzoo import hub
from mirzoo.data.corpus import Corpus
from mirzoo.data.sources import data_home
from mirzoo.evaluation.corpora import measure
from mirzoo.export import export
from mirzoo.runtimes.litert import LiteRTModel

PRECISIONS = (None, "float16", "dynamic", "int8")
MODELS = ("mel_cnn_tagger", "cqt_crnn_chords", "hcqt_cnn_melody")
ROUNDS = 15
WARM_UP = 2
MEMORY = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

bare = peak()
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for _ in range(3):
    for given in interpreter.get_input_details():
        interpreter.set_tensor(given["index"], np.full(given["shape"], 0.01, given["dtype"]))
    interpreter.invoke()
print(peak() - bare)
"""


def main() -> None:
    """Print a line for every file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", default=MODELS)
    parser.add_argument("--work", type=Path, required=True, help="where the files are written")
    parser.add_argument("--reference", type=Path, help="saved_models of another checkout")
    parser.add_argument("--home", type=Path, help="folder of corpus/; default as in prepare")
    parser.add_argument("--corpora", nargs="*", default=(), help="those to measure scores on")
    parser.add_argument("--others", nargs="*", default=(), metavar="NAME=FILE",
                        help="other .tflite files to time")  # fmt: skip
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    home = data_home() if options.home is None else options.home
    for name in options.models:
        files = dict(written(name, options.work))
        reference = hub.folder(name) if options.reference is None else options.reference / name
        print_costs(name, reference / "model.tflite", files)
        print_losses(name, files, [Corpus.load(home / "corpus" / c) for c in options.corpora])
    for other in options.others:
        name, _, file = other.partition("=")
        cpu_s = min(seconds([Path(file)])[0])
        print(f"{name:18} {cpu_s * 1e3:8.2f} ms a run, {peak_mb(Path(file)):5.1f} MB")


def written(name: str, work: Path) -> Iterator[tuple[str, Path]]:
    """Export a model in every precision: the name of the precision, and the file."""
    model = hub.load(name)
    for precision in PRECISIONS:
        path = work / f"{name}.{precision or 'float32'}.tflite"
        export(model, path, quantize=precision, outputs="all", overwrite=True)
        yield precision or "float32", path


def print_costs(name: str, reference: Path, files: dict[str, Path]) -> None:
    """Print sizes, memory, and how many times faster than the reference files are."""
    paths = {"reference": reference, **files}
    times = dict(zip(paths, seconds(list(paths.values())), strict=True))
    for precision, path in paths.items():
        faster = statistics.median(
            before / now for before, now in zip(times["reference"], times[precision], strict=True)
        )
        print(
            f"{name:18} {precision:10} {path.stat().st_size / 1e6:6.3f} MB  x{faster:4.2f} "
            f"({min(times[precision]) * 1e3:6.2f} ms)  {peak_mb(path):5.1f} MB at most",
            flush=True,
        )


def seconds(paths: Sequence[Path]) -> list[list[float]]:
    """Processor time of a run of each file, round after round, in one thread."""
    interpreters = [Interpreter(str(path), num_threads=1) for path in paths]
    rng = np.random.default_rng(0)
    for interpreter in interpreters:
        interpreter.allocate_tensors()
        for given in interpreter.get_input_details():
            noise = 0.1 * rng.standard_normal(given["shape"])
            interpreter.set_tensor(given["index"], noise.astype(given["dtype"]))
        for _ in range(WARM_UP):
            interpreter.invoke()
    times: list[list[float]] = [[] for _ in paths]
    for _ in range(ROUNDS):
        for interpreter, found in zip(interpreters, times, strict=True):
            before = time.process_time()
            interpreter.invoke()
            found.append(time.process_time() - before)
    return times


def peak_mb(path: Path) -> float:
    """Peak memory of a process that runs a file, over that of the bare runtime."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


def print_losses(name: str, files: dict[str, Path], corpora: Sequence[Corpus]) -> None:
    """Print by how much each score falls."""
    scores = {precision: scores_of(LiteRTModel(path), corpora) for precision, path in files.items()}
    for score, whole in scores["float32"].items():
        losses = "  ".join(
            f"{precision} {whole - found[score]:+.4f}"
            for precision, found in scores.items()
            if precision != "float32"
        )
        print(f"{name:18} {' '.join(score):50} {whole:.4f}  {losses}", flush=True)


def scores_of(runner: LiteRTModel, corpora: Sequence[Corpus]) -> dict[tuple[str, str], float]:
    """Each score by corpus and measure."""
    if runner.card.task == "tagging":
        from mirzoo.evaluation.probes import probe

        runner.name = runner.card.name
        folders = {corpus.directory.parent for corpus in corpora}
        metrics = [metric for folder in folders for metric in probe(runner, folder)]
    else:
        metrics = measure(runner, corpora)
    return {(metric.dataset, metric.metric): metric.value for metric in metrics}


if __name__ == "__main__":
    main()
