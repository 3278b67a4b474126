"""Data sets of TensorFlow Datasets with the feature ``audio``: ``tfds:NAME``.

mirzoo's own, for one ``tfds:mirzoo/charts_mma``, are made by `mirzoo.data.tfds_builders`; of
others' data sets the feature ``label``, or another that is chosen, becomes a tag. Nothing is
downloaded unless that is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mirzoo._support.names import near_names
from mirzoo.data.readers import READERS, SPLITS, Found, Reader, SourceOptions, check_split
from mirzoo.data.recordings import Recording, labels_of
from mirzoo.data.values import Spool, tags_of_value, word
from mirzoo.errors import DataError, UnknownNameError

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

    def find(self, words: str, options: SourceOptions) -> Found:
        name = words.removeprefix(PREFIX)
        builder = open_builder(name, download=options.download)
        features = builder.info.features
        label = options.label_column or "label"
        for column in (label if options.label_column else None, options.group_column):
            if column is not None and column not in features:
                raise DataError(
                    f"the data set '{name}' has no feature '{column}'; it has {_listed(features)}"
                )
        if options.kind in ("chords", "f0") or label not in features:
            return self.found_recordings(words, options.kind)
        return _found_clips(builder, label, options.group_column)

    def clips(self, words: str) -> list[Recording]:
        name = words.removeprefix(PREFIX)
        builder = open_builder(name)
        features = builder.info.features
        if "label" not in features:
            raise DataError(
                f"the data set '{name}' has no label among its features {sorted(features)}"
            )
        return list(_found_clips(builder, "label", None).recordings)


def _listed(features: Any) -> str:
    return ", ".join(sorted(features))


def _found_clips(builder: Any, label: str, group: str | None) -> Found:
    """The clips of all splits; their samples are on disk, not in memory."""
    import tensorflow_datasets as tfds

    names = getattr(builder.info.features[label], "names", None)
    sample_rate = sample_rate_of(builder)
    spool, rows = Spool(), []
    for split in builder.info.splits:
        for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split))):
            spool.add(samples_of(example["audio"]))
            tags = tags_of_value(example[label], names or ())
            name = f"{split}/{number}"
            of_group = name if group is None else str(word(example[group]))
            rows.append((name, tags, of_group, SPLITS.get(split, split)))
    recordings = [
        replace(Recording.tagged(samples, tags, group, sample_rate, name=name), split=split)
        for samples, (name, tags, group, split) in zip(spool.arrays(), rows, strict=True)
    ]
    # A data set in one split is not divided at all.
    if len({recording.split for recording in recordings}) == 1:
        recordings = [replace(recording, split=None) for recording in recordings]
    return Found(tuple(recordings), labels=tuple(names or ()))


def open_builder(name: str, *, download: bool = False) -> Any:
    """Open a data set of TensorFlow Datasets that is on this machine, or may be downloaded.

    mirzoo's own are made from what ``mirzoo prepare`` prepared; nothing is fetched for them.

    Parameters
    ----------
    name : str
        As ``tfds.builder`` takes it.
    download : bool
        Whether it may be downloaded where it is not here.

    Raises
    ------
    UnknownNameError
        If there is no such data set; the message suggests near names.
    DataError
        When the package is missing, the data set is not here and must not be downloaded, or it
        has no feature ``audio``.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise DataError(
            f"'{PREFIX}{name}' needs the package tensorflow-datasets; install mirzoo[tfds]"
        ) from None
    own = name.split("/")[0] == OWN
    if own:
        importlib.import_module("mirzoo.data.tfds_builders")  # makes the name known
    try:
        builder = tfds.builder(name)
    except tfds.core.DatasetNotFoundError as error:
        raise UnknownNameError(_unknown(name, tfds.list_builders())) from error
    except ValueError as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(
            f"'{PREFIX}{name}' cannot be opened ({reason}); "
            "allowed are tfds:NAME, tfds:NAME/CONFIG and tfds:NAME/CONFIG:VERSION"
        ) from error
    if not (own or download or builder.is_prepared()):
        raise DataError(_not_here(name, builder))
    builder.download_and_prepare()
    if "audio" not in builder.info.features:
        there = _listed(builder.info.features)
        raise DataError(f"the data set '{name}' has no audio among its features {there}")
    return builder


def _unknown(name: str, known: list[str]) -> str:
    near = near_names(name.split(":")[0].split("/")[0], known)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"TensorFlow Datasets has no data set '{name}'{hint}"


def _not_here(name: str, builder: Any) -> str:
    info = builder.info
    what = " ".join((info.description or "").split()).partition(". ")[0][:200]
    fetched = info.download_size or sum(url.size or 0 for url in (builder.url_infos or {}).values())
    sizes = [
        f"{int(size) / 1e9:.2g} GB {how}"
        for size, how in ((fetched, "to download"), (info.dataset_size, "on disk"))
        if size
    ]
    large = " and ".join(sizes) or "of a size that TensorFlow Datasets does not state"
    return (
        f"the data set '{name}'{f' ({what})' if what else ''} is not on this machine; it is "
        f"{large}. Nothing is "
        "downloaded unasked: give download=True (--download), run `tfds build "
        f"{name}`, or name its folder in TFDS_DATA_DIR"
    )


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
