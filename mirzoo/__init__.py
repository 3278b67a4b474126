"""Music models for Keras that take the waveform itself.

Examples
--------
>>> import mirzoo
>>> model = mirzoo.load("mel_cnn_tagger")  # doctest: +SKIP
>>> model.annotate("song.mp3").top(3)  # doctest: +SKIP
[('guitar', 0.91), ('slow', 0.38), ('classical', 0.33)]

Names are imported when they are first used: `import mirzoo` alone is quick and does without
TensorFlow, and so does a model loaded with ``runtime="litert"``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mirzoo._support import moved

if TYPE_CHECKING:
    from mirzoo.artefact import save
    from mirzoo.card import Card
    from mirzoo.engines.batch import annotate_many
    from mirzoo.engines.embedding import embed
    from mirzoo.errors import MirzooError
    from mirzoo.evaluation import evaluate
    from mirzoo.export import export
    from mirzoo.hub import create, list_models, load, pull, stream, verify
    from mirzoo.models.model import Model
    from mirzoo.runtimes.litert import LiteRTModel
    from mirzoo.runtimes.onnx import ONNXModel
    from mirzoo.tasks.beats.annotation import Beats
    from mirzoo.tasks.chords.annotation import Chords
    from mirzoo.tasks.key.annotation import Key
    from mirzoo.tasks.melody.annotation import Melody
    from mirzoo.tasks.notes.annotation import Notes
    from mirzoo.tasks.tagging.annotation import Tags
    from mirzoo.training import train
    from mirzoo.training.fine_tuning import fine_tune

    __version__: str

__all__ = [
    "Beats",
    "Card",
    "Chords",
    "Key",
    "LiteRTModel",
    "Melody",
    "MirzooError",
    "Model",
    "Notes",
    "ONNXModel",
    "Tags",
    "__version__",
    "annotate_many",
    "create",
    "embed",
    "evaluate",
    "export",
    "fine_tune",
    "list_models",
    "load",
    "pull",
    "save",
    "stream",
    "train",
    "verify",
]

_MODULES = {
    "Beats": "tasks.beats.annotation",
    "Card": "card",
    "Chords": "tasks.chords.annotation",
    "Key": "tasks.key.annotation",
    "LiteRTModel": "runtimes.litert",
    "Melody": "tasks.melody.annotation",
    "MirzooError": "errors",
    "Model": "models.model",
    "Notes": "tasks.notes.annotation",
    "ONNXModel": "runtimes.onnx",
    "Tags": "tasks.tagging.annotation",
    "annotate_many": "engines.batch",
    "create": "hub",
    "embed": "engines.embedding",
    "evaluate": "evaluation",
    "export": "export",
    "fine_tune": "training.fine_tuning",
    "list_models": "hub",
    "load": "hub",
    "pull": "hub",
    "save": "artefact",
    "stream": "hub",
    "train": "training",
    "verify": "hub",
}


class _Package(ModuleType):
    # Importing the package mirzoo.export would hide the function of that name.
    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
moved.install()


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "__version__":
        from importlib.metadata import version

        return version("mirzoo")
    if name not in _MODULES:
        raise AttributeError(f"module 'mirzoo' has no attribute {name!r}")
    return getattr(import_module(f"mirzoo.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
