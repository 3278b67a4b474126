"""Models of strangers run nothing, cost little, and are refused with one kind of error."""

import contextlib
import io
import json
import os
import re
import shutil
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from places import ROOT

import mirzoo
from mirzoo import artefact
from mirzoo._support.files import sha256
from mirzoo.card import Card
from mirzoo.errors import ArtefactError, CardError, MirzooError
from mirzoo.runtimes import saved_model_file, tflite_file

SMALLEST = ROOT / "saved_models" / "chroma_rnn_chords"
FILES = ("card.json", "model.keras", "model.tflite", "saved_model.pb", "golden.npz")
MOST_BYTES = 100_000_000


@pytest.fixture
def model(tmp_path):
    return Path(shutil.copytree(SMALLEST, tmp_path / SMALLEST.name))


def claim(folder):
    """Let a card claim the files as they are now."""
    card = json.loads((folder / "card.json").read_text())
    card["files"] = {file: sha256(folder / file) for file in card["files"]}
    (folder / "card.json").write_text(json.dumps(card))


def saved_model(folder, *functions, resources=()):
    """Write a SavedModel whose signatures are these functions of the waveform."""
    import tensorflow as tf

    spec = tf.TensorSpec((None, None), tf.float32, name="waveform")
    module = tf.Module()
    module.resources = list(resources)
    names = ("serving_default", "embed", "frontend")
    signatures = {
        name: tf.function(function, input_signature=[spec])
        for name, function in zip(names, functions, strict=False)
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


def test_shipped_models_only_compute():
    for folder in (ROOT / "saved_models").iterdir():
        saved_model_file.require_pure(folder)


def test_a_graph_that_writes_files_is_named_and_not_run(model, tmp_path):
    import tensorflow as tf

    prey = tmp_path / "prey.txt"

    def write(waveform):
        tf.io.write_file(str(prey), "written")
        return {"chords": waveform}

    saved_model(model, write)
    claim(model)
    with pytest.raises(ArtefactError, match="was not run: it holds the operation 'WriteFile'"):
        artefact.verify(model)
    assert not prey.exists()


@pytest.mark.slow
def test_nested_functions_are_read_too(model, tmp_path):
    import tensorflow as tf

    @tf.function
    def inner(waveform):
        tf.print("hello")
        return waveform

    def outer(waveform):
        loop = tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, inner(x)), (0, waveform))
        return {"chords": loop[1]}

    saved_model(tmp_path / "nested", outer)
    with pytest.raises(ArtefactError, match="the operation 'PrintV2'"):
        saved_model_file.require_pure(tmp_path / "nested")


@pytest.mark.slow
def test_python_and_state_are_not_allowed(tmp_path):
    import tensorflow as tf

    state = tf.Variable(0.0)

    def python(waveform):
        return {"x": tf.numpy_function(lambda x: x, [waveform], tf.float32)}

    def stateful(waveform):
        state.assign_add(1.0)
        return {"x": waveform}

    for number, (function, operation) in enumerate(
        ((python, "PyFunc"), (stateful, "AssignAddVariableOp"))
    ):
        folder = tmp_path / str(number)
        saved_model(folder, function, resources=[state])
        with pytest.raises(ArtefactError, match=operation):
            saved_model_file.require_pure(folder)


@pytest.mark.slow
def test_objects_that_run_when_they_are_loaded_are_not_allowed(tmp_path):
    import tensorflow as tf

    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant([1, 2]), tf.constant([3, 4])), -1
    )
    saved_model(tmp_path / "table", lambda waveform: {"x": waveform}, resources=[table])
    with pytest.raises(ArtefactError, match="an object of the kind 'resource'"):
        saved_model_file.require_pure(tmp_path / "table")


@pytest.mark.slow
def test_a_front_end_of_one_s_own_passes(tmp_path):
    import tensorflow as tf

    def front_end(waveform):
        frames = tf.signal.frame(waveform, 512, 256) * tf.signal.hann_window(512)
        energy = tf.math.log1p(tf.abs(tf.signal.rfft(frames)))
        return {"features": tf.nn.avg_pool1d(energy, 2, 2, "SAME")}

    saved_model(tmp_path / "own", front_end)
    saved_model_file.require_pure(tmp_path / "own")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", "a/./b", "", "a\\b", ".hidden"]
)
def test_a_card_names_no_file_outside_its_folder(model, name):
    card = json.loads((model / "card.json").read_text())
    card["files"][name] = "0" * 64
    (model / "card.json").write_text(json.dumps(card))
    with pytest.raises(CardError, match="files"):
        artefact.verify(model)


