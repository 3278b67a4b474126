"""Check a `.tflite` file before LiteRT maps it: the runtime follows its offsets as they are.

LiteRT trusts a file: an offset that leads outside, the number of a tensor that there is not, or an
operation that writes into a constant reads or overwrites the process's memory. Nothing is given to
the runtime before `require_sound` has found that

- every table, vector and string lies inside the file (what FlatBuffers' own verifier checks);
- every number of a buffer, tensor, operator or subgraph is that of one that there is;
- tensors have a plain type, a size of at most `LARGEST_TENSOR_BYTES`, and constants as many
  bytes as it takes;
- an operation is in `PURE`, reads only what an earlier one has computed, and computes what
  nothing else does;
- subgraphs call others in no circle, with as many arguments as these take.

The tables are those of LiteRT's schema (``tflite/converter/schema/schema.fbs``); a test
compares them with the installed one.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mirzoo._support.guards import reading
from mirzoo.errors import ArtefactError

IDENTIFIER = b"TFL3"
LARGEST_TENSOR_BYTES = 1 << 30
LARGEST_STEP = 1 << 16
MOST_AXES = 8
MOST_TABLES = 300_000

# Each table's fields in the order of the schema. [X] is a vector, <X> a union, - a slot no longer
# used; the tables of the union BuiltinOptions hold nothing but numbers unless they stand here.
_SCHEMA = """
Model: version u32, operator_codes [OperatorCode], subgraphs [SubGraph], description string,
    buffers [Buffer], metadata_buffer [i32], metadata [Metadata], signature_defs [SignatureDef],
    external_buffer_groups [Unsupported], external_buffers [Unsupported]
OperatorCode: deprecated_builtin_code i8, custom_code string, version i32, builtin_code i32
SubGraph: tensors [Tensor], inputs [i32], outputs [i32], operators [Operator], name string,
    debug_metadata_index i32
Tensor: shape [i32], type i8, buffer u32, name string, quantization QuantizationParameters,
    is_variable u8, sparsity Unsupported, shape_signature [i32], has_rank u8,
    variant_tensors [Unsupported], external_buffer u32
QuantizationParameters: min [f32], max [f32], scale [f32], zero_point [i64], details_type u8,
    details Unsupported, quantized_dimension i32
Operator: opcode_index u32, inputs [i32], outputs [i32], builtin_options_type u8,
    builtin_options <BuiltinOptions>, custom_options [u8], custom_options_format i8,
    mutating_variable_inputs [u8], intermediates [i32], large_custom_options_offset u64,
    large_custom_options_size u64, builtin_options_2_type u8, builtin_options_2 Unsupported,
    debug_metadata_index i32
Buffer: data [u8], offset u64, size u64
Metadata: name string, buffer u32
SignatureDef: inputs [TensorMap], outputs [TensorMap], signature_key string, - -,
    subgraph_index u32
TensorMap: name string, tensor_index u32
ConcatEmbeddingsOptions: num_channels i32, num_columns_per_channel [i32],
    embedding_dim_per_channel [i32]
FullyConnectedOptions: fused_activation_function i8, weights_format i8, keep_num_dims u8,
    asymmetric_quantize_inputs u8, quantized_bias_type i8, quant_spec [u8]
ReshapeOptions: new_shape [i32]
SqueezeOptions: squeeze_dims [i32]
VarHandleOptions: container string, shared_name string
BucketizeOptions: boundaries [f32]
WhileOptions: cond_subgraph_index i32, body_subgraph_index i32
IfOptions: then_subgraph_index i32, else_subgraph_index i32
SplitOptions: num_splits i32
SplitVOptions: num_splits i32
PackOptions: values_count i32, axis i32
UnpackOptions: num i32, axis i32
Conv2DOptions: padding i8, stride_w i32, stride_h i32, fused_activation_function i8,
    dilation_w_factor i32, dilation_h_factor i32, quantized_bias_type i8
DepthwiseConv2DOptions: padding i8, stride_w i32, stride_h i32, depth_multiplier i32,
    fused_activation_function i8, dilation_w_factor i32, dilation_h_factor i32
