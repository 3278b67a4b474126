"""Labelled data that are already in Python: recordings, arrays and ``tf.data.Dataset``.

- ``(waveforms, labels)`` or ``(waveforms, labels, groups)``: waveforms are a list of arrays
  ``(samples,)`` or one array ``(clips, samples)``; labels a word for each clip, or a list of
  words;
- a ``dict`` of ``audio``, ``labels`` and, if wanted, ``groups`` and ``splits``, likewise;
- a ``tf.data.Dataset`` of ``(audio, label)`` or of such dictionaries, a clip each or batched;
- recordings (`mirzoo.data.recordings.Recording`) or `LabelledClips`.

The waveforms of a ``tf.data.Dataset`` are read once, and are then in a temporary file.

Labels that are numbers, or rows of 0 and 1, are those of ``one_hot``, the names of the labels.
"""

from __future__ import annotations

import math
import tempfile
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mirzoo._support.words import counted
from mirzoo.data.folder import LabelledClips
from mirzoo.data.readers import SPLITS, Found, SourceOptions
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError

FIELDS = ("audio", "labels", "groups", "splits")
SINGULAR = {"label": "labels", "group": "groups", "split": "splits", "tags": "labels"}
ALLOWED = (
    "a path, tfds:NAME, mirdata:NAME, a tf.data.Dataset, (waveforms, labels), a dictionary of "
    "audio and labels, recordings or LabelledClips"
)


