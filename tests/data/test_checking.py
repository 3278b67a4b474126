"""Every kind of thing that a check finds, in one place and all at once."""

import json
import os

import numpy as np
import pytest
from own_clips import RATE, noise, of_kind, one, two_classes, write

from mirzoo.data.checking import harte_guess
from mirzoo.data.findings import Finding, Findings
from mirzoo.data.own import DataWarning, check, examine, load
from mirzoo.errors import DataError


@pytest.fixture
def clips(tmp_path):
    return two_classes(tmp_path / "clips")


def tones(count, seconds=1.0):
    return [noise(number, seconds) for number in range(count)]


def kinds(findings):
    return sorted((finding.kind, finding.severity) for finding in findings)


def test_nothing_is_wrong(clips):
    assert not check(clips)
    assert str(check(clips)) == "nothing is wrong"


def test_all_findings_come_together_and_errors_first(clips):
    (clips / "dog" / "broken.wav").write_text("no audio")
    write(clips / "dog" / "silent.wav", np.zeros(RATE))
    write(clips / "dog" / "short.wav", noise(1)[:100])
    write(clips / "dog" / "copy.wav", noise(100))
    write(clips / "cat" / "loud.wav", np.clip(3 * np.sin(np.arange(RATE) / 20), -1, 1))
    write(clips / "cat" / "again.flac", noise(101))
    write(clips / "cat" / "again.wav", noise(101))
    write(clips / "Cat" / "1.wav", noise(200))
    write(clips / "stray.wav", noise(201))
    write(clips / ".old" / "1.wav", noise(202))
    (clips / "dog" / "._0.wav").write_text("a Mac's")
    (clips / "bird").mkdir()
    found = check(clips)
    assert kinds(found) == [
        ("class of one clip", "warning"),
        ("clipped", "warning"),
        ("duplicates", "error"),
        ("duplicates", "warning"),
        ("empty class", "error"),
        ("hidden", "warning"),
        ("labels alike", "error"),
        ("silent", "error"),
        ("too short", "error"),
        ("unreadable", "error"),
        ("without a label", "warning"),
    ]
    assert [finding.severity for finding in found] == ["error"] * 6 + ["warning"] * 5
    assert one(found, "unreadable", "error").where == ("dog/broken.wav",)
    assert "broken" not in one(found, "unreadable", "error").what
    assert one(found, "silent", "error").where == ("dog/silent.wav",)
    assert one(found, "too short", "error").where == ("dog/short.wav",)
    assert one(found, "clipped", "warning").where == ("cat/loud.wav",)
    assert one(found, "hidden", "warning").where == (".old/", "dog/._0.wav")
    assert one(found, "empty class", "error").where == ("bird",)
    assert one(found, "class of one clip", "warning").where == ("Cat",)
    assert one(found, "labels alike", "error").where == ("'Cat' (1) / 'cat' (7)",)
    assert of_kind(found.errors, "duplicates")[0].where == ("cat/0.wav (cat) = dog/copy.wav (dog)",)
    (copies,) = of_kind(found.warnings, "duplicates")
    assert copies.where == ("cat/1.wav = cat/again.wav",)  # and FLAC rounds otherwise


def test_a_reason_names_no_file_wherever_the_check_runs(clips, monkeypatch):
    (clips / "dog" / "broken.mp3").write_text("no audio")
    monkeypatch.chdir(clips)
    for folder in (".", clips):
        found = one(check(folder), "unreadable", "error")
        assert "/" not in found.what and "broken" not in found.what


def test_what_was_checked_is_not_warned_about_again(clips, recwarn):
    write(clips / "cat" / "loud.wav", np.clip(3 * np.sin(np.arange(RATE) / 20), -1, 1))
    data = examine(clips)
    assert load(data) is data and not recwarn
    with pytest.warns(DataWarning, match="clipped"):
        load(clips)