Conv3DOptions: padding i8, stride_d i32, stride_w i32, stride_h i32, fused_activation_function i8,
    dilation_d_factor i32, dilation_w_factor i32, dilation_h_factor i32
TransposeConvOptions: padding i8, stride_w i32, stride_h i32, fused_activation_function i8,
    quantized_bias_type i8
Pool2DOptions: padding i8, stride_w i32, stride_h i32, filter_width i32, filter_height i32,
    fused_activation_function i8
SpaceToDepthOptions: block_size i32
DepthToSpaceOptions: block_size i32
LocalResponseNormalizationOptions: radius i32, bias f32, alpha f32, beta f32
"""
_OPTIONS = {1: "Conv2DOptions", 2: "DepthwiseConv2DOptions", 3: "ConcatEmbeddingsOptions",
            5: "Pool2DOptions", 8: "FullyConnectedOptions",
            13: "LocalResponseNormalizationOptions", 17: "ReshapeOptions",
            19: "SpaceToDepthOptions", 30: "SqueezeOptions", 35: "SplitOptions",
            49: "TransposeConvOptions", 59: "PackOptions", 64: "UnpackOptions",
            79: "SplitVOptions", 92: "IfOptions", 93: "WhileOptions", 94: "DepthToSpaceOptions",
            106: "Conv3DOptions", 111: "VarHandleOptions", 115: "BucketizeOptions"}  # fmt: skip
_LAST_OPTIONS = 126
_OPTIONS_UNION = "<BuiltinOptions>"

_SCALARS = {
    name: struct.Struct(f"<{code}")
    for name, code in (
        ("i8", "b"), ("u8", "B"), ("i32", "i"), ("u32", "I"), ("i64", "q"), ("u64", "Q"),
        ("f32", "f"),
    )
}  # fmt: skip
_U32 = _SCALARS["u32"]
_TABLE = struct.Struct("<HH")  # sizes of a table's own table of offsets, and of the table

_TYPE_BITS = {0: 32, 1: 16, 2: 32, 3: 8, 4: 64, 6: 8, 7: 16, 8: 64, 9: 8, 10: 64, 11: 128, 12: 64,
              15: 32, 16: 16, 17: 4, 18: 16, 19: 2, 20: 4, 21: 8, 22: 8}  # fmt: skip

# How many inputs and outputs an operation has: its name and number in LiteRT's schema.
_OPERATIONS = """
1 -> 1: ABS 101 AVERAGE_POOL_2D 1 BITCAST 159 BUCKETIZE 147 CAST 53 CEIL 104 COMPLEX_ABS 135
    COS 108 DEPTH_TO_SPACE 5 DEQUANTIZE 6 ELU 111 EXP 47 FAKE_QUANT 80 FLOOR 8 GELU 150
    HARD_SWISH 117 IMAG 133 L2_NORMALIZATION 11 L2_POOL_2D 12 LEAKY_RELU 98
    LOCAL_RESPONSE_NORMALIZATION 13 LOG 73 LOGICAL_NOT 87 LOGISTIC 14 LOG_SOFTMAX 50
    MATRIX_DIAG 113 MAX_POOL_2D 17 NEG 59 QUANTIZE 114 RANK 110 REAL 134 RELU 19 RELU6 21
    RELU_0_TO_1 152 RELU_N1_TO_1 20 ROUND 116 RSQRT 76 SHAPE 77 SIGN 158 SIN 66 SOFTMAX 25
    SPACE_TO_DEPTH 26 SQRT 75 SQUARE 92 SQUEEZE 43 TANH 28 WHERE 109 ZEROS_LIKE 93
