"""Run a model's `.onnx` file with ONNX Runtime: ``pip install 'mirzoo[onnx]'``.

The file takes ``waveform``, windows of the card's length ``(windows, window_samples)``, as many as
there are; where the card's input is ``whole``, of any length. Its outputs carry
the names of the card's outputs, and ``embedding``. The card's contract is inside the file.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mirzoo._support.cores import threads_asked
from mirzoo._support.files import is_utf8
from mirzoo.annotate import ModelMethods
from mirzoo.card import Card
from mirzoo.errors import ArtefactError, ExportError
from mirzoo.runtimes.base import RUNTIMES, Runtime, batches_of

WAVEFORM = "waveform"
CARD_PROPERTY = "mirzoo_card"
ANY_NUMBER = None


def need(package: str) -> ModuleType:
    """Import a package of the extra ``onnx``; raises an ExportError that tells how to get it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ExportError(
            f"the package '{package}' is not installed, and ONNX needs it; "
            "pip install 'mirzoo[onnx]'"
        ) from None


class ONNXModel(ModelMethods):
    """A model of the zoo in ONNX Runtime.

    Parameters
    ----------
    path : str or path
        A `.onnx` file that `mirzoo.export` wrote.
    card : Card, optional
        The card of the model that it was exported from; by default the one inside the file.
    threads : int, optional
        CPU threads to use; by default ``MIRZOO_THREADS`` of the environment, or one per core.

    One object serves any number of threads; it can be pickled and copied, and used after a fork.

    Raises
    ------
    ArtefactError
        If the file is missing, no ONNX model, or carries no card.
    ExportError
        If ONNX Runtime is not installed.

    Examples
    --------
    >>> import mirzoo  # doctest: +SKIP
    >>> mirzoo.export(mirzoo.load("mel_cnn_tagger"), "tagger.onnx")  # doctest: +SKIP
    >>> mirzoo.load("tagger.onnx").annotate("song.mp3").top(2)  # doctest: +SKIP
    [('guitar', 0.91), ('slow', 0.38)]
    """

    _runtime = "ONNX"
    lanes = 1  # ONNX Runtime has threads of its own

    def __init__(
        self, path: str | os.PathLike, card: Card | None = None, *, threads: int | None = None
    ) -> None:
        self.path = Path(path)
        self._threads = threads or threads_asked() or 0
        self._start()
        self.card = card or self._card_inside()
        exported = self.card.exported
        self.any_length = exported is not None and exported.any_length
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __repr__(self) -> str:
        return f"ONNXModel({self.card.name!r}, {str(self.path)!r})"

    def _start(self) -> None:
        runtime = need("onnxruntime")
        if not self.path.is_file():
            raise ArtefactError(f"{self.path} does not exist; an ONNX model is a .onnx file.")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        try:
            # It opens no file itself whose name is not UTF-8.
            model = str(self.path) if is_utf8(str(self.path)) else self.path.read_bytes()
            self._session = runtime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ArtefactError(f"{self.path} is no ONNX model that can be run: {error}") from error
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_session"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._start()

    def _compute(self, windows: np.ndarray) -> dict[str, np.ndarray]:
        if self._process != os.getpid():
            self._start()
        parts = [
            [values[:count] for values in self._session.run(None, {WAVEFORM: batch})]
            for batch, count in batches_of(windows, self.card.exported, ANY_NUMBER)
        ]
        return dict(zip(self._outputs, map(np.concatenate, zip(*parts)), strict=True))

    def _card_inside(self) -> Card:
        properties = self._session.get_modelmeta().custom_metadata_map
        if CARD_PROPERTY not in properties:
            raise ArtefactError(f"{self.path} carries no card; was it written by mirzoo.export?")
        return Card.of_binary(properties[CARD_PROPERTY], source=f"{self.path} ({CARD_PROPERTY})")


def read_card(path: str | os.PathLike) -> Card:
    """Read the card out of a `.onnx` file that `mirzoo.export` wrote; errors as of `ONNXModel`."""
    return ONNXModel(path).card


RUNTIMES.register(Runtime("onnx", ".onnx", ONNXModel, read_card))
