"""`mirzoo prepare`, `train`, `measure`, `fine-tune`: what they hand to the library."""

import sys
import types
from pathlib import Path

import numpy as np
import soundfile

from mirzoo import hub
from mirzoo.card import Metric

RATE = 16000


def test_train_and_prepare_share_a_home(run, monkeypatch, tmp_path):
    from mirzoo.data import sources

    calls = []
    training = types.ModuleType("mirzoo.training")
    training.train = lambda *arguments, **options: calls.append(arguments)
    monkeypatch.setitem(sys.modules, "mirzoo.training", training)
    monkeypatch.setattr(sources, "prepare", lambda name, home: calls.append((name, home)))
    assert run("prepare", "debian", "mir1k", "--home", tmp_path)[0] == 0
    assert run("train", "recipes/mel_cnn_tagger.yaml", "--home", tmp_path)[0] == 0
    monkeypatch.setenv("MIRZOO_DATA", str(tmp_path / "elsewhere"))
    assert run("train", "mel_cnn_tagger", "--out", tmp_path / "run")[0] == 0
    assert calls == [
        ("debian", tmp_path),
        ("mir1k", tmp_path),
        ("recipes/mel_cnn_tagger.yaml", tmp_path / "corpus", Path("runs/mel_cnn_tagger")),
        ("mel_cnn_tagger", tmp_path / "elsewhere" / "corpus", tmp_path / "run"),
    ]
    status, out, _ = run("prepare")
    assert status == 0
    names = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    assert names == sources.list_collections()


def test_fine_tune_takes_labels_from_the_data(run, monkeypatch, tmp_path):
    for name in ("cello/a.wav", "flute/b.wav"):
        (tmp_path / name).parent.mkdir()
        soundfile.write(tmp_path / name, np.zeros(1600), RATE)
    calls = []
    tuning = types.ModuleType("mirzoo.training.fine_tuning")
    tuning.fine_tune = lambda model, data, **options: (
        calls.append((model, data, options)) or {"loss": [0.7, 0.25]}
    )
    monkeypatch.setitem(sys.modules, "mirzoo.training.fine_tuning", tuning)
    monkeypatch.setattr(
        hub,
        "card",
        lambda name: types.SimpleNamespace(task="chords" if name == "some_chords" else "tagging"),
    )
    monkeypatch.setattr(hub, "load", lambda name: name)
    monkeypatch.setattr(hub, "create", lambda *named, exclusive: (*named, exclusive))
    monkeypatch.setattr(hub, "save", lambda model, out, overwrite: out)
    status, out, _ = run("fine-tune", "some_tagger", tmp_path, "x", "--epochs", 3, "--freeze-head")
    assert (status, out) == (0, "loss 0.700 -> 0.250; saved in x\n")
    model = ("some_tagger", ("cello", "flute"), True)
    assert calls == [(model, str(tmp_path), {"epochs": 3, "train_head": False})]
    assert run("fine-tune", "some_chords", "songs", "x")[0] == 0
    assert calls[1] == ("some_chords", "songs", {"epochs": 20, "train_head": True})
    (tmp_path / "card.json").write_text("{}")
    status, _, err = run("fine-tune", "some_tagger", tmp_path, tmp_path)
    assert status == 1 and "--overwrite" in err, "a model that is there is not replaced unasked"
    assert len(calls) == 2, "and is told so before hours of training"


def test_the_former_option_is_told_its_new_name(run, monkeypatch):
    calls = []
    tuning = types.ModuleType("mirzoo.training.fine_tuning")
    tuning.fine_tune = lambda model, data, **options: calls.append(options) or {"loss": [1.0]}
    monkeypatch.setitem(sys.modules, "mirzoo.training.fine_tuning", tuning)
    monkeypatch.setattr(hub, "create_for", lambda name, data: name)
    monkeypatch.setattr(hub, "save", lambda model, out, overwrite: out)
    for option in ("--freeze-trunk", "--freeze-head"):
        status, _, err = run("fine-tune", "some_tagger", "clips", "x", option)
        assert status == 0
        assert ("--freeze-head" in err) == (option == "--freeze-trunk")
    assert calls[0] == calls[1]
    assert "trunk" not in run("fine-tune", "--help")[1]


def test_measure_prints_what_it_wrote(run, monkeypatch, tmp_path):
    calls = []
    training = types.ModuleType("mirzoo.training")
    training.measure = lambda *arguments: (
        calls.append(arguments)
        or [Metric(dataset="songs", split="test", metric="majmin", value=0.5, n=3, method="x")]
    )
    monkeypatch.setitem(sys.modules, "mirzoo.training", training)
    status, out, _ = run("measure", "some_chords", "--home", tmp_path)
    assert (status, out) == (0, "0.500  majmin, songs (n = 3)\n")
    assert calls == [("some_chords", tmp_path / "corpus")]