1 -> 1+: UNPACK 88
1+ -> 0+: IF 118
1+ -> 1: CONCATENATION 2 PACK 83
1+ -> 1+: WHILE 119
1-2 -> 1: RESHAPE 22
2 -> 1: ADD 0 ARG_MAX 56 ARG_MIN 79 ATAN2 156 BATCH_MATMUL 126 BITWISE_XOR 160 BROADCAST_ARGS 145
    BROADCAST_TO 130 CUMSUM 128 DIV 42 EMBEDDING_LOOKUP 7 EQUAL 71 EXPAND_DIMS 70 FILL 94
    FLOOR_DIV 90 FLOOR_MOD 95 GATHER 36 GATHER_ND 107 GREATER 61 GREATER_EQUAL 62 LESS 58
    LESS_EQUAL 63 LOGICAL_AND 86 LOGICAL_OR 84 MATRIX_SET_DIAG 115 MAXIMUM 55 MEAN 40 MINIMUM 57
    MIRROR_PAD 100 MUL 18 NOT_EQUAL 72 PAD 34 POW 78 PRELU 54 REDUCE_ALL 140 REDUCE_ANY 91
    REDUCE_MAX 82 REDUCE_MIN 89 REDUCE_PROD 81 RESIZE_BILINEAR 23 RESIZE_NEAREST_NEIGHBOR 97
    REVERSE_SEQUENCE 112 REVERSE_V2 105 RFFT2D 131 RIGHT_SHIFT 161 SEGMENT_SUM 125
    SQUARED_DIFFERENCE 99 SUB 41 SUM 74 TILE 69 TRANSPOSE 39
2 -> 1+: SPLIT 49
2 -> 2: TOPK_V2 48
2+ -> 1: ADD_N 106
2-3 -> 1: CONV_2D 3 CONV_3D 132 DEPTHWISE_CONV_2D 4 FULLY_CONNECTED 9
3 -> 1: BATCH_TO_SPACE_ND 37 DYNAMIC_UPDATE_SLICE 151 PADV2 60 RANGE 96 SCATTER_ND 122 SELECT 64
    SELECT_V2 123 SLICE 65 SPACE_TO_BATCH_ND 38 UNSORTED_SEGMENT_MAX 154 UNSORTED_SEGMENT_MIN 157
    UNSORTED_SEGMENT_PROD 153 UNSORTED_SEGMENT_SUM 155
