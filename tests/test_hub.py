"""The zoo: names, whole artefacts, what is altered is found, new labels on trained networks."""

import json
import shutil
import subprocess
import sys
import zipfile
from itertools import chain
from pathlib import Path

import keras
import numpy as np
import pytest

from mirzoo import hub, ports
from mirzoo.card import Card
from mirzoo.errors import ArtefactError, CardError, ExportError, PullError, UnknownNameError
from mirzoo.export import litert as litert_export

MOST_BYTES = 8_000_000
MOST_LITERT_BYTES = 2_500_000


@pytest.fixture(scope="module")
def artefact(small_tagger, tmp_path_factory):
    return hub.save(small_tagger, tmp_path_factory.mktemp("zoo") / "saved_tagger")


@pytest.fixture
def copy(artefact, tmp_path):
    return shutil.copytree(artefact, tmp_path / artefact.name)


@pytest.fixture
def windows(small_tagger, made_up_music):
    return made_up_music[: 2 * 16000].reshape(2, 16000)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def rehash(folder, file):
    card = Card.load(folder)
    card.updated(files={**card.files, file: hub._hash(folder / file)}).save(folder)


def change_card(folder, **changes):
    path = folder / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_names_come_with_wildcards():
    assert hub.list_models("musicnn_m?d") == ["musicnn_msd"]
    assert set(hub.list_models("*_tagger")) >= {"mel_cnn_tagger", "raw_cnn_tagger"}
    assert hub.list_models("nothing_*") == []


def test_names_are_in_natural_order(monkeypatch):
    monkeypatch.setattr(hub, "_recipes", lambda: {f"net_{n}": Path("recipes") for n in (10, 9, 1)})
    assert hub.list_models("net_*") == ["net_1", "net_9", "net_10"]


def test_first_runs_are_trained_by_name_and_not_listed():
    folder = hub.recipe_path("mel_cnn_tagger").parent
    first = hub.load_recipe("mel_cnn_tagger").training.initial_weights
    assert hub.recipe_path(first) == folder / "first_runs" / f"{first}.yaml"
    assert hub.load_recipe(first).task.type == "tagging"
    assert first not in hub.list_models() + hub.list_models(pretrained=False)


def test_every_name_is_trained_or_a_recipe_alone():
    trained, untrained = hub.list_models(pretrained=True), hub.list_models(pretrained=False)
    assert set(trained) >= set(ports.PORTS)
    assert not set(trained) & set(untrained)
    assert sorted(trained + untrained) == sorted(hub.list_models())


def test_names_by_task():
    names = {task: hub.list_models(task=task) for task in ("tagging", "chords", "melody", "notes")}
    assert sorted(chain(*names.values())) == sorted(hub.list_models())
    assert set(names["tagging"]) >= {"mel_cnn_tagger", "musicnn_mtt"}
    assert {"cqt_crnn_chords", "chroma_rnn_chords"} <= set(names["chords"])
    assert hub.list_models("*_chords", task="melody") == []


@pytest.mark.parametrize("find", [hub.load, hub.card, hub.verify])
def test_an_unknown_name_suggests_near_ones(find):
    with pytest.raises(UnknownNameError, match="'musicn_mtt'; did you mean 'musicnn_mtt'"):
        find("musicn_mtt")


def test_an_unknown_recipe_suggests_near_ones():
    with pytest.raises(UnknownNameError, match="'mel_cnn_taggr'; did you mean 'mel_cnn_tagger'"):
        hub.load_recipe("mel_cnn_taggr")


def test_a_recipe_is_found_by_name_and_by_file():
    path = hub.recipe_path("mel_cnn_tagger")
    assert hub.load_recipe(path) == hub.load_recipe("mel_cnn_tagger")


def test_a_recipe_without_weights_says_how_to_get_some(monkeypatch):
    monkeypatch.setattr(hub, "_shipped", dict)
    with pytest.raises(UnknownNameError, match=r"recipe without trained weights.*mirzoo train"):
        hub.load("mel_cnn_tagger")


def test_an_unknown_runtime():
    with pytest.raises(UnknownNameError, match="'onnx'; allowed are 'keras' and 'litert'"):
        hub.load("mel_cnn_tagger", runtime="onnx")


@pytest.mark.parametrize("runtime", ["keras", "litert"])
def test_what_is_saved_gives_the_same_numbers(artefact, small_tagger, windows, runtime):
    loaded = hub.load(artefact, runtime=runtime)
    expected = small_tagger.predict_windows(windows)
    received = loaded.predict_windows(windows)
    for name in ("tags", "embedding"):
        np.testing.assert_allclose(received[name], expected[name], atol=1e-5)
    assert loaded.card == Card.load(artefact)


@pytest.mark.parametrize("file", ["model.keras", "model.tflite"])
def test_a_lone_file_knows_its_card(artefact, file):
    assert hub.load(artefact / file).card.labels == ["low", "middle", "high"]


