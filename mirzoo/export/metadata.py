"""What a `.tflite` file tells about itself: labels, sample rate, units, the contract.

A finished file carries

- `TFLITE_METADATA`, the standard flatbuffer that Android's and other tools read (schema
  https://github.com/tensorflow/tflite-support, `metadata_schema.fbs`, version 1.3.0);
- files of labels, packed behind the flatbuffer as a zip, as that standard has it: `labels.txt` of
  the main output, `<output>_labels.txt` of the others;
- `MIRZOO_CARD`, the card's contract as JSON, compressed with zlib.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from importlib import metadata

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import number_types

from mirzoo._support.moved import moved_names
from mirzoo.card import LABEL_INDEX, NOT_IN_FILE, Card, OutputSpec
from mirzoo.runtimes.litert_steps import NEXT, STATE
from mirzoo.runtimes.tflite_checks import IDENTIFIER
from mirzoo.runtimes.tflite_file import CARD_BUFFER, LABELS_FILE
from mirzoo.tasks.base import TASKS

STANDARD_BUFFER = "TFLITE_METADATA"
METADATA_IDENTIFIER = b"M001"
METADATA_PARSER_VERSION = "1.3.0"
SIGNATURE = "serving_default"

BUFFER_ALIGNMENT = 16
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

FIELDS = {
    "ModelMetadata": (
        "name",
        "description",
        "version",
        "subgraph_metadata",
        "author",
        "license",
        "associated_files",
        "min_parser_version",
    ),
    "SubGraphMetadata": ("name", "description", "input_tensor_metadata", "output_tensor_metadata"),
    "TensorMetadata": (
        "name",
        "description",
        "dimension_names",
        "content",
        "process_units",
        "stats",
        "associated_files",
    ),
    "Content": ("content_properties_type", "content_properties", "range"),
    "AudioProperties": ("sample_rate", "channels"),
    "FeatureProperties": (),
    "AssociatedFile": ("name", "description", "type"),
    "Stats": ("max", "min"),
}
FEATURE_PROPERTIES, AUDIO_PROPERTIES = 1, 4
TENSOR_AXIS_LABELS, TENSOR_VALUE_LABELS = 2, 3


__getattr__ = moved_names(
    __name__,
    dict.fromkeys(
        ("custom_operators", "operators", "read_card", "read_labels"), "mirzoo.runtimes.tflite_file"
    ),
)


def describe(tflite: bytes, card: Card) -> bytes:
    """Write labels, rate, units and the contract into a `.tflite` file.

    Parameters
    ----------
    tflite : bytes
        A file with the signature `serving_default`.
    card : Card
        Its contract is written, no prose of it.

    Returns
    -------
    bytes
        The file, with the same operators and weights; tensors inside the graph lose their names.
    """
    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    _name_as_on_card(model, card)
    _set_buffer(model, STANDARD_BUFFER, _standard_metadata(card, *_names(model)))
    contract = card.contract.to_json().encode("utf-8")
    _set_buffer(model, CARD_BUFFER, zlib.compress(contract))
    _drop_inner_names(model)
    for buffer in model.buffers:
        buffer.__class__ = _AlignedBuffer
    builder = flatbuffers.Builder(len(tflite))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output()) + _zipped_labels(card, offset=len(builder.Output()))


class _AlignedBuffer(schema.BufferT):
    """Packs data on 16 bytes, as the LiteRT schema demands and Python's writer forgets."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        if self.data is None:
            schema.BufferStart(builder)
            return schema.BufferEnd(builder)
        data = bytes(self.data)
        builder.StartVector(1, len(data), BUFFER_ALIGNMENT)
        builder.head -= len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _set_buffer(model: schema.ModelT, name: str, data: bytes) -> None:
    entry = schema.MetadataT()
    entry.name = name
    entry.buffer = len(model.buffers)
    buffer = schema.BufferT()
    buffer.data = data
    model.buffers.append(buffer)
    others = [e for e in model.metadata or [] if e.name not in (name, name.encode())]
    model.metadata = [*others, entry]


def _drop_inner_names(model: schema.ModelT) -> None:
    """Drop the names of tensors inside the graph: of a small model they are a fifth of the file."""
    for graph in model.subgraphs:
        named = {*map(int, graph.inputs), *map(int, graph.outputs)}
        for number, tensor in enumerate(graph.tensors):
            if number not in named:
                tensor.name = ""