3 -> 1+: SPLIT_V 102
3-4 -> 1: CONV_3D_TRANSPOSE 141 TRANSPOSE_CONV 67
4 -> 1: ONE_HOT 85 STRIDED_SLICE 45
20-24 -> 1: UNIDIRECTIONAL_SEQUENCE_LSTM 44
"""

# Of these, inputs from this one on may be left out.
_MAY_LACK = {"FULLY_CONNECTED": 2, "CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "TRANSPOSE_CONV": 3,
             "CONV_3D": 2, "CONV_3D_TRANSPOSE": 3, "UNIDIRECTIONAL_SEQUENCE_LSTM": 1}  # fmt: skip
# Which input tells how large the result is, and of which axes of the first input it is a multiple.
_ALL, _NONE = slice(None), slice(0, 0)
_GROWS = {"FILL": (0, _NONE), "BROADCAST_TO": (1, _NONE), "SCATTER_ND": (2, _NONE),
          "TRANSPOSE_CONV": (0, _NONE), "CONV_3D_TRANSPOSE": (0, _NONE), "TILE": (1, _ALL),
          "ONE_HOT": (1, _ALL), "RESIZE_BILINEAR": (1, slice(0, None, 3)),
          "RESIZE_NEAREST_NEIGHBOR": (1, slice(0, None, 3)), "RFFT2D": (1, slice(0, -2)),
          "PAD": (1, _NONE), "PADV2": (1, _NONE), "MIRROR_PAD": (1, _NONE)}  # fmt: skip
for _kind in ("MAX", "MIN", "PROD", "SUM"):
    _GROWS[f"UNSORTED_SEGMENT_{_kind}"] = (2, slice(1, None))
_STEPS = ("stride_", "dilation_", "filter_", "block_size", "depth_multiplier", "radius")
_COUNTED = {"SPLIT": "num_splits", "SPLIT_V": "num_splits", "PACK": "values_count",
            "UNPACK": "num"}  # fmt: skip
_CALLS = {"WHILE": ("cond_subgraph_index", "body_subgraph_index"),
          "IF": ("then_subgraph_index", "else_subgraph_index")}  # fmt: skip


def require_sound(path: str | os.PathLike) -> None:
    """Raise an ArtefactError where LiteRT could not run a file without harm.

    Parameters
    ----------
    path : str or path
        The `.tflite` file, which is read and not run.

    Raises
    ------
    ArtefactError
        That tells what is wrong with it.
    """
    with reading(path, ".tflite file"):
        content = Path(path).read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest in _SOUND:
            return
        model = parse(content, path)
        foreign = sorted({name for code in model["operator_codes"] for name in _foreign(code)})
        if foreign:
            raise ArtefactError(
                f"{path} was not run: it holds {', '.join(foreign)}; allowed are built-in "
                "operations without side effects (mirzoo.runtimes.tflite_checks.PURE)"
            )
        _check_model(model, content)
        _SOUND.add(digest)


_SOUND: set[bytes] = set()  # of the files found sound by this process, the SHA-256


def parse(content: bytes, path: str | os.PathLike) -> dict[str, Any]:
    """Read every table of a `.tflite` file, each inside it.

    Parameters
    ----------
    content : bytes
        Of the file.
    path : str or path
        For the message.

    Returns
    -------
    dict
        Of the table ``Model``: fields by their names in the schema, None where the file lacks one.
        Vectors of bytes are ``(start, length)``.

    Raises
    ------
    ArtefactError
        If it is another kind of file.
    ValueError, struct.error
        If something lies outside the file.
    """
    if content[4:8] != IDENTIFIER:
        raise ArtefactError(f"{path} is no .tflite file: its identifier is {content[4:8]!r}")
    model = _Tables(content).read(_U32.unpack_from(content, 0)[0], "Model")
    return {**model, **{name: model[name] or [] for name in _LISTS}}


def operator_name(code: dict[str, Any]) -> str:
    """The name of a table ``OperatorCode``: ``"CONV_2D"``, or ``"CUSTOM:<name>"``."""
    number = max(code["builtin_code"] or 0, code["deprecated_builtin_code"] or 0)
    if number in _NAMES:
        return _NAMES[number]
    from ai_edge_litert.schema_py_generated import BuiltinOperator  # takes a tenth of a second

    if number == BuiltinOperator.CUSTOM:
        return f"CUSTOM:{code['custom_code'] or ''}"
    names = {n: name for name, n in vars(BuiltinOperator).items() if name.isupper()}
    return names.get(number, f"number {number}")


_LISTS = ("operator_codes", "subgraphs", "buffers", "metadata", "signature_defs")


class _Tables:
    """The tables of a file, read no further than it reaches."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = MOST_TABLES

    def read(self, start: int, name: str) -> dict[str, Any]:
        names, fields = _TABLES[name]
        offsets, size = self._offsets(start)
        if any(offsets[len(fields) :]):
            raise ValueError(f"a table {name} has a field that this version does not know")
        found: dict[str, Any] = dict.fromkeys(names)
        for (field, kind, scalar, width), offset in zip(fields, offsets, strict=False):
            if not offset:
                continue
            if offset + width > size:
                raise ValueError(f"{field} of a table {name} lies outside the table")
            if scalar:
                found[field] = scalar.unpack_from(self._content, start + offset)[0]
            elif kind == _OPTIONS_UNION:
                number = found[f"{field}_type"] or 0
                found[field] = self._options(self._led_to(start + offset), number)
            else:
                found[field] = self._value(start + offset, kind)
        return found

    def _offsets(self, start: int) -> tuple[tuple[int, ...], int]:
        """Where each of a table's fields lies in it, and how long it is."""
        self._left -= 1
        if self._left < 0:
            raise ValueError("it holds more tables than any model")
        content = self._content
        there = start - _SCALARS["i32"].unpack_from(content, start)[0]
        if there < 0:
            raise ValueError("a table's offsets lie outside the file")
        bytes_of_offsets, size = _TABLE.unpack_from(content, there)
        if bytes_of_offsets < 4 or bytes_of_offsets % 2 or start + size > len(content):
            raise ValueError("a table lies outside the file")
        count = bytes_of_offsets // 2 - 2
        return struct.unpack_from(f"<{count}H", content, there + 4), size

    def _led_to(self, at: int) -> int:
        return at + _U32.unpack_from(self._content, at)[0]

    def _value(self, at: int, kind: str) -> Any:
        if kind in ("Unsupported", "-"):
            raise ValueError("it has a part of a kind that is not supported")
        start = self._led_to(at)
        if kind == "string":
            return self._string(start)
        if not kind.startswith("["):
            return self.read(start, kind)
        count, kind = self._count(start), kind[1:-1]
        if kind == "u8":
            self._require(start + 4, count)
            return start + 4, count
        self._left -= count // 16
        if kind in _SCALARS:
            self._require(start + 4, count * _SCALARS[kind].size)
            code = _SCALARS[kind].format[1:]
            return struct.unpack_from(f"<{count}{code}", self._content, start + 4)
        if kind == "Unsupported" and count:
            raise ValueError("it has parts of a kind that is not supported")
        self._require(start + 4, 4 * count)
        places = range(start + 4, start + 4 + 4 * count, 4)
        return [self.read(self._led_to(place), kind) for place in places]

    def _count(self, start: int) -> int:
        return _U32.unpack_from(self._content, start)[0]

    def _string(self, start: int) -> str:
        count = self._count(start)
        self._require(start + 4, count + 1)
        self._left -= count // 16
        if self._content[start + 4 + count]:
            raise ValueError("a string does not end")
        return self._content[start + 4 : start + 4 + count].decode("utf-8")

    def _options(self, start: int, kind: int) -> dict[str, Any] | None:
        if kind in _OPTIONS:
            return self.read(start, _OPTIONS[kind])
        if not 0 < kind <= _LAST_OPTIONS:
            raise ValueError(f"an operation has options of an unknown kind ({kind})")
        offsets, size = self._offsets(start)
        for offset in offsets:
            if offset >= size and offset:
                raise ValueError("an option lies outside its table")
        self._require(start, size + 8)  # an option has eight bytes at most
        return None

    def _require(self, start: int, count: int) -> None:
        if start + count > len(self._content):
            raise ValueError(f"{count:,} bytes at {start:,} lie outside the file")


