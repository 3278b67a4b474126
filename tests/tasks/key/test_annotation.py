"""The key of a recording as a result: files that come back, pictures, names."""

import json

import jams
import mir_eval
import numpy as np
import pytest

from mirzoo.data.labels import ChordSpan, KeySpan, Labels
from mirzoo.errors import AnnotationError
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.key import Key
from mirzoo.tasks.key.names import LABELS


@pytest.fixture
def key():
    over_time = np.full((4, 24), 0.01)
    over_time[:2, LABELS.index("A:min")] = over_time[2:, LABELS.index("C:maj")] = 0.77
    return Key(
        "A minor",
        [(0.0, 2.0, "A:min"), (2.0, 4.0, "C:maj")],
        confidence=[0.77, 0.6],
        probabilities={"A:min": 0.5, "C:maj": 0.4, "G:maj": 0.1},
        over_time=over_time,
        tuning_cents=-31.77,
        source="music/für elise.flac",
        duration_s=4.25,
        model="cqt_cnn_key",
    )


@pytest.mark.parametrize("suffix", [".json", ".jams", ".csv", ".key"])
def test_files_come_back(key, tmp_path, suffix):
    read = Key.read(key.write(tmp_path / f"song{suffix}"))
    kept = {
        ".key": ("key",),
        ".csv": ("key", "segments", "confidence", "duration_s"),
        ".jams": ("key", "segments", "confidence", "duration_s", "probabilities", "tuning_cents",
                  "source", "model"),
    }  # fmt: skip
    for name in kept.get(suffix, ()):
        assert getattr(read, name) == getattr(key, name), name
    if suffix == ".json":
        assert read.to_dict() == key.to_dict()
        assert json.loads((tmp_path / "song.json").read_text())["camelot"] == "8A"


def test_what_others_read(key, tmp_path):
    assert mir_eval.io.load_key(str(key.write(tmp_path / "song.key"))) == "A minor"
    document = jams.load(str(key.write(tmp_path / "song.jams")), strict=True)
    whole, parts = document.annotations
    assert {found.namespace for found in document.annotations} == {"key_mode"}
    assert [o.value for o in whole.data] == ["A:minor"]
    assert [(o.time, o.duration, o.value) for o in parts.data] == [
        (0.0, 2.0, "A:minor"), (2.0, 2.0, "C:major"),
    ]  # fmt: skip


def test_only_the_whole(tmp_path):
    bare = Key("D:dorian")
    assert (bare.segments, bare.duration_s, bare.a4_hz, bare.mode) == ((), 0.0, None, "dorian")
    for suffix in Key.readable:
        assert Key.read(bare.write(tmp_path / f"x{suffix}")).key == "D:dorian"
    assert bare.summary() == ["D dorian (8A)"]


def test_names_on_request(key):
    assert (key.named("words"), key.camelot) == ("A minor", "8A")
    assert [name for *_, name in key.segments_named("camelot")] == ["8A", "8B"]
    assert key.a4_hz == pytest.approx(432.0, abs=0.01)
    assert key.top(2) == [("A:min", 0.5), ("C:maj", 0.4)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": "H"}, "is no key"),
        ({"key": "C", "segments": [(1.0, 1.0, "C")]}, "0 <= start < end"),
        ({"key": "C", "segments": [(0, 2, "C"), (1, 3, "G")]}, "overlap"),
        ({"key": "C", "segments": [(0, 2, "C")], "confidence": []}, "0 confidences for 1 parts"),
        ({"key": "C", "over_time": np.zeros((24, 3))}, "transposed"),
        ({"key": "C", "probabilities": {"C": 3.0}}, "logits"),
        ({"key": "C", "tuning_cents": 440}, "in Hz"),
        ({"key": "C", "step_s": 0.0}, "step_s is 0.0"),
    ],
)
def test_faults_are_named(arguments, message):
    with pytest.raises(AnnotationError, match=message):
        Key(**arguments)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [(".key", "A minor\nB minor\n"), (".csv", "of,start_s\n"), (".json", "{}"),
     (".csv", "of,start_s,end_s,key,confidence\n")],
)  # fmt: skip
def test_other_files_are_refused(tmp_path, suffix, text):
    (tmp_path / f"x{suffix}").write_text(text)
    with pytest.raises(AnnotationError, match="does not hold keys"):
        Key.read(tmp_path / f"x{suffix}")


@pytest.mark.slow
def test_a_picture(key, tmp_path):
    ax = key.plot(path=tmp_path / "key.png")
    assert (tmp_path / "key.png").read_bytes().startswith(b"\x89PNG")
    assert ax.get_title(loc="left") == "für elise.flac: A minor (8A)"
    rows = [text.get_text() for text in ax.get_yticklabels()]
    assert len(rows) == 24 and rows[14:16] == ["A:min (8A)", "C:maj (8B)"]
    assert [line.get_ydata()[0] for line in ax.lines] == [14, 15]


def test_labels_and_truth_are_inverse(key):
    task = TASKS["key"]
    labels = task.labels_of(key, 4.25)
    assert labels.key == "A:min" and labels.keys == (
        KeySpan(0.0, 2.0, "A:min"), KeySpan(2.0, 4.0, "C:maj"),
    )  # fmt: skip
    truth = task.truth(labels, 4.25)
    assert (truth.key, truth.segments, truth.duration_s) == (key.key, key.segments, 4.25)


def test_truth_needs_the_chords_to_confirm_it():
    task = TASKS["key"]
    progression = ((0.0, 4.0, "C:maj"), (4.0, 6.0, "G:7"), (6.0, 9.0, "C:maj"))
    chords = tuple(ChordSpan(*chord) for chord in progression)
    assert task.truth(Labels(key="C:maj", chords=chords), 9.0).key == "C:maj"
    assert task.truth(Labels(key="A:min", chords=chords), 9.0) is None
    assert task.truth(Labels(key="A:min"), 9.0).key == "A:min"
    assert task.truth(Labels(chords=chords), 9.0) is None
    spans = (KeySpan(0.0, 3.0, "C:maj"), KeySpan(3.0, 9.0, "F:maj"))
    assert task.truth(Labels(keys=spans), 9.0).key == "F:maj"
