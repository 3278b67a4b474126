"""Recordings with labels, wherever they come from: mirdata, TensorFlow Datasets, a corpus.

- ``mirdata:NAME`` is a data set that mirdata loads, from mirdata's own folder
  ``~/mir_datasets/NAME`` or another one, ``mirdata:NAME@FOLDER`` (`mirzoo.data.readers.mirdata`);
- ``tfds:NAME`` is a data set of TensorFlow Datasets with the feature ``audio``, for one
  ``tfds:mirzoo/charts_mma`` (`mirzoo.data.tfds_builders`); of others' data sets the feature
  ``label`` becomes a tag;
- a folder is a prepared corpus (`mirzoo.data.corpus`);
- and whatever other readers are registered (`mirzoo.data.readers`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from mirzoo._support.moved import moved_names
from mirzoo.data.labels import Labels
from mirzoo.data.readers import find_reader, forms_of
from mirzoo.data.readers.corpus import is_corpus
from mirzoo.data.readers.mirdata import PREFIX as MIRDATA_PREFIX
from mirzoo.data.readers.mirdata import MissingRecordings
from mirzoo.data.readers.mirdata import parse_source as parse_mirdata
from mirzoo.data.recordings import Recording, label_kinds
from mirzoo.errors import DataError

__all__ = [
    "HELD_OUT",
    "MIRDATA_PREFIX",
    "TRAINING",
    "MissingRecordings",
    "held_out_split",
    "is_corpus",
    "is_known",
    "labelled_recordings",
    "parse_mirdata",
    "training_split",
]

HELD_OUT, TRAINING = "test", "train"


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
        is needed; the message names what they have.

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
    reader = find_reader(source, "recordings")
    if reader is None:
        raise DataError(
            f"'{os.fspath(source)}' is no set of labelled recordings: allowed are "
            f"{forms_of('recordings')}"
        )
    found = reader.recordings(os.fspath(source), split)
    return found if need is None else _those_with(need, found, source)


def held_out_split(source: str | os.PathLike) -> str | None:
    """The split to measure on: "test" where the source has one, else None for all of it."""
    return HELD_OUT if HELD_OUT in _splits(source) else None


def training_split(source: str | os.PathLike) -> str | None:
    """The split to learn from: "train" where the source has one, else None for all of it."""
    return TRAINING if TRAINING in _splits(source) else None


def _splits(source: str | os.PathLike) -> set[str]:
    reader = find_reader(source, "recordings")
    return set() if reader is None else reader.splits(os.fspath(source))


def is_known(source: object) -> bool:
    """Whether `labelled_recordings` takes this source."""
    if not isinstance(source, str | os.PathLike):
        return False
    return find_reader(source, "recordings") is not None


__getattr__ = moved_names(__name__, {"corpus_recordings": "mirzoo.data.readers.corpus"})


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
