"""Things known by name: front-ends, heads, tasks, runtimes, export formats, collections, ports.

A `Registry` knows the modules of one package of mirzoo, each of which registers what it defines,
and whatever other modules register: those of installed packages with an entry point in the group
``mirzoo.plugins``, and those that a user imports (``mirzoo --import my_module``). Looking a name
up imports the module of that name alone; a name that has no module of its own is looked for in all
modules of the package, but for those whose names begin with an underscore. No recipe, card or
artefact makes a registry import anything else.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Generic, TypeVar

from mirzoo._support.names import near_names
from mirzoo.errors import UnknownNameError

PLUGINS = "mirzoo.plugins"

Thing = TypeVar("Thing")


class Registry(Mapping[str, Thing], Generic[Thing]):
    """Things of one kind by name.

    Parameters
    ----------
    kind : str
        What they are, for messages: ``"front-end"``.
    package : str
        The package whose modules register mirzoo's own; a thing ``x`` is looked for in its module
        ``x`` first, and then in all of them, of which one may register several things.
    name_of : callable
        Gives the name under which a thing is registered.

    Examples
    --------
    >>> shapes = Registry("shape", "mirzoo.dsp", name_of=lambda shape: shape.__name__)
    >>> @shapes.register
    ... class circle: ...
    >>> shapes["circle"] is circle
    True
    >>> shapes["cirlce"]
    Traceback (most recent call last):
    mirzoo.errors.UnknownNameError: there is no shape 'cirlce'; did you mean 'circle'? Known are: \
circle. One of your own is known once its module is imported (--import, or an entry point in \
'mirzoo.plugins')
    """

    def __init__(self, kind: str, package: str, *, name_of: Callable[[Thing], str]) -> None:
        self.kind = kind
        self._package = package
        self._name_of = name_of
        self._things: dict[str, Thing] = {}

    def register(self, thing: Thing) -> Thing:
        """Make a thing known; usable as a decorator.

        Raises
        ------
        ValueError
            If another thing has its name.
        """
        name = self._name_of(thing)
        owner, _ = _owner(thing)
        if name not in self._things and not f"{owner}.".startswith(f"{self._package}."):
            self._import_module_of(name)  # mirzoo's own of that name must not come second
        known = self._things.get(name)
        if known is not None and _origin(known) != _origin(thing):
            raise ValueError(
                f"there are two {self.kind}s called '{name}': {_origin(known)} and "
                f"{_origin(thing)}; rename one of them"
            )
        self._things[name] = thing
        return thing

    def __getitem__(self, name: str) -> Thing:
        if not self._find(name):
            raise UnknownNameError(self._unknown(name))
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        return self._find(name)

    def _find(self, name: object) -> bool:
        """Whether a thing has this name, once the modules that may register it are imported."""
        if name not in self._things:
            self._import_module_of(name)
        if name not in self._things:
            self._import_all()
        if name not in self._things:
            load_plugins()
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        self._import_all()
        load_plugins()
        return iter(sorted(self._things))  # whatever was imported first

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def registered(self) -> list[Thing]:
        """Give those that are known already, without importing anything."""
        return list(self._things.values())

    def _import_module_of(self, name: object) -> None:
        if isinstance(name, str) and name.isidentifier() and not name.startswith("_"):
            module = f"{self._package}.{name}"
            if importlib.util.find_spec(module) is not None:
                importlib.import_module(module)

    def _import_all(self) -> None:
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self._package}.{module.name}")

    def _unknown(self, name: object) -> str:
        known = list(self)
        near = near_names(name, known, n=2)
        guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        return (
            f"there is no {self.kind} {name!r}; {guess}Known are: {', '.join(known)}. One of your "
            f"own is known once its module is imported (--import, or an entry point in '{PLUGINS}')"
        )


def import_plugin(module: str) -> None:
    """Import a module of a user's own, so that what it registers is known.

    Parameters
    ----------
    module : str
        Its name, as in ``import``; it is looked for in the working folder too.

    Raises
    ------
    UnknownNameError
        If there is no such module. What goes wrong inside it is raised as it is.
    """
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise UnknownNameError(
            f"there is no module '{module}' to import; install it, or run mirzoo from the folder "
            f"that holds {module.partition('.')[0]}.py"
        ) from error


@cache
def load_plugins() -> None:
    """Import every module that installed packages name in the entry point group, once.

    Warns
    -----
    UserWarning
        Of a module that cannot be imported; the others are known all the same.
    """
    from importlib import metadata

    for entry in metadata.entry_points(group=PLUGINS):
        try:
            entry.load()
        except Exception as error:
            warnings.warn(
                f"the plugin '{entry.name}' ({entry.value}) cannot be imported: {error!r}",
                stacklevel=2,
            )


def _origin(thing: object) -> str:
    return ".".join(_owner(thing))


def _owner(thing: object) -> tuple[str, str]:
    """The module and the name of what was registered, or of its class."""
    owner = thing if hasattr(thing, "__qualname__") else type(thing)
    return owner.__module__, owner.__qualname__
