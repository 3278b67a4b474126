"""The prepared collections as data sets of TensorFlow Datasets.

Importing this module makes them known as ``mirzoo/<collection>``:

>>> import tensorflow_datasets as tfds                          # doctest: +SKIP
>>> import mirzoo.data.tfds_builders                              # doctest: +SKIP
>>> train = tfds.load("mirzoo/charts_mma", split="train")       # doctest: +SKIP

or, where the packages apache-beam and mlcroissant are installed too, which the command needs,
``tfds build --imports mirzoo.data.tfds_builders mirzoo/charts_mma``. A collection that isn't
prepared yet is prepared first, which states the disk space it takes and fails with what to do where
its source must be obtained by hand. The splits are those of the corpus: no group (song, artist,
singer) is in two of them.

The features are the fields of `mirzoo.data.recordings`; what is not known of an item is empty.
``info.metadata`` holds the ``sample_rate`` (Hz) and the ``sha256`` of every file of the corpus that
the data set was made from, since two machines with other soundfonts render other audio under the
same version. An hour takes 115 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from mirzoo._support.files import data_home, sha256
from mirzoo.data import sources
from mirzoo.data.corpus import SAMPLE_RATE, SPLITS, Corpus
from mirzoo.data.recordings import fields_of
from mirzoo.errors import DataError

CORPUS_FILES = ("audio.i16", "f0.f32", "*.csv")


class Collection(tfds.core.BuilderConfig):
    """One of the collections of `mirzoo.data.sources`."""

    def __init__(self, name: str) -> None:
        chosen = sources.collection(name)
        super().__init__(name=name, description=chosen.description)


class Mirzoo(tfds.core.GeneratorBasedBuilder):
    """Music with its labels, as prepared by ``mirzoo prepare``."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Audio with chords, melody, beats, key, instruments and tags."}
    BUILDER_CONFIGS = [Collection(name) for name in sources.list_collections()]

    def _info(self) -> tfds.core.DatasetInfo:
        chosen = sources.collection(self.builder_config.name)
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"{chosen.description}. Groups: {chosen.grouping}.",
            license=chosen.licence,
            features=features(),
            metadata=tfds.core.MetadataDict(sample_rate=SAMPLE_RATE),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator]:
        corpus = self._corpus()
        self.info.metadata["sha256"] = file_hashes(corpus)
        there = {item.split for item in corpus.items}
        return {split: _examples(corpus, split) for split in SPLITS if split in there}

    def _generate_examples(self, corpus: Corpus, split: str) -> Iterator[tuple[str, dict]]:
        return _examples(corpus, split)

    def _corpus(self) -> Corpus:
        name = self.builder_config.name
        folder = data_home() / "corpus" / name
        if (folder / "items.csv").exists():
            return Corpus.load(folder)
        try:
            return sources.prepare(name)
        except DataError as error:
            raise DataError(
                f"'{name}' is not prepared in '{folder}', and cannot be prepared now: "
                f"{error} Then run: mirzoo prepare {name}"
            ) from error


def features() -> tfds.features.FeaturesDict:
    """The features of every collection; see `mirzoo.data.recordings`."""
    packed = tfds.features.Encoding.BYTES
    times = tfds.features.Tensor(shape=(None,), dtype=np.float64, encoding=packed)
    words = tfds.features.Sequence(tfds.features.Text())
    return tfds.features.FeaturesDict({
        "name": tfds.features.Text(),
        "group": tfds.features.Text(),
        # Not features.Audio: that would store each sample as a number of up to ten bytes.
        "audio": tfds.features.Tensor(
            shape=(None,), dtype=np.int16, encoding=packed,
            doc=tfds.features.Documentation(desc=f"mono, {SAMPLE_RATE} Hz"),
        ),
        "chords": tfds.features.Sequence({
            "start_s": np.float64, "end_s": np.float64, "label": tfds.features.Text(),
        }),
        "f0": tfds.features.Tensor(shape=(None,), dtype=np.float32, encoding=packed),
        "beats": times,
        "downbeats": times,
        "key": tfds.features.Text(),
        "instruments": words,
        "tags": words,
    })  # fmt: skip


def file_hashes(corpus: Corpus) -> dict[str, str]:
    """SHA-256 of each file of a corpus, by name."""
    paths = sorted(path for pattern in CORPUS_FILES for path in corpus.directory.glob(pattern))
    return {path.name: sha256(path) for path in paths}


def _examples(corpus: Corpus, split: str) -> Iterator[tuple[str, dict]]:
    for index, item in enumerate(corpus.items):
        if item.split == split:
            end = item.offset_samples + item.n_samples
            yield (
                item.name,
                {
                    "name": item.name,
                    "group": item.group,
                    "audio": np.asarray(corpus.audio[item.offset_samples : end]),
                    **fields_of(corpus.labels(index)),
                },
            )
