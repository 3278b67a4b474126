"""ONNX: the numbers of Keras for any number of windows, standard operators, the card inside."""

import json
import sys

import numpy as np
import onnx
import pytest
from node import node_runs_onnx, predict_in_node

from mirzoo import load
from mirzoo.card import FORMAT
from mirzoo.errors import ArtefactError, AudioError, CardError, ExportError
from mirzoo.export import export, real_windows
from mirzoo.export.parity import largest_difference
from mirzoo.hub import shipped_models
from mirzoo.models.build import build_model
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.heads import ConvBlock
from mirzoo.models.heads.cnn import CNNConfig
from mirzoo.models.model import Model
from mirzoo.recipe import Recipe, Source
from mirzoo.runtimes.onnx import ONNXModel
from mirzoo.tasks.tagging import TaggingConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(small_tagger, made_up_music, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "small.onnx"
    return export(small_tagger, path, source=made_up_music, outputs="all")


@pytest.fixture(scope="module")
def loaded(written):
    return ONNXModel(written)


@pytest.mark.parametrize("count", [1, 3])
def test_gives_the_numbers_of_keras_for_any_number_of_windows(
    loaded, small_tagger, made_up_music, count
):
    windows = real_windows(small_tagger.card.input, made_up_music)[:count]
    expected = small_tagger.predict_windows(windows)
    received = loaded.predict_windows(windows)
    assert sorted(received) == sorted(expected) == ["embedding", "tags"]
    for name, values in expected.items():
        np.testing.assert_allclose(received[name], values, atol=1e-5, err_msg=name)
    np.testing.assert_array_equal(loaded.embed(windows), received["embedding"])


def test_node_gives_the_numbers_of_keras(written, small_tagger, made_up_music, tmp_path):
    windows = real_windows(small_tagger.card.input, made_up_music)
    received = predict_in_node(written, windows, tmp_path)
    for name, values in small_tagger.predict_windows(windows).items():
        np.testing.assert_allclose(received[name], values, atol=1e-5, err_msg=name)


MOST_BYTES = 3_000_000


@pytest.mark.parametrize("name", shipped_models())
def test_every_model_that_comes_with_mirzoo(name, demo_clip, tmp_path):
    model = load(name)
    path = export(model, tmp_path / f"{name}.onnx", outputs="all")
    assert path.stat().st_size <= MOST_BYTES
    windows = real_windows(model.card.input, demo_clip)[:2]
    windows = np.concatenate([windows, windows[:1] / 2, np.zeros_like(windows[:1])])
    expected = model.predict_windows(windows)
    received = load(path).predict_windows(windows)
    assert largest_difference(expected, received) <= 1e-4
    if node_runs_onnx():
        assert largest_difference(received, predict_in_node(path, windows, tmp_path)) <= 1e-4


def test_annotates_as_keras_does(loaded, small_tagger, made_up_music):
    tags, expected = (model.annotate(made_up_music) for model in (loaded, small_tagger))
    assert tags.labels == expected.labels
    np.testing.assert_allclose(tags.probabilities, expected.probabilities, atol=1e-5)


def test_the_file_says_what_it_is(written, loaded, small_tagger):
    model = onnx.load(written)
    onnx.checker.check_model(model)
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "windows"
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert properties["labels"].split("\n") == ["low", "middle", "high"]
    assert properties["sample_rate"] == "16000"
    assert loaded.card.contract == small_tagger.card.contract
    assert "small_tagger" in repr(loaded)


def test_windows_of_another_length_are_refused(loaded):
    with pytest.raises(AudioError, match=r"in ONNX takes windows of the shape \(windows, 16000\)"):
        loaded.predict_windows(np.zeros((1, 15999)))


def test_other_words_on_the_card_change_no_byte(made_up_music, tmp_path):
    recipe = Recipe(
        description="Tells two made-up tags apart.",
        frontend=MelConfig(n_mels=16),
        head=CNNConfig(blocks=(ConvBlock(filters=4, stride=(4, 2)),), embedding=6),
        task=TaggingConfig(labels=("low", "high")),
        window_s=1.0,
        source=Source(paper="none"),
    )
    model = build_model(recipe, "small_cnn")
    first = export(model, tmp_path / "first.onnx", source=made_up_music)
    model.card = model.card.updated(description="Other words.", citation="Another Author, 2031.")
    second = export(model, tmp_path / "second.onnx", source=made_up_music)
    assert first.read_bytes() == second.read_bytes()


def test_a_file_of_a_newer_version_is_refused(written, loaded, tmp_path):
    model = onnx.load(written)
    (entry,) = (entry for entry in model.metadata_props if entry.key == "mirzoo_card")
    entry.value = json.dumps({**json.loads(entry.value), "format": FORMAT + 1})
    onnx.save(model, tmp_path / "newer.onnx")
    refused = rf"newer\.onnx .* has format {FORMAT + 1}.* formats up to {FORMAT}"
    with pytest.raises(CardError, match=refused):
        load(tmp_path / "newer.onnx")


def test_what_is_no_model_of_the_zoo_is_named(written, tmp_path):
    with pytest.raises(ArtefactError, match="does not exist"):
        ONNXModel(tmp_path / "none.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"no protobuf")
    with pytest.raises(ArtefactError, match="no ONNX model that can be run"):
        ONNXModel(tmp_path / "broken.onnx")
    model = onnx.load(written)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(ArtefactError, match="carries no card"):
        ONNXModel(tmp_path / "foreign.onnx")


@pytest.mark.parametrize("package", ["onnxruntime", "tf2onnx"])
def test_a_missing_package_is_named(small_tagger, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExportError, match=rf"'{package}' is not installed.*mirzoo\[onnx\]"):
        export(small_tagger, tmp_path / "small.onnx")
    assert not list(tmp_path.iterdir())


def test_precisions_are_for_litert(small_tagger, tmp_path):
    with pytest.raises(ExportError, match="as an ONNX model is refused .*for a LiteRT model"):
        export(small_tagger, tmp_path / "small.onnx", quantize="float16")


def test_other_numbers_are_not_written(small_tagger, made_up_music, tmp_path, monkeypatch):
    honest = Model.predict_windows

    def shifted(self, windows):
        return {name: values + 0.01 for name, values in honest(self, windows).items()}

    monkeypatch.setattr(Model, "predict_windows", shifted)
    with pytest.raises(ExportError, match="as ONNX differs from the Keras model by"):
        export(small_tagger, tmp_path / "small.onnx", source=made_up_music)
    assert not list(tmp_path.iterdir())


def test_foreign_operators_are_not_written(small_tagger, made_up_music, tmp_path, monkeypatch):
    import tf2onnx

    def convert(function, **_):
        proto = onnx.helper.make_model(
            onnx.helper.make_graph(
                [onnx.helper.make_node("Odd", ["waveform"], ["tags"], domain="elsewhere")],
                "g",
                [onnx.helper.make_tensor_value_info("waveform", 1, [None, 16000])],
                [onnx.helper.make_tensor_value_info("tags", 1, [None, 3])],
            )
        )
        return proto, None

    monkeypatch.setattr(tf2onnx.convert, "from_function", convert)
    with pytest.raises(ExportError, match=r"standard ONNX operators \(elsewhere:Odd\)"):
        export(small_tagger, tmp_path / "small.onnx", source=made_up_music)
    assert not list(tmp_path.iterdir())
