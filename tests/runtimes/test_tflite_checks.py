"""A `.tflite` file that LiteRT would follow out of its bounds is refused before it is mapped."""

import re
import struct
from functools import cache
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from fake_models import TFLITE, make_card
from places import ROOT

from mirzoo.errors import ArtefactError
from mirzoo.runtimes import tflite_checks
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.runtimes.tflite_checks import require_sound

KINDS = {"Bool": "u8", "Int8": "i8", "Uint8": "u8", "Int32": "i32", "Uint32": "u32",
         "Int64": "i64", "Uint64": "u64", "Float32": "f32"}  # fmt: skip


@pytest.fixture
def changed(tmp_path):
    """Writes the small model with a change to its tables, as another program would."""

    def write(change):
        model = schema.ModelT.InitFromPackedBuf(TFLITE.read_bytes(), 0)
        for operator in model.subgraphs[0].operators:
            operator.inputs, operator.outputs = list(operator.inputs), list(operator.outputs)
        model.subgraphs[0].outputs = list(model.subgraphs[0].outputs)
        change(model)
        builder = flatbuffers.Builder(0)
        builder.Finish(model.Pack(builder), file_identifier=tflite_checks.IDENTIFIER)
        path = tmp_path / "changed.tflite"
        path.write_bytes(builder.Output())
        return path

    return write


def operation(model, number):
    return model.subgraphs[0].operators[number]


def test_shipped_models_are_sound():
    files = [*(ROOT / "saved_models").glob("*/model.tflite"), *TFLITE.parent.glob("*.tflite")]
    assert len(files) > 9
    for file in files:
        require_sound(file)


def test_a_file_written_anew_is_sound(changed):
    require_sound(changed(lambda model: None))


@cache
def sources():
    """The source of each class of LiteRT's generated code."""
    text = Path(schema.__file__).read_text(encoding="utf-8")
    names, bodies = (re.split(r"\nclass (\w+)\(object\):", text)[start::2] for start in (1, 2))
    return dict(zip(names, bodies, strict=True))


def fields_of_the_schema(name):
    """The fields of a table by their slots, read from LiteRT's generated code."""
    source = sources()[name]
    getter = re.compile(
        r"    def (\w+)\(self(?:, j)?\):\n        o = .*?Offset\((\d+)\)\)\n"
        r"(.*?)(?=\n    # |\n    def |\Z)", re.S,
    )  # fmt: skip
    fields = {}
    for field, slot, body in getter.findall(source):
        if field.endswith(("AsNumpy", "Length", "IsNone")):
            continue
        scalar = re.search(r"number_types\.(\w+)Flags, (?:o|a) ", body)
        fields[(int(slot) - 4) // 2] = field.lower(), KINDS.get(scalar[1]) if scalar else None
    return fields


@pytest.mark.parametrize("table", tflite_checks._TABLES)
def test_the_tables_are_those_of_litert(table):
    expected = fields_of_the_schema(table)
    names, fields = tflite_checks._TABLES[table]
    assert {n for n, name in enumerate(names) if name != "-"} == set(expected)
    for slot, (name, number) in expected.items():
        field, kind, *_ = fields[slot]
        assert field.replace("_", "") == name
        assert not number or kind.strip("[]") == number


def test_operations_and_options_are_those_of_litert():
    numbers = vars(schema.BuiltinOperator)
    for name, number, _, _ in tflite_checks._operations():
        assert numbers[name] == number
    options = {n: name for name, n in vars(schema.BuiltinOptions).items() if name[0] != "_"}
    assert max(options) == tflite_checks._LAST_OPTIONS
    for number, name in options.items():
        if name == "NONE":
            continue
        of_more = any(kind is None for _, kind in fields_of_the_schema(name).values()) or (
            "Vector" in sources()[name]
        )
        assert not of_more or tflite_checks._OPTIONS[number] == name


def an_index_too_far(model):
    operation(model, 3).inputs[0] = 99


def an_index_below_zero(model):
    operation(model, 3).inputs[0] = -2


def a_missing_input(model):
    operation(model, 1).inputs[0] = -1


def no_inputs(model):
    operation(model, 8).inputs = None


def too_few_inputs(model):
    operation(model, 6).inputs = operation(model, 6).inputs[:2]


def an_output_too_far(model):
    operation(model, 3).outputs[0] = 10**6


def an_output_over_a_constant(model):
    constant = next(n for n in operation(model, 6).inputs if n in (5, 6, 7))
    operation(model, 6).outputs = [constant]


def an_output_twice(model):
    operation(model, 5).outputs = operation(model, 3).outputs


def not_computed_yet(model):
    operation(model, 0).inputs[0] = operation(model, 9).outputs[0]


def an_operator_too_far(model):
    operation(model, 3).opcodeIndex = 77


def a_custom_operator(model):
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].customCode = "FlexWriteFile"


def a_variable(model):
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.ASSIGN_VARIABLE


def a_buffer_too_far(model):
    model.subgraphs[0].tensors[4].buffer = 10**5


def a_constant_too_short(model):
    model.subgraphs[0].tensors[4].shape = [1000, 1000]


def a_shape_below_zero(model):
    model.subgraphs[0].tensors[0].shape = [1, -1600]


def a_tensor_of_terabytes(model):
    model.subgraphs[0].tensors[12].shape = [2**20, 2**20]


def a_tensor_of_strings(model):
    model.subgraphs[0].tensors[12].type = schema.TensorType.STRING


