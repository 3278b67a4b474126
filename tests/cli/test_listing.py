"""`mirzoo list` and `mirzoo info`: what there is, and what a user needs of it first."""

import json
import re
import shutil

import pytest
from places import ROOT

from mirzoo import hub
from mirzoo.card import Card
from mirzoo.cli import listing
from mirzoo.tasks.base import TASKS


def names_in(table):
    return [line.split()[0] for line in table.splitlines() if line.startswith("  ")]


def test_list_prints_names_and_tasks(run):
    status, out, _ = run("list", "musicnn_*")
    assert status == 0
    names = names_in(out)
    assert names == ["musicnn_msd", "musicnn_msd_vgg", "musicnn_mtt", "musicnn_mtt_vgg"]
    as_json = json.loads(run("list", "musicnn_*", "--json")[1])
    assert list(as_json) == names
    assert as_json["musicnn_mtt"]["task"] == "tagging"
    assert as_json["musicnn_mtt"]["weights"] == "fetched on first use"
    _, out, _ = run("list", "c*_chords", "--task", "chords")
    assert out.splitlines()[1].split()[:2] == ["chroma_rnn_chords", "chords"]
    status, _, err = run("list", "--task", "humming")
    assert status == 2
    assert all(name in err for name in TASKS)


@pytest.mark.parametrize("options", [(), ("--json",), ("--recipes",)])
def test_a_pattern_that_matches_nothing_is_an_error(run, options):
    status, out, err = run("list", "nothing_*", *options)
    assert (status, out) == (2, "") and "no model matches 'nothing_*'. A pattern is" in err
    for pattern, told in (
        ("hcqt", "did you mean 'hcqt_cnn_melody'?"),
        ("chords", "that is a task"),
    ):
        status, out, err = run("list", pattern, *options)
        assert (status, out) == (2, "")
        assert told in err and "with * for the rest, such as '*_tagger'" in err
    status, out, err = run("list", "crepe_*", "--task", "chords", *options)
    assert (status, out) == (2, "")
    assert "no model of the task 'chords' matches 'crepe_*'" in err
    assert "(crepe_full, crepe_tiny)" in err and "cqt_crnn_chords" in err


def test_own_and_published_models_stand_apart(run):
    out = run("list")[1]
    own, published = out.split("\n\n")[:2]
    assert names_in(own) == hub.shipped_models()
    assert set(names_in(published)) == set(hub.list_models(pretrained=True)) - set(names_in(own))
    line = next(line for line in own.splitlines() if "cqt_crnn_chords" in line)
    card = hub.card("cqt_crnn_chords")
    score = next(m for m in card.metrics if (m.dataset, m.metric) == ("songs_pop909", "majmin"))
    assert f"{score.value:.3f} majmin on songs_pop909" in line
    assert f"crema_chords {score.baseline['crema_chords']:.3f}" in line
    size = (hub.shipped_folder("cqt_crnn_chords") / "model.tflite").stat().st_size
    assert f"{size / 1e6:.1f} MB" in line


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [
        (40, "1 kB"),
        (49_600, "50 kB"),
        (99_999, "100 kB"),
        (100_000, "0.1 MB"),
        (2_340_000, "2.3 MB"),
    ],
)
def test_sizes_are_never_nothing(n_bytes, shown):
    assert listing._size(n_bytes) == shown


def test_recipes_without_weights_are_listed_when_asked(run):
    bare = hub.list_models(pretrained=False)
    assert bare
    assert not set(bare) & set(names_in(run("list")[1]))
    out = run("list", "--recipes")[1]
    assert names_in(out.split("\n\n")[2]) == bare
    status, out, err = run("list", bare[0])
    assert (status, out) == (2, "")
    assert f"only recipes without weights match '{bare[0]}'" in err and "--recipes" in err
    assert json.loads(run("list", bare[0], "--json")[1])[bare[0]]["weights"] == "none"


def test_speeds_are_those_that_were_measured(run):
    listed = json.loads(run("list", "--json")[1])
    speeds = {name: entry["audio_s_per_cpu_s"] for name, entry in listed.items()}
    assert all(speeds[name] > 1 for name in hub.shipped_models())
    assert "one core of" in run("list")[1].splitlines()[-1]
    assert "one core of" not in run("list", "crepe_full")[1]