def test_a_link_out_of_the_folder_is_not_read(model, tmp_path):
    outside = tmp_path / "outside.npz"
    outside.write_bytes((model / "golden.npz").read_bytes())
    (model / "golden.npz").unlink()
    (model / "golden.npz").symlink_to(outside)
    with pytest.raises(ArtefactError, match="outside the model's folder"):
        artefact.verify(model)


@pytest.mark.parametrize("name", ["card.json", "model.tflite", "model.keras"])
@pytest.mark.parametrize("is_device", [False, True])
def test_a_pipe_or_a_device_in_a_folder_is_not_waited_for(model, name, is_device):
    (model / name).unlink()
    if is_device:
        (model / name).symlink_to("/dev/zero")
    else:
        os.mkfifo(model / name)
    given = model if name == "card.json" else model / name
    for read in (mirzoo.load, artefact.verify):
        with pytest.raises(MirzooError, match="no regular file|missing|does not exist|outside"):
            read(given if read is mirzoo.load else model)


def peak(function):
    tracemalloc.start()
    try:
        with pytest.raises(MirzooError) as caught:
            function()
        return str(caught.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_card_that_unpacks_to_a_gigabyte_is_refused_in_little_memory(monkeypatch):
    bomb = zlib.compress(bytes(1 << 28), 9)
    text, most = peak(lambda: unpacked(bomb))
    assert "more than" in text
    assert most < MOST_BYTES


def unpacked(packed):
    from mirzoo._support.guards import reading

    with reading("bomb.tflite", "card"):
        tflite_file._unpacked(packed)


@pytest.mark.slow
def test_a_configuration_of_hundreds_of_megabytes_is_refused_in_little_memory(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * 200_000_000)
        archive.writestr("metadata.json", "{}")
    text, most = peak(lambda: mirzoo.load(path))
    assert "config.json unpacks to more than" in text
    assert most < MOST_BYTES


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"a":' * 100_000, b"\xff\xfe{", "", "null", "[]", '{"name": 1e400}'],
    ids=["lists", "objects", "bytes", "empty", "null", "list", "infinite"],
)
def test_cards_that_are_none(model, text):
    path = model / "card.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CardError):
        Card.load(model)


def test_sizes_that_no_model_has_are_refused():
    card = json.loads((SMALLEST / "card.json").read_text())
    for key, value in (("window_samples", 10**12), ("sample_rate", 10**9)):
        with pytest.raises(CardError, match=key):
            Card.parse({**card, "input": {**card["input"], key: value}})


def damaged(content, way):
    rng = np.random.default_rng(len(content))
    half = len(content) // 2
    if way == "empty":
        return b""
    if way == "cut":
        return content[:half]
    if way == "zeros":
        return content[:half] + bytes(min(2000, half)) + content[half + 2000 :]
    if way == "garbage":
        return rng.bytes(len(content))
    if way == "text":
        return b"<html>404 Not Found</html>"
    flipped = bytearray(content)
    for place in rng.integers(0, len(content), 40):
        flipped[place] ^= 1 << rng.integers(8)
    return bytes(flipped)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["empty", "cut", "zeros", "garbage", "text", "flipped"])
@pytest.mark.parametrize("file", FILES)
def test_damage_is_one_kind_of_error(model, file, way):
    """Altered files are found by their hashes, or else by what is in them."""
    (model / file).write_bytes(damaged((model / file).read_bytes(), way))
    with pytest.raises(MirzooError):
        artefact.verify(model)
    if file == "card.json":
        return
    claim(model)
    for suffix, load in (
        (".keras", lambda: mirzoo.load(model / "model.keras")),
        (".tflite", lambda: mirzoo.load(model / "model.tflite")),
        ("", lambda: artefact.verify(model)),
    ):
        if suffix and not file.endswith(suffix):
            continue
        if way == "flipped" and file == "model.tflite":
            continue  # bits of weights may flip without harm
        if way in ("flipped", "zeros"):  # weights or a golden output may survive
            with contextlib.suppress(MirzooError):
                load()
        else:
            with pytest.raises(MirzooError, match=re.escape(str(model))):
                load()


def test_archives_with_odd_members_are_refused(model):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", json.dumps({"registered_name": "mirzoo>Model"}))
    path = model / "odd.keras"
    path.write_bytes(stream.getvalue())
    with pytest.raises(ArtefactError, match=r"odd\.keras is damaged"):
        mirzoo.load(path)
    os.remove(path)
