"""Switches of public functions take True and False alone, whatever Python counts as either."""

import importlib
import inspect
from collections import deque
from unittest.mock import MagicMock

import numpy as np
import pytest

from mirzoo._support.switches import require_switches
from mirzoo.errors import AnnotationError, MirzooError

MODULES = [
    "annotate", "artefact", "audio", "data.own", "data.readers", "engines.batch",
    "engines.browser", "engines.embedding", "engines.shards", "engines.similar", "export", "hub",
    "training", "training.fine_tuning",
]  # fmt: skip
INSIDE = {
    "Batch", "Catalogue", "EmbeddingSetup", "Listed",
    "LoadedModel.annotate", "ModelMethods.steps", "Wanted", "named_files", "steps_of",
    "writers_of",
}  # fmt: skip
"""What is given its switches by the functions of those modules, which have looked at them."""

ANYTHING = MagicMock()


def functions(module):
    for thing in vars(module).values():
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield thing
        elif inspect.isclass(thing) and not issubclass(thing, Exception):
            yield thing
            parts = (getattr(part, "__func__", part) for part in vars(thing).values())
            yield from filter(inspect.isfunction, parts)


def switches():
    for name in MODULES:
        for function in functions(importlib.import_module(f"mirzoo.{name}")):
            called = function.__qualname__
            if called in INSIDE or "._" in called or called[0] == "_":
                continue
            for entry in inspect.signature(function).parameters.values():
                if entry.annotation in ("bool", "bool | None"):
                    yield pytest.param(function, entry.name, id=f"{name}.{called}-{entry.name}")


@pytest.mark.parametrize(("function", "switch"), switches())
@pytest.mark.parametrize("wrong", ["no", 1, 0.0, []])
def test_only_true_and_false_are_switches(function, switch, wrong):
    """They are looked at before anything else, so that the others may be anything here."""
    needed = [
        entry.name
        for entry in inspect.signature(function).parameters.values()
        if entry.default is entry.empty and entry.kind is not entry.VAR_KEYWORD
    ]
    given = dict.fromkeys(needed, ANYTHING) | {switch: wrong}
    with pytest.raises(MirzooError, match=rf"^{switch} is .*; allowed are True"):
        deque(function(**given))  # a generator looks at them when it is iterated


def test_numpy_s_switches_are_switches():
    require_switches(AnnotationError, careful=np.True_, optional={"exclusive": np.False_})
    require_switches(AnnotationError, optional={"exclusive": None})
    with pytest.raises(AnnotationError, match="exclusive is 'no'; allowed are True, False and No"):
        require_switches(AnnotationError, optional={"exclusive": "no"})
    with pytest.raises(AnnotationError, match="careful is None; allowed are True and False"):
        require_switches(AnnotationError, careful=None)
