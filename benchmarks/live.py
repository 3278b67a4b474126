"""Measure streams: latency by part, share of a core, agreement, memory over an hour, late blocks.

python benchmarks/live.py RECORDING... [--models MODEL ...] [--hours 1]

The recordings, one after the other, are pushed in blocks of 64 ms at 44.1 kHz. Printed are

- for each model and runtime its latency by part and the share of a core that a stream takes;
- how far the stream's results, joined, agree with `annotate` on the same samples at three sample
  rates, by the task's own score;
- how far decisions made at an age of so many seconds (`lag_s`) agree with those that the whole
  recording makes;
- with ``--hours``, resident memory through a stream of that length, pushed as fast as it goes;
- with ``--paced``, blocks that were late or dropped in so many seconds of real time.

By default models are those made for streams and, for each task that has none, one of the others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

import mirzoo
from mirzoo import audio
from mirzoo.engines import live
from mirzoo.tasks.base import TASKS

RATE, BLOCK_S = 44100, 0.064
RATES = (16000, 44100, 48000)
RUNTIMES = ("litert", "keras")
LAGS_S = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
OTHERS = {
    "tagging": "mel_cnn_tagger", "chords": "cqt_crnn_chords", "melody": "stft_crnn_melody"
}  # fmt: skip
LAG_OF_OTHERS_S = 0.5
WARM_S, COMPARED_S, REPORTS = 5.0, 60.0, 12
PAGE_BYTES, BYTES_PER_MB = 4096, 1e6


def main() -> None:
    """Measure what the command line asks for, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--models", nargs="+", default=usual_models())
    parser.add_argument("--hours", type=float, default=0.0)
    parser.add_argument("--paced", type=float, default=0.0, metavar="SECONDS")
    options = parser.parse_args()
    waveform = np.concatenate([audio.read(path, RATE) for path in options.recordings])
    print(_row("model", "runtime", *_parts_of(None), "total (s)", "core", sep=True))
    for name in options.models:
        for runtime in RUNTIMES:
            stream = opened(mirzoo.load(name, runtime))
            share = share_of_core(stream, waveform)
            parts = [f"{value:.3f}" for value in _parts_of(stream)]
            print(_row(name, runtime, *parts, f"{stream.latency_s:.3f}", f"{share:.1%}"))
    print()
    print(_row("model", "score", *(f"{rate} Hz" for rate in RATES), sep=True))
    for name in options.models:
        score, values = agreement_with_annotate(name, options.recordings)
        print(_row(name, score, *(f"{value:.4f}" for value in values)))
    print()
    print(_row("model", "score", *(f"{lag:g} s" for lag in LAGS_S), sep=True))
    for name in options.models:
        if "lag_s" in _settings(mirzoo.load(name, "litert").card):
            score, values = agreement_by_age(name, waveform[: int(COMPARED_S * RATE)])
            print(_row(name, score, *(f"{value:.3f}" for value in values)))
    for name in options.models if options.hours else ():
        print(f"\n{name}: {memory(name, waveform, options.hours)}", flush=True)
    for name in options.models if options.paced else ():
        stream = opened(mirzoo.load(name, "litert"))
        print(f"\n{name}: {live.listen(stream, Paced(waveform, options.paced), [])}", flush=True)


def usual_models() -> list[str]:
    """Those made for streams, and one of the others for tasks that have none."""
    from mirzoo import hub

    streaming: dict[str, list[str]] = {task: [] for task in OTHERS}
    for listed in hub.overview(recipes=False):
        if listed.is_here and not listed.problem and hub.card(listed.name).live:
            streaming[listed.task].append(listed.name)
    return [name for task, names in streaming.items() for name in names or [OTHERS[task]]]


def opened(model: Any, rate: int = RATE, **decoding: Any) -> Any:
    """A stream; of models not made for streams, chords and melodies with a lag."""
    settings = _settings(model.card)
    if "lag_s" in settings and settings["lag_s"] is None and "lag_s" not in decoding:
        decoding["lag_s"] = LAG_OF_OTHERS_S
    return mirzoo.stream(model, source_rate=rate, decoding=decoding, block_s=BLOCK_S)


def blocks_of(waveform: np.ndarray, rate: int = RATE) -> Iterator[np.ndarray]:
    """Blocks of 64 ms."""
    size = round(BLOCK_S * rate)
    return (waveform[first : first + size] for first in range(0, len(waveform), size))