def test_info_begins_with_what_a_user_needs(run, models):
    status, out, _ = run("info", models / "loud_tagger")
    assert status == 0
    for text in ("loud_tagger", "16000 Hz", "0.10 s", "loud, rising", "MIT"):
        assert text in out
    assert f"mirzoo annotate {models / 'loud_tagger'} song.mp3" in out
    assert f'mirzoo.load("{models / "loud_tagger"}").annotate("song.mp3")' in out
    card = json.loads(run("info", models / "loud_tagger", "--json")[1])
    assert card["labels"] == ["loud", "rising"]


def test_info_tells_how_to_listen_with_live_models_alone(run):
    for name, listens in (("vqt_crnn_live_chords", True), ("cqt_crnn_chords", False)):
        assert (f"mirzoo listen {name}" in run("info", name)[1]) == listens


def test_info_of_a_published_model_needs_no_weights(run, monkeypatch, tmp_path):
    monkeypatch.setenv("MIRZOO_HOME", str(tmp_path))
    monkeypatch.setattr("mirzoo.ports.fetch_wheel", lambda spec: pytest.fail("it was fetched"))
    status, out, _ = run("info", "won_fcn_mtt")
    lines = out.splitlines()
    assert status == 0 and lines[0].startswith("won_fcn_mtt: ")
    assert any(line.split()[:2] == ["commercial", "no:"] for line in lines)
    assert "mirzoo pull won_fcn_mtt" in lines[-1]
    known = json.loads(run("info", "won_fcn_mtt", "--json")[1])
    assert known["pulled"] is False and known["licences"]["commercial"] == "no"


def test_info_tells_what_a_model_was_fitted_to(run, models):
    folder = models / "fitted_tagger"
    shutil.copytree(models / "loud_tagger", folder)
    data = {
        "name": "clips", "checksum": "0" * 64, "recordings": 40, "groups": 20,
        "labels": {"loud": 30, "rising": 10}, "held_out": 9, "held_out_labels": {"loud": 9},
        "split": "by groups", "skipped": 2,
    }  # fmt: skip
    fitting = {
        "data": data, "base": "mel_cnn_tagger", "base_licence": "MIT", "strategy": "auto",
        "chosen": "a probe of all depths", "epochs": 0, "settings": {"seed": 7},
    }  # fmt: skip
    metric = {
        "dataset": "clips", "split": "9 clips held out", "metric": "accuracy", "value": 0.8,
        "n": 9, "method": "counted", "baseline": {"linear probe": 0.7}, "interval": [0.6, 0.9],
    }  # fmt: skip
    Card.load(folder).updated(name="fitted_tagger", fitting=fitting, metrics=[metric]).save(folder)
    _, out, _ = run("info", folder)
    assert (
        "fitted to   40 clips of clips, 9 held out; from mel_cnn_tagger: a probe of all depths"
    ) in out
    _, out, _ = run("info", folder, "--all")
    for line in (
        "groups      20, divided by groups",
        "labels      loud 30 and 9, rising 10 and 0 (learnt from and held out)",
        "left out    2 that could not be used",
        f"SHA-256     {'0' * 64}",
        "strategy    auto; 0 epochs",
        "settings    seed 7",
        "  0.800, linear probe 0.700  accuracy, clips 9 clips held out (n = 9; 95 % of resamples "
        "0.600 to 0.900)",
    ):
        assert line in out.splitlines()
    assert json.loads(run("info", folder, "--json")[1])["fitting"]["data"] == data
    shutil.rmtree(folder)


def test_info_tells_the_rest_when_asked(run):
    card = hub.card("cqt_crnn_chords")
    short, everything = (
        run("info", "cqt_crnn_chords")[1],
        run("info", "cqt_crnn_chords", "--all")[1],
    )
    assert len(short.splitlines()) < 25
    for text in (card.citation, card.provenance, card.licences.data):
        assert text not in short
        assert text in everything
    assert everything.count("crema_chords") > len(card.metrics)


@pytest.mark.parametrize("name", ["cqt_crnn_chords", "mel_cnn_beats", "hcqt_cnn_melody"])
def test_info_lists_every_setting_with_its_value_and_meaning(run, name):
    card = hub.card(name)
    lines = run("info", name, "--all")[1].splitlines()
    listed = dict(line.strip().split(" = ") for line in lines if re.match(r"  \w+ = ", line))
    assert list(listed) == card.changeable_settings
    for setting, value in listed.items():
        meaning = lines[lines.index(f"  {setting} = {value}") + 1]
        assert meaning.startswith(" " * 6) and len(meaning.strip()) > 15
        if "numbers from" not in value:
            card.decoded_with({setting: json.loads(value)})
    if name == "cqt_crnn_chords":
        prior = card.decoding.prior
        assert listed["power_chords"] == "false" and listed["lag_s"] == "null"
        assert listed["prior"] == f"169 numbers from {min(prior):.3g} to {max(prior):.3g}"