def _name_as_on_card(model: schema.ModelT, card: Card) -> None:
    """Give inputs and outputs of the graph the names of the signature, in the card's order.

    Whoever runs a file without signatures (MediaPipe, the Task Library, tfjs) knows them by the
    names of tensors and by their order.
    """
    signature = _signature(model)
    graph = model.subgraphs[signature.subgraphIndex]
    for tensor in (*signature.inputs, *signature.outputs):
        graph.tensors[tensor.tensorIndex].name = tensor.name
    order = {output.name: number for number, output in enumerate(card.available_outputs)}
    signature.outputs.sort(key=lambda output: order.get(_text(output.name), len(order)))
    graph.outputs = [output.tensorIndex for output in signature.outputs]


def _signature(model: schema.ModelT) -> schema.SignatureDefT:
    return next(s for s in model.signatureDefs if _text(s.signatureKey) == SIGNATURE)


def _names(model: schema.ModelT) -> tuple[list[str], list[str]]:
    """The names of the graph's inputs and outputs, in its order."""
    signature = _signature(model)
    graph = model.subgraphs[signature.subgraphIndex]
    names = {
        entry.tensorIndex: _text(entry.name) for entry in (*signature.inputs, *signature.outputs)
    }
    taken, given = (
        [names[int(tensor)] for tensor in side] for side in (graph.inputs, graph.outputs)
    )
    return taken, given


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _labels(card: Card) -> dict[str, tuple[str, list[str]]]:
    """For each output its file of labels and what is in it; that of the main one is labels.txt."""
    main = card.outputs[0].name
    return {
        output: (LABELS_FILE if output == main else f"{output}_{LABELS_FILE}", labels)
        for output, labels in TASKS[card.task].axis_labels(card).items()
    }


def _zipped_labels(card: Card, offset: int) -> bytes:
    there = {output.name for output in card.available_outputs}
    files = {LABELS_FILE: card.labels, **dict(v for o, v in _labels(card).items() if o in there)}
    packed = io.BytesIO(b"\0" * offset)
    with zipfile.ZipFile(packed, "a") as archive:
        for name, labels in files.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), "\n".join(labels))
    return packed.getvalue()[offset:]


def _standard_metadata(card: Card, input_names: list[str], output_names: list[str]) -> bytes:
    writer = _Writer()
    specs = {output.name: output for output in card.available_outputs}
    tensors = [
        _write_output(writer, card, specs[name])
        if name in specs
        else _write_state(writer, name)
        if name.startswith(NEXT)
        else _write_embedding(writer, card, name)
        for name in output_names
    ]
    subgraph = writer.table(
        "SubGraphMetadata",
        name=writer.text(SIGNATURE),
        input_tensor_metadata=writer.vector(
            [
                _write_state(writer, name) if name.startswith(STATE) else _write_input(writer, card)
                for name in input_names
            ]
        ),
        output_tensor_metadata=writer.vector(tensors),
    )
    root = writer.table(
        "ModelMetadata",
        name=writer.text(card.name),
        version=writer.text(metadata.version("mirzoo")),
        subgraph_metadata=writer.vector([subgraph]),
        **(
            {}
            if card.licences.weights == NOT_IN_FILE
            else {"license": writer.text(card.licences.weights)}
        ),
        min_parser_version=writer.text(METADATA_PARSER_VERSION),
    )
    return writer.finish(root)


def _write_state(writer: _Writer, name: str) -> int:
    of = name.removeprefix(STATE).removeprefix(NEXT)
    is_input = name.startswith(STATE)
    return writer.table(
        "TensorMetadata",
        name=writer.text(name),
        description=writer.text(
            f"State: zeros at first, then the output {NEXT}{of} of the step before."
            if is_input
            else f"State: the input {STATE}{of} of the next step."
        ),
        content=writer.features(),
    )


