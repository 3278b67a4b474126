"""Measure streams, and how good the models made for them are.

python benchmarks/live.py streams RECORDING... [--models MODEL ...] [--hours 1]
python benchmarks/live.py tags [--models mel_cnn_live_tagger mel_cnn_tagger]
python benchmarks/live.py chords --work results/ [--peers chordino=chordino_env/bin/python]

``streams`` pushes the recordings, one after the other, in blocks of 64 ms at 44.1 kHz. Printed are

- for each model and runtime its latency by part and the share of a core that a stream takes;
- how far the stream's results, joined, agree with `annotate` on the same samples at three sample
  rates, by the task's own score;
- how far decisions made at an age of so many seconds (`lag_s`) agree with those that the whole
  recording makes;
- with ``--hours``, resident memory through a stream of that length, pushed as fast as it goes;
- with ``--paced``, blocks that were late or dropped in so many seconds of real time.

By default models are those made for streams and, for each task that has none, one of the others.

``tags`` takes `WINDOWS` windows of each held-out recording of prepared corpora. The tags that
``musicnn_mtt`` gives to one are its truth, as `mirzoo.tasks.tagging.scores.agreement` has them;
printed are each model's ROC-AUC and its difference from that of the last model, with intervals by
the bootstrap over artists and packages, both models on the same draws. What a model made for
streams gives is what it gives when the window ends, of a stream that began 3 s before it.

``chords`` prints, for each prepared corpus, the share of major and minor chords that is right, and
the difference from the first model's, with intervals by the bootstrap over recordings. Of a clip
that is one chord it is whether its root and third are, as `chords.py` has it. Peers take part where
their environment is given (see ``peers/<name>/original.py``).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

import mirzoo
from mirzoo import audio
from mirzoo.data.sources import data_home
from mirzoo.engines import live
from mirzoo.evaluation.bootstrap import RESAMPLES, draws, interval, resampled
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.tagging import Tags

RATE, BLOCK_S = 44100, 0.064
RATES = (16000, 44100, 48000)
RUNTIMES = ("litert", "keras")
LAGS_S = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
OTHERS = {
    "tagging": "mel_cnn_tagger", "chords": "cqt_crnn_chords", "melody": "stft_crnn_melody",
    "beats": "mel_cnn_beats",
}  # fmt: skip
LAG_OF_OTHERS_S = 0.5
WARM_S, COMPARED_S, REPORTS = 5.0, 60.0, 12
PAGE_BYTES, BYTES_PER_MB = 4096, 1e6


TEACHER = "musicnn_mtt"
TAG_MODELS = ("mel_cnn_live_tagger", "mel_cnn_tagger")
TAG_SETS = ("magnatune", "debian_minutes")
WINDOWS, WINDOW_S, BEFORE_S = 2, 3.008, 3.0
CHORD_MODELS = ("vqt_crnn_live_chords", "cqt_crnn_chords")
CHORD_SETS = ("isolated_chords", "charts_mma")


def main() -> None:
    """Measure what the command line asks for, and print tables."""
    import comparison  # of this folder

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="streams | tags | chords")
    command = commands.add_parser("streams")
    command.add_argument("recordings", nargs="+", type=Path)
    command.add_argument("--models", nargs="+", default=usual_models())
    command.add_argument("--hours", type=float, default=0.0)
    command.add_argument("--paced", type=float, default=0.0, metavar="SECONDS")
    command.set_defaults(measure=streams)
    command = commands.add_parser("tags")
    command.add_argument("--models", nargs="+", default=TAG_MODELS)
    command.add_argument("--sets", nargs="+", default=TAG_SETS)
    command.add_argument("--home", type=Path, default=data_home())
    command.add_argument("--limit", type=int, default=1000, help="recordings of a set")
    command.set_defaults(measure=tags)
    command = commands.add_parser(
        "chords", parents=[comparison.parser("")], conflict_handler="resolve"
    )
    command.add_argument("--sets", nargs="+", default=CHORD_SETS)
    command.set_defaults(measure=chords, models=CHORD_MODELS, limit=1000)
    options = parser.parse_args()
    options.measure(options)


def streams(options: argparse.Namespace) -> None:
    """Print tables of latency, agreement, memory and late blocks."""
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


def tags(options: argparse.Namespace) -> None:
    """Print each model's ROC-AUC with the teacher's tags as the truth."""
    import comparison

    from mirzoo.tasks.tagging.scores import FEWEST_POSITIVES, TEACHER_GIVES_TAG, TagScorer

    waveforms, groups = [], []
    for name in options.sets:
        for recording in comparison.recordings(options.home, name, limit=options.limit):
            cut = windows_of(recording.samples, recording.sample_rate)
            waveforms += cut
            groups += [f"{name}/{recording.group}"] * len(cut)
    rate = recording.sample_rate
    teacher = [newest_tags(TEACHER, waveform, rate) for waveform in progress(waveforms, TEACHER)]
    holds = np.array([each.probabilities[-1] for each in teacher]) >= TEACHER_GIVES_TAG
    often = (holds.sum(axis=0) >= FEWEST_POSITIVES) & ((~holds).sum(axis=0) >= FEWEST_POSITIVES)
    labels = [label for label, is_used in zip(teacher[0].labels, often, strict=True) if is_used]
    drawn = {}
    for name in options.models:
        scorer, given = TagScorer("sigmoid"), progress(waveforms, name)
        for waveform, holding in zip(given, holds[:, often], strict=True):
            estimate = newest_tags(name, waveform, rate)
            known = dict(zip(estimate.labels, estimate.probabilities[-1], strict=True))
            truth = Tags(labels, [0.0], [holding.astype(float)], window_s=WINDOW_S)
            values = [known[label] for label in labels]
            scorer.add(truth, Tags(labels, [0.0], [values], window_s=WINDOW_S))
        whole = scorer.scores(np.ones((1, len(groups))))
        score = next(score for score in whole if score.startswith("ROC-AUC"))
        drawn[name] = float(whole[score][0]), resampled(scorer.scores, groups, RESAMPLES, 0)[score]
    print(f"{len(groups)} windows, {len(set(groups))} artists and packages, {len(labels)} tags")
    print_with_differences("ROC-AUC", drawn, options.models[-1])


def windows_of(samples: np.ndarray, rate: int) -> list[np.ndarray]:
    """Windows spread evenly over a recording, each with what comes before it (int16)."""
    length, before = round(WINDOW_S * rate), round(BEFORE_S * rate)
    firsts = [(len(samples) - length) * (n + 1) // (WINDOWS + 1) for n in range(WINDOWS)]
    return [samples[first - before : first + length] for first in firsts if first >= before]


def newest_tags(name: str, waveform: np.ndarray, rate: int) -> Tags:
    """What a model gives when the window ends; only one made for streams takes what is before."""
    model = loaded(name)
    if not model.card.live:
        waveform = waveform[-round(WINDOW_S * rate) :]
    return model.annotate(waveform, source_rate=rate)


@cache
def loaded(name: str) -> Any:
    """A model in LiteRT."""
    return mirzoo.load(name, "litert")


def progress(waveforms: Sequence[np.ndarray], name: str) -> Iterator[np.ndarray]:
    """Each of them, and a line now and then."""
    for number, waveform in enumerate(waveforms, 1):
        yield waveform
        if number % 100 == 0:
            print(f"{name}: {number} of {len(waveforms)} windows", flush=True)


def chords(options: argparse.Namespace) -> None:
    """Print each system's share of major and minor chords that is right."""
    from contextlib import ExitStack

    import comparison
    from chords import ISOLATED, compare, main_chord

    from mirzoo.tasks.chords import chord_scores

    systems = comparison.systems(options, "chords")
    with ExitStack() as at_the_end:
        for system in systems:
            at_the_end.callback(system.close)
        for sets in options.sets:
            found = comparison.recordings(
                options.home, sets, names=options.names, limit=options.limit, snr_db=options.snr
            )
            drawn = {}
            for system in systems:
                right, judged = [], []
                estimates = comparison.estimates_of(system, found, "chords", options.work)
                for recording, estimate in zip(found, estimates, strict=True):
                    if sets == ISOLATED:
                        answer = main_chord(estimate, recording.samples)
                        right.append(compare(recording.labels.chords[0].label, answer)[1])
                        judged.append(1.0)
                    else:
                        score = chord_scores(recording.truth("chords"), estimate)["majmin"]
                        right.append(score.value * score.seconds if score.seconds else 0.0)
                        judged.append(score.seconds)
                drawn[system.name] = shares(np.array(right, float), np.array(judged))
            print(f"\n{sets}: {len(found)} recordings")
            print_with_differences("majmin", drawn, comparison.Model(options.models[0]).name)


def shares(right: np.ndarray, judged: np.ndarray) -> tuple[float, np.ndarray]:
    """What of all that is judged is right, and the same of draws of recordings."""
    each = [str(number) for number in range(len(right))]
    with np.errstate(invalid="ignore"):  # a draw of recordings of which nothing is judged
        drawn = [weights @ right / (weights @ judged) for weights in draws(each, RESAMPLES, 0)]
    return float(right.sum() / judged.sum()), np.concatenate(drawn)


def print_with_differences(
    score: str, drawn: dict[str, tuple[float, np.ndarray]], other: str
) -> None:
    """A row for each system: its score, and how far it is from another's, with intervals."""

    def shown(value: float, values: np.ndarray, signed: str) -> str:
        low, high = interval(values) or (float("nan"), float("nan"))
        return f"{value:{signed}.3f} [{low:{signed}.3f}, {high:{signed}.3f}]"

    print(_row("system", score, f"less {other}", sep=True))
    for name, (value, values) in drawn.items():
        difference = value - drawn[other][0], values - drawn[other][1]
        between = "" if name == other else shown(*difference, "+")
        print(_row(name, shown(value, values, ""), between), flush=True)


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
