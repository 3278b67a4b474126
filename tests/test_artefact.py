"""A model's folder: whole, as its card claims; what is altered is found."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from processors import on_another_processor

from mirzoo import artefact, hub
from mirzoo._support.files import sha256
from mirzoo.card import FORMAT, NOT_IN_FILE, WRITTEN_FORMAT, Card, Contract
from mirzoo.errors import ArtefactError, CardError, ExportError
from mirzoo.export import litert as litert_export
from mirzoo.export import metadata
from mirzoo.recipe import Recipe

SMALLEST = "chroma_rnn_chords"
NEWER = (
    rf"FILE.* has format {FORMAT + 1}, which a newer mirzoo wrote; this one .* knows formats up to "
    rf"{FORMAT}: pip install --upgrade mirzoo"
)
METRIC = {
    "dataset": "words",
    "split": "test",
    "metric": "accuracy",
    "value": 0.5,
    "n": 1,
    "method": "made up",
}
MOST_BYTES = 9_000_000
"""What a model's folder adds to the repository, in three forms and with golden outputs. The
largest, hcqt_cnn_melody with its network for the voicing, has 8.6 MB."""

MOST_LITERT_BYTES = 2_500_000


@pytest.fixture
def copy(saved_tagger, tmp_path):
    return shutil.copytree(saved_tagger, tmp_path / saved_tagger.name)


@pytest.fixture
def windows(small_tagger, made_up_music):
    return made_up_music[: 2 * 16000].reshape(2, 16000)


def rehash(folder, file):
    card = Card.load(folder)
    card.updated(files={**card.files, file: sha256(folder / file)}).save(folder)


def change_card(folder, **changes):
    path = folder / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_weights_are_stored_compressed_and_golden_outputs_without_noise(saved_tagger):
    with zipfile.ZipFile(saved_tagger / "model.keras") as archive:
        kinds = {member.compress_type for member in archive.infolist()}
    assert kinds == {zipfile.ZIP_DEFLATED}
    with np.load(saved_tagger / "golden.npz") as golden:
        for name in set(golden.files) - {"waveform"}:
            np.testing.assert_array_equal(golden[name], np.round(golden[name], 6))


@pytest.mark.slow
def test_model_keras_loads_in_a_fresh_process_without_custom_objects(saved_tagger):
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
        [sys.executable, "-c", script, str(saved_tagger)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_an_artefact_is_complete(saved_tagger, small_tagger):
    card = Card.load(saved_tagger)
    files = {p.relative_to(saved_tagger).as_posix() for p in saved_tagger.rglob("*") if p.is_file()}
    assert set(card.files) == files - {"card.json"}
    assert set(artefact.REQUIRED_FILES) <= files
    assert card.name == "saved_tagger"
    assert card.parameters == small_tagger.count_params()
    assert set(card.versions) >= {"keras", "tensorflow", "kapre"}
    assert [p.name for p in saved_tagger.parent.iterdir()] == [saved_tagger.name]


def test_verify_computes_every_form(saved_tagger):
    differences = artefact.verify(saved_tagger)
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
    with pytest.raises(ArtefactError, match=f"{path.name} has SHA-256 .* the card states"):
        artefact.verify(copy)


def test_a_missing_file_is_named(copy):
    (copy / "golden.npz").unlink()
    with pytest.raises(ArtefactError, match=r"golden\.npz is missing"):
        artefact.verify(copy)


@pytest.mark.slow
def test_other_weights_are_found_though_the_hashes_agree(copy):
    model = hub.load(copy)
    model.set_weights([1.1 * weight for weight in model.get_weights()])
    model.save(copy / "model.keras")
    rehash(copy, "model.keras")
    with pytest.raises(ArtefactError, match=r"keras differs from golden\.npz by \d"):
        artefact.verify(copy)


@pytest.mark.slow
def test_a_wrong_claim_of_the_card_is_found(copy):
    change_card(copy, parameters=1, labels=["low", "high", "middle"])
    with pytest.raises(ArtefactError, match=r"the card states 1;.*labels of model\.tflite"):
        artefact.verify(copy)


def test_a_folder_of_something_else_is_left_alone(small_tagger, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArtefactError, match="neither empty nor a saved model"):
        artefact.save(small_tagger, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    with pytest.raises(ArtefactError, match="is a file"):
        artefact.save(small_tagger, tmp_path / "thesis.tex")


def test_a_folder_whose_name_cannot_be_a_model_s(small_tagger, tmp_path):
    with pytest.raises(CardError, match="name = 'My Birds'"):
        artefact.save(small_tagger, tmp_path / "My Birds")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_save_that_fails_leaves_the_old_artefact(copy, small_tagger, monkeypatch):
    def fail(*_, **__):
        raise ExportError("no")

    monkeypatch.setattr(litert_export, "_written", fail)
    before = Card.load(copy)
    with pytest.raises(ExportError):
        artefact.save(small_tagger, copy, overwrite=True)
    assert Card.load(copy) == before
    assert [p.name for p in copy.parent.iterdir()] == [copy.name]


@pytest.mark.slow
def test_saving_a_trained_model_replaces_the_artefact(copy, windows):
    (copy / "stale.txt").write_text("old")
    keras_bytes, litert_bytes = ((copy / f).stat().st_size for f in ("model.keras", "model.tflite"))
    model = hub.load(copy)
    model.compile("adam", "binary_crossentropy")
    model.fit(windows, np.eye(3)[:2], verbose=0)
    model.card = model.card.updated(description="Trained longer.")
    with pytest.raises(ArtefactError, match=r"holds a saved model.*--overwrite"):
        artefact.save(model, copy, quantize="float16")
    artefact.save(model, copy, quantize="float16", overwrite=True)
    assert model.compiled
    assert not (copy / "stale.txt").exists()
    assert Card.load(copy).description == "Trained longer."
    assert (copy / "model.keras").stat().st_size < 1.1 * keras_bytes, "holds an optimiser"
    assert (copy / "model.tflite").stat().st_size < litert_bytes
    assert 1e-8 < artefact.verify(copy)["litert"] < 5e-3


def with_other_words(card):
    """A card of the same model with every word of prose changed."""
    recipe = {
        **card.recipe,
        "description": "Other words.",
        "source": {"paper": "another", "section": "2", "url": "https://example.org"},
        "training": {**card.recipe["training"], "epochs": 99},
    }
    return card.updated(
        description="Other words.",
        recipe=recipe,
        metrics=[METRIC],
        licences={"code": "other", "weights": "other", "data": "other"},
        citation="Another Author, 2031.",
        provenance="Other words.",
        fitting={
            "data": {"name": "others", "recordings": 3, "groups": 2, "split": "by hand"},
            "base": None,
            "strategy": "full",
            "chosen": "other words",
            "epochs": 1,
        },
        versions={"mirzoo": "99"},
    )


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "card.json"
    }


@pytest.mark.slow
def test_other_words_on_the_card_change_no_binary(saved_tagger, small_tagger, tmp_path):
    model = hub.load(saved_tagger)
    model.card = with_other_words(model.card)
    other = artefact.save(model, tmp_path / saved_tagger.name)
    ours, theirs = digests(saved_tagger), digests(other)
    numbered = {"saved_model.pb", "fingerprint.pb"}
    assert set(ours) == set(theirs)
    assert {file for file in ours if ours[file] != theirs[file]} <= numbered
    before, after = Card.load(saved_tagger), Card.load(other)
    assert before.contract == after.contract
    same = {name for name in Card.model_fields if getattr(before, name) == getattr(after, name)}
    assert same <= {*Contract.model_fields, "files", "versions"}


@pytest.mark.slow
def test_fresh_processes_write_every_form_alike(saved_tagger, tmp_path):
    script = (
        "import sys, json\n"
        "from mirzoo import artefact, hub\n"
        "model = hub.load(sys.argv[1])\n"
        "model.card = model.card.updated(**json.loads(sys.argv[3]))\n"
        "artefact.save(model, sys.argv[2] + '/saved_tagger')\n"
    )
    written = []
    card = Card.load(saved_tagger)
    for number, words in enumerate((card, with_other_words(card))):
        out = tmp_path / str(number)
        subprocess.run(
            [sys.executable, "-c", script, str(saved_tagger), str(out), words.to_json()],
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            check=True,
            capture_output=True,
        )
        written.append(digests(out / "saved_tagger"))
    assert written[0] == written[1]


@pytest.mark.parametrize("file", ["model.keras", "model.tflite"])
def test_a_lone_file_tells_that_its_words_are_elsewhere(copy, tmp_path, file):
    whole = Card.load(copy)
    assert hub.load(copy / file).card == whole
    (tmp_path / "alone").mkdir()
    moved = shutil.copy(copy / file, tmp_path / "alone" / file)
    alone = hub.load(moved).card
    assert alone.contract == whole.contract
    assert {alone.description, alone.citation, alone.provenance, alone.licences.data} == {
        NOT_IN_FILE
    }
    assert alone.metrics == []
    whole.updated(files={**whole.files, file: "0" * 64}).save(tmp_path / "alone")
    assert hub.load(moved).card == alone


def test_what_a_lone_file_gave_is_built_upon_and_saved(copy, tmp_path):
    card = hub.load(shutil.copy(copy / "model.keras", tmp_path / "alone.keras")).card
    assert Recipe.model_validate(card.recipe).head.type == "crnn"
    model = hub.create(tmp_path / "alone.keras", labels=["cat", "dog"])
    assert model.card.recipe["task"]["labels"] == ["cat", "dog"]


def test_a_card_of_a_newer_version_is_refused(copy):
    change_card(copy, format=FORMAT + 1, colour="red")
    for use in (hub.load, hub.card, hub.verify):
        with pytest.raises(CardError, match=NEWER.replace("FILE", "card.json")):
            use(copy)


def test_a_litert_file_of_a_newer_version_is_refused(copy):
    card = Card.load(copy)
    contract = card.contract.model_copy(update={"format": FORMAT + 1})

    class Newer:
        def __getattr__(self, name):
            return getattr(card, name)

        contract = property(lambda self: contract)

    path = copy / "newer.tflite"
    path.write_bytes(metadata.describe((copy / "model.tflite").read_bytes(), Newer()))
    with pytest.raises(CardError, match=NEWER.replace("FILE", "newer.tflite")):
        hub.load(path)


def test_a_keras_file_of_a_newer_version_is_refused(copy):
    path = copy / "newer.keras"
    with zipfile.ZipFile(copy / "model.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                assert config["config"]["card"]["format"] == WRITTEN_FORMAT
                config["config"]["card"] |= {"format": FORMAT + 1, "colour": "red"}
                config["config"]["layers"] = []
                content = json.dumps(config)
            new.writestr(name, content)
    with pytest.raises(CardError, match=NEWER.replace("FILE", "newer.keras")):
        hub.load(path)


@pytest.mark.parametrize(
    ("key", "old", "new", "error", "message"),
    [
        (
            "class_name",
            "GRU",
            "Harmonium",
            ArtefactError,
            "layer of your own is known once its mod",
        ),
        ("task", "tagging", "harmony", CardError, "no task 'harmony'.*once its module is imported"),
    ],
)
def test_what_a_file_needs_of_its_owner_is_named(copy, key, old, new, error, message):
    path = copy / "own.keras"
    with zipfile.ZipFile(copy / "model.keras") as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "config.json":
                content = content.replace(
                    f'"{key}": "{old}"'.encode(),
                    f'"{key}": "{new}", "module": "own"'.encode()
                    if key == "class_name"
                    else f'"{key}": "{new}"'.encode(),
                )
            after.writestr(name, content)
    with pytest.raises(error, match=message):
        hub.load(path)


@pytest.mark.slow
def test_a_contract_of_another_model_is_found(copy):
    card = Card.load(copy)
    change_card(copy, input={**card.input.model_dump(), "hop_samples": 8000})
    with pytest.raises(ArtefactError, match=r"input of model\.keras.*input of model\.tflite"):
        artefact.verify(copy)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == SMALLEST else pytest.mark.slow)
        for name in hub.shipped_models()
    ],
)
def test_every_model_that_comes_with_mirzoo_is_as_its_card_says(name):
    folder = hub.shipped_folder(name)
    card = Card.load(folder)
    assert card.name == name
    assert card.metrics
    assert card.recipe is not None
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) <= MOST_BYTES
    assert (folder / "model.tflite").stat().st_size <= MOST_LITERT_BYTES
    artefact.verify(folder)


@pytest.mark.slow
def test_every_model_that_comes_with_mirzoo_verifies_on_another_processor():
    code = "from mirzoo import hub; print(*[bool(hub.verify(n)) for n in hub.shipped_models()])"
    run = on_another_processor(code, {})
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.split() == ["True"] * len(hub.shipped_models())
