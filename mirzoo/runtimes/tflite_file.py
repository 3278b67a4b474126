"""Read a `.tflite` file without running it: the card inside, labels, operators.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from mirzoo.card import Card
from mirzoo.errors import ArtefactError

LABELS_FILE = "labels.txt"
CARD_BUFFER = "MIRZOO_CARD"
MODEL_IDENTIFIER = b"TFL3"


def read_card(path: str | os.PathLike) -> Card:
    """Read the card out of a `.tflite` file.

    Raises
    ------
    ArtefactError
        If the file is missing, or has none, for instance because another program wrote it.
    CardError
        If the card is not valid.
    """
    if not Path(path).is_file():
        raise ArtefactError(f"{path} does not exist; a LiteRT model is a .tflite file.")
    content = Path(path).read_bytes()
    model = _parse(content, path)
    for entry in map(model.Metadata, range(model.MetadataLength())):
        if entry.Name() == CARD_BUFFER.encode():
            packed = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
            try:
                text = _unpacked(packed)
            except zlib.error as error:
                raise ArtefactError(
                    f"{path}: its card cannot be unpacked ({error}); is the file damaged?"
                ) from error
            return Card.of_binary(text, source=f"{path} ({CARD_BUFFER})")
    raise ArtefactError(
        f"{path} carries no card; was it written by mirzoo.export? Otherwise load it with its "
        "card: LiteRTModel(path, Card.load('card.json'))"
    )


def _unpacked(card: bytes) -> bytes:
    """The card's JSON; files of the first models carry it uncompressed."""
    return card if card.startswith(b"{") else zlib.decompress(card)


def read_labels(path: str | os.PathLike) -> list[str]:
    """Read the labels that other tools see: the lines of the packed `labels.txt`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(LABELS_FILE).decode("utf-8").splitlines()
    except (zipfile.BadZipFile, KeyError) as error:
        raise ArtefactError(f"{path} has no {LABELS_FILE} packed into it: {error}") from error


def operators(path: str | os.PathLike) -> list[str]:
    """List the operators that a `.tflite` file uses, sorted.

    Returns
    -------
    list of str
        Builtin operators by their names in the LiteRT schema (``"CONV_2D"``); anything else as
        ``"CUSTOM:<name>"``.
    """
    model = _parse(Path(path).read_bytes(), path)
    codes = map(model.OperatorCodes, range(model.OperatorCodesLength()))
    return sorted({_operator_name(code) for code in codes})


def custom_operators(path: str | os.PathLike) -> list[str]:
    """List the operators that a plain LiteRT runtime lacks (Flex and custom ones)."""
    return [name for name in operators(path) if name.startswith("CUSTOM")]


def _parse(content: bytes, path: str | os.PathLike) -> schema.Model:
    if content[4:8] != MODEL_IDENTIFIER:
        raise ArtefactError(f"{path} is no .tflite file: its identifier is {content[4:8]!r}")
    return schema.Model.GetRootAs(content, 0)


def _operator_name(code: schema.OperatorCode) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM:{code.CustomCode().decode()}"
    return _BUILTIN_NAMES[number]


_BUILTIN_NAMES = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()
}
