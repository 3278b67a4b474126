"""The same ONNX graph for the same model: tf2onnx orders and names by hashes and by counters."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


def settle(graph: Any) -> None:
    """Order the nodes of a graph, and name nodes and values, by their way from the outputs alone.

    Inputs and outputs keep their names, which the runtime knows; constants that nothing uses go.
    The order of a loop's states is left as tf2onnx chose it, so that files of recurrent models are
    the same for one value of ``PYTHONHASHSEED`` alone.

    Parameters
    ----------
    graph : onnx.GraphProto
        Changed in place.
    """
    known = {value.name: value.name for value in (*graph.input, *graph.output)}
    _settle(graph, known, itertools.count())


def _settle(graph: Any, names: dict[str, str], numbers: Iterator[int]) -> None:
    """``names`` maps the values that are named already, those of outer graphs too."""
    nodes = _in_order(graph)
    constants = {constant.name: constant for constant in graph.initializer}
    used = []
    for node in nodes:
        for value in _needs(node):
            if value in constants and value not in names:
                names[value] = f"/{next(numbers)}"
                used.append(constants[value])
        for value in filter(None, node.output):
            names.setdefault(value, f"/{next(numbers)}")
        node.name = f"{node.op_type}/{next(numbers)}"
        node.ClearField("doc_string")
        if not node.domain:
            node.ClearField("domain")
        for inner in _graphs(node):
            for value in inner.input:
                names[value.name] = f"/{next(numbers)}"
            _settle(inner, names, numbers)
    for node in nodes:
        node.input[:] = [value and names[value] for value in node.input]
        node.output[:] = [value and names[value] for value in node.output]
    for named in (*used, *graph.input, *graph.output):
        named.name = names[named.name]
    for value in (*graph.input, *graph.output):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = names.setdefault(f"size {size.dim_param}", f"n{next(numbers)}")
    _replace(graph.node, nodes)
    _replace(graph.initializer, used)
    del graph.value_info[:]
    graph.name = "mirzoo"
    graph.ClearField("doc_string")


def _in_order(graph: Any) -> list[Any]:
    """The nodes that the outputs need, each after those that it needs itself."""
    makers = {value: node for node in graph.node for value in node.output if value}
    ordered: list[Any] = []
    done: set[int] = set()
    waiting = [makers[value.name] for value in reversed(graph.output) if value.name in makers]
    while waiting:
        node = waiting[-1]
        before = [
            makers[value]
            for value in _needs(node)
            if value in makers and id(makers[value]) not in done
        ]
        if before and id(node) not in done:
            waiting += reversed(before)
            continue
        waiting.pop()
        if id(node) not in done:
            done.add(id(node))
            ordered.append(node)
    return ordered


def _needs(node: Any) -> list[str]:
    """The values that a node takes, those that graphs inside it take from outside included."""
    return [*filter(None, node.input), *(value for g in _graphs(node) for value in _taken(g))]


def _taken(graph: Any) -> list[str]:
    own = {
        *(value.name for value in graph.input),
        *(constant.name for constant in graph.initializer),
        *(value for node in graph.node for value in node.output),
    }
    wanted = [value for node in _in_order(graph) for value in _needs(node)]
    wanted += [value.name for value in graph.output]
    return [value for value in wanted if value not in own]


def _graphs(node: Any) -> list[Any]:
    return [inner for a in node.attribute for inner in ([a.g] if a.HasField("g") else a.graphs)]


def _replace(field: Any, items: list[Any]) -> None:
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(copies)
