"""Read the weights out of a PyTorch checkpoint without PyTorch, and without running its code.

A checkpoint is a zip archive: ``archive/data.pkl`` is a pickle that names the tensors, and
their numbers are plain files next to it. Before PyTorch 1.6 it was one stream: three pickles that
state the format, the one that names the tensors, one that lists the keys of their numbers, then
the numbers of each key behind their count. A pickle can name any function to be called when it
is read; here it may name the few that put tensors together, which are our own, and anything else
is refused.
"""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from mirzoo.errors import PullError

DTYPES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}

STREAM_MAGIC = 0x1950A86A20F9469CFC6C
STREAM_PROTOCOL = 1001
"""What the first two pickles of a stream hold."""


NO_CHECKPOINT = (
    zipfile.BadZipFile, OSError, LookupError, ValueError, EOFError, TypeError, AttributeError,
    MemoryError, struct.error,
)  # fmt: skip
"""What reading raises where the bytes are something else."""


def read_tensors(path: str | os.PathLike, part: str | None = None) -> dict[str, np.ndarray]:
    """Read every tensor of a checkpoint that holds a dict of them (a `state_dict`).

    Parameters
    ----------
    path : path
        A file that ``torch.save`` wrote, as an archive or, before PyTorch 1.6, as a stream.
    part : str, optional
        The entry of a larger checkpoint that holds them; NumPy's numbers elsewhere in it are
        not read.

    Returns
    -------
    dict of str to array
        Each tensor by its name.

    Raises
    ------
    PullError
        If it is no such file, or its pickle asks for anything but tensors.

    Examples
    --------
    >>> read_tensors("tiny.pth")["classifier.bias"].shape  # doctest: +SKIP
    (360,)
    """
    path = Path(path)
    skips_numbers = part is not None
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                tensors = _from_archive(archive, skips_numbers)
        else:
            with path.open("rb") as stream:
                tensors = _from_stream(stream, skips_numbers)
    except NO_CHECKPOINT as error:
        raise PullError(f"{path.name} cannot be read as a PyTorch checkpoint: {error}") from error
    except pickle.UnpicklingError as error:
        raise PullError(f"{path.name} is not a checkpoint of tensors alone: {error}") from error
    if part is not None:
        if not isinstance(tensors, dict) or part not in tensors:
            raise PullError(f"{path.name} has no part '{part}'; is it the one that was asked for?")
        tensors = tensors[part]
    if not isinstance(tensors, dict) or not all(
        isinstance(tensor, np.ndarray) for tensor in tensors.values()
    ):
        raise PullError(f"{path.name} holds a {type(tensors).__name__}, not a dict of tensors")
    return dict(tensors)


NUMBERS = {
    ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"), ("numpy", "dtype"),
    ("_codecs", "encode"),
}  # fmt: skip
"""What the pickle of one of NumPy's numbers asks for."""


class _Skipped:
    """Stands for a number that nobody asked for: takes whatever is given, and holds nothing."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def _from_archive(archive: zipfile.ZipFile, skips_numbers: bool) -> Any:
    names = [name for name in archive.namelist() if PurePosixPath(name).name == "data.pkl"]
    if len(names) != 1:
        raise KeyError(f"it has {len(names)} files called data.pkl, expected one")
    folder = PurePosixPath(names[0]).parent

    def numbers(dtype: np.dtype, key: str, count: int) -> np.ndarray:
        found = np.frombuffer(archive.read(str(folder / "data" / key)), dtype)
        if len(found) != count:
            raise pickle.UnpicklingError(f"it has {len(found)} numbers of {key}, not {count}")
        return found

    with archive.open(names[0]) as pickled:
        return _Unpickler(pickled, numbers, skips_numbers=skips_numbers).load()


def _from_stream(stream: BinaryIO, skips_numbers: bool) -> Any:
    """Read a stream twice: what its numbers are stands before them, and the tensors before both."""

    def plain() -> Any:
        return _Unpickler(stream, _no_numbers).load()

    first = stream.peek(1)[:1] if isinstance(stream, io.BufferedReader) else b""
    if first != pickle.PROTO or plain() != STREAM_MAGIC or plain() != STREAM_PROTOCOL:
        raise ValueError("it is neither a zip archive nor a stream of PyTorch")
    plain()  # how large its writer's numbers were
    place = stream.tell()
    asked: dict[str, tuple[np.dtype, int]] = {}

    def noted(dtype: np.dtype, key: str, count: int) -> None:
        asked[key] = (dtype, count)

    _Unpickler(stream, noted, rebuild=_Skipped, skips_numbers=skips_numbers).load()
    found = {}
    for key in plain():
        dtype, expected = asked[key]
        (count,) = struct.unpack("<q", stream.read(8))
        if count != expected:
            raise pickle.UnpicklingError(f"it has {count} numbers of {key}, not {expected}")
        found[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype, count)
    stream.seek(place)
    return _Unpickler(
        stream, lambda dtype, key, count: found[key], skips_numbers=skips_numbers
    ).load()


def _no_numbers(dtype: np.dtype, key: str, count: int) -> None:
    raise ValueError("its pickle refers to numbers where there are none")


class _Unpickler(pickle.Unpickler):
    def __init__(
        self,
        pickled: Any,
        numbers: Callable[[np.dtype, str, int], np.ndarray | None],
        *,
        rebuild: Callable[..., Any] | None = None,
        skips_numbers: bool = False,
    ):
        super().__init__(pickled)
        self._numbers = numbers
        self._rebuild = rebuild or _rebuild
        self._skips_numbers = skips_numbers

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        if module == "torch" and name in DTYPES:
            return np.dtype(DTYPES[name])
        if self._skips_numbers and (module, name) in NUMBERS:
            return _Skipped
        raise pickle.UnpicklingError(f"its pickle asks for {module}.{name}, which is not allowed")

    def persistent_load(self, reference: Any) -> np.ndarray | None:
        kind, dtype, key, _, count, *view = reference
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"its pickle refers to a {kind!r}, not to numbers")
        if view not in ([], [None]):
            raise pickle.UnpicklingError("its pickle refers to a view of numbers")
        return self._numbers(dtype, str(key), count)


def _rebuild(
    numbers: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> np.ndarray:
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min((offset, *shape, *strides)) < 0 or (0 not in shape and last >= len(numbers)):
        raise pickle.UnpicklingError("a tensor reaches outside of its numbers")
    spaced = np.lib.stride_tricks.as_strided(
        numbers[offset:], shape, [step * numbers.itemsize for step in strides]
    )
    return np.array(spaced)
