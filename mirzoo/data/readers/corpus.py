"""The folder of a prepared corpus (`mirzoo.data.corpus`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.readers import READERS, Reader, check_split
from mirzoo.data.recordings import Recording


@READERS.register
class Prepared(Reader):
    """The items of a corpus as recordings."""

    name = "corpus"
    forms = ("the folder of a prepared corpus",)

    def takes(self, path: Path) -> bool:
        return is_corpus(path)

    def splits(self, words: str) -> set[str]:
        return {item.split for item in Corpus.load(words).items}

    def recordings(self, words: str, split: str | None) -> Iterator[Recording]:
        corpus = Corpus.load(words)
        check_split(words, split, {item.split for item in corpus.items})
        return corpus_recordings(corpus, split)


def is_corpus(folder: str | os.PathLike) -> bool:
    """Whether this is the folder of a prepared corpus."""
    return (Path(folder) / "items.csv").is_file() and (Path(folder) / "audio.i16").is_file()


def corpus_recordings(corpus: Corpus, split: str | None = None) -> Iterator[Recording]:
    """The items of a prepared corpus, or of one of its splits, as recordings."""
    for index, item in enumerate(corpus.items):
        if split is None or item.split == split:
            yield Recording(
                name=item.name,
                group=item.group,
                source=corpus.audio[item.offset_samples : item.offset_samples + item.n_samples],
                read_labels=partial(corpus.labels, index),
                source_rate=SAMPLE_RATE,
            )