def test_bad_recordings_are_left_out_when_asked_and_counted(clips):
    (clips / "dog" / "broken.wav").write_text("no audio")
    write(clips / "dog" / "silent.wav", np.zeros(RATE))
    write(clips / "dog" / "copy.wav", noise(100))
    write(clips / "cat" / "again.wav", noise(101))
    (clips / "bird").mkdir()
    assert check(clips).count_bad() == 5
    data = examine(clips, skip_bad=True)
    assert data.findings.count_bad() == 0
    assert sorted(data.skipped) == [
        "cat/0.wav", "cat/again.wav", "dog/broken.wav", "dog/copy.wav", "dog/silent.wav",
    ]  # fmt: skip
    assert data.counts() == {"cat": 3, "dog": 4}
    assert not data.findings.errors
    assert one(data.findings, "skipped", "warning").what == "5 bad recordings left out"
    assert one(data.findings, "empty class", "warning").where == ("bird",)
    assert sorted(data.summary()["skipped"]) == sorted(data.skipped)


def test_an_empty_class_is_left_out_when_asked(clips):
    (clips / "bird").mkdir()
    with pytest.warns(DataWarning, match="bird"):
        assert load(clips, skip_bad=True).label_names == ("cat", "dog")
    with pytest.raises(DataError, match="empty class"):
        load(clips)


def test_without_the_check_only_what_is_written_is_looked_at(clips):
    (clips / "dog" / "broken.wav").write_text("no audio")
    assert len(load(clips, check=False)) == 9
    with pytest.raises(DataError, match="unknown label"):
        load(clips, labels=["dog"], check=False)


def test_copies_of_a_sound_are_in_one_group(clips):
    write(clips / "cat" / "again.wav", noise(101))
    data = examine(clips)
    groups = {r.name: r.group for r in data.recordings}
    assert groups["cat/again.wav"] == groups["cat/1.wav"]
    assert len(set(groups.values())) == 8
    chained = [noise(0), noise(0), noise(1), noise(1), noise(2), noise(3)]
    data = examine((chained, ["a", "a", "a", "a", "b", "b"], list("xyyzvw")), source_rate=RATE)
    assert len(set(data.groups[:4])) == 1
    assert len(set(data.groups)) == 3


def test_a_class_of_silence_may_be_meant():
    sounds = [np.zeros(RATE), np.zeros(RATE), *tones(2)]
    found = check((sounds, ["silence", "silence", "a", "a"]), source_rate=RATE)
    assert one(found, "silent", "warning").where == ("clip 0", "clip 1")
    found = check((sounds, ["a", "silence", "a", "a"]), source_rate=RATE)
    assert one(found, "silent", "error").where == ("clip 0", "clip 1")


def test_recordings_much_shorter_than_the_window_are_warned_about(clips):
    write(clips / "dog" / "long.wav", noise(50, 2.0))
    assert not check(clips, window_s=0.9)
    assert len(one(check(clips, window_s=3.0), "too short", "warning").where) == 8


def test_classes_and_groups():
    words, groups = ["a", "a", "a", "b", "b", "c"], list("xxxyzv")
    found = check((tones(6), words, groups), source_rate=RATE)
    assert kinds(found) == [("class of one clip", "warning"), ("class of one group", "warning")]
    assert one(found, "class of one group", "warning").where == ("a",)
    found = check((tones(3), ["a"] * 3), source_rate=RATE)
    assert one(found, "one class only", "error").where == ("a",)
    found = check((tones(3), ["a"] * 3), source_rate=RATE, purpose="evaluate")
    assert kinds(found) == [("one class only", "warning")]
    assert not check((tones(4), [["a"], [], ["a"], []]), source_rate=RATE)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["Dog", "dog"] * 2, "'Dog' (2) / 'dog' (2)"),
        (["hip hop", "hip-hop"] * 2, "'hip hop' (2) / 'hip-hop' (2)"),
        (["hip_hop", "HipHop"] * 2, "'HipHop' (2) / 'hip_hop' (2)"),
        (["dog ", "dog"] * 2, "'dog' (2) / 'dog ' (2)"),
    ],
)
def test_labels_that_differ_by_case_or_space(words, where):
    assert one(check((tones(4), words), source_rate=RATE), "labels alike", "error").where == (
        where,
    )


def test_the_case_of_one_letter_may_have_a_meaning():
    found = check((tones(4), ["a", "A"] * 2), source_rate=RATE)
    assert one(found, "labels alike", "warning").where == ("'A' (2) / 'a' (2)",)


