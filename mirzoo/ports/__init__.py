"""Published models, rebuilt here with the weights of their authors' own packages.

`PORTS` says what there is and imports no TensorFlow. `fetch_wheel` brings a port's package once,
`build` makes the Keras model of it.
"""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from mirzoo.errors import UnknownNameError
from mirzoo.ports.catalogue import PORTS, PortSpec
from mirzoo.ports.package import cache_folder, fetch

if TYPE_CHECKING:
    from mirzoo.models.model import Model

__all__ = ["PORTS", "PortSpec", "build", "cache_folder", "fetch_wheel", "find"]


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
        near = difflib.get_close_matches(name, PORTS, n=3) or list(PORTS)
        raise UnknownNameError(f"no port is called '{name}'; did you mean {', '.join(near)}?")
    return PORTS[name]


def fetch_wheel(spec: PortSpec) -> Path:
    """Bring the wheel that holds a port's weights; see `mirzoo.ports.package.fetch`."""
    return fetch(spec.package)


def build(name: str, wheel: Path) -> Model:
    """Build a published model with the weights in its authors' wheel.

    Parameters
    ----------
    name : str
        One of `PORTS`.
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
    spec = find(name)
    return importlib.import_module(f"mirzoo.ports.{spec.module}").build(spec, wheel)