def share_of_core(stream: Any, waveform: np.ndarray) -> float:
    """Processor time for a second of sound, warm."""
    for block in blocks_of(waveform[: int(WARM_S * RATE)]):
        stream.push(block)
    began = time.process_time()
    for block in blocks_of(waveform):
        stream.push(block)
    return (time.process_time() - began) / (len(waveform) / RATE)


def agreement_with_annotate(name: str, recordings: list[Path]) -> tuple[str, list[float]]:
    """The task's first score of the stream's results, with `annotate`'s as the truth."""
    model = mirzoo.load(name, "litert")
    values = []
    for rate in RATES:
        waveform = np.concatenate([audio.read(path, rate) for path in recordings])
        waveform = waveform[: int(COMPARED_S * rate)]
        stream = opened(model, rate)
        decoding = {"lag_s": stream.card.decoding.lag_s} if _has_lag(stream.card) else {}
        expected = model.annotate(waveform, source_rate=rate, decoding=decoding)
        pieces = [*map(stream.push, blocks_of(waveform, rate)), stream.flush()]
        joined = type(expected).joined(piece for piece in pieces if piece is not None)
        score, value = _compared(expected, joined)
        values.append(value)
    return score, values


def agreement_by_age(name: str, waveform: np.ndarray) -> tuple[str, list[float]]:
    """The same of decisions at several ages, with those of the whole recording as the truth."""
    model = mirzoo.load(name, "litert")
    whole = model.annotate(waveform, source_rate=RATE, decoding={"lag_s": None})
    values = []
    for lag_s in LAGS_S:
        at_age = model.annotate(waveform, source_rate=RATE, decoding={"lag_s": lag_s})
        score, value = _compared(whole, at_age)
        values.append(value)
    return score, values


def memory(name: str, waveform: np.ndarray, hours: float) -> str:
    """Resident memory (MB) through a long stream, and how long that took."""
    stream = opened(mirzoo.load(name, "litert"))
    seconds, pushed_s, sizes, began = hours * 3600, 0.0, [], time.monotonic()
    busy = time.process_time()
    for block in cycle(list(blocks_of(waveform))):
        if pushed_s >= seconds:
            break
        stream.push(block)
        pushed_s += len(block) / RATE
        if pushed_s >= (len(sizes) + 1) * seconds / REPORTS:
            sizes.append(resident_mb())
    took, busy = time.monotonic() - began, time.process_time() - busy
    shown = " ".join(f"{size:.1f}" for size in sizes)
    return (
        f"{pushed_s:.0f} s in {took:.0f} s ({busy / pushed_s:.2%} of a core); resident MB at "
        f"{REPORTS} moments: {shown}"
    )


def resident_mb() -> float:
    """Resident memory of this process (MB)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE_BYTES / BYTES_PER_MB


class Paced:
    """Blocks that come in real time; those that nobody waits for when they come are late.

    Parameters
    ----------
    waveform : np.ndarray
    seconds : float
    """

    dropped = 0

    def __init__(self, waveform: np.ndarray, seconds: float) -> None:
        self._waveform, self._seconds = waveform, seconds

    def __iter__(self) -> Iterator[np.ndarray]:
        """Give each block when it would have been recorded."""
        began, given_s = time.monotonic(), 0.0
        for block in cycle(list(blocks_of(self._waveform))):
            if given_s >= self._seconds:
                return
            given_s += len(block) / RATE
            time.sleep(max(0.0, began + given_s - time.monotonic()))
            yield block


def _parts_of(stream: Any) -> list[Any]:
    names = ("resampling", "analysis", "network", "decoder", "block")
    if stream is None:
        return list(names)
    return [getattr(stream.latency, f"{name}_s") for name in names]


def _settings(card: Any) -> dict[str, Any]:
    if card.decoding is None:
        return {}
    return {name: getattr(card.decoding, name) for name in type(card.decoding).model_fields}


def _has_lag(card: Any) -> bool:
    return "lag_s" in _settings(card)


def _compared(truth: Any, estimate: Any) -> tuple[str, float]:
    task = TASKS[truth.task]
    if truth.task == "tagging":
        largest = np.abs(truth.probabilities - estimate.probabilities).max()
        return "1 - largest difference", float(1 - largest)
    score = task.headline[0]
    return score, task.scores(truth, estimate)[score].value


def _row(*cells: object, sep: bool = False) -> str:
    line = f"| {' | '.join(map(str, cells))} |"
    return f"{line}\n|{'---|' * len(cells)}" if sep else line


if __name__ == "__main__":
    main()
