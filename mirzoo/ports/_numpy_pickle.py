"""Read arrays out of a pickle of unknown objects, without their code and without running any.

A pickle can name any function to be called when it is read. Here it may name those that put NumPy
arrays and plain values together; objects of the classes of one package become `Record`, which has
their attributes and does nothing; anything else is refused.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo.errors import PullError

_RECONSTRUCT = np.zeros(0).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_ALLOWED = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("builtins", "bool"): bool,
    ("builtins", "float"): float,
    ("builtins", "int"): int,
    ("builtins", "set"): set,
}


class Record:
    """The attributes of an object whose class isn't here."""

    def __new__(cls, *_: Any) -> Record:
        return super().__new__(cls)

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("an object's state is no dict of its attributes")
        self.__dict__.update(state)


def read_records(path: str | os.PathLike, package: str) -> Any:
    """Read a pickle whose objects are NumPy's, Python's own or of one package.

    Parameters
    ----------
    path : path
        The pickle.
    package : str
        Objects of its classes become `Record`.

    Returns
    -------
    object
        What was pickled.

    Raises
    ------
    PullError
        If it is no pickle, or asks for anything else.

    Examples
    --------
    >>> read_records("pump.pkl", "pumpp").opmap["chord_tag"].transition.shape  # doctest: +SKIP
    (170, 170)
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _Unpickler(file, package).load()
    except pickle.UnpicklingError as error:
        raise PullError(f"{path.name} is not a pickle of arrays alone: {error}") from error
    except (OSError, EOFError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise PullError(f"{path.name} cannot be read as a pickle: {error}") from error


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, package: str):
        super().__init__(file)
        self._package = package

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        if module.split(".")[0] == self._package:
            return Record
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not allowed")
