"""What a runtime is: the files that it loads, and how."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mirzoo._support.registry import Registry
from mirzoo.card import Card, Exported

if TYPE_CHECKING:
    import numpy as np

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


def batches_of(
    windows: np.ndarray, exported: Exported | None, usual: int | None
) -> list[tuple[np.ndarray, int]]:
    """Windows as a file takes them.

    Parameters
    ----------
    windows : np.ndarray, float32, shape (windows, samples)
        In [-1, 1].
    exported : Exported or None
        Of the file's contract.
    usual : int or None
        How many windows files without it take at once; None for any number.

    Returns
    -------
    list of (np.ndarray, int)
        Batches of the file's type, the last filled up with silence, and how many windows of each
        count.

    Examples
    --------
    >>> import numpy as np
    >>> from mirzoo.card import Exported
    >>> pairs = Exported(outputs=["tags"], batch=2, input_type="int16", model_rate=16000)
    >>> [(b.shape, b.dtype.name, n) for b, n in batches_of(np.zeros((3, 10)), pairs, 1)]
    [((2, 10), 'int16', 2), ((2, 10), 'int16', 1)]
    """
    import numpy as np

    from mirzoo.annotate import as_type

    size = usual if exported is None else exported.batch
    if exported is not None:
        windows = as_type(windows, exported.input_type)
    size = size or len(windows)
    whole = np.pad(windows, ((0, -len(windows) % size), (0, 0)))
    return [
        (whole[first : first + size], min(size, len(windows) - first))
        for first in range(0, len(windows), size)
    ]


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