def test_a_broken_model_is_listed_with_the_reason(run, monkeypatch, tmp_path):
    for name in ("mel_cnn_tagger", "raw_cnn_tagger"):
        (tmp_path / "saved_models" / name).mkdir(parents=True)
        shutil.copy(hub.shipped_folder(name) / "card.json", tmp_path / "saved_models" / name)
    (tmp_path / "saved_models" / "mel_cnn_tagger" / "card.json").write_text('{"name": 1}')
    bundled = hub._bundled
    monkeypatch.setattr(
        hub, "_bundled", lambda name: tmp_path / name if name == "saved_models" else bundled(name)
    )
    status, out, _ = run("list", "*_tagger")
    assert status == 0
    lines = [line for line in out.splitlines() if line.strip().startswith("mel_cnn_tagger")]
    assert lines[0].split()[:3] == ["mel_cnn_tagger", "tagging", "broken"]
    assert "card.json" in lines[1]
    assert any(line.split()[:1] == ["raw_cnn_tagger"] for line in out.splitlines())
    listed = json.loads(run("list", "*_tagger", "--json")[1])
    assert "card.json" in listed["mel_cnn_tagger"]["problem"]
    assert listed["raw_cnn_tagger"]["problem"] is None
    status, _, err = run("info", "mel_cnn_tagger")
    assert status == 1 and "card.json" in err
    assert run("info", "raw_cnn_tagger")[0] == 0


@pytest.mark.parametrize("name", hub.shipped_models())
def test_the_list_info_and_the_readme_name_the_same_peer(run, name):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}` |"))
    in_readme = row.split("|")[-2].strip()
    in_list = next(line for line in run("list", name)[1].splitlines() if f" {name} " in line)
    told = run("info", name)[1].splitlines()
    in_info = next(line for line in told if line.startswith("scores"))
    peer = hub.overview(name)[0].peer
    if peer is None:
        assert in_readme == "" and "(" not in in_list + in_info
        return
    assert in_list.endswith(f"({peer})") and in_info.endswith(f"({peer})")
    shown = f"sibling {peer.name}" if peer.sibling else peer.name
    assert in_readme == f"{peer.score:.3f} ({shown})"


@pytest.mark.parametrize(
    ("commercial", "listed", "told"),
    [
        ("yes", "  commercial", "yes: the licences of all that the weights learnt from allow"),
        ("no", "non-commercial", "no: licences of some of what the weights learnt from rule"),
        ("unstated", "unstated", "unstated: not all licences of what the weights learnt from tell"),
    ],
)
def test_what_licences_allow_is_told_in_a_sentence(
    run, monkeypatch, tmp_path, commercial, listed, told
):
    folder = tmp_path / "saved_models" / "mel_cnn_tagger"
    folder.mkdir(parents=True)
    card = hub.card("mel_cnn_tagger")
    licences = {**card.licences.model_dump(), "commercial": commercial}
    card.updated(licences=licences).save(folder)
    bundled = hub._bundled
    monkeypatch.setattr(
        hub, "_bundled", lambda name: tmp_path / name if name == "saved_models" else bundled(name)
    )
    line, *rest = run("list", "mel_cnn_tagger")[1].splitlines()[1:]
    assert f"{listed}  " in line
    assert any(text.startswith("Commercial use: whether ") for text in rest)
    assert f"commercial  {told}" in run("info", "mel_cnn_tagger")[1]


def test_systems_that_ran_by_themselves_are_peers_too(run):
    peer = hub.overview("cqt_cnn_key")[0].peer
    assert (peer.name, peer.sibling) == ("skey", False), "better than keynet, which the card states"
    assert hub.overview("hcqt_cnn_melody")[0].peer.name == "Melodia"
    assert hub.overview("mel_cnn_live_tagger")[0].peer.sibling
    assert ", skey 0.826  weighted, emotify_keys" in run("info", "cqt_cnn_key", "--all")[1]
    as_json = json.loads(run("list", "cqt_cnn_key", "--json")[1])["cqt_cnn_key"]
    assert as_json["best_peer"] == peer._asdict()
