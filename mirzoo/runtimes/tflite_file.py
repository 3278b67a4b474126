"""Read a `.tflite` file without running it: the card inside, labels, operators.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path

from mirzoo._support.guards import DAMAGE, inflate, read_member, reading
from mirzoo.card import LARGEST_CARD_BYTES, Card
from mirzoo.errors import ArtefactError
from mirzoo.runtimes.tflite_checks import operator_name, parse

LABELS_FILE = "labels.txt"
CARD_BUFFER = "MIRZOO_CARD"


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
    with reading(path, ".tflite file"):
        model = parse(content, path)
        ours = [entry for entry in model["metadata"] if entry["name"] == CARD_BUFFER]
        spans = [model["buffers"][entry["buffer"] or 0]["data"] or (0, 0) for entry in ours]
    if spans:
        start, length = spans[0]
        try:
            text = _unpacked(content[start : start + length])
        except DAMAGE as error:
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
    return card if card.startswith(b"{") else inflate(card, LARGEST_CARD_BYTES)


def read_labels(path: str | os.PathLike) -> list[str]:
    """Read the labels that other tools see: the lines of the packed `labels.txt`."""
    try:
        with zipfile.ZipFile(path) as archive:
            text = read_member(archive, LABELS_FILE, LARGEST_CARD_BYTES)
            return text.decode("utf-8").splitlines()
    except DAMAGE as error:
        raise ArtefactError(f"{path} has no {LABELS_FILE} packed into it: {error}") from error


def operators(path: str | os.PathLike) -> list[str]:
    """List the operators that a `.tflite` file uses, sorted.

    Returns
    -------
    list of str
        Builtin operators by their names in the LiteRT schema (``"CONV_2D"``); anything else as
        ``"CUSTOM:<name>"``.
    """
    with reading(path, ".tflite file"):
        model = parse(Path(path).read_bytes(), path)
        return sorted({operator_name(code) for code in model["operator_codes"]})


def custom_operators(path: str | os.PathLike) -> list[str]:
    """List the operators that a plain LiteRT runtime lacks (Flex and custom ones)."""
    return [name for name in operators(path) if name.startswith("CUSTOM")]


def largest_tensor_bytes(path: str | os.PathLike) -> int:
    """How large the largest tensor is that a `.tflite` file computes with, as float32 (bytes)."""
    with reading(path, ".tflite file"):
        model = parse(Path(path).read_bytes(), path)
        sizes = (
            math.prod(max(1, size) for size in tensor["shape"] or ())
            for subgraph in model["subgraphs"]
            for tensor in subgraph["tensors"] or ()
        )
        return 4 * max(sizes, default=0)