def test_groups_and_copies_that_leak_between_splits():
    sounds = [*tones(3), noise(0, 1.0)]
    values = {"audio": sounds, "labels": ["a", "b", "a", "a"], "groups": list("xyxz"),
              "splits": ["train", "train", "test", "test"]}  # fmt: skip
    found = of_kind(check(values, source_rate=RATE), "leak")
    assert [finding.severity for finding in found] == ["error", "error"]
    assert {where for finding in found for where in finding.where} == {
        "clip 0 (train) = clip 3 (test)", "x (test, train)",
    }  # fmt: skip
    kept = examine(values, source_rate=RATE, skip_bad=True)
    assert kept.skipped == ("clip 3",)
    assert [finding.where for finding in of_kind(kept.findings, "leak")] == [("x (test, train)",)]


def table(clips, text):
    (clips / "clips.csv").write_text(text)
    return clips / "clips.csv"


def test_cells_of_tables(clips):
    text = (
        "path,label,group,split\ndog/0.wav,dog,a,train\n,dog,a,train\ndog/1.wav,,a,train\n"
        "cat/0.wav,cat,,train\ncat/1.wav,cat,b,\ncat/9.wav,cat,b,train\ncat/2.wav,cat,c,train\n"
        "cat/2.wav,cat,c,train\ndog/2.wav,dog,c,train\n\n"
    )
    path = table(clips, text)
    found = check(path)
    cells = {f.what.partition(",")[0]: (f.severity, f.where) for f in of_kind(found, "empty cell")}
    assert cells == {
        "no file is named": ("error", ("line 3",)),
        "no label is named": ("error", ("line 4: dog/1.wav",)),
        "no group is named": ("warning", ("line 5: cat/0.wav",)),
        "no split is named": ("error", ("line 6: cat/1.wav",)),
    }
    assert one(found, "unreadable", "error").where == ("cat/9.wav",)
    assert one(found, "listed twice", "warning").where == ("cat/2.wav in the lines 8, 9",)
    data = examine(path, skip_bad=True)
    assert [r.name for r in data.recordings] == ["dog/0.wav", "cat/0.wav", "cat/2.wav", "dog/2.wav"]
    assert data.skipped[:3] == ("line 3", "dog/1.wav", "cat/1.wav")
    assert not data.findings.errors


def test_a_row_with_more_cells_than_columns_is_an_error(clips):
    text = "path,label\ndog/0.wav,dog,loud\ndog/1.wav,dog\ncat/0.wav,cat\ncat/1.wav,cat\n"
    found = one(check(table(clips, text)), "too many cells", "error")
    assert (found.where, found.bad) == (("line 2: dog/0.wav",), ("dog/0.wav",))


def test_labels_that_cannot_be_written_are_an_error(clips):
    (clips / "dog").rename(os.fsdecode(os.fsencode(clips) + b"/d\xffg"))
    found = one(check(clips), "unreadable labels", "error")
    assert found.where == (r"'d\udcffg'",)


def test_no_label_is_a_label_where_a_clip_may_have_several(clips):
    text = "path,label\ndog/0.wav,dog;loud\ndog/1.wav,\ncat/0.wav,cat;loud\ncat/1.wav,cat\n"
    found = check(table(clips, text))
    assert one(found, "empty cell", "warning").where == ("line 3: dog/1.wav",)
    text = "path,dog,cat\ndog/0.wav,1,0\ndog/1.wav,0,\ncat/0.wav,0,1\ncat/1.wav,0,2\n"
    found = check(table(clips, text), one_hot=("dog", "cat"))
    assert one(found, "empty cell", "error").where == ("line 3: cat", "line 5: cat")
    assert "must hold 0 or 1" in one(found, "empty cell", "error").what


@pytest.mark.parametrize(
    ("start", "end", "what"),
    [
        (0, 400, "milliseconds"),
        (0, 4000, "sample numbers"),
        (30, 40, "after its end"),
        (0.3, 0.2, "end after it begins"),
        (-1, 0.2, "begin at 0"),
        ("0,1", 0.2, "with a point"),
        ("", 0.2, "with a point"),
    ],
)
def test_times_that_cannot_be(clips, start, end, what):
    rows = "".join(f"{c}/{n}.wav,{c},0.1,0.4\n" for c in ("dog", "cat") for n in (1, 2))
    found = check(table(clips, f'path,label,start,end\n{rows}dog/0.wav,dog,"{start}",{end}\n'))
    times = one(found, "times", "error")
    assert what in times.what
    assert times.bad == ("dog/0.wav",)


