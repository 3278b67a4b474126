"""`mirzoo evaluate`: what it prints and writes, and how it ends."""

import json

import numpy as np
import pytest
import soundfile

RATE = 16000


@pytest.fixture
def table(tmp_path):
    """A CSV of six clips, loud and rising ones, with groups."""
    rng = np.random.default_rng(0)
    rows = ["path,label,group"]
    for number, level in enumerate((0.9, 0.8, 0.7, 0.02, 0.03, 0.04)):
        soundfile.write(tmp_path / f"{number}.wav", level * rng.uniform(-1, 1, 4000), RATE)
        rows.append(f"{number}.wav,{'loud' if level > 0.5 else 'rising'},g{number}")
    path = tmp_path / "clips.csv"
    path.write_text("\n".join(rows))
    return path


def test_scores_and_intervals_are_printed(run, models, table):
    status, out, err = run("evaluate", models / "loud_tagger", table)
    assert status == 0, err
    first, *_ = out.splitlines()
    assert first.startswith("0.722  ROC-AUC, mean over 2 tags (n = 6)  0.")
    assert "note: intervals of 6 groups are rough" in out
    status, out, _ = run("evaluate", models / "loud_tagger", table, "--resamples", 0)
    assert status == 0 and out.splitlines()[0] == "0.722  ROC-AUC, mean over 2 tags (n = 6)"


def test_models_are_compared_and_everything_is_written(run, models, table, tmp_path):
    files = {name: tmp_path / f"found.{name}" for name in ("json", "html", "png")}
    both = f"{models / 'loud_tagger'},{models / 'rising_tagger'}"
    status, out, err = run(
        "evaluate", both, table, "--json", files["json"], "--html", files["html"],
        "--plot", files["png"], "--per-class", "--per-file", "--resamples", 100,
    )  # fmt: skip
    assert status == 0, err
    assert "rising_tagger less loud_tagger\n+0.000  ROC-AUC" in out
    assert "Wilcoxon's signed-rank test of PR-AUC over tags: p = 1.000" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["class", "clips", "ROC-AUC", "PR-AUC", "F1", "precision", "recall"] in lines
    assert any(line[:3] == ["0.wav", "loud", "loud"] for line in lines)
    document = json.loads(files["json"].read_text())
    assert [model["model"] for model in document["models"]] == ["loud_tagger", "rising_tagger"]
    assert document["dataset"] == "clips.csv"
    assert "rising_tagger compared with loud_tagger" in files["html"].read_text("utf-8")
    status, out, _ = run("evaluate", both, table, "--json", "-", "--resamples", 100)
    assert json.loads(out) == document


def test_files_that_are_there_are_replaced_when_asked_alone(run, models, table, tmp_path):
    command = ("evaluate", models / "loud_tagger", table, "--resamples", 0)
    for option, name in (("--json", "a.json"), ("--html", "a.html"), ("--plot", "a.png")):
        file = tmp_path / name
        file.write_text("mine")
        status, out, err = run(*command, option, file)
        assert (status, out) == (1, "")
        assert f"{file} is there already; nothing was written" in err and "--overwrite" in err
        assert file.read_text() == "mine"
        assert run(*command, option, file, "--overwrite")[0] == 0
        assert file.read_bytes() != b"mine"
    (tmp_path / "folder.json").mkdir()
    status, _, err = run(*command, "--json", tmp_path / "folder.json", "--overwrite")
    assert status == 1 and "folder.json is a folder" in err


def test_a_bad_file_fails_and_the_others_are_scored(run, models, table):
    table.with_name("3.wav").write_bytes(b"RIFF")
    status, out, err = run("evaluate", models / "loud_tagger", table)
    assert status == 1
    assert "(n = 5)" in out
    assert err.startswith("mirzoo: loud_tagger: 3.wav could not be scored: ")


@pytest.mark.parametrize(
    ("option", "name", "why"),
    [
        ("--html", "x.pdf", "allowed are .json, .html"),
        ("--plot", "x.gif", "allowed are .png, .pdf, .svg"),
        ("--json", "nowhere/x.json", "there is no folder"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_computed(
    run, models, table, tmp_path, option, name, why
):
    status, out, err = run("evaluate", models / "loud_tagger", table, option, tmp_path / name)
    assert (status, out) == (1, "")
    assert why in err


def test_data_are_read_and_checked_as_asked(run, models, table):
    other = table.with_name("other.tsv")
    other.write_text(table.read_text().replace(",", "\t").replace("label", "what"))
    status, out, err = run("evaluate", models / "loud_tagger", other, "--label-column", "what")
    assert status == 0, err
    assert "(n = 6)" in out
    table.with_name("3.wav").write_bytes(b"RIFF")
    status, out, err = run("evaluate", models / "loud_tagger", table, "--check")
    assert status == 1 and "unreadable" in err and "ROC-AUC" not in out
    status, out, err = run("evaluate", models / "loud_tagger", table, "--skip-bad")
    assert status == 0 and "(n = 5)" in out and "left out" in err