def _foreign(code: dict[str, Any]) -> Iterator[str]:
    name = operator_name(code)
    if name not in PURE:
        yield f"the operation {name}"


def _check_model(model: dict[str, Any], content: bytes) -> None:
    buffers = model["buffers"]
    for buffer in buffers:
        if (buffer["offset"] or 0) > 1 or buffer["size"]:
            raise ValueError("a buffer's bytes lie outside of the tables")
    for entry in model["metadata"]:
        _look_up(buffers, entry["buffer"] or 0, "buffer")
    subgraphs = [_with_lists(subgraph) for subgraph in model["subgraphs"]]
    if not subgraphs:
        raise ValueError("it holds no graph")
    for signature in model["signature_defs"]:
        subgraph = _look_up(subgraphs, signature["subgraph_index"] or 0, "subgraph")
        for entry in (*(signature["inputs"] or ()), *(signature["outputs"] or ())):
            if entry["name"] is None:
                raise ValueError("an input or output of a signature has no name")
            _look_up(subgraph["tensors"], entry["tensor_index"] or 0, "tensor")
    names = [operator_name(code) for code in model["operator_codes"]]
    for subgraph in subgraphs:
        for tensor in subgraph["tensors"]:
            _check_tensor(tensor, buffers)
        _check_operations(subgraph, subgraphs, names, buffers, content)
    _check_no_circle(subgraphs)


def _with_lists(subgraph: dict[str, Any]) -> dict[str, Any]:
    lists = ("tensors", "inputs", "outputs", "operators")
    return {"calls": set(), **{name: subgraph[name] or () for name in lists}}


def _look_up(things: Any, number: int, what: str) -> Any:
    if not 0 <= number < len(things):
        raise ValueError(f"{what} {number} is named, and it has {len(things)}")
    return things[number]


def _is_constant(tensor: dict[str, Any], buffers: list[dict[str, Any]]) -> bool:
    data = buffers[tensor["buffer"] or 0]["data"]
    return data is not None and data[1] > 0


def _is_empty(tensor: dict[str, Any]) -> bool:
    """Whether it holds no numbers, as the constant does that is the shape of a scalar."""
    return bool(tensor["buffer"]) and 0 in (tensor["shape"] or ())


