"""Measure what quantised LiteRT files cost and gain: size, speed, memory, scores.

python benchmarks/quantization.py --work files/ --reference older/saved_models --home data/
--others basic_pitch=nmp.tflite@22050 musicnn_mtt=model.tflite@16000

Every model is exported in every precision. Times are those of one thread on the model's own
window, the files taking turns, as ratios to the ``--reference`` (another checkout's
``saved_models``; by default the files that come with mirzoo). Memory is the peak of a process of
its own over that of the bare runtime, as Linux counts it; the allocator gives back what was freed
in pieces of 64 kB and more, whatever its history, since else the same file differs by 3 MB with the
length of its path. Losses are those of the scores of each task on the ``--corpora``, which are
prepared under ``--home``, float32 less quantised: on the test items of corpora with chords or
melodies, and of taggers the probes of their cards. Other ``.tflite`` files take part in speed and
memory with ``--others NAME=FILE@RATE``, and so do a log-mel spectrogram of Kapre's layers for
TFLite and that of `mel_cnn_tagger`, alone.

The results go into ``quantization.json`` next to this file, of which the documentation makes a
table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mirzoo import hub
from mirzoo._support.files import write_whole
from mirzoo.data.corpus import Corpus
from mirzoo.data.sources import data_home
from mirzoo.evaluation.corpora import measure
from mirzoo.export import export
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.tasks.base import TASKS

PRECISIONS = (None, "float16", "dynamic", "int8")
MODELS = ("mel_cnn_tagger", "cqt_crnn_chords", "hcqt_cnn_melody")
RESULTS = Path(__file__).with_suffix(".json")
GIVING_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536"}
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
    parser.add_argument("--others", nargs="*", default=(), metavar="NAME=FILE@RATE",
                        help="other .tflite files, and the rate (Hz) that they take")  # fmt: skip
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    home = data_home() if options.home is None else options.home
    corpora = [Corpus.load(home / "corpus" / name) for name in options.corpora]
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in options.models:
        files = dict(written(name, options.work))
        reference = hub.folder(name) if options.reference is None else options.reference / name
        taken = hub.card(name).input
        paths = {"reference": reference / "model.tflite", **files}
        results[name] = costs(paths, taken.hop_samples / taken.sample_rate)
        report(name, results[name])
        for score, losses in losses_of(name, files, corpora):
            results[name].setdefault("losses", {})[score] = losses
            print(f"{name:18} {score:50} {losses}", flush=True)
        write_whole(RESULTS, json.dumps(results, indent=1) + "\n")
    others = {}
    for other in options.others:
        name, _, place = other.partition("=")
        file, _, rate = place.rpartition("@")
        samples = int(np.prod(Interpreter(file).get_input_details()[0]["shape"]))
        others[name] = costs({name: Path(file)}, samples / int(rate))[name]
    others |= front_ends(options.work)
    report("others", others)
    results["others"] = results.pop("others", {}) | others
    write_whole(RESULTS, json.dumps(results, indent=1) + "\n")


def written(name: str, work: Path) -> Iterator[tuple[str, Path]]:
    """Export a model in every precision: the name of the precision, and the file."""
    model = hub.load(name)
    for precision in PRECISIONS:
        path = work / f"{name}.{precision or 'float32'}.tflite"
        export(model, path, quantize=precision, outputs="all", overwrite=True)
        yield precision or "float32", path


def costs(paths: dict[str, Path], audio_s: float) -> dict[str, Any]:
    """Size, speed and memory of files; the first is what others are compared with.

    Parameters
    ----------
    paths : dict of str to Path
    audio_s : float
        Seconds of music that a run of each stands for.
    """
    times = dict(zip(paths, seconds(list(paths.values())), strict=True))
    first = next(iter(times.values()))
    return {
        name: {
            "bytes": path.stat().st_size,
            "times_faster": round(
                statistics.median(a / b for a, b in zip(first, times[name], strict=True)), 2
            ),
            "audio_s_per_cpu_s": round(audio_s / min(times[name]), 1),
            "peak_mb": round(peak_mb(path), 1),
        }
        for name, path in paths.items()
    }


def report(title: str, found: dict[str, Any]) -> None:
    """Print a line for each file."""
    for name, cost in found.items():
        print(
            f"{title:18} {name:22} {cost['bytes'] / 1e6:6.3f} MB  x{cost['times_faster']:4.2f}  "
            f"{cost['audio_s_per_cpu_s']:7.1f} s a CPU second  {cost['peak_mb']:5.1f} MB at most",
            flush=True,
        )


def front_ends(work: Path) -> dict[str, Any]:
    """Costs of a log-mel spectrogram alone: Kapre's layers for TFLite, and `mel_cnn_tagger`'s."""
    import kapre
    import keras
    import tensorflow as tf
    from kapre.time_frequency_tflite import MagnitudeTflite, STFTTflite

    from mirzoo.export.conversion import convert
    from mirzoo.export.litert import LONGEST_TRANSFORM_BY_MATRICES
    from mirzoo.models.layers.fourier import transforms_by_matrices

    model = hub.load("mel_cnn_tagger")
    taken, mel = model.card.input, hub.load_recipe("mel_cnn_tagger").frontend
    theirs = keras.Sequential(
        [
            keras.Input((taken.window_samples, 1), batch_size=1),
            STFTTflite(n_fft=mel.n_fft, hop_length=mel.hop_length),
            MagnitudeTflite(),
            kapre.ApplyFilterbank(
                "mel", {"sample_rate": taken.sample_rate, "n_freq": mel.n_fft // 2 + 1,
                        "n_mels": mel.n_mels},
            ),
            kapre.MagnitudeToDecibel(),
        ]
    )  # fmt: skip
    paths = {"kapre_log_mel": work / "kapre.tflite", "mel_cnn_tagger_log_mel": work / "mel.tflite"}
    spec = tf.TensorSpec((1, taken.window_samples), tf.float32, "waveform")
    with transforms_by_matrices(LONGEST_TRANSFORM_BY_MATRICES):
        ours = convert(lambda given: {"features": model.frontend(given[0])}, [spec])
    contents = (tf.lite.TFLiteConverter.from_keras_model(theirs).convert(), ours)
    for path, content in zip(paths.values(), contents, strict=True):
        path.write_bytes(content)
    return costs(paths, taken.hop_samples / taken.sample_rate)


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
        [sys.executable, "-c", MEMORY, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **GIVING_BACK},
    )
    return int(done.stdout) / 1024


def losses_of(
    name: str, files: dict[str, Path], corpora: Sequence[Corpus]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Each score, and by how much it is worse in each precision."""
    scores = {precision: scores_of(LiteRTModel(path), corpora) for precision, path in files.items()}
    less_is_better = TASKS[hub.card(name).task].lower_is_better
    for score, whole in scores["float32"].items():
        sign = -1 if score[1] in less_is_better else 1
        fall = {p: round(sign * (whole - found[score]), 4) for p, found in scores.items()}
        yield " ".join(score), {**fall, "float32": round(whole, 4)}


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
