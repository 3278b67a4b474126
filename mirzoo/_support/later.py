"""Names that are imported when they are first used, so that a package's other names come quickly.

What tasks and recipes are is asked for by every command; what decodes, scores and draws needs
NumPy, and only some commands need it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def names_from(
    package: str,
    homes: Mapping[str, str],
    otherwise: Callable[[str], Any] | None = None,
) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package some of whose names stand in its modules.

    Parameters
    ----------
    package : str
        Its name.
    homes : mapping of str to str
        Each name, and the module that has it.
    otherwise : callable, optional
        The package's ``__getattr__`` for all other names.

    Examples
    --------
    >>> names_from("mirzoo.audio", {"Cutter": "mirzoo.audio.windows"})("Cutter").__name__
    'Cutter'
    """

    def getattr_(name: str) -> Any:
        if name in homes:
            return getattr(importlib.import_module(homes[name]), name)
        if otherwise is not None:
            return otherwise(name)
        raise AttributeError(f"module '{package}' has no attribute {name!r}")

    return getattr_


class _Later:
    """An attribute of a class that stands in a module."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return getattr(importlib.import_module(self._module), self._name)


def later(module: str, name: str) -> Any:
    """Make an attribute of a class that is imported when it is first asked for.

    Parameters
    ----------
    module, name : str
        Where it stands, and its name there.

    Examples
    --------
    >>> class Drawing:
    ...     cutter = later("mirzoo.audio.windows", "Cutter")
    >>> Drawing.cutter.__name__, Drawing().cutter.__name__
    ('Cutter', 'Cutter')
    """
    return _Later(module, name)
