"""`.tflite` files as objects: joined one after the other, large weights stored as float16.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mirzoo.errors import ExportError
from mirzoo.runtimes.tflite_checks import IDENTIFIER

SMALLEST_STORED_AS_HALF = 1024
"""Constants of fewer numbers stay float32: thresholds, exponents and other things that underflow
or must be exact are among them, and there is nothing to gain."""

HALF_PRECISION = 2.0**-11
"""The largest error of a float16, relative to the largest number of its tensor."""

SIGNATURE = "serving_default"


def parse(content: bytes) -> schema.ModelT:
    """Read a file as an object."""
    return schema.ModelT.InitFromPackedBuf(content, 0)


def pack(model: schema.ModelT) -> bytes:
    """Write an object as a file."""
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def join(parts: Sequence[bytes], outputs: Mapping[str, str]) -> bytes:
    """Make one graph of several, each of which takes what those before it give.

    Parameters
    ----------
    parts : sequence of bytes
        Files with the signature `SIGNATURE`, of which tensors of the same name are the same. What
        no part before gives is an input.
    outputs : mapping of str to str
        What the graph gives: a tensor for each name.

    Returns
    -------
    bytes
        A file whose first subgraph has the operators of all parts.
    """
    whole = schema.ModelT()
    whole.version, whole.description = 3, b"mirzoo"
    whole.buffers, whole.operatorCodes = [schema.BufferT()], []
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.name = [], [], [], b"main"
    whole.subgraphs = [graph]
    known: dict[str, int] = {}
    taken: dict[str, int] = {}
    for content in parts:
        part = parse(content)
        signature = signature_of(part)
        codes = [_code_in(whole, code) for code in part.operatorCodes]
        shift = len(whole.buffers) - 1
        whole.buffers += part.buffers[1:]
        inner = len(whole.subgraphs) - 1
        for subgraph in part.subgraphs:
            for tensor in subgraph.tensors:
                tensor.buffer += shift if tensor.buffer else 0
            for operator in subgraph.operators:
                operator.opcodeIndex = codes[operator.opcodeIndex]
                _move_subgraphs(operator, inner)
        whole.subgraphs += part.subgraphs[1:]
        main = part.subgraphs[0]
        index = {}
        for entry in signature.inputs:
            name = text(entry.name)
            if name in known:
                index[entry.tensorIndex] = known[name]
        for number, tensor in enumerate(main.tensors):
            if number not in index:
                index[number] = len(graph.tensors)
                graph.tensors.append(tensor)
        for entry in signature.inputs:
            if text(entry.name) not in known:
                known[text(entry.name)] = taken[text(entry.name)] = index[entry.tensorIndex]
        for operator in main.operators:
            operator.inputs = _renumbered(operator.inputs, index)
            operator.outputs = _renumbered(operator.outputs, index)
            operator.intermediates = _renumbered(operator.intermediates, index)
            graph.operators.append(operator)
        known.update({text(e.name): index[e.tensorIndex] for e in signature.outputs})
    given = {name: known[tensor] for name, tensor in outputs.items()}
    graph.inputs, graph.outputs = list(taken.values()), list(given.values())
    whole.signatureDefs = [_signature(taken, given)]
    whole.metadata = []
    return pack(whole)


def renamed(content: bytes, taken: Sequence[str], given: Sequence[str]) -> bytes:
    """Name the inputs ``taken0``, ``taken1``, … and outputs ``given0``, … of the signature."""
    model = parse(content)
    signature = signature_of(model)
    for entries, names, prefix in (
        (signature.inputs, taken, "taken"),
        (signature.outputs, given, "given"),
    ):
        for entry in entries:
            entry.name = names[int(text(entry.name).removeprefix(prefix))].encode()
    return pack(model)


def store_as_half(content: bytes, smallest: int = SMALLEST_STORED_AS_HALF) -> bytes:
    """Store large float32 constants as float16, from which the runtime makes float32 again.

    Those stay as they are that have fewer than ``smallest`` numbers, one that is too large for
    float16, or numbers so small that they would lose more than a half-precision number does.
    """
    model = parse(content)
    dequantize = schema.OperatorCodeT()
    dequantize.builtinCode = dequantize.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    done: dict[int, int] = {}
    for graph in model.subgraphs:
        operators = []
        for number, tensor in enumerate(list(graph.tensors)):
            half = _halved(model, tensor, smallest)
            if half is None:
                continue
            if tensor.buffer not in done:
                done[tensor.buffer] = len(model.buffers)
                buffer = schema.BufferT()
                buffer.data = np.frombuffer(half.tobytes(), np.uint8)
                model.buffers.append(buffer)
            stored = copy.copy(tensor)
            stored.buffer, stored.type = done[tensor.buffer], schema.TensorType.FLOAT16
            operator = schema.OperatorT()
            operator.opcodeIndex = _code_in(model, dequantize)
            operator.inputs, operator.outputs = [len(graph.tensors)], [number]
            operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
            operator.builtinOptions = schema.DequantizeOptionsT()
            operators.append(operator)
            graph.tensors.append(stored)
            tensor.buffer = 0
        graph.operators = operators + list(graph.operators)
    return pack(_without_unused_buffers(model))


def _halved(model: schema.ModelT, tensor: schema.TensorT, smallest: int) -> np.ndarray | None:
    """A constant as float16, or None where it is none or would lose by it."""
    data = model.buffers[tensor.buffer].data
    if data is None or tensor.type != schema.TensorType.FLOAT32:
        return None
    values = np.frombuffer(bytes(data), np.float32)
    if values.size < smallest:
        return None
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    largest = np.abs(values).max()
    error = np.abs(half.astype(np.float32) - values).max()
    return half if error <= HALF_PRECISION * largest else None


def _without_unused_buffers(model: schema.ModelT) -> schema.ModelT:
    used = {0, *(t.buffer for g in model.subgraphs for t in g.tensors)}
    used |= {entry.buffer for entry in model.metadata or []}
    new = {old: number for number, old in enumerate(sorted(used))}
    model.buffers = [model.buffers[old] for old in sorted(used)]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = new[tensor.buffer]
    for entry in model.metadata or []:
        entry.buffer = new[entry.buffer]
    return model


def signature_of(model: schema.ModelT) -> schema.SignatureDefT:
    """The signature that a file is run by."""
    return next(s for s in model.signatureDefs if text(s.signatureKey) == SIGNATURE)


def text(name: bytes | str) -> str:
    """A name, which a file that was read has as bytes."""
    return name.decode() if isinstance(name, bytes) else name


def _code_in(model: schema.ModelT, code: schema.OperatorCodeT) -> int:
    """The number of an operator in a file's list, which is put there if it is not."""

    def identity(other: schema.OperatorCodeT) -> tuple[int, object, int]:
        builtin = max(other.builtinCode, other.deprecatedBuiltinCode)
        return builtin, other.customCode, other.version

    for number, there in enumerate(model.operatorCodes):
        if identity(there) == identity(code):
            return number
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _move_subgraphs(operator: schema.OperatorT, by: int) -> None:
    """Renumber the subgraphs that a loop or a condition refers to."""
    options = operator.builtinOptions
    fields = [f for f in getattr(options, "__dict__", ()) if f.endswith("SubgraphIndex")]
    for field in fields:
        setattr(options, field, getattr(options, field) + by)
    if fields and not isinstance(options, schema.WhileOptionsT | schema.IfOptionsT):
        raise ExportError(
            f"a graph with {type(options).__name__.removesuffix('OptionsT')} cannot be divided; "
            "leave quantize out, or use quantize='float16'"
        )


def _renumbered(tensors: Iterable[int] | None, index: dict[int, int]) -> list[int]:
    return [index.get(int(tensor), -1) for tensor in ([] if tensors is None else tensors)]


def _signature(taken: dict[str, int], given: dict[str, int]) -> schema.SignatureDefT:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE.encode(), 0
    signature.inputs = list(_tensor_map(taken))
    signature.outputs = list(_tensor_map(given))
    return signature


def _tensor_map(tensors: dict[str, int]) -> Iterator[schema.TensorMapT]:
    for name, number in tensors.items():
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), number
        yield entry