class Spool:
    """Arrays in a temporary file, so that many need no memory.

    Examples
    --------
    >>> spool = Spool()
    >>> spool.add(np.arange(3, dtype=np.int16))
    >>> spool.add(np.ones((2, 2), np.float32))
    >>> [array.tolist() for array in spool.arrays()]
    [[0, 1, 2], [[1.0, 1.0], [1.0, 1.0]]]
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="mirzoo_")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._kinds: list[tuple[int, np.dtype, tuple[int, ...]]] = []

    def add(self, array: np.ndarray) -> None:
        """Write an array."""
        array = np.ascontiguousarray(array)
        start = self._file.tell()
        self._file.write(array.data if array.size else b"")
        self._file.write(bytes(-self._file.tell() % 8))
        self._kinds.append((start, array.dtype, array.shape))

    def arrays(self) -> list[np.ndarray]:
        """All arrays, mapped into memory; the file goes with the last of them. Asked for once."""
        self._file.flush()
        if not self._file.tell():
            self._file.close()
            return [np.zeros(shape, dtype) for _, dtype, shape in self._kinds]
        whole = np.memmap(self._file, np.uint8, "r")
        self._file.close()
        return [
            whole[start : start + dtype.itemsize * math.prod(shape)].view(dtype).reshape(shape)
            for start, dtype, shape in self._kinds
        ]


def find(source: Any, options: SourceOptions, source_rate: int | None) -> tuple[str, Found]:
    """Find the recordings of values; see the module's description.

    Returns
    -------
    str, Found
        What the source is called, and what is in it.

    Raises
    ------
    DataError
        If the values are none of those described, or their rate is missing.
    """
    if isinstance(source, LabelledClips):
        return "clips", Found(source.clips, labels=source.labels)
    if _is_dataset(source):
        return "tf.data.Dataset", _of_dataset(source, options, source_rate)
    if isinstance(source, Mapping):
        return "arrays", _of_arrays(_named(source), options, source_rate)
    if isinstance(source, tuple) and len(source) in (2, 3) and not _are_recordings(source):
        return "arrays", _of_arrays(dict(zip(FIELDS, source)), options, source_rate)
    if isinstance(source, Iterable) and not isinstance(source, np.ndarray):
        recordings = tuple(source)
        if recordings and _are_recordings(recordings):
            return "recordings", Found(recordings)
    raise DataError(f"a source of type {type(source).__name__} is not labelled data: allowed are "
                    f"{ALLOWED}")  # fmt: skip


def _are_recordings(source: Sequence[Any]) -> bool:
    return all(isinstance(thing, Recording) for thing in source)


def _is_dataset(source: Any) -> bool:
    return hasattr(source, "as_numpy_iterator") and hasattr(source, "element_spec")


def _named(source: Mapping[str, Any]) -> dict[str, Any]:
    named = {SINGULAR.get(name, name): values for name, values in source.items()}
    if not {"audio", "labels"} <= set(named) <= set(FIELDS):
        raise DataError(
            f"the fields are {', '.join(map(str, source))}; allowed are {', '.join(FIELDS)}, of "
            "which audio and labels are needed"
        )
    return named


def _of_arrays(values: Mapping[str, Any], options: SourceOptions, source_rate: int | None) -> Found:
    if source_rate is None:
        raise DataError("arrays do not state their sample rate: give source_rate (Hz)")
    for name, some in values.items():
        if not hasattr(some, "__len__") or not hasattr(some, "__getitem__"):
            raise DataError(
                f"{name} is of type {type(some).__name__}; allowed are lists and arrays"
            )
    counts = {name: len(some) for name, some in values.items()}
    if len(set(counts.values())) > 1:
        raise DataError(
            f"there are {', '.join(f'{count} {name}' for name, count in counts.items())}; each "
            "clip needs one of each"
        )
    if not counts["audio"]:
        raise DataError("there are no waveforms; is the data set empty?")
    recordings = []
    for number in range(counts["audio"]):
        group = str(word(values["groups"][number])) if "groups" in values else f"clip {number}"
        tags = tags_of_value(values["labels"][number], options.one_hot)
        clip = Recording.tagged(
            np.asarray(values["audio"][number]), tags, group, source_rate, name=f"clip {number}"
        )
        if "splits" in values:
            split = str(word(values["splits"][number]) or "").strip()
            clip = replace(clip, split=SPLITS.get(split.casefold(), split) or None)
        recordings.append(clip)
    return Found(tuple(recordings), labels=options.one_hot)


def tags_of_value(value: Any, names: Sequence[str]) -> tuple[str, ...]:
    """The tags that a value stands for: a word, words, the number of a label or a row of 0 and 1.

    Raises
    ------
    DataError
        If it is a number, or a row of numbers, and there are not as many names.

    Examples
    --------
    >>> tags_of_value("dog", ()), tags_of_value([1, 0, 1], ("cat", "dog", "rex"))
    (('dog',), ('cat', 'rex'))
    >>> tags_of_value(1, ("cat", "dog")), tags_of_value([b"cat", b"dog"], ())
    (('dog',), ('cat', 'dog'))
    """
    if value is None:
        return ()
    try:
        row = np.asarray(value)
    except ValueError:  # lists of several lengths
        row = np.empty((), object)
    if row.dtype.kind in "OUS":
        words = [word(one) for one in row.ravel().tolist()]
        if not all(isinstance(one, str) for one in words):
            raise DataError(f"a label is {value!r}; allowed are words, and lists of words")
        return tuple(one for one in words if one)
    if row.dtype.kind not in "biuf" or not np.isfinite(row).all() or (row % 1).any():
        raise DataError(f"a label is {value!r}; allowed as numbers are whole ones")
    if row.ndim == 0:
        if not names:
            raise DataError(
                f"a label is the number {row}; give the labels' names in their order, "
                "one_hot=('cat', 'dog', …), or words as labels"
            )
        if not 0 <= int(row) < len(names):
            raise DataError(
                f"a label is the number {row}, but names has {counted(len(names), 'name')}"
            )
        return (names[int(row)],)
    if row.shape != (len(names),):
        raise DataError(
            f"labels are rows of {counted(row.size, 'number')}, and names has "
            f"{counted(len(names), 'name')}; give one "
            "for each, one_hot=('cat', 'dog', …)"
        )
    if not np.isin(row, (0, 1)).all():
        raise DataError(f"labels are the row {row.tolist()}; allowed in rows are 0 and 1")
    return tuple(name for name, holds in zip(names, row) if holds)


def word(value: Any) -> Any:
    """Bytes, as TensorFlow has words, as text; anything else as it is."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _of_dataset(dataset: Any, options: SourceOptions, source_rate: int | None) -> Found:
    rows: dict[str, list[Any]] = {}
    spool = Spool()
    for element in _unbatched(dataset).as_numpy_iterator():
        row = _named(element) if isinstance(element, Mapping) else dict(zip(FIELDS, element))
        if len(row) < 2:
            raise DataError("a data set's elements are (audio, label) or dictionaries of them")
        for name, value in row.items():
            if name == "audio":
                spool.add(value)
            else:
                rows.setdefault(name, []).append(value)
    if not rows:
        raise DataError("the tf.data.Dataset has no elements")
    rows["audio"] = spool.arrays()
    return _of_arrays(rows, options, source_rate)


def _unbatched(dataset: Any) -> Any:
    """A data set of single clips: one is batched whose parts have the same first axis."""
    spec = dataset.element_spec
    parts = list(spec.values()) if isinstance(spec, Mapping) else list(spec)
    first = {part.shape[0] if part.shape.rank else "scalar" for part in parts}
    batched = len(first) == 1 and max(part.shape.rank for part in parts) >= 2
    return dataset.unbatch() if batched else dataset