def test_weights_are_stored_compressed_and_golden_outputs_without_noise(artefact):
    with zipfile.ZipFile(artefact / "model.keras") as archive:
        kinds = {member.compress_type for member in archive.infolist()}
    assert kinds == {zipfile.ZIP_DEFLATED}
    with np.load(artefact / "golden.npz") as golden:
        for name in set(golden.files) - {"waveform"}:
            np.testing.assert_array_equal(golden[name], np.round(golden[name], 6))


def test_model_keras_loads_in_a_fresh_process_without_custom_objects(artefact):
    script = (
        "import sys, keras, numpy as np, mirzoo.models.model\n"
        "model = keras.models.load_model(sys.argv[1] + '/model.keras')\n"
        "golden = np.load(sys.argv[1] + '/golden.npz')\n"
        "waveform = (golden['waveform'] / 32767).astype('float32')\n"
        "tags = model.predict(waveform, verbose=0)\n"
        "np.testing.assert_allclose(tags, golden['tags'], atol=1e-5)\n"
        "assert model.card.labels == ['low', 'middle', 'high']\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(artefact)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_an_artefact_is_complete(artefact, small_tagger):
    card = Card.load(artefact)
    files = {p.relative_to(artefact).as_posix() for p in artefact.rglob("*") if p.is_file()}
    assert set(card.files) == files - {"card.json"}
    assert set(hub.REQUIRED_FILES) <= files
    assert card.name == "saved_tagger"
    assert card.parameters == small_tagger.count_params()
    assert set(card.versions) >= {"keras", "tensorflow", "kapre"}
    assert [p.name for p in artefact.parent.iterdir()] == [artefact.name]


def test_verify_computes_every_form(artefact):
    differences = hub.verify(artefact)
    assert sorted(differences) == ["keras", "litert", "saved_model"]
    assert max(differences.values()) < 1e-5


@pytest.mark.parametrize(
    "file", ["model.keras", "model.tflite", "golden.npz", "saved_model.pb", "variables/*.data*"]
)
def test_an_altered_file_is_found(copy, file):
    path = next(copy.glob(file))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=f"{path.name} has SHA-256 .* the card says"):
        hub.verify(copy)


@pytest.mark.parametrize(
    ("runtime", "file"), [("keras", "model.keras"), ("litert", "model.tflite")]
)
def test_loading_refuses_an_altered_file(copy, runtime, file):
    with (copy / file).open("ab") as opened:
        opened.write(b"\0")
    with pytest.raises(ArtefactError, match=f"{file} has SHA-256"):
        hub.load(copy, runtime=runtime)


def test_a_missing_file_is_named(copy):
    (copy / "golden.npz").unlink()
    with pytest.raises(ArtefactError, match=r"golden\.npz is missing"):
        hub.verify(copy)


def test_other_weights_are_found_though_the_hashes_agree(copy):
    model = hub.load(copy)
    model.set_weights([1.1 * weight for weight in model.get_weights()])
    model.save(copy / "model.keras")
    rehash(copy, "model.keras")
    with pytest.raises(ArtefactError, match=r"keras differs from golden\.npz by \d"):
        hub.verify(copy)


def test_a_wrong_claim_of_the_card_is_found(copy):
    change_card(copy, parameters=1, labels=["low", "high", "middle"])
    with pytest.raises(ArtefactError, match=r"the card says 1;.*labels of model\.tflite"):
        hub.verify(copy)


def test_a_folder_of_something_else_is_left_alone(small_tagger, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArtefactError, match="neither empty nor a saved model"):
        hub.save(small_tagger, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_folder_whose_name_cannot_be_a_model_s(small_tagger, tmp_path):
    with pytest.raises(CardError, match="name = 'My Birds'"):
        hub.save(small_tagger, tmp_path / "My Birds")
    assert list(tmp_path.iterdir()) == []


def test_a_save_that_fails_leaves_the_old_artefact(copy, small_tagger, monkeypatch):
    def fail(*_, **__):
        raise ExportError("no")

    monkeypatch.setattr(litert_export, "write_litert", fail)
    before = Card.load(copy)
    with pytest.raises(ExportError):
        hub.save(small_tagger, copy)
    assert Card.load(copy) == before
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]


def test_saving_a_trained_model_replaces_the_artefact(copy, windows):
    (copy / "stale.txt").write_text("old")
    keras_bytes, litert_bytes = ((copy / f).stat().st_size for f in ("model.keras", "model.tflite"))
    model = hub.load(copy)
    model.compile("adam", "binary_crossentropy")
    model.fit(windows, np.eye(3)[:2], verbose=0)
    model.card = model.card.updated(description="Trained longer.")
    hub.save(model, copy, quantize="float16")
    assert model.compiled
    assert not (copy / "stale.txt").exists()
    assert Card.load(copy).description == "Trained longer."
    assert (copy / "model.keras").stat().st_size < 1.1 * keras_bytes, "holds an optimiser"
    assert (copy / "model.tflite").stat().st_size < litert_bytes
    assert 1e-8 < hub.verify(copy)["litert"] < 5e-3