def a_signature_too_far(model):
    model.signatureDefs[0].outputs[0].tensorIndex = 4000


def a_subgraph_too_far(model):
    model.signatureDefs[0].subgraphIndex = 1


def a_graph_s_output_too_far(model):
    model.subgraphs[0].outputs[0] = 4000


def metadata_too_far(model):
    model.metadata[0].buffer = 4000


def bytes_elsewhere(model):
    model.buffers[3].offset = 1 << 40
    model.buffers[3].size = 1 << 20


def a_circle(model):
    loop = operation(model, 3)
    model.operatorCodes[loop.opcodeIndex].builtinCode = schema.BuiltinOperator.WHILE
    loop.builtinOptionsType = schema.BuiltinOptions.WhileOptions
    loop.builtinOptions = schema.WhileOptionsT()
    graph = model.subgraphs[0]
    loop.inputs, loop.outputs = loop.inputs[:1], loop.outputs[:1]
    graph.outputs = graph.outputs[:1]
    model.signatureDefs[0].outputs = model.signatureDefs[0].outputs[:1]


def a_result_of_gigabytes(model):
    code = model.operatorCodes[operation(model, 5).opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TILE
    times = model.subgraphs[0].tensors[operation(model, 5).inputs[1]]
    model.buffers[times.buffer].data = np.array([2**15, 2**15], "<i4").view(np.uint8)


def a_pool_of_less_than_nothing(model):
    code = model.operatorCodes[operation(model, 0).opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MAX_POOL_2D
    operation(model, 0).builtinOptionsType = schema.BuiltinOptions.Pool2DOptions
    options = schema.Pool2DOptionsT()
    options.filterWidth = options.strideW = options.strideH = 2
    options.filterHeight = -(2**31)
    operation(model, 0).builtinOptions = options


def more_parts_than_there_are(model):
    codes = [code.builtinCode for code in model.operatorCodes]
    pack = next(
        operator
        for operator in model.subgraphs[0].operators
        if codes[operator.opcodeIndex] == schema.BuiltinOperator.PACK
    )
    pack.builtinOptions.valuesCount = 4100


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (an_index_too_far, "tensor 99 is named"),
        (an_index_below_zero, "tensor -2 is named"),
        (a_missing_input, "tensor -1 is named"),
        (no_inputs, "has 0 inputs and 1 outputs"),
        (too_few_inputs, "STRIDED_SLICE has 2 inputs"),
        (an_output_too_far, "tensor 1000000 is named"),
        (an_output_over_a_constant, "overwrites the tensor"),
        (an_output_twice, "overwrites the tensor"),
        (not_computed_yet, "before it is computed"),
        (an_operator_too_far, "operation 77 is named"),
        (a_custom_operator, "was not run: it holds the operation CUSTOM:FlexWriteFile"),
        (a_variable, "was not run: it holds the operation ASSIGN_VARIABLE"),
        (a_buffer_too_far, "buffer 100000 is named"),
        (a_constant_too_short, "a constant of 4,000,000 bytes has"),
        (a_shape_below_zero, "-1600"),
        (a_tensor_of_terabytes, "at most 1,073,741,824"),
        (a_tensor_of_strings, "none of numbers"),
        (a_signature_too_far, "tensor 4000 is named"),
        (a_subgraph_too_far, "subgraph 1 is named"),
        (a_graph_s_output_too_far, "tensor 4000 is named"),
        (metadata_too_far, "buffer 4000 is named"),
        (bytes_elsewhere, "a buffer's bytes lie outside"),
        (a_circle, "in a circle"),
        (a_result_of_gigabytes, "TILE makes a tensor of 4,294,967,296 bytes"),
        (a_pool_of_less_than_nothing, "MAX_POOL_2D has filter_height -2,147,483,648"),
        (more_parts_than_there_are, "PACK states 4,100 parts and has 2"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_tables_that_lead_astray_are_refused(changed, change, reason):
    path = changed(change)
    with pytest.raises(ArtefactError, match=re.escape(reason)) as caught:
        LiteRTModel(path, make_card())
    assert "changed.tflite" in str(caught.value)


def mutants(content, count):
    """The file with a byte or a number changed, the same each time."""
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content) - 4, count):
        mutant = bytearray(content)
        if rng.random() < 0.5:
            mutant[place] ^= 1 << rng.integers(8)
        else:
            number = int(rng.choice([0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1]))
            struct.pack_into("<I", mutant, place & ~3, number)
        yield bytes(mutant)


def error_of(function, *arguments):
    try:
        function(*arguments)
    except ArtefactError as error:
        return error


def test_mutated_files_are_refused_or_right(tmp_path):
    """Each is read without an error of another kind, and what is refused names the file."""
    path = tmp_path / "mutant.tflite"
    refused = 0
    for mutant in mutants(TFLITE.read_bytes(), 60):
        path.write_bytes(mutant)
        message = str(error_of(require_sound, path) or "")
        refused += bool(message)
        assert not message or "mutant.tflite" in message
    assert 30 < refused < 60


def test_what_fails_while_it_runs_is_the_same_kind_of_error(changed):
    def slice_by_nothing(model):
        constant = model.subgraphs[0].tensors[operation(model, 6).inputs[3]]
        model.buffers[constant.buffer].data = np.zeros(8, np.uint8)

    model = LiteRTModel(changed(slice_by_nothing), make_card())
    with pytest.raises(ArtefactError, match=r"changed\.tflite cannot be run .*damaged\?"):
        model.predict_windows(np.zeros((1, 1600), np.float32))
