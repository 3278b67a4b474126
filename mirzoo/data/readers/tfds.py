"""Data sets of TensorFlow Datasets with the feature ``audio``: ``tfds:NAME``.

mirzoo's own, for one ``tfds:mirzoo/charts_mma``, are made by `mirzoo.data.tfds_builders`; of
others' data sets the feature ``label`` becomes a tag.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from mirzoo.data.readers import READERS, Reader, check_split
from mirzoo.data.recordings import Recording, labels_of
from mirzoo.errors import DataError

PREFIX = "tfds:"
OWN = "mirzoo"


@READERS.register
class TensorFlowDatasets(Reader):
    """Data sets of TensorFlow Datasets."""

    name, prefixed = "tfds", True
    forms = ("tfds:NAME",)

    def splits(self, words: str) -> set[str]:
        return set(open_builder(words.removeprefix(PREFIX)).info.splits)

    def recordings(self, words: str, split: str | None) -> Iterator[Recording]:
        builder = open_builder(words.removeprefix(PREFIX))
        check_split(words, split, builder.info.splits)
        return _recordings(builder, [split] if split else list(builder.info.splits))

    def clips(self, words: str) -> list[Recording]:
        name = words.removeprefix(PREFIX)
        builder = open_builder(name)
        features = builder.info.features
        if "label" not in features:
            raise DataError(
                f"the data set '{name}' has no label among its features {sorted(features)}"
            )
        import tensorflow_datasets as tfds

        label_names = features["label"].names
        sample_rate = sample_rate_of(builder)
        return [
            Recording.tagged(
                samples_of(example["audio"]),
                (label_names[example["label"]],),
                f"{split}/{number}",
                sample_rate,
            )
            for split in builder.info.splits
            for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split)))
        ]


def open_builder(name: str) -> Any:
    """Prepare a data set of TensorFlow Datasets, fetching it where that is needed.

    Raises
    ------
    DataError
        When the package is missing, or the data set has no feature ``audio``.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise DataError(
            f"'{PREFIX}{name}' needs the package tensorflow-datasets; install mirzoo[tfds]"
        ) from None
    if name.split("/")[0] == OWN:
        importlib.import_module("mirzoo.data.tfds_builders")  # makes the name known
    builder = tfds.builder(name)
    builder.download_and_prepare()
    if "audio" not in builder.info.features:
        raise DataError(
            f"the data set '{name}' has no audio among its features {sorted(builder.info.features)}"
        )
    return builder


def samples_of(audio: np.ndarray) -> np.ndarray:
    """Samples as `mirzoo.audio.read` takes them: what TFDS holds as int64 are 16-bit samples."""
    return audio.astype(np.int16) if audio.dtype.kind == "i" else audio


def sample_rate_of(builder: Any) -> int:
    """The rate of a data set's audio (Hz): its feature states it, or the metadata.

    Raises
    ------
    DataError
        When neither does.
    """
    stated = getattr(builder.info.features["audio"], "sample_rate", None)
    stated = stated or (builder.info.metadata or {}).get("sample_rate")
    if not stated:
        raise DataError(
            f"the data set '{builder.info.full_name}' does not state the sample rate "
            "of its audio, so it cannot be brought to a model's"
        )
    return int(stated)


def _recordings(builder: Any, splits: list[str]) -> Iterator[Recording]:
    import tensorflow_datasets as tfds

    features = builder.info.features
    sample_rate = sample_rate_of(builder)
    tag_names = getattr(features["label"], "names", None) if "label" in features else None
    for split in splits:
        for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split))):
            if tag_names and "tags" not in example:
                example["tags"] = (tag_names[example["label"]],)
            name = example.get("name", f"{split}/{number}".encode())
            yield Recording(
                name=name.decode(),
                group=example.get("group", name).decode(),
                source=samples_of(example["audio"]),
                read_labels=partial(labels_of, example),
                source_rate=sample_rate,
            )
