"""Models that answer per frame and by several outputs, through artefact, runtimes and shell."""

import json
import sys

import keras
import numpy as np
import pytest
import soundfile

from mirzoo import cli, hub
from mirzoo._support.files import sha256
from mirzoo.card import Card
from mirzoo.errors import ArtefactError
from mirzoo.models.build import build_model
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.heads import ConvBlock
from mirzoo.models.heads.crnn import CRNNConfig
from mirzoo.recipe import Recipe, Source
from mirzoo.runtimes.tflite_file import read_card, read_labels
from mirzoo.tasks import base
from mirzoo.tasks.chords import Chords, ChordsConfig
from mirzoo.tasks.melody import Melody, MelodyConfig

RATE = 16000
pytestmark = pytest.mark.slow

TASKS = {
    "chords": ChordsConfig(vocabulary="majmin", structured=True),
    "melody": MelodyConfig(n_octaves=2, bins_per_octave=12, fmin=110.0),
}


@pytest.fixture(scope="module", params=TASKS)
def artefact(request, tmp_path_factory):
    keras.utils.set_random_seed(0)
    recipe = Recipe(
        description="Answers frame by frame, at random.",
        frontend=MelConfig(n_mels=16, hop_length=400, n_fft=1024),
        head=CRNNConfig(
            blocks=(ConvBlock(filters=4, stride=(4, 2)),),
            recurrent={"units": (4,)},
            embedding=6,
            pooling="none",
        ),
        task=TASKS[request.param],
        window_s=1.6,
        context_s=0.3,
        source=Source(paper="none"),
    )
    model = build_model(recipe, f"small_{request.param}")
    for name in ("chords_scores", "salience_scores"):
        for layer in model.layers:
            if layer.name == name:
                layer.set_weights([20 * weight for weight in layer.get_weights()])
    return hub.save(model, tmp_path_factory.mktemp("zoo") / f"small_{request.param}")


@pytest.fixture(scope="module")
def recording(tmp_path_factory, made_up_music):
    path = tmp_path_factory.mktemp("music") / "song.wav"
    soundfile.write(path, np.concatenate([made_up_music, 0.5 * made_up_music[::-1]]), RATE)
    return path


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mirzoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return run


@pytest.mark.slow
def test_every_output_is_verified(artefact):
    card = Card.load(artefact)
    names = {output.name for output in card.outputs}
    with np.load(artefact / "golden.npz") as golden:
        assert set(golden.files) == names | {"waveform"}
        frames = {golden[name].shape[1] for name in names}
        assert len(frames) == 1
    assert max(hub.verify(artefact).values()) < 1e-4
    labels = base.TASKS[card.task].axis_labels(card)[card.outputs[0].name]
    assert read_labels(artefact / "model.tflite") == labels
    assert not card.labels or labels == card.labels
    assert read_card(artefact / "model.tflite").decoding == card.decoding


@pytest.mark.slow
def test_a_second_output_that_differs_is_found(artefact, tmp_path):
    import shutil

    copy = shutil.copytree(artefact, tmp_path / artefact.name)
    with np.load(copy / "golden.npz") as golden:
        arrays = dict(golden)
    last = Card.load(copy).outputs[-1].name
    arrays[last] = arrays[last] + 0.01
    np.savez(copy / "golden.npz", **arrays)
    card = Card.load(copy)
    card.updated(files={**card.files, "golden.npz": sha256(copy / "golden.npz")}).save(copy)
    with pytest.raises(ArtefactError, match=r"keras differs.*litert differs"):
        hub.verify(copy)


def test_both_runtimes_hear_the_same(artefact, recording):
    in_keras, in_litert = (
        hub.load(artefact, runtime=runtime).annotate(recording) for runtime in ("keras", "litert")
    )
    assert in_keras.duration_s == pytest.approx(6.0)
    if isinstance(in_keras, Melody):
        assert len(in_keras.times) == 60
        np.testing.assert_allclose(np.abs(in_litert.f0), np.abs(in_keras.f0), rtol=1e-3)
        np.testing.assert_allclose(in_litert.confidence, in_keras.confidence, atol=1e-3)
    else:
        assert in_litert.labels == in_keras.labels
        np.testing.assert_allclose(in_litert.intervals, in_keras.intervals)


def test_new_labels_are_for_taggers(artefact):
    with pytest.raises(ArtefactError, match="new labels can be given to taggers"):
        hub.create(artefact, labels=["a", "b"])


def test_the_shell_writes_what_the_task_has(artefact, recording, run, tmp_path):
    is_chords = artefact.name == "small_chords"
    suffixes = ["jams", "json", "csv", "mid", *(["lab"] if is_chords else [])]
    for suffix in suffixes:
        target = tmp_path / f"song.{suffix}"
        status, out, err = run("annotate", artefact, recording, "-o", target)
        assert status == 0, err
        assert out.startswith(f"{recording}  (0:06, {artefact.name})\n  ")
        assert target.stat().st_size > 0
    kind = Chords if is_chords else Melody
    assert kind.read(tmp_path / "song.json").model == artefact.name
    if not is_chords:
        status, _, err = run("annotate", artefact, recording, "-o", tmp_path / "x.lab")
        assert status == 2
        assert ".lab is no format for a melody, which small_melody gives" in " ".join(err.split())
        assert not (tmp_path / "x.lab").exists()
    status, out, _ = run("annotate", artefact, recording, "--json")
    assert json.loads(out)["task"] == Card.load(artefact).task


def test_info_tells_the_task(artefact, run):
    status, out, _ = run("info", artefact, "--all")
    assert status == 0
    if artefact.name == "small_chords":
        assert "one of 25 chords, 10 frames a second" in out
        assert "knows       maj, min\n" in out
        assert "chords (25), root (13), bass (13), pitches (12)" in out
    else:
        assert "melody, 10 frames a second" in out
        assert "range       110 to " in out and " Hz in bins of " in out


def test_the_shell_scores_recordings_beside_their_labels(artefact, recording, run, tmp_path):
    song = tmp_path / "song.wav"
    song.write_bytes(recording.read_bytes())
    model = hub.load(artefact, runtime="litert")
    heard = model.annotate(song)
    heard.write(song.with_suffix(".csv"))
    status, out, err = run("evaluate", artefact, tmp_path)
    assert status == 0, err
    expected = "majmin" if artefact.name == "small_chords" else "raw chroma accuracy"
    lines = [line for line in out.splitlines() if "(n = " in line]
    scores = {line.split("  ")[1].partition(" (")[0]: line.split()[0] for line in lines}
    if expected in scores:
        assert scores[expected] == "1.000"
    assert "(n = 1)" in out


def test_several_tasks_at_once_need_a_common_format(artefact, recording, run, tmp_path):
    tagger = hub.shipped_folder("mel_cnn_tagger")
    both = f"{artefact},{tagger}"
    options = ["-o", tmp_path / "out", "--format"]
    assert run("annotate", both, recording, *options, "jams")[0] == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("song.*")) == [
        "song.mel_cnn_tagger.jams", f"song.{artefact.name}.jams",
    ]  # fmt: skip
    status, _, err = run("annotate", both, recording, *options, "mid")
    assert status == 2
    assert "mid is no format for tags, which mel_cnn_tagger gives" in " ".join(err.split())
