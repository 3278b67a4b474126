"""Recordings with labels, wherever they come from: mirdata, TensorFlow Datasets, a corpus.

- ``mirdata:NAME`` is a data set that mirdata loads, from mirdata's own folder
  ``~/mir_datasets/NAME`` or another one, ``mirdata:NAME@FOLDER`` (`mirzoo.data.mirdata_sets`);
- ``tfds:NAME`` is a data set of TensorFlow Datasets with the feature ``audio``, for one
  ``tfds:mirzoo/charts_mma`` (`mirzoo.data.tfds_builders`); of others' data sets the feature
  ``label`` becomes a tag;
- a folder is a prepared corpus (`mirzoo.data.corpus`).
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo.data import mirdata_sets
from mirzoo.data.corpus import SAMPLE_RATE, Corpus
from mirzoo.data.labels import Labels
from mirzoo.data.recordings import Recording, label_kinds, labels_of
from mirzoo.errors import DataError

MIRDATA_PREFIX = "mirdata:"
TFDS_PREFIX = "tfds:"
OWN_TFDS = "mirzoo"
HELD_OUT, TRAINING = "test", "train"


class MissingRecordings(UserWarning):
    """Part of a data set's audio is not there; what is measured on it says how much it was."""


def labelled_recordings(
    source: str | os.PathLike, need: str | None = None, split: str | None = None
) -> Iterator[Recording]:
    """Give the recordings of a data set, with their labels.

    Parameters
    ----------
    source : str or path
        See the module's description.
    need : str, optional
        The kind of label that is wanted, by its name in `mirzoo.data.labels.Labels`; recordings
        without it are left out.
    split : str, optional
        Only this split, of sources that have splits (TensorFlow Datasets, a corpus).

    Yields
    ------
    Recording
        Its labels, and the samples of files, are read when they are asked for.

    Raises
    ------
    UnknownNameError
        For a data set that there is not; the message suggests near names.
    DataError
        When the source is missing or cannot be read, has not the split, or no recording has what
        is needed; the message says what they have.

    Warns
    -----
    MissingRecordings
        When part of the audio is not there.

    Examples
    --------
    >>> for recording in labelled_recordings("mirdata:guitarset", need="chords"):  # doctest: +SKIP
    ...     print(recording.name, recording.labels.chords[0])
    """
    kinds = Labels.__dataclass_fields__
    if need is not None and need not in kinds:
        raise DataError(f"need is '{need}'; allowed are {', '.join(kinds)}")
    found = _open(source, split)
    return found if need is None else _those_with(need, found, source)


def held_out_split(source: str | os.PathLike) -> str | None:
    """The split to measure on: "test" where the source has one, else None for all of it."""
    return HELD_OUT if HELD_OUT in _splits(source) else None


def training_split(source: str | os.PathLike) -> str | None:
    """The split to learn from: "train" where the source has one, else None for all of it."""
    return TRAINING if TRAINING in _splits(source) else None


def _splits(source: str | os.PathLike) -> set[str]:
    words = os.fspath(source)
    if words.startswith(TFDS_PREFIX):
        return set(open_tfds(words.removeprefix(TFDS_PREFIX)).info.splits)
    if is_corpus(source):
        return {item.split for item in Corpus.load(words).items}
    return set()


def is_known(source: object) -> bool:
    """Whether `labelled_recordings` takes this source."""
    if not isinstance(source, str | os.PathLike):
        return False
    return os.fspath(source).startswith((MIRDATA_PREFIX, TFDS_PREFIX)) or is_corpus(source)


def is_corpus(folder: str | os.PathLike) -> bool:
    """Whether this is the folder of a prepared corpus."""
    return (Path(folder) / "items.csv").is_file() and (Path(folder) / "audio.i16").is_file()


def parse_mirdata(source: str) -> tuple[str, str | None, str | None]:
    """Take ``mirdata:NAME[/KIND][@FOLDER]`` apart into name, kind of label and folder.

    Examples
    --------
    >>> parse_mirdata("mirdata:openmic2018/instruments@data/openmic")
    ('openmic2018', 'instruments', 'data/openmic')
    >>> parse_mirdata("mirdata:beatles")
    ('beatles', None, None)
    """
    words, _, folder = source.removeprefix(MIRDATA_PREFIX).partition("@")
    name, _, kind = words.partition("/")
    return name, kind or None, os.path.expanduser(folder) or None


