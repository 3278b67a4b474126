"""`mirzoo check-data`, and the options that commands with labelled data share."""

import json

import click
import numpy as np
import pytest
from own_clips import RATE, noise, two_classes, write

from mirzoo.cli.own_data import NAMES, open_source, source_options
from mirzoo.data.readers import SourceOptions


@pytest.fixture
def clips(tmp_path):
    return two_classes(tmp_path / "clips")


def test_good_data(run, clips):
    status, out, err = run("check-data", clips)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "8 recordings in 8 groups, 0.1 min, tags",
        "labels: cat 4, dog 4",
        "nothing is wrong with them",
    ]


def test_bad_data(run, clips):
    (clips / "dog" / "broken.wav").write_text("no audio")
    write(clips / "cat" / "loud.wav", np.clip(3 * np.sin(np.arange(RATE) / 20), -1, 1))
    status, out, err = run("check-data", clips)
    assert status == 1
    assert "labels: cat 5, dog 5" in out
    assert "unreadable" in err
    assert "clipped" in err
    assert "the check of clips found 1 error; --skip-bad leaves out 1 recording\n" in err
    status, out, err = run("check-data", clips, "--skip-bad")
    assert status == 0
    assert "1 bad recording left out" in " ".join(err.replace("│", " ").split())
    status, out, _ = run("check-data", clips, "--json")
    found = json.loads(out)
    assert status == 1
    assert [finding["kind"] for finding in found["errors"]] == ["unreadable"]
    assert found["labels"] == {"cat": 5, "dog": 5}


def test_columns_and_splits(run, clips, tmp_path):
    lines = [f"{c}/{n}.wav\t{c}\t{n}" for c in ("cat", "dog") for n in range(4)]
    (clips / "a.csv").write_text("\n".join(["x\ty\tz", *lines]))
    (tmp_path / "splits.csv").write_text(
        "name,split\n" + "".join(f"{line.split(chr(9))[0]},train\n" for line in lines)
    )
    options = ["--path-column", "x", "--label-column", "y", "--group-column", "z"]
    status, out, _ = run(
        "check-data", clips / "a.csv", *options, "--delimiter", "\\t",
        "--splits", tmp_path / "splits.csv",
    )  # fmt: skip
    assert status == 0
    assert "8 recordings in 4 groups" in out
    assert "splits: train 8" in out
    status, _, err = run("check-data", clips / "a.csv", *options[:2], "--label-column", "Y Y")
    assert status == 1
    assert "no column 'Y Y'; it has x, y, z" in err


def test_other_kinds(run, tmp_path):
    write(tmp_path / "song.wav", noise(1, 2.0))
    (tmp_path / "song.lab").write_text("0 1 C:maj\n1 2 G:7\n")
    status, out, _ = run("check-data", tmp_path)
    assert (status, out.splitlines()[0]) == (0, "1 recording in 1 group, 0.0 min, chords")
    status, _, err = run("check-data", tmp_path, "--kind", "f0")
    assert status == 1
    assert "has f0 next to it" in err
    status, _, err = run("check-data", tmp_path, "--kind", "notes")
    assert status == 2
    assert "none of tags, chords, f0" in err


def test_every_option_of_a_source_is_one_of_the_command_line():
    fields = set(SourceOptions.__dataclass_fields__) - {"kind"}
    assert set(NAMES) == fields | {"splits", "skip_bad"}


def test_a_command_gets_its_options_together(clips):
    @click.command()
    @click.argument("data")
    @source_options
    @click.option("--epochs", type=int)
    def learn(data, reading, epochs):
        """Learn."""
        own = open_source(data, reading, sample_rate=RATE)
        click.echo(f"{len(own)} {epochs} {sorted(reading) == sorted(NAMES)}")

    from click.testing import CliRunner

    result = CliRunner().invoke(learn, [str(clips), "--epochs", "3"])
    assert result.output == "8 3 True\n"
    assert learn.help == "Learn."


@pytest.fixture
def loudness(models, tmp_path):
    """A tagger, and a folder of classes with its labels."""
    for number in range(3):
        write(tmp_path / "set" / "loud" / f"{number}.wav", noise(number, 2.0, 0.9), 16000)
        write(tmp_path / "set" / "rising" / f"{number}.wav", noise(9 + number, 2.0, 0.01), 16000)
    return models / "loud_tagger", tmp_path / "set"


def test_evaluate_checks_where_asked(run, loudness):
    model, data = loudness
    status, out, err = run("evaluate", model, data, "--resamples", 0)
    assert (status, err) == (0, "")
    assert "ROC-AUC" in out and "(n = 6)" in out
    (data / "loud" / "broken.wav").write_text("no audio")
    status, out, err = run("evaluate", model, data, "--resamples", 0)
    assert status == 1 and "(n = 6)" in out
    assert "loud/broken.wav could not be scored" in err
    status, out, _ = run("evaluate", model, data, "--skip-bad", "--resamples", 0)
    assert status == 0
    assert "(n = 6)" in out
    status, out, _ = run("evaluate", model, data, "--check")
    assert status == 1
    assert out.startswith("7 recordings in 7 groups")


def test_evaluate_takes_tables_and_the_test_split(run, loudness):
    model, data = loudness
    rows = [
        f"{c}/{n}.wav;{c};{'test' if n else 'train'}" for c in ("loud", "rising") for n in (0, 1, 2)
    ]
    (data / "a.csv").write_text("\n".join(["file;what;split", *rows]))
    status, out, _ = run(
        "evaluate", model, data / "a.csv", "--label-column", "what", "--resamples", 0
    )
    assert status == 0
    assert "(n = 4)" in out
    (data / "a.csv").write_text("\n".join(["file;what;split", *rows, "loud/1.wav;shrill;test"]))
    status, _, err = run("evaluate", model, data / "a.csv", "--label-column", "what")
    assert status == 1
    assert "'shrill' (1)" in err