def _write_input(writer: _Writer, card: Card) -> int:
    exported = card.exported
    streaming = None if exported is None else exported.streaming
    any_length = card.input.whole or (exported is not None and exported.any_length)
    length = f"{card.input.min_samples} or more" if any_length else card.input.window_samples
    if streaming is not None:
        length = f"the next {streaming.step_samples}"
    are_integers = exported is not None and exported.input_type == "int16"
    low, high = (-32768, 32767) if are_integers else (-1, 1)
    properties = writer.table(
        "AudioProperties",
        sample_rate=writer.uint32(card.sample_rate),
        channels=writer.uint32(1),
    )
    return writer.table(
        "TensorMetadata",
        name=writer.text("waveform"),
        description=writer.text(
            f"Mono waveform in [{low}, {high}], {length} samples at {card.sample_rate} Hz."
        ),
        dimension_names=writer.texts(["batch", "samples"]),
        content=writer.content(AUDIO_PROPERTIES, properties),
        stats=writer.stats(low, high),
    )


def _write_output(writer: _Writer, card: Card, output: OutputSpec) -> int:
    rate = ""
    if output.frame_rate:
        rate = (
            f", {output.frame_rate:g} frames per second, the first centred {output.first_frame_s:g}"
            " s after the first sample"
        )
    units = ", ".join(f"{axis.name} ({axis.unit})" for axis in output.axes)
    is_main = output.name == card.outputs[0].name
    are_indices = output.axes[-1].unit == LABEL_INDEX
    labelled = "the values" if are_indices else f"the axis '{output.axes[-1].name}'"
    file, known = _labels(card).get(output.name, (LABELS_FILE, card.labels if are_indices else []))
    labels = writer.table(
        "AssociatedFile",
        name=writer.text(file),
        description=writer.text(f"Labels of {labelled}."),
        type=writer.int8(TENSOR_VALUE_LABELS if are_indices else TENSOR_AXIS_LABELS),
    )
    activation = f"{card.activation} over " if is_main else ""
    is_in_unit_range = output in card.outputs or output.axes[-1].unit == "probability"
    return writer.table(
        "TensorMetadata",
        name=writer.text(output.name),
        description=writer.text(f"{activation}{units}{rate}."),
        dimension_names=writer.texts(["batch", *(axis.name for axis in output.axes)]),
        content=writer.features(),
        **({"stats": writer.stats(0.0, 1.0)} if is_in_unit_range else {}),
        associated_files=writer.vector([labels] if known else []),
    )


def _write_embedding(writer: _Writer, card: Card, name: str) -> int:
    per_frame = ["frame"] if TASKS[card.task].framewise else []
    return writer.table(
        "TensorMetadata",
        name=writer.text(name),
        description=writer.text(f"What the last layer sees: {card.embedding_size} numbers."),
        dimension_names=writer.texts(["batch", *per_frame, "embedding"]),
        content=writer.features(),
    )


class _Writer:
    """Writes the tables of `FIELDS`; children come before their parents, as flatbuffers ask."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder()

    def text(self, text: str) -> int:
        return self._builder.CreateString(text)

    def texts(self, texts: Iterable[str]) -> int:
        return self.vector([self.text(text) for text in texts])

    def vector(self, offsets: list[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return self._builder.EndVector()

    def uint32(self, value: int) -> _Scalar:
        return _Scalar(number_types.Uint32Flags, value)

    def int8(self, value: int) -> _Scalar:
        return _Scalar(number_types.Int8Flags, value)

    def content(self, kind: int, properties: int) -> int:
        return self.table(
            "Content",
            content_properties_type=_Scalar(number_types.Uint8Flags, kind),
            content_properties=properties,
        )

    def features(self) -> int:
        return self.content(FEATURE_PROPERTIES, self.table("FeatureProperties"))

    def stats(self, low: float, high: float) -> int:
        return self.table("Stats", max=self._floats([high]), min=self._floats([low]))

    def table(self, kind: str, **values: int | _Scalar) -> int:
        fields = FIELDS[kind]
        self._builder.StartObject(len(fields))
        for name, value in values.items():
            if isinstance(value, _Scalar):
                self._builder.PrependSlot(value.flags, fields.index(name), value.value, 0)
            else:
                self._builder.PrependUOffsetTRelativeSlot(fields.index(name), value, 0)
        return self._builder.EndObject()

    def finish(self, root: int) -> bytes:
        self._builder.Finish(root, file_identifier=METADATA_IDENTIFIER)
        return bytes(self._builder.Output())

    def _floats(self, values: list[float]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return self._builder.EndVector()


class _Scalar:
    def __init__(self, flags: type, value: int):
        self.flags = flags
        self.value = value