def _check_tensor(tensor: dict[str, Any], buffers: list[dict[str, Any]]) -> None:
    bits = _TYPE_BITS.get(tensor["type"] or 0)
    if bits is None:
        raise ValueError(f"a tensor has the type {tensor['type']}, which is none of numbers")
    shape, signature = tensor["shape"] or (), tensor["shape_signature"]
    if len(shape) > MOST_AXES or any(size < 0 for size in shape):
        raise ValueError(f"a tensor has the shape {shape[:8]}")
    if signature and (len(signature) != len(shape) or any(size < -1 for size in signature)):
        raise ValueError(f"a tensor of the shape {shape[:8]} states {signature[:8]} too")
    size = (math.prod(shape) * bits + 7) // 8
    if size > LARGEST_TENSOR_BYTES:
        raise ValueError(f"a tensor has {size:,} bytes, at most {LARGEST_TENSOR_BYTES:,} are read")
    if tensor["external_buffer"]:
        raise ValueError("a tensor lies in another file")
    _look_up(buffers, tensor["buffer"] or 0, "buffer")
    if _is_constant(tensor, buffers):
        received = buffers[tensor["buffer"]]["data"][1]
        if tensor["is_variable"] or received != size:
            raise ValueError(f"a constant of {size:,} bytes has {received:,}")
    quantization = tensor["quantization"] or {}
    if quantization.get("details_type"):
        raise ValueError("a tensor is quantised in a way that this version does not know")
    scales, zeros = (len(quantization.get(name) or ()) for name in ("scale", "zero_point"))
    if scales:
        axis = quantization["quantized_dimension"] or 0
        per_axis = scales > 1 and (not 0 <= axis < len(shape) or shape[axis] != scales)
        if zeros not in (0, scales) or per_axis:
            raise ValueError(
                f"a tensor of the shape {shape[:8]} is quantised by {scales:,} scales, "
                f"{zeros:,} zeros along axis {axis}"
            )


def _check_operations(
    subgraph: dict[str, Any],
    subgraphs: list[dict[str, Any]],
    names: list[str],
    buffers: list[dict[str, Any]],
    content: bytes,
) -> None:
    tensors = subgraph["tensors"]
    for number in (*subgraph["inputs"], *subgraph["outputs"]):
        _look_up(tensors, number, "tensor")
    computed = {n for operation in subgraph["operators"] for n in operation["outputs"] or ()}
    known = {
        number
        for number, tensor in enumerate(tensors)
        if tensor["is_variable"]
        or _is_constant(tensor, buffers)
        or (_is_empty(tensor) and number not in computed)
    }
    if known & {*subgraph["inputs"]} or len({*subgraph["inputs"]}) < len(subgraph["inputs"]):
        raise ValueError("an input is a constant, or another input too")
    known |= {*subgraph["inputs"]}
    for operation in subgraph["operators"]:
        name = _look_up(names, operation["opcode_index"] or 0, "operation")
        inputs, outputs = operation["inputs"] or (), operation["outputs"] or ()
        takes, gives = _ARITY[name]
        if len(inputs) not in takes or len(outputs) not in gives:
            raise ValueError(f"{name} has {len(inputs)} inputs and {len(outputs)} outputs")
        for place, number in enumerate(inputs):
            if number == -1 and place >= _MAY_LACK.get(name, len(inputs)):
                continue
            _look_up(tensors, number, "tensor")
            if number not in known:
                raise ValueError(f"{name} reads the tensor {number} before it is computed")
        for number in outputs:
            _look_up(tensors, number, "tensor")
            if number in known:
                raise ValueError(f"{name} overwrites the tensor {number}")
            known.add(number)
        for number in operation["intermediates"] or ():
            _look_up(tensors, number, "tensor")
        for option, value in (operation["builtin_options"] or {}).items():
            if option.startswith(_STEPS) and value is not None and not 1 <= value <= LARGEST_STEP:
                raise ValueError(f"{name} has {option} {value:,}")
        if name in _GROWS:
            _check_size(name, [tensors[number] for number in inputs], buffers, content)
        if name in _COUNTED:
            stated = (operation["builtin_options"] or {}).get(_COUNTED[name]) or 0
            there = len(inputs) if name == "PACK" else len(outputs)
            if stated != there:
                raise ValueError(f"{name} states {stated:,} parts and has {there:,}")
        if name in _CALLS:
            _check_call(name, operation, inputs, outputs, subgraphs)
            subgraph["calls"] |= {operation["builtin_options"][part] or 0 for part in _CALLS[name]}
    for number in subgraph["outputs"]:
        if number not in known:
            raise ValueError(f"the output {number} is never computed")


