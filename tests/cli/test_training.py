"""`mirzoo prepare`, `train`, `measure`, `fine-tune`: what they hand to the library."""

import sys
import types
from pathlib import Path

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


def pretended(monkeypatch, calls):
    """Have `mirzoo fine-tune` note what it hands to the library."""
    tuning = types.ModuleType("mirzoo.training.fine_tuning")
    tuning.fine_tune = lambda model, data, **options: (
        calls.append((model, data, options)) or types.SimpleNamespace(report="a report")
    )
    monkeypatch.setitem(sys.modules, "mirzoo.training.fine_tuning", tuning)


def test_fine_tune_hands_on_its_options(run, monkeypatch, tmp_path):
    calls = []
    pretended(monkeypatch, calls)
    usual = {
        "strategy": None, "epochs": 20, "held_out": 0.2, "exclusive": None, "extend": False,
        "balanced": False, "seed": 0, "batch_size": 16, "learning_rate": None,
        "augmentation": None, "precision": "float32", "tensorboard": None, "progress": None,
        "overwrite": False, "excerpts": True, "out": Path("x"),
    }  # fmt: skip
    status, out, _ = run("fine-tune", "some_tagger", tmp_path, "x")
    assert (status, out) == (0, "a report\nsaved in x\n")
    status, _, _ = run(
        "fine-tune", "some_tagger", "clips", "x", "--strategy", "head", "--epochs", 3,
        "--held-out", 0, "--any-number", "--extend", "--balanced", "--seed", 7,
        "--batch-size", 4, "--learning-rate", 0.01, "--augment", "gain,mixup", "--no-excerpts",
        "--precision", "bfloat16", "--tensorboard", tmp_path, "--no-progress", "--overwrite",
    )  # fmt: skip
    assert status == 0
    other = {
        "strategy": "head", "epochs": 3, "held_out": 0.0, "exclusive": False, "extend": True,
        "balanced": True, "seed": 7, "batch_size": 4, "learning_rate": 0.01,
        "augmentation": "gain,mixup", "precision": "bfloat16", "tensorboard": tmp_path,
        "progress": False, "overwrite": True, "excerpts": False, "out": Path("x"),
    }  # fmt: skip
    assert calls == [("some_tagger", str(tmp_path), usual), ("some_tagger", "clips", other)]


def test_the_former_options_are_told_their_new_name(run, monkeypatch):
    calls = []
    pretended(monkeypatch, calls)
    for option in ("--freeze-trunk", "--freeze-head", "--train-head"):
        status, _, err = run("fine-tune", "some_tagger", "clips", "x", option)
        assert status == 0 and "--strategy probe" in err
    assert [options["strategy"] for _, _, options in calls] == ["probe", "probe", "full"]
    assert "head/" not in run("fine-tune", "--help")[1]


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


def test_new_recipe_writes_one_that_can_be_read(run, tmp_path):
    from mirzoo.recipe import load_recipe

    file = tmp_path / "mine.yaml"
    command = ("new-recipe", "--frontend", "cqt", "--head", "rnn", "--labels", "cello, flute")
    status, out, _ = run(*command, "-o", file)
    assert (status, out) == (
        0,
        f"{file}: train it with `mirzoo train {file} --data LABELLED_DATA`\n",
    )
    assert load_recipe(file).task.labels == ("cello", "flute")
    before = file.read_text()
    assert run(*command)[1] == before
    status, _, err = run("new-recipe", "--frontend", "mel", "--head", "rnn", "-o", file)
    assert status == 1
    assert "is there already; nothing was written: choose another name, or --overwrite" in err
    assert file.read_text() == before
    assert (
        run("new-recipe", "--frontend", "mel", "--head", "rnn", "-o", file, "--overwrite")[0] == 0
    )
    assert load_recipe(file).frontend.type == "mel"


def test_new_recipe_tells_what_does_not_go_together(run):
    status, out, err = run("new-recipe", "--frontend", "raw", "--head", "crnn")
    assert (status, out) == (1, "")
    assert "do not go together" in err
    status, _, err = run("new-recipe", "--frontend", "raw", "--head", "rnnn")
    assert status == 2
    assert "'rnnn' is none of cnn, cnn1d" in err


def test_own_data_are_not_shared_among_devices(run, tmp_path):
    code, _, told = run("train", "mel_cnn_tagger", "--data", tmp_path, "--distribute", "mirrored")
    assert code == 2 and "--distribute is of prepared corpora" in told
