"""Every runtime has the same methods with the same signatures, and is known by its files."""

import inspect

import pytest

from mirzoo.annotate import LoadedModel
from mirzoo.errors import UnknownNameError
from mirzoo.models.model import Model
from mirzoo.runtimes.base import RUNTIMES, runtime_of
from mirzoo.runtimes.litert import LiteRTModel
from mirzoo.runtimes.onnx import ONNXModel

METHODS = ("annotate", "embed", "predict_windows")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [Model, LiteRTModel, ONNXModel])
def test_methods_and_signatures_are_those_of_the_protocol(kind, method):
    ours, expected = (inspect.signature(getattr(owner, method)) for owner in (kind, LoadedModel))
    assert ours == expected
    assert getattr(kind, method).__doc__.count("\n") > 3
    assert isinstance(inspect.getattr_static(kind, "card"), property)


def test_the_protocol_has_nothing_else():
    assert {name for name in vars(LoadedModel) if not name.startswith("_")} == {*METHODS, "card"}


def test_runtimes_are_known_by_name_and_by_file():
    assert sorted(RUNTIMES) == ["keras", "litert", "onnx"]
    for runtime in RUNTIMES.values():
        assert runtime_of(f"models/{runtime.file}") is runtime
    assert runtime_of("mel_cnn_tagger") is None
    assert runtime_of("song.mp3") is None
    with pytest.raises(UnknownNameError, match="no runtime 'tflite'"):
        RUNTIMES["tflite"]
