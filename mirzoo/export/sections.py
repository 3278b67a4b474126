"""A model divided where its precision may change: front-end, head, recurrent layers, outputs.

Each section takes tensors by name and gives others. One after the other they are the model; apart
from each other they are converted where some of them are to be quantised: the front-end's spectra
need float32, and so do recurrent layers, whose errors pile up from frame to frame, layers that
measure something in the features, and output layers, whose probabilities decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from mirzoo.annotate import EMBEDDING
from mirzoo.export.recurrence import recurrence_of
from mirzoo.models.model import Model

FEATURES = "features"
SAMPLES = "samples"
"""The waveform at the model's rate, in [-1, 1]."""

Tensors = dict[str, tf.Tensor]


@dataclass(frozen=True)
class Section:
    """A part of a model.

    Parameters
    ----------
    name : str
        ``"front-end"``, ``"head 0"``, ``"recurrence 0"``, ``"outputs"``.
    inputs, outputs : tuple of str
        Names of the tensors that it takes and gives.
    compute : callable
        From the tensors that it takes to those that it gives, each a dict by name.
    quantised : bool
        Whether its weights and arithmetic may be quantised.
    spectral : bool
        Whether it makes spectra, in which errors of half precision stand out between the tones.
    exact : bool
        Whether its constants stay float32.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    compute: Callable[[Tensors], Tensors]
    quantised: bool = False
    spectral: bool = False
    exact: bool = False


def divide(model: Model) -> tuple[Section, ...]:
    """Divide a model, from `SAMPLES` to every output of its card and the embedding."""
    frontend = model.frontend
    outputs = model.every_output.output
    taken = {EMBEDDING: outputs[EMBEDDING]}
    if model.outputs_take_features:
        taken[FEATURES] = model.head_input
    rest = {name: tensor for name, tensor in outputs.items() if name != EMBEDDING}

    def compute_features(given: Tensors) -> Tensors:
        return {FEATURES: frontend(given[SAMPLES], training=False)}

    return (
        Section("front-end", (SAMPLES,), (FEATURES,), compute_features, spectral=True),
        *_divide_head(model.head),
        _section("outputs", taken, rest, quantised=False),
    )


def run(sections: Iterable[Section], given: Tensors) -> Tensors:
    """Compute one section after the other; the result has every tensor by name."""
    known = dict(given)
    for section in sections:
        known.update(section.compute({name: known[name] for name in section.inputs}))
    return known


def _divide_head(head: keras.Model) -> Iterator[Section]:
    """Cut off what stays float: the entry, recurrent layers, and layers that say ``needs_float32``.

    Odd levels stay float, even ones may be quantised, and none depends on one above it.
    """
    names = {id(head.input): FEATURES, id(head.output): EMBEDDING}
    level_of = {id(head.input): -1}
    nodes: dict[int, list[Any]] = {}
    entry = _entry(head)
    for node in _nodes(head):
        layer = node.operation
        floats = _loops(layer) or layer.name in entry or getattr(layer, "needs_float32", False)
        level = max(level_of[id(tensor)] for tensor in node.input_tensors)
        level += (level % 2 == 1) != floats
        nodes.setdefault(level, []).append(node)
        for tensor in node.output_tensors:
            level_of[id(tensor)] = level
            names.setdefault(id(tensor), f"inner_{len(names)}")

    def named(tensors: Iterable[keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        return {names[id(tensor)]: tensor for tensor in tensors}

    for level, here in sorted(nodes.items()):
        if level % 2:
            for node in here:
                yield from _float(node, named(node.input_tensors), named(node.output_tensors))
            continue
        above = [node for up in nodes if up > level for node in nodes[up]]
        taken = [tensor for node in here for tensor in node.input_tensors]
        given = [tensor for node in here for tensor in node.output_tensors]
        wanted = {id(tensor) for node in above for tensor in node.input_tensors}
        wanted.add(id(head.output))
        yield _section(
            f"head {level}",
            named(tensor for tensor in taken if level_of[id(tensor)] < level),
            named(tensor for tensor in given if id(tensor) in wanted),
            quantised=True,
        )


def _float(
    node: Any, taken: dict[str, keras.KerasTensor], given: dict[str, keras.KerasTensor]
) -> Iterator[Section]:
    layer = node.operation
    recurrence = recurrence_of(layer)
    if recurrence is None:
        yield _section(layer.name, taken, given, quantised=False)
        return
    (sequence,), (result,) = taken, given
    taken_by_run = sequence
    if recurrence.projects_first:
        taken_by_run = projected = f"projected_{sequence}"
        yield Section(
            f"{layer.name} projection",
            (sequence,),
            (projected,),
            lambda tensors: {projected: recurrence.project(tensors[sequence])},
            quantised=True,
        )
    yield Section(
        layer.name,
        (taken_by_run,),
        (result,),
        lambda tensors: {result: recurrence.run(tensors[taken_by_run])},
    )


def _section(
    name: str,
    taken: dict[str, keras.KerasTensor],
    given: dict[str, keras.KerasTensor],
    *,
    quantised: bool,
) -> Section:
    part = keras.Model(list(taken.values()), given, name=name.replace(" ", "_"))

    def compute(tensors: Tensors) -> Tensors:
        return part([tensors[name] for name in taken], training=False)

    return Section(name, tuple(taken), tuple(given), compute, quantised)


def _nodes(model: keras.Model) -> list[Any]:
    """Its nodes but for the inputs, each behind those whose tensors it takes."""
    by_depth = sorted(model._nodes_by_depth.items(), reverse=True)
    return [node for _, nodes in by_depth for node in nodes if not node.is_input]


def _entry(head: keras.Model) -> set[str]:
    """The layers before the second one with a kernel: normalisation and the first convolution.

    Features span more than eight bits hold, and the first convolution has few channels to read.
    """
    names: set[str] = set()
    kernels = 0
    for node in _nodes(head):
        kernels += hasattr(node.operation, "kernel") or _loops(node.operation)
        if kernels > 1:
            break
        names.add(node.operation.name)
    return names


def _loops(layer: keras.layers.Layer) -> bool:
    """Whether a layer goes from frame to frame, carrying a state."""
    if getattr(layer, "loops_over_frames", False):
        return True
    return isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