def open_mirdata(name: str, folder: str | None) -> tuple[Recording, ...]:
    """The recordings of a data set of mirdata; warns of those that are not there."""
    found = mirdata_sets.load(name, folder)
    if found.missing:
        warnings.warn(mirdata_sets.describe_missing(found), MissingRecordings, stacklevel=3)
    return found.recordings


def open_tfds(name: str) -> Any:
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
            f"'{TFDS_PREFIX}{name}' needs the package tensorflow-datasets; install mirzoo[tfds]"
        ) from None
    if name.split("/")[0] == OWN_TFDS:
        importlib.import_module("mirzoo.data.tfds_builders")  # makes the name known
    builder = tfds.builder(name)
    builder.download_and_prepare()
    if "audio" not in builder.info.features:
        raise DataError(
            f"the data set '{name}' has no audio among its features {sorted(builder.info.features)}"
        )
    return builder


def tfds_samples(audio: np.ndarray) -> np.ndarray:
    """Samples as `mirzoo.audio.read` takes them: what TFDS holds as int64 are 16-bit samples."""
    return audio.astype(np.int16) if audio.dtype.kind == "i" else audio


def tfds_sample_rate(builder: Any) -> int:
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


def _open(source: str | os.PathLike, split: str | None) -> Iterator[Recording]:
    words = os.fspath(source)
    if words.startswith(MIRDATA_PREFIX):
        name, kind, folder = parse_mirdata(words)
        for given, what in ((kind, f"'/{kind}'"), (split, f"split '{split}'")):
            if given:
                raise DataError(
                    f"'{words}' cannot be read with {what}: recordings of mirdata have "
                    "all their labels and no splits"
                )
        return iter(open_mirdata(name, folder))
    if words.startswith(TFDS_PREFIX):
        builder = open_tfds(words.removeprefix(TFDS_PREFIX))
        _check_split(words, split, builder.info.splits)
        return _tfds_recordings(builder, [split] if split else list(builder.info.splits))
    if is_corpus(words):
        corpus = Corpus.load(words)
        _check_split(words, split, {item.split for item in corpus.items})
        return corpus_recordings(corpus, split)
    raise DataError(
        f"'{words}' is no set of labelled recordings: allowed are mirdata:NAME, "
        "mirdata:NAME@FOLDER, tfds:NAME and the folder of a prepared corpus"
    )


def _check_split(words: str, split: str | None, there: Iterable[str]) -> None:
    if split is not None and split not in there:
        raise DataError(f"'{words}' has no split '{split}'; it has {', '.join(sorted(there))}")


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


def _tfds_recordings(builder: Any, splits: list[str]) -> Iterator[Recording]:
    import tensorflow_datasets as tfds

    features = builder.info.features
    sample_rate = tfds_sample_rate(builder)
    tag_names = getattr(features["label"], "names", None) if "label" in features else None
    for split in splits:
        for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split))):
            if tag_names and "tags" not in example:
                example["tags"] = (tag_names[example["label"]],)
            name = example.get("name", f"{split}/{number}".encode())
            yield Recording(
                name=name.decode(),
                group=example.get("group", name).decode(),
                source=tfds_samples(example["audio"]),
                read_labels=partial(labels_of, example),
                source_rate=sample_rate,
            )


def _those_with(
    need: str, recordings: Iterator[Recording], source: str | os.PathLike
) -> Iterator[Recording]:
    others: set[str] = set()
    given = 0
    for recording in recordings:
        kinds = label_kinds(recording.labels)
        if need in kinds:
            given += 1
            yield recording
        else:
            others.update(kinds)
    if not given:
        has = f"have {', '.join(sorted(others))}" if others else "have no labels at all"
        raise DataError(f"'{os.fspath(source)}' has no {need}: its recordings {has}")