def test_new_labels_on_a_trained_network(artefact, windows):
    base, model = hub.load(artefact), hub.create(artefact, labels=["cat", "dog"])
    assert model.card.labels == ["cat", "dog"]
    assert model.card.activation == "sigmoid"
    assert model.card.metrics == []
    assert model.card.recipe["task"]["labels"] == ["cat", "dog"]
    assert model.card.parameters == model.count_params()
    assert model.predict_windows(windows)["tags"].shape == (2, 2)
    np.testing.assert_allclose(model.embed(windows), base.embed(windows), atol=1e-6)


def test_exclusive_labels_share_one_probability(artefact, windows):
    model = hub.create(artefact, labels=["cat", "dog", "cow"], exclusive=True)
    assert model.card.activation == "softmax"
    np.testing.assert_allclose(model.predict_windows(windows)["tags"].sum(axis=1), 1, atol=1e-5)


def test_repeated_labels_are_refused(artefact):
    with pytest.raises(ValueError, match="cat"):
        hub.create(artefact, labels=["cat", "cat"])


def test_fine_tuning_learns_and_a_frozen_head_stays(artefact, windows):
    noise = 0.3 * np.random.default_rng(0).standard_normal(windows.shape[1])
    clips, one_hot = np.stack([windows[0], noise]).astype(np.float32), np.eye(2)
    keras.utils.set_random_seed(0)
    model = hub.create(artefact, labels=["chord", "noise"], exclusive=True)
    for part in ("frontend", "head"):
        model.get_layer(part).trainable = False
    embedding = model.embed(clips)
    model.compile(keras.optimizers.Adam(0.3), "categorical_crossentropy")
    loss = model.evaluate(clips, one_hot, verbose=0)
    model.fit(clips, one_hot, epochs=40, verbose=0)
    assert model.evaluate(clips, one_hot, verbose=0) < 0.6 * loss
    np.testing.assert_array_equal(model.embed(clips), embedding)


def test_what_is_created_can_be_saved(artefact, windows, tmp_path):
    model = hub.create(artefact, labels=["cat", "dog"], exclusive=True)
    folder = hub.save(model, tmp_path / "pets")
    loaded = hub.load(folder, runtime="litert")
    assert loaded.card.name == "pets"
    np.testing.assert_allclose(
        loaded.predict_windows(windows)["tags"],
        model.predict_windows(windows)["tags"],
        atol=1e-5,
    )


def test_a_network_with_fresh_weights():
    first, second = (
        hub.create("mel_cnn_tagger", labels=["cat", "dog"], pretrained=False) for _ in range(2)
    )
    pairs = zip(
        first.head.get_weights(),
        second.head.get_weights(),
        strict=True,
    )
    assert first.card.labels == ["cat", "dog"]
    assert any(np.abs(one - other).max() > 0.01 for one, other in pairs)


def test_a_published_model_is_pulled_once(small_tagger, cache, monkeypatch):
    fetched = []
    monkeypatch.setattr(ports, "fetch_wheel", lambda spec: fetched.append(spec.name))
    monkeypatch.setattr(ports, "build", lambda name, wheel: small_tagger)
    assert "musicnn_mtt" not in hub.local_models()
    folder = hub.pull("musicnn_mtt")
    assert folder.is_relative_to(cache)
    assert hub.pull("musicnn_mtt") == folder
    assert hub.load("musicnn_mtt", runtime="litert").card.name == "musicnn_mtt"
    assert fetched == ["musicnn_mtt"]
    assert "musicnn_mtt" in hub.local_models()


def test_a_pull_that_fails_leaves_no_model(small_tagger, cache, monkeypatch):
    def fail(spec):
        raise PullError("no network")

    monkeypatch.setattr(ports, "fetch_wheel", fail)
    with pytest.raises(PullError, match="no network"):
        hub.load("musicnn_mtt")
    assert not cache.exists()
    with pytest.raises(UnknownNameError, match="musicnn_mtt"):
        hub.pull("musicn_mtt")


@pytest.mark.parametrize("name", hub.shipped_models())
def test_every_model_that_comes_with_mirzoo_is_as_its_card_says(name):
    folder = hub.shipped_folder(name)
    card = Card.load(folder)
    assert card.name == name
    assert card.metrics
    assert card.recipe is not None
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) <= MOST_BYTES
    assert (folder / "model.tflite").stat().st_size <= MOST_LITERT_BYTES
    hub.verify(name)
