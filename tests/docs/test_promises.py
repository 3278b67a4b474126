"""The page of promises and SECURITY.md state what the code has."""

import re

import pytest
from places import ROOT
from tolerances import TOLERANCES

from mirzoo.card import LARGEST_CARD_BYTES
from mirzoo.recipe import _yaml
from mirzoo.runtimes import keras, saved_model_file, tflite_checks

PROMISES = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_tolerances_are_those_of_the_tests():
    stated = re.findall(r"^\| `(\w+)` \| (\S+) \|$", PROMISES, re.M)
    assert {name: float(figure) for name, figure in stated} == TOLERANCES


def test_commands_name_what_there_is():
    for command in re.findall(r"`(python [^`]+|make [^`]+)`", PROMISES):
        if command.startswith("make"):
            target = command.split()[1]
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), command
        for path in re.findall(r"\b(?:tests|benchmarks)[\w/.]*", command):
            assert (ROOT / path).exists(), command


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("a card has at most {} MiB", LARGEST_CARD_BYTES >> 20),
        ("a configuration of Keras {} MiB", keras.LARGEST_CONFIG_BYTES >> 20),
        ("a graph of a SavedModel\n{} MiB", saved_model_file.LARGEST_GRAPH_BYTES >> 20),
        ("a tensor of LiteRT {} GiB", tflite_checks.LARGEST_TENSOR_BYTES >> 30),
        ("a recipe {:,} characters", _yaml.MOST_CHARACTERS),
        ("and {:,} values", _yaml.MOST_NODES),
    ],
)
def test_bounds_are_those_of_the_code(words, value):
    assert words.format(value) in SECURITY
