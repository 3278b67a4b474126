"""The command line: what it prints, where, and what it returns to the shell."""

import csv
import hashlib
import importlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
from fake_models import TFLITE, FakeRunner, make_card, make_frame_card
from places import ROOT

from mirzoo import cli, hub
from mirzoo.annotate import Recording, annotate, find_recordings, name_results
from mirzoo.errors import AnnotationError, ArtefactError, AudioError, PullError
from mirzoo.tasks.melody import MelodyDecoding
from mirzoo.tasks.tagging import Tags

RATE = 16000


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Two saved models, with all that LiteRT needs."""
    root = tmp_path_factory.mktemp("models")
    for name in ("loud_tagger", "rising_tagger"):
        folder = root / name
        folder.mkdir()
        content = TFLITE.read_bytes()
        (folder / "model.tflite").write_bytes(content)
        files = {"model.tflite": hashlib.sha256(content).hexdigest()}
        make_card(name).updated(files=files).save(folder)
    return root


@pytest.fixture
def music(tmp_path):
    """A folder of two good recordings, one bad and something else."""
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, level in (("loud.wav", 0.9), ("album/soft.flac", 0.1)):
        soundfile.write(folder / name, level * rng.uniform(-1, 1, 5000), RATE)
    (folder / "album" / "broken.ogg").write_bytes(b"OggS but no more")
    (folder / "cover.jpg").write_bytes(b"no music")
    (folder / "._loud.wav").write_bytes(b"hidden")
    return folder


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mirzoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return run


def test_a_file_is_summed_up(run, models, music):
    status, out, err = run("annotate", models / "loud_tagger", music / "loud.wav")
    assert status == 0
    first, *tags = out.splitlines()
    assert first == f"{music / 'loud.wav'}  (0:00, loud_tagger)"
    expected = annotate(FakeRunner(), music / "loud.wav").top()
    for line, (label, probability) in zip(tags, expected, strict=True):
        assert line.split()[:2] == [label, f"{probability:.2f}"]
        assert line.count("█") == round(30 * probability)
    assert "mirzoo:" not in err


def test_top_is_as_many_as_asked(run, models, music):
    _, out, _ = run("annotate", models / "loud_tagger", music / "loud.wav", "--top", 1)
    assert len(out.splitlines()) == 2


def test_a_bad_file_is_reported_and_the_rest_go_on(run, models, music, tmp_path):
    results = tmp_path / "results"
    status, out, err = run("annotate", models / "loud_tagger", music, "-o", results)
    assert status == 1
    assert "loud.wav" in out
    assert "soft.flac" in out
    assert "broken.ogg" in err
    assert "Traceback" not in err
    written = sorted(str(path.relative_to(results)) for path in results.rglob("*.*"))
    assert written == ["album/soft.json", "loud.json"]


def test_json_is_a_line_each(run, models, music):
    paths = [music / "loud.wav", music / "album" / "soft.flac"]
    status, out, _ = run("annotate", models / "loud_tagger", *paths, "--json")
    assert status == 0
    documents = [json.loads(line) for line in out.splitlines()]
    assert [document["source"] for document in documents] == [str(path) for path in paths]
    assert documents[0]["tags"]["loud"] > documents[1]["tags"]["loud"]


def test_one_file_goes_where_told(run, models, music, tmp_path):
    for suffix in ("jams", "json", "csv"):
        target = tmp_path / "new folder" / f"out.{suffix}"
        status, _, _ = run("annotate", models / "loud_tagger", music / "loud.wav", "-o", target)
        assert status == 0
        assert Tags.read(target).labels == ("loud", "rising")


def test_several_models_write_files_of_their_own(run, models, music, tmp_path):
    both = f"{models / 'loud_tagger'},{models / 'rising_tagger'}"
    status, out, _ = run(
        "annotate", both, music / "loud.wav", "-o", tmp_path / "out", "--format", "csv"
    )
    assert status == 0
    assert "loud_tagger)" in out
    assert "rising_tagger)" in out
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["loud.loud_tagger.csv", "loud.rising_tagger.csv"]
    with (tmp_path / "out" / names[0]).open(newline="") as file:
        assert next(csv.reader(file)) == ["start_s", "end_s", "loud", "rising"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "out.json"], "one file"),
        (["--format", "csv"], "needs -o"),
        (["-o", "out.json", "--format", "csv"], "no .csv file"),
        (["-o", "out.txt"], "neither a folder"),
        (["--picture", "out.jpg"], "neither a folder"),
        (["--sonify", "out.wav"], "only tags"),
        (["--format", "mp3"], "mp3"),
        (["--runtime", "abacus"], "abacus"),
        (["--top", "0"], "--top"),
        (["--loud"], "--loud"),
    ],
)
def test_misuse_is_explained(run, models, music, monkeypatch, options, message):
    monkeypatch.chdir(music)
    status, out, err = run("annotate", models / "loud_tagger", music, *options)
    assert status == 2
    assert message in err
    assert not out
    assert not (music / "out.json").exists()


def test_a_picture_shows_what_all_models_hear(run, models, music, tmp_path):
    both = f"{models / 'loud_tagger'},{models / 'rising_tagger'}"
    picture = tmp_path / "new" / "loud.png"
    status, _, err = run("annotate", both, music / "loud.wav", "--picture", picture)
    assert (status, err) == (0, "")
    one = tmp_path / "one.png"
    run("annotate", models / "loud_tagger", music / "loud.wav", "--picture", one)
    heights = [plt.imread(path).shape[0] for path in (one, picture)]
    assert heights[1] == 2 * heights[0]
    assert sorted(path.name for path in picture.parent.iterdir()) == ["loud.png"]


def test_pictures_of_a_folder_go_into_one(run, models, music, tmp_path):
    run("annotate", models / "loud_tagger", music, "--picture", tmp_path / "drawn")
    drawn = sorted(
        path.relative_to(tmp_path / "drawn").as_posix()
        for path in (tmp_path / "drawn").rglob("*.*")
    )
    assert drawn == ["album/soft.png", "loud.png"]
    status, _, err = run(
        "annotate", models / "loud_tagger", music, "--picture", tmp_path / "all.png"
    )
    assert status == 2 and "give a folder" in err


MODELS = ROOT / "saved_models"
CHORDS = MODELS / "cqt_crnn_chords"
CLIP = ROOT / "mirzoo" / "cli" / "demo" / "clip.ogg"


def test_what_has_pitch_is_played_over_the_recording(run, models, tmp_path):
    target = tmp_path / "new" / "heard.flac"
    status, _, err = run("annotate", f"{CHORDS},{models / 'loud_tagger'}", CLIP, "--sonify", target)
    assert (status, err) == (0, "")
    heard, rate = soundfile.read(target)
    chords = hub.load(CHORDS, runtime="litert").annotate(CLIP)
    np.testing.assert_allclose(heard, chords.sonify(rate, original=CLIP), atol=1e-3)
    assert [path.name for path in target.parent.iterdir()] == ["heard.flac"]


def test_sounds_of_several_models_go_into_a_folder(run, music, tmp_path):
    both = f"{CHORDS},{MODELS / 'hcqt_cnn_melody'}"
    status, _, err = run(
        "annotate", both, CLIP, music / "album" / "broken.ogg", "--sonify", tmp_path / "heard"
    )
    # Once a model; ffmpeg, where there is one, names the file in its own words besides.
    assert status == 1 and err.count("broken.ogg' is not audio") == 2
    assert sorted(path.name for path in (tmp_path / "heard").iterdir()) == [
        "clip.cqt_crnn_chords.wav",
        "clip.hcqt_cnn_melody.wav",
    ]
    for output, said in (("all.wav", "give a folder"), ("all.mp3", "neither a folder")):
        status, _, err = run("annotate", both, CLIP, "--sonify", tmp_path / output)
        assert status == 2 and said in err


def test_values_of_a_decoding_are_numbers_where_they_look_like_it():
    card = make_frame_card("melody", outputs={"salience": 61}, decoding=MelodyDecoding(fmin=220.0))
    given = ["average_bins=5", "voicing_threshold=0.9", "method=local_average"]
    (settings,) = cli._decodings([card], given)
    assert card.decoded_with(settings).decoding == MelodyDecoding(
        fmin=220.0, average_bins=5, voicing_threshold=0.9, method="local_average"
    )


def test_decoding_is_set_for_the_models_that_have_the_setting(run, models):
    both = f"{CHORDS},{models / 'loud_tagger'}"
    status, out, err = run("annotate", both, CLIP, "--json", "--decoding", "change_penalty=10000")
    assert status == 0, err
    chords = json.loads(out.splitlines()[0])
    assert len(chords["segments"]) == 1
    for setting, said in (
        ("change=1", "no setting 'change'"),
        ("change_penalty", "NAME=VALUE"),
        ("change_penalty=-1", "greater than or equal to 0"),
    ):
        status, _, err = run("annotate", both, CLIP, "--decoding", setting)
        assert status == 2
        assert said in err


@pytest.mark.parametrize("arguments", [["anotate"], ["annotate"], ["info"], ["annotate", "x"]])
def test_missing_and_unknown_words_are_misuse(run, arguments):
    assert run(*arguments)[0] == 2


def test_an_unknown_model_is_misuse(run, music):
    status, _, err = run("annotate", "musicnn_mttt", music / "loud.wav")
    assert status == 2
    assert "musicnn_mtt" in err
    assert "Traceback" not in err


def test_an_unwritable_folder_is_a_failure(run, models, music):
    status, _, err = run(
        "annotate", models / "loud_tagger", music / "loud.wav", "-o", music / "loud.wav" / "x"
    )
    assert status == 1
    assert "Traceback" not in err


def test_list_prints_names_and_weights(run):
    status, out, _ = run("list", "musicnn_*")
    assert status == 0
    names = [line.split()[0] for line in out.splitlines()]
    assert names == ["musicnn_msd", "musicnn_msd_vgg", "musicnn_mtt", "musicnn_mtt_vgg"]
    assert all("weights:" in line for line in out.splitlines())
    as_json = json.loads(run("list", "musicnn_*", "--json")[1])
    assert list(as_json) == names
    assert as_json["musicnn_mtt"]["task"] == "tagging"
    _, out, _ = run("list", "c*_chords", "--task", "chords")
    assert out.splitlines()[0].split()[:2] == ["chroma_rnn_chords", "chords"]
    assert run("list", "--task", "humming")[0] == 2
    assert run("list", "nothing_*")[:2] == (0, "")


def test_info_shows_the_card(run, models):
    status, out, _ = run("info", models / "loud_tagger")
    assert status == 0
    for text in ("loud_tagger", "16000 Hz", "0.10 s", "loud, rising", "MIT"):
        assert text in out
    card = json.loads(run("info", models / "loud_tagger", "--json")[1])
    assert card["labels"] == ["loud", "rising"]


def test_info_tells_of_a_prior_that_holds_classes_back(run):
    told = run("info", "cqt_crnn_chords")[1]
    prior = hub.card("cqt_crnn_chords").decoding.prior
    assert f"up to {max(prior) / min(prior):.1f} times" in told


def test_version(run):
    assert run("--version")[1].startswith("mirzoo 0.")


def test_help_names_every_command(run):
    status, out, _ = run("--help")
    assert status == 0
    commands = "list info annotate evaluate fine-tune train measure prepare export verify pull"
    for command in commands.split():
        assert f"\n  {command} " in out


def test_verify_goes_on_after_a_failure(run, monkeypatch):
    def verify(name):
        if name == "bad":
            raise ArtefactError("bad is not as its card says")
        return {"keras": 1e-7, "litert": 2e-6}

    monkeypatch.setattr(hub, "verify", verify)
    status, out, err = run("verify", "bad", "good")
    assert status == 1
    assert out.startswith("good: all as its card says")
    assert "bad is not" in err
    monkeypatch.setattr(hub, "local_models", lambda: ["good"])
    assert run("verify")[0] == 0


def test_pull_reports(run, monkeypatch):
    monkeypatch.setattr(hub, "pull", lambda name: f"/cache/{name}")
    assert run("pull", "musicnn_mtt")[:2] == (0, "musicnn_mtt is in /cache/musicnn_mtt\n")

    def offline(name):
        raise PullError("no network")

    monkeypatch.setattr(hub, "pull", offline)
    assert run("pull", "musicnn_mtt") == (1, "", "mirzoo: no network\n")


def test_export_passes_on_what_it_is_told(run, monkeypatch, tmp_path):

    calls = []

    def export(model, path, *, quantize=None):
        calls.append((model, path, quantize))
        return path

    monkeypatch.setattr(importlib.import_module("mirzoo.export"), "export", export)
    monkeypatch.setattr(hub, "load", lambda name: f"the model {name}")
    target = tmp_path / "x.tflite"
    status, out, _ = run("export", "some_tagger", target, "--quantize", "float16")
    assert (status, out) == (0, f"wrote {target}\n")
    run("export", "some_tagger", target)
    assert calls == [("the model some_tagger", target, "float16"),
                     ("the model some_tagger", target, None)]  # fmt: skip
    assert run("export", "some_tagger", target, "--quantize", "int3")[0] == 2


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
    monkeypatch.setattr(hub, "save", lambda model, out: out)
    status, out, _ = run("fine-tune", "some_tagger", tmp_path, "x", "--epochs", 3, "--freeze-head")
    assert (status, out) == (0, "loss 0.700 -> 0.250; saved in x\n")
    model = ("some_tagger", ("cello", "flute"), True)
    assert calls == [(model, str(tmp_path), {"epochs": 3, "train_head": False})]
    assert run("fine-tune", "some_chords", "songs", "x")[0] == 0
    assert calls[1] == ("some_chords", "songs", {"epochs": 20, "train_head": True})


def test_find_recordings_takes_files_as_they_are(music):
    odd = music / "cover.jpg"
    found = find_recordings([odd, music])
    assert [str(recording.name) for recording in found] == [
        "cover.jpg", "album/broken.ogg", "album/soft.flac", "loud.wav",
    ]  # fmt: skip


def test_a_folder_without_audio_is_an_error(tmp_path):
    with pytest.raises(AudioError, match="no audio file"):
        find_recordings([tmp_path])


def test_results_never_share_a_file(tmp_path):
    recordings = [Recording(tmp_path / name, Path(name)) for name in ("a.wav", "a.mp3")]
    results = name_results(recordings, ["m"], tmp_path, ".json")
    assert sorted(path.name for path in results.values()) == ["a.mp3.json", "a.wav.json"]
    same = [Recording(tmp_path / d / "a.wav", Path("a.wav")) for d in "xy"]
    with pytest.raises(AnnotationError, match=r"a\.wav\.json"):
        name_results(same, ["m"], tmp_path, ".json")


def cpu_seconds(*program):
    """Processor time of a Python program in a process of its own, the least of three."""
    times = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, *map(str, program)], check=True, capture_output=True)
        after = os.times()
        times.append(
            (after.children_user + after.children_system)
            - (before.children_user + before.children_system)
        )
    return min(times)


@pytest.fixture(scope="module")
def unavoidable_seconds():
    """What the libraries that every command needs take: the measure of a busy machine."""
    return cpu_seconds("-c", "import numpy, pydantic, typer, yaml")


def test_list_starts_quickly(unavoidable_seconds):
    assert cpu_seconds("-m", "mirzoo", "list") < max(0.5, 4 * unavoidable_seconds)


def test_annotate_starts_quickly_and_without_tensorflow(unavoidable_seconds, models, music):
    program = ["-m", "mirzoo", "annotate", models / "loud_tagger", music / "loud.wav"]
    assert cpu_seconds(*program) < max(1.0, 6 * unavoidable_seconds)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *map(str, program)],
        check=True,
        capture_output=True,
        text=True,
    )
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "ai_edge_litert.interpreter" in imported
    assert not imported & {"tensorflow", "keras", "kapre", "librosa", "jams", "matplotlib"}
