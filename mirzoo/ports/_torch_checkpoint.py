"""Read the weights out of a PyTorch checkpoint without PyTorch, and without running its code.

A checkpoint is a zip archive: ``archive/data.pkl`` is a pickle that names the tensors, and
their numbers are plain files next to it. A pickle can name any function to be called when it
is read; here it may name the few that put tensors together, which are our own, and anything else
is refused.
"""

from __future__ import annotations

import collections
import os
import pickle
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mirzoo.errors import PullError

DTYPES = {
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


def read_tensors(path: str | os.PathLike, part: str | None = None) -> dict[str, np.ndarray]:
    """Read every tensor of a checkpoint that holds a dict of them (a `state_dict`).

    Parameters
    ----------
    path : path
        A file that ``torch.save`` of PyTorch 1.6 or later wrote.
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
    try:
        with zipfile.ZipFile(path) as archive:
            tensors = _Unpickler(archive, skips_numbers=part is not None).load()
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, EOFError) as error:
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


class _Unpickler(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, *, skips_numbers: bool = False):
        names = [name for name in archive.namelist() if PurePosixPath(name).name == "data.pkl"]
        if len(names) != 1:
            raise KeyError(f"it has {len(names)} files called data.pkl, expected one")
        super().__init__(archive.open(names[0]))
        self._archive = archive
        self._skips_numbers = skips_numbers
        self._folder = PurePosixPath(names[0]).parent

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in DTYPES:
            return np.dtype(DTYPES[name])
        if self._skips_numbers and (module, name) in NUMBERS:
            return _Skipped
        raise pickle.UnpicklingError(f"its pickle asks for {module}.{name}, which is not allowed")

    def persistent_load(self, reference: Any) -> np.ndarray:
        kind, dtype, key, _, count = reference
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"its pickle refers to a {kind!r}, not to numbers")
        numbers = np.frombuffer(self._archive.read(str(self._folder / "data" / str(key))), dtype)
        if len(numbers) != count:
            raise pickle.UnpicklingError(f"it has {len(numbers)} numbers of {key}, not {count}")
        return numbers


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