def _check_size(
    name: str, inputs: list[dict[str, Any]], buffers: list[dict[str, Any]], content: bytes
) -> None:
    """Raise a ValueError where a constant makes a result larger than any tensor may be."""
    place, axes = _GROWS[name]
    told, shape = inputs[place], inputs[0]["shape"] or ()
    code = {2: "i", 4: "q"}.get(told["type"] or 0)
    if code is None or not _is_constant(told, buffers):
        return
    start, length = buffers[told["buffer"]]["data"]
    values = struct.unpack_from(f"<{length // struct.calcsize(code)}{code}", content, start)
    if "PAD" in name:
        padded = zip(shape, values[::2], values[1::2], strict=False)
        count = math.prod(abs(size) + abs(before) + abs(after) for size, before, after in padded)
    else:
        count = math.prod(map(abs, values)) * math.prod(shape[axes])
    if 4 * count > LARGEST_TENSOR_BYTES:
        raise ValueError(
            f"{name} makes a tensor of {4 * count:,} bytes, at most {LARGEST_TENSOR_BYTES:,} are "
            "allowed"
        )


def _check_call(
    name: str,
    operation: dict[str, Any],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    subgraphs: list[dict[str, Any]],
) -> None:
    options = operation["builtin_options"]
    if not options or _CALLS[name][0] not in options:
        raise ValueError(f"{name} does not say which graphs it runs")
    for part in _CALLS[name]:
        called = _look_up(subgraphs, options[part] or 0, "subgraph")
        takes = len(inputs) - (name == "IF")
        gives = 1 if part.startswith("cond") else len(outputs)
        if (len(called["inputs"]), len(called["outputs"])) != (takes, gives):
            raise ValueError(f"{name} runs a graph of other inputs or outputs")


def _check_no_circle(subgraphs: list[dict[str, Any]]) -> None:
    over: set[int] = set()
    while len(over) < len(subgraphs):
        leaves = {
            number
            for number, subgraph in enumerate(subgraphs)
            if number not in over and subgraph["calls"] <= over
        }
        if not leaves:
            raise ValueError("graphs run each other in a circle")
        over |= leaves


def _numbers(text: str) -> range:
    """How many there may be: ``"2"``, ``"2-3"``, ``"1+"``."""
    least, _, most = text.rstrip("+").partition("-")
    return range(int(least), MOST_TABLES if text.endswith("+") else int(most or least) + 1)


def _operations() -> Iterator[tuple[str, int, range, range]]:
    for line in _OPERATIONS.replace("\n   ", "").strip().splitlines():
        arity, _, words = line.partition(":")
        inputs, outputs = map(_numbers, arity.split(" -> "))
        pairs = words.split()
        for name, number in zip(pairs[::2], pairs[1::2], strict=True):
            yield name, int(number), inputs, outputs


_NAMES = {number: name for name, number, _, _ in _operations()}
_ARITY = {name: (inputs, outputs) for name, _, inputs, outputs in _operations()}
PURE = frozenset(_ARITY)
"""Operations that a file may hold: arithmetic, arrays, layers and control flow."""

_Field = tuple[str, str, struct.Struct | None, int]


def _parsed(schema: str) -> dict[str, tuple[list[str], list[_Field]]]:
    """Of each table, the names of its fields, and of each its kind and its width in the table."""
    tables = {}
    for line in schema.replace(",\n   ", ",").strip().splitlines():
        table, text = line.split(": ")
        pairs = [field.split() for field in text.split(", ")]
        fields = [
            (name, kind, _SCALARS.get(kind), _SCALARS[kind].size if kind in _SCALARS else 4)
            for name, kind in pairs
        ]
        tables[table] = ([name for name, _ in pairs], fields)
    return tables


_TABLES = _parsed(_SCHEMA)