def test_labels_that_end_at_once_are_warned_about(tmp_path):
    for number in range(2):
        write(tmp_path / f"{number}.wav", noise(number, 2.0))
        (tmp_path / f"{number}.lab").write_text("0 0.001 C:maj\n0.001 0.002 G:maj\n")
    assert len(one(check(tmp_path), "times", "warning").where) == 2


def test_label_files_of_chords(tmp_path):
    texts = ["0 1 C:maj\n1 2 Am7\n", "0 1000 C:maj\n1000 2000 G:maj\n", "0 1 C:maj\n0.5 2 G\n", ""]
    for number, text in enumerate(texts):
        write(tmp_path / f"{number}.wav", noise(number, 2.0))
        (tmp_path / f"{number}.lab").write_text(text)
    found = check(tmp_path, kind="chords")
    labels = one(found, "chord labels", "error")
    assert labels.where == ("'Am7' in 0.wav",)
    assert "did you mean A:min7?" in labels.what
    times = one(found, "times", "error")
    assert (times.where, "time_unit='ms'" in times.what) == (("1.wav",), True)
    reasons = {f.where: f.what for f in of_kind(found, "unreadable labels")}
    assert "chords overlap" in reasons[("2.wav",)]
    assert reasons[("3.wav",)] == ".lab: it is empty"
    kept = examine(tmp_path, kind="chords", skip_bad=True)
    assert not kept.recordings
    assert sorted(kept.skipped) == ["0.wav", "1.wav", "2.wav", "3.wav"]


def test_melodies(tmp_path):
    step = [f"{t / 100:.2f}" for t in range(200)]
    texts = {
        "hertz": [(t, 220 + n) for n, t in enumerate(step)],
        "midi": [(t, 57 + n // 50) for n, t in enumerate(step)],
        "ms": [(10 * n, 220 + n) for n in range(200)],
        "samples": [(80 * n, 220 + n) for n in range(200)],
        "silent": [(t, 0) for t in step],
    }
    for number, (name, rows) in enumerate(texts.items()):
        write(tmp_path / f"{name}.wav", noise(number, 2.0))
        (tmp_path / f"{name}.csv").write_text("".join(f"{t},{hz}\n" for t, hz in rows))
    found = check(tmp_path)
    midi, voiced = of_kind(found, "f0")
    assert (midi.severity, midi.where) == ("error", ("midi.wav",))
    assert (voiced.severity, voiced.where) == ("warning", ("silent.wav",))
    times = {finding.where: finding.what for finding in of_kind(found.errors, "times")}
    assert "milliseconds" in times[("ms.wav",)]
    assert "sample numbers" in times[("samples.wav",)]
    at_once = of_kind(check(tmp_path, time_unit="ms").warnings, "times")
    assert at_once[0].where == ("hertz.wav", "midi.wav", "silent.wav")


def test_findings_are_shown_as_a_table_as_text_and_as_json():
    found = Findings(
        [
            Finding("clipped", "warning", "cut off", ("a\nb.wav",)),
            Finding("silent", "error", "nothing", tuple(f"{n}.wav" for n in range(9)), ("0.wav",)),
        ]
    )
    assert repr(found) == "Findings(1 error, 1 warning)"
    assert found[0].places == "0.wav, 1.wav, 2.wav and 6 more"
    assert "a\\nb.wav" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["errors"][0]["where"][8] == "8.wav"
    with pytest.raises(
        DataError,
        match=r"(?s)clips found 1 error; skip_bad=True.* 1 bad recording\n.*silent.*clipped",
    ):
        found.raise_errors("clips")
    Findings(found.warnings).raise_errors("clips")


@pytest.mark.parametrize(
    ("label", "guess"),
    [("Am7", "A:min7"), ("bb", "Bb:maj"), ("F#maj7", "F#:maj7"), ("intro", None), ("H7", None)],
)
def test_guesses_of_chords(label, guess):
    assert harte_guess(label) == guess


def test_loading_stops_with_all_errors(clips):
    (clips / "dog" / "broken.wav").write_text("no audio")
    write(clips / "dog" / "silent.wav", np.zeros(RATE))
    with pytest.raises(DataError, match=r"(?s)2 errors; skip_bad.*2 bad.*broken.*silent"):
        load(clips)
