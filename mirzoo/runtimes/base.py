"""What a runtime is: the files that it loads, and how."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mirzoo._support.registry import Registry
from mirzoo.card import Card

if TYPE_CHECKING:
    from mirzoo.annotate import LoadedModel


@dataclass(frozen=True)
class Runtime:
    """A runtime, and the kind of file that it computes.

    Parameters
    ----------
    name : str
        As `mirzoo.load` takes it: ``"litert"``.
    suffix : str
        Of its files, ``".tflite"``; in a model's folder the file is ``model`` with this suffix.
    load : callable
        Gives a `mirzoo.annotate.LoadedModel` from the path of a file and a card; where the card
        is None, it is the one that goes with the file (`read_card`).
    read_card : callable
        Gives the card inside a file.
    """

    name: str
    suffix: str
    load: Callable[[Path, Card | None], LoadedModel]
    read_card: Callable[[Path], Card]

    @property
    def file(self) -> str:
        """The name of its file in a model's folder."""
        return f"model{self.suffix}"


RUNTIMES: Registry[Runtime] = Registry(
    "runtime", "mirzoo.runtimes", name_of=lambda runtime: runtime.name
)
"""Every runtime by name."""


def runtime_of(path: str | os.PathLike) -> Runtime | None:
    """The runtime whose files have the suffix of ``path``; None where none has.

    Examples
    --------
    >>> runtime_of("tagger.onnx").name
    'onnx'
    """
    suffix = Path(path).suffix
    return next((r for r in RUNTIMES.values() if r.suffix == suffix), None) if suffix else None
