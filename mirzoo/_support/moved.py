"""Modules under the names that they had in version 0.1, for one version.

``import mirzoo.model`` and ``from mirzoo.model import Model`` go on working, with a
DeprecationWarning that names the new place.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from importlib.abc import Loader

MOVED: dict[str, tuple[str, ...]] = {
    "annotation": (
        "tasks.annotation", "tasks.tagging", "tasks.chords", "tasks.melody", "tasks.notes",
    ),
    "annotation.base": ("tasks.annotation.base",),
    "annotation.chords": ("tasks.chords.annotation",),
    "annotation.files": ("tasks.annotation.files",),
    "annotation.melody": ("tasks.melody.annotation",),
    "annotation.midi_file": ("tasks.annotation.midi_file",),
    "annotation.notes": ("tasks.notes.annotation",),
    "annotation.pictures": ("tasks.annotation.pictures",),
    "annotation.sheet": ("tasks.annotation.sheet",),
    "annotation.sound": ("tasks.annotation.sound",),
    "annotation.tags": ("tasks.tagging.annotation",),
    "build": ("models.build",),
    "data.alterations": ("training.alterations",),
    "data.batches": ("training.batches",),
    "data.sequences": ("training.sequences", "tasks.chords.targets", "tasks.melody.targets"),
    "data.annotated": ("studio.isolated_chords", "studio.ultrastar"),
    "data.charts": ("studio.score.charts", "studio.charts_mma"),
    "data.mirdata_sets": ("data.readers.mirdata", "data.labels"),
    "data.mixes": (
        "studio.mir1k", "studio.philharmonia", "studio.sound.mixing", "studio.sound.samples",
    ),
    "data.plucked": ("studio.guitar", "studio.sound.plucked"),
    "data.render": ("studio.sound.render", "studio.score.arranging"),
    "data.splits": (
        "studio._items", "studio.emotify", "studio.mir1k", "studio.pop909", "studio.sung",
    ),
    "data.voices": ("studio.sung", "studio.sound.voices"),
    **{f"data.{name}": (f"studio.{name}",) for name in ("debian", "guitar_bands", "guitar_leads")},
    **{
        f"data.{name}": (f"studio.score.{name}",)
        for name in ("fretboard", "general_midi", "midi", "songs")
    },
    **{
        f"data.{name}": (f"studio.sound.{name}",)
        for name in (
            "effects", "fluidsynth", "leads", "recorded_leads", "renditions", "soloists", "stems",
            "tracking",
        )
    },
    "demo": ("cli.demo",),
    "demo.make_clip": ("studio._demo_clip",),
    "distillation": ("data.predictions",),
    "evaluation.chords": ("tasks.chords.scores",),
    "evaluation.melody": ("tasks.melody.scores",),
    "evaluation.scores": ("tasks.scores",),
    "evaluation.tagging": ("tasks.tagging.scores", "evaluation.probes"),
    "fine_tuning": ("training.fine_tuning",),
    "frontends": ("models.frontends",),
    "heads": ("models.heads",),
    "heads.blocks": ("models.heads._blocks", "models.heads._settings"),
    "heads.pitched": ("models.heads.pitch_class_crnn", "models.heads.pitch_cnn"),
    "dsp.halving_cqt": ("ports.basic_pitch.wavelets",),
    "layers": (
        "models.layers", "ports.basic_pitch.layers", "ports.crema.layers", "ports.crepe.layers",
        "ports.musicnn.layers",
    ),
    "layers.frames": ("ports.crepe.layers",),
    "layers.halving_cqt": ("ports.basic_pitch.layers",),
    "layers.patches": ("ports.musicnn.layers",),
    "layers.peak": ("ports.crema.layers",),
    "layers.recurrent": ("ports.crema.layers",),
    "litert": ("runtimes.litert",),
    "measuring": ("evaluation.corpora",),
    "model": ("models.model", "errors"),
    "onnx": ("runtimes.onnx",),
    "outputs": ("models.build",),
    "pipelines": ("training.datasets",),
    "ports.catalogue": ("ports",),
    "ports.numpy_pickle": ("ports._numpy_pickle",),
    "ports.package": ("ports._package", "ports"),
    "ports.torch_checkpoint": ("ports._torch_checkpoint",),
    "probing": ("evaluation.probes",),
    "training.corpora": ("training.provenance", "training.runs"),
    "training.tags": ("training.clips",),
    "training.taught_chords": ("tasks.chords.teachers",),
    "training.taught_melody": ("tasks.melody.teachers",),
    "training.teaching": ("data.predictions",),
    "zoo": ("hub", "artefact"),
}  # fmt: skip
"""Old name to the modules that now hold what it held, all below ``mirzoo``."""


class _Moved(ModuleType):
    """Stands for a module of an old name: what it is asked for comes from the new ones."""

    _homes: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for home in self._homes:
            module = importlib.import_module(home)
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(
            f"'{self.__name__}' is now {' and '.join(self._homes)}, which has no '{name}'"
        )

    def __dir__(self) -> list[str]:
        return sorted({name for home in self._homes for name in dir(importlib.import_module(home))})


class _Finder:
    """Finds modules of old names, and those below them; comes after every other finder."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        homes = _homes(name)
        return None if homes is None else ModuleSpec(name, cast("Loader", self), is_package=True)

    def create_module(self, spec: ModuleSpec) -> _Moved:
        module = _Moved(spec.name)
        module._homes = _homes(spec.name) or ()
        return module

    def exec_module(self, module: ModuleType) -> None:
        # What importing the old module registered is registered: files of models name layers.
        for home in module._homes:
            importlib.import_module(home)
        homes = " and ".join(module._homes)
        warnings.warn(
            f"{module.__name__} is now {homes}; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )


def _homes(name: str) -> tuple[str, ...] | None:
    package, _, old = name.partition(".")
    if package != "mirzoo":
        return None
    if old in MOVED:
        return tuple(f"mirzoo.{new}" for new in MOVED[old])
    parent, _, child = old.rpartition(".")
    for home in MOVED.get(parent, ()):
        new = f"mirzoo.{home}.{child}"
        try:
            if importlib.util.find_spec(new) is not None:
                return (new,)
        except ModuleNotFoundError:
            continue
    return None


def moved_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a module for names that stand elsewhere now.

    Parameters
    ----------
    module : str
        The module's own name.
    homes : mapping of str to str
        Each name, and the module that has it now; ``"module:name"`` where its name changed too.

    Examples
    --------
    >>> __getattr__ = moved_names(__name__, {"hann": "mirzoo.dsp.windows"})
    """

    def getattr_(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{module}' has no attribute {name!r}")
        home, _, new = homes[name].partition(":")
        new = new or name
        warnings.warn(
            f"{module}.{name} is now {home}.{new}; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(home), new)

    return getattr_


def install() -> None:
    """Let old names be found from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def names(
    module: str, homes: Sequence[str], renamed: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a module whose names have moved, with a DeprecationWarning.

    Parameters
    ----------
    module : str
        Name of the module.
    homes : sequence of str
        Modules that hold its old names now; the first that has a name gives it.
    renamed : mapping of str to str, optional
        Old name to the new one in ``homes``.
    """

    def give(name: str) -> Any:
        if not name.startswith("__"):
            new = (renamed or {}).get(name, name)
            for home in homes:
                value = getattr(importlib.import_module(home), new, None)
                if value is not None and not isinstance(value, ModuleType):
                    warnings.warn(
                        f"{module}.{name} is now {home}.{new}; the old name goes with the next "
                        "version",
                        DeprecationWarning,
                        stacklevel=2,
                    )
                    return value
        raise AttributeError(f"module '{module}' has no attribute '{name}'")

    return give
