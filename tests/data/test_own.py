"""Labelled data of one's own: every kind of source, its options, splits."""

import gc
import json
import warnings

import numpy as np
import pytest
from own_clips import RATE, noise, one, two_classes, write

import mirzoo.data
from mirzoo.data import decoded
from mirzoo.data.folder import LabelledClips
from mirzoo.data.own import DataWarning, OwnData, check, examine, load, name_of
from mirzoo.data.readers import READERS, Reader, SourceOptions
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError, UnknownNameError


def tags(data):
    return {r.name: r.labels.tags for r in data.recordings}


@pytest.fixture
def clips(tmp_path):
    return two_classes(tmp_path / "clips")


def table(clips, text, name="clips.csv"):
    (clips / name).write_text(text, encoding="utf-8")
    return clips / name


ROWS = [("dog/0.wav", "dog"), ("dog/1.wav", "dog"), ("cat/0.wav", "cat"), ("cat/1.wav", "cat")]


def test_the_package_has_it():
    assert mirzoo.data.load is load
    assert {"load", "check", "OwnData"} <= set(mirzoo.data.__all__)


# Folders


def test_a_folder_of_classes(clips):
    data = load(clips)
    assert isinstance(data, OwnData)
    assert (data.name, data.kind, data.label_names, len(data)) == (
        "clips",
        "tags",
        ("cat", "dog"),
        8,
    )
    assert data.counts() == {"cat": 4, "dog": 4}
    assert not data.findings
    assert data.split == (None,) * 8
    assert isinstance(data.clips, LabelledClips)
    np.testing.assert_array_equal(data.clips.targets, data.targets)
    assert data.duration_s == pytest.approx(4.0)
    assert load(data) is data


def test_folders_of_splits(clips, tmp_path):
    two_classes(tmp_path / "set" / "Train", clips=2)
    write(tmp_path / "set" / "test" / "dog" / "rex" / "9.wav", noise(9))
    write(tmp_path / "set" / "test" / "cat" / "9.wav", noise(8))
    data = load(tmp_path / "set")
    assert data.label_names == ("cat", "dog")
    assert data.splits == ("test", "train")
    assert {r.name: r.split for r in data.recordings}["test/dog/rex/9.wav"] == "test"
    assert [r.group for r in data.of("test").recordings] == ["test/cat/9.wav", "rex"]
    with pytest.raises(DataError, match="no split 'valid'; there are: test, train"):
        data.of("valid")
    assert load(clips).label_names == ("cat", "dog")


def test_texts_that_are_no_labels_leave_a_folder_one_of_classes(clips):
    for path in clips.rglob("*.wav"):
        path.with_suffix(".txt").write_text("recorded by somebody, 2020\nfree to use\n")
        path.with_suffix(".csv").write_text("loudness,brightness\n0.5,2000\n")
    assert load(clips).label_names == ("cat", "dog")


# Tables


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "path,label\n" + "\n".join(",".join(row) for row in ROWS)),
        ("a.csv", "filename;genre\n" + "\n".join(";".join(row) for row in ROWS)),
        ("a.csv", "label\tfile\n" + "\n".join("\t".join(row[::-1]) for row in ROWS)),
        ("a.tsv", "File Name\tClass\n" + "\n".join("\t".join(row) for row in ROWS)),
        ("a.csv", "\ufeffpath,label,note\r\n" + "\r\n".join(f'{p},{t},"x,y"' for p, t in ROWS)),
        ("a.csv", "path,cat,dog\n" + "\n".join(f"{p},{int(t == 'cat')},{int(t == 'dog')}"
                                                for p, t in ROWS)),
        ("a.jsonl", "\n".join(json.dumps({"audio": p, "label": t}) for p, t in ROWS)),
        ("a.jsonl", "\n".join(json.dumps({"path": p, "tags": [t]}) for p, t in ROWS)),
        ("a.jsonl", "\n\n".join(json.dumps({"path": p, "dog": t == "dog", "cat": t == "cat"})
                               for p, t in ROWS)),
    ],
)  # fmt: skip
def test_tables(clips, name, text):
    assert tags(load(table(clips, text, name))) == {path: (label,) for path, label in ROWS}


def test_columns_of_any_name(clips):
    text = "a;b;c;d\n" + "\n".join(
        f"{path};{label}|wet;{number};{'test' if number else 'training'}"
        for number, (path, label) in enumerate(ROWS)
    )
    data = load(
        table(clips, text), path_column="a", label_column="b", group_column="c", split_column="d",
        label_separator="|",
    )  # fmt: skip
    assert tags(data)["cat/0.wav"] == ("cat", "wet")
    assert data.groups == ("0", "1", "2", "3")
    assert data.split == ("train", "test", "test", "test")
    with pytest.raises(
        DataError, match="no column 'genres'; it has a, Genre, c, d; did you mean 'Genre'"
    ):
        load(table(clips, text.replace("b", "Genre", 1)), path_column="a", label_column="genres")
    with pytest.raises(DataError, match=r"hold the path: give path_column \(--path-column\)"):
        load(table(clips, text))
    with pytest.raises(DataError, match=r"hold the label.*or have a column of 0 and 1"):
        load(table(clips, text), path_column="a")


def test_several_labels_and_chosen_one_hot_columns(clips):
    text = (
        "path,label\ndog/0.wav,dog;loud\ndog/1.wav,dog; soft\ncat/0.wav,cat\ncat/1.wav,cat;loud\n"
    )
    data = examine(table(clips, text))
    assert tags(data)["dog/1.wav"] == ("dog", "soft")
    semicolons = text.replace(";", "|").replace(",", ";").replace("|", ",")
    assert tags(examine(table(clips, semicolons))) == tags(data)
    text = "path,year,dog,cat\ndog/0.wav,1,1,0\ncat/0.wav,0,0,1\ndog/1.wav,1,1,0\ncat/1.wav,0,0,1\n"
    assert load(table(clips, text), one_hot=("dog", "cat")).label_names == ("cat", "dog")
    assert load(table(clips, text)).label_names == ("cat", "dog", "year")
    stray = text.replace("cat/1.wav,0,0,1", "cat/1.wav,0,0,2")
    with pytest.raises(DataError, match=r"column 'cat' of 0 and 1, but in line 5 it holds '2'"):
        load(table(clips, stray))
    assert load(table(clips, stray), one_hot=("dog", "year")).label_names == ("dog", "year")


def test_a_wish_of_labels_decides_order_and_what_is_allowed(clips):
    assert load(clips, labels=["dog", "cat"]).label_names == ("dog", "cat")
    finding = one(check(clips, labels=["dog", "bird"]), "unknown label", "error")
    assert "dog, bird" in finding.what
    assert finding.where == ("'cat' (4)",)
    kept = examine(clips, labels=["dog", "bird"], skip_bad=True, purpose="evaluate")
    assert (len(kept), kept.label_names) == (4, ("dog", "bird"))


def test_tags_over_time(clips):
    write(clips / "long.wav", noise(50, 3.0))
    text = (
        "file,onset,offset,event\nlong.wav,0,2,voice\nlong.wav,1,3,drums\nlong.wav,2.95,3,click\n"
        "dog/0.wav,0.1,0.4,voice\n"
    )
    path = table(clips, text)
    data = examine(path, label_column="event")
    assert data.label_names == ("click", "drums", "voice")
    assert [(c.name, c.labels.tags, c.group) for c in data.clips.clips] == [
        ("long.wav 0.00-1.00 s", ("voice",), "long.wav"),
        ("long.wav 1.00-2.00 s", ("voice", "drums"), "long.wav"),
        ("long.wav 2.00-2.95 s", ("drums",), "long.wav"),
        ("dog/0.wav 0.10-0.40 s", ("voice",), "dog/0.wav"),
    ]
    whole = decoded.read(clips / "long.wav", RATE)
    np.testing.assert_array_equal(data.clips.clips[1].read(RATE), whole[RATE : 2 * RATE])
    windows = data.clips.windows(RATE, RATE)
    np.testing.assert_array_equal(windows.waveforms[1], whole[RATE : 2 * RATE])
    in_ms = text.replace(",0,2,", ",0,2000,").replace(",1,3,", ",1000,3000,")
    in_ms = in_ms.replace("2.95,3,", "2950,3000,").replace("0.1,0.4", "100,400")
    same = examine(table(clips, in_ms), label_column="event", time_unit="ms")
    assert [c.name for c in same.clips.clips] == [c.name for c in data.clips.clips]
    with pytest.raises(DataError, match="give both start_column and end_column"):
        load(table(clips, text.replace("offset", "x")), label_column="event", start_column="onset")


def test_tables_of_other_things_are_refused(clips):
    for text, message in (
        ("path,label\n", "lists no clips"),
        ("path,label,label\na,b,c\n", "two columns called 'label'"),
        ("path,label\n" + '"' + "x" * 200_000, "no table in UTF-8"),
        ('path,label\na,"b\nc,d\n', "unexpected end of data"),
    ):
        with pytest.raises(DataError, match=message):
            load(table(clips, text))
    for text, message in (("[1]\n", "line 1 is no object"), ('{"a": 1}\n{', "line 2 is no JSON")):
        with pytest.raises(DataError, match=message):
            load(table(clips, text, "a.jsonl"))
    with pytest.raises(DataError, match="labels are words, and melodies are wanted"):
        load(table(clips, "path,label\na,b\n"), kind="f0")
    with pytest.raises(DataError, match=r"no folders in it.*or name the table in it, .*a\.jsonl"):
        load(table(clips / "dog", "{}", "a.jsonl").parent)


def test_tables_of_chords(clips):
    chords = load(table(clips, "path,chord\ndog/0.wav,C:maj\ndog/1.wav,A:min\n"), kind="chords",
                  label_column="chord")  # fmt: skip
    assert chords.kind == "chords"
    assert [vars(r.labels.chords[0]) for r in chords.recordings] == [
        {"start_s": 0.0, "end_s": 0.5, "label": "C:maj"},
        {"start_s": 0.0, "end_s": 0.5, "label": "A:min"},
    ]
    text = (
        "path,start,end,label\ndog/0.wav,0,0.2,C:maj\ndog/0.wav,0.2,0.5,Am7\n"
        "dog/1.wav,0,0.3,G:maj\ndog/1.wav,0.2,0.5,G:7\ndog/2.wav,0,0.5,G:maj\n"
    )
    found = check(table(clips, text), kind="chords")
    assert one(found, "chord labels", "error").where == ("'Am7' in dog/0.wav",)
    assert one(found, "unreadable labels", "error").where == ("dog/1.wav",)
    found = check(
        table(clips, "path,label\ndog/0.wav,C:maj;G:maj\ndog/9.wav,C:maj\n"), kind="chords"
    )
    assert "give columns for start and end" in one(found, "unreadable labels", "error").what
    assert one(found, "unreadable", "error").where == ("dog/9.wav",)


# Labels beside recordings


def songs(folder, labels, suffix):
    for number, text in enumerate(labels):
        write(folder / f"song {number}.wav", noise(number, 2.0))
        (folder / f"song {number}{suffix}").write_text(text)
    return folder


LABS = ["0 1 C:maj\n1 2 G:7\n", "0 2 A:min\n", "0 0.5 N\n0.5 2 D:maj\n"]
F0S = ["time,frequency,confidence\n" + "".join(f"{t / 100},{220 + t},1\n" for t in range(200))] * 2


def test_chords_beside_recordings(tmp_path):
    data = load(songs(tmp_path, LABS, ".lab"))
    assert (data.kind, data.label_names, len(data)) == ("chords", (), 3)
    assert [span.label for span in data.recordings[0].labels.chords] == ["C:maj", "G:7"]
    assert data.groups == ("song 0.wav", "song 1.wav", "song 2.wav")
    with pytest.raises(DataError, match="has chords, so its recordings are no clips"):
        _ = data.clips
    divided = data.divided(0.34)
    assert sorted(divided.split) == ["test", "train", "train"]


@pytest.mark.parametrize("place", [".", "artist"])
@pytest.mark.parametrize("suffix", [".lab", ".csv", ".jams"])
def test_labels_of_no_kind_are_a_finding_and_the_others_are_read(tmp_path, place, suffix):
    songs(tmp_path / place, LABS[:2], ".lab")
    (tmp_path / place / "song 0.lab").unlink()
    (tmp_path / place / f"song 0{suffix}").write_text("what is this\nno idea, at all\n")
    found = examine(tmp_path)
    assert (found.kind, len(found)) == ("chords", 1)
    (error,) = found.findings.errors
    assert error.kind == "unreadable labels" and error.where[0].endswith("song 0.wav")
    (tmp_path / place / "song 1.lab").write_text("no idea\n")
    kinds = [error.kind for error in examine(tmp_path).findings.errors]
    assert kinds.count("unreadable labels") == 2


def test_melodies_beside_recordings_with_other_files_next_to_them(tmp_path):
    songs(songs(tmp_path, LABS[:2], ".lab"), F0S, ".f0.csv")
    assert load(tmp_path).kind == "chords"
    data = load(tmp_path, kind="f0")
    assert (data.kind, len(data)) == ("f0", 2)
    np.testing.assert_allclose(data.recordings[1].labels.f0[:3], [220, 221, 222])
    assert load(tmp_path, kind="chords").recordings[0].labels.chords


def test_tags_over_time_beside_recordings(tmp_path):
    data = load(songs(tmp_path, ["0\t1\tverse one\n1\t2\tchorus\n"] * 2, ".txt"))
    assert data.label_names == ("chorus", "verse one")
    assert len(data.clips.clips) == 4


def test_folders_beside_recordings_are_groups(tmp_path):
    songs(tmp_path / "abba", LABS[:2], ".lab")
    songs(tmp_path / "björk", LABS[2:], ".lab")
    write(tmp_path / "björk" / "song 0.wav", noise(78, 2.0))
    write(tmp_path / "abba" / "demo.wav", noise(77))
    (tmp_path / "abba" / "lost.lab").write_text("0 1 C:maj\n")
    data = examine(tmp_path, kind="chords")
    assert data.groups == ("abba", "abba", "björk")
    assert one(data.findings, "without a label", "warning").where == ("abba/demo.wav",)
    assert one(data.findings, "without a recording", "warning").where == ("abba/lost.lab",)
    assert len(set(examine(tmp_path / "abba", kind="chords").groups)) == 2
    with pytest.raises(DataError, match=r"has f0 next to it; song\.mp3 needs one of song\.f0\.csv"):
        load(tmp_path, kind="f0")


# Data sets by name


def test_other_readers_are_sources_too(tmp_path):
    class Tones(Reader):
        name, prefixed, forms = "tones", True, ("tones:COUNT",)

        def splits(self, words):
            return {"train", "valid"}

        def recordings(self, words, split):
            yield Recording.tagged(noise(len(split)), ["tone"], split, RATE, name=split)

    list(READERS)
    READERS.register(Tones)
    try:
        data = examine("tones:2")
        assert tags(data) == {"train": ("tone",), "valid": ("tone",)}
        assert data.split == ("train", "validation")
        with pytest.raises(DataError, match="has no chords: its recordings have tags"):
            load("tones:2", kind="chords")
    finally:
        del READERS._things["tones"]


def test_mirdata_knows_near_names():
    pytest.importorskip("mirdata", reason="mirdata is missing")
    with pytest.raises(UnknownNameError, match="did you mean guitarset"):
        load("mirdata:guitarse")


@pytest.fixture
def tiny_sounds(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is missing")

    class MadeUpSounds(tfds.core.GeneratorBasedBuilder):
        """Sounds. They are tiny."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "audio": tfds.features.Audio(sample_rate=RATE),
                "label": tfds.features.ClassLabel(names=["hum", "hiss"]),
                "player": tfds.features.Text(),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(0), "test": self._generate_examples(4)}

        def _generate_examples(self, start):
            for number in range(start, start + 4):
                samples = np.round(noise(number) * 32768).astype(np.int64)
                yield number, {"audio": samples, "label": number % 2, "player": str(number // 2)}

    builder = MadeUpSounds(data_dir=tmp_path / "tfds")
    monkeypatch.setattr(tfds, "builder", lambda name: builder)
    return builder


@pytest.mark.slow
def test_a_tfds_data_set_is_downloaded_when_asked_alone(tiny_sounds):
    with pytest.raises(DataError, match="is not on this machine.*download=True"):
        load("tfds:made_up_sounds")
    assert not tiny_sounds.is_prepared()
    data = load("tfds:made_up_sounds", download=True, group_column="player")
    assert data.label_names == ("hiss", "hum")
    assert sorted(set(data.groups)) == ["0", "1", "2", "3"]
    assert data.splits == ("test", "train")
    assert data.counts() == {"hiss": 4, "hum": 4}
    assert load("tfds:made_up_sounds").checksum == data.checksum  # it is here now
    with pytest.raises(DataError, match="no feature 'artist'; it has audio, label, player"):
        load("tfds:made_up_sounds", group_column="artist")


@pytest.mark.slow
def test_tfds_suggests_near_names():
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is missing")
    with pytest.raises(UnknownNameError, match="no data set 'gtzn'; did you mean 'gtzan'"):
        load("tfds:gtzn")
    for name in ("tfds:", "tfds:../x", "tfds:nsynth/nowhere:9.9.9"):
        with pytest.raises(DataError, match=r"cannot be opened \(.*allowed are tfds:NAME"):
            load(name)


# What is in Python already


def arrays(count=6):
    return [noise(number) for number in range(count)]


def test_arrays(clips):
    words = ["a", "b"] * 3
    data = load((arrays(), words), source_rate=RATE)
    assert (data.name, data.label_names, len(data)) == ("arrays", ("a", "b"), 6)
    np.testing.assert_array_equal(data.recordings[2].read(RATE), noise(2).astype(np.float32))
    as_one = load((np.stack(arrays()), words, [0, 1, 0, 1, 2, 2]), source_rate=RATE)
    assert as_one.groups == ("0", "1", "0", "1", "2", "2")
    assert as_one.checksum == data.checksum
    named = {"audio": arrays(), "label": [["a"], ["a", "b"], ["b"], [], ["a"], ["b"]],
             "split": ["train"] * 4 + ["TEST", "eval"]}  # fmt: skip
    several = load(named, source_rate=RATE)
    assert several.targets.tolist() == [[1, 0], [1, 1], [0, 1], [0, 0], [1, 0], [0, 1]]
    assert several.splits == ("test", "train")
    numbers = load((arrays(), [0, 1, 0, 1, 0, 1]), source_rate=RATE, one_hot=("no", "yes"))
    assert numbers.counts() == {"no": 3, "yes": 3}
    rows = load((arrays(), np.eye(2)[[0, 1] * 3]), source_rate=RATE, one_hot=("no", "yes"))
    assert rows.counts() == numbers.counts()


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ((arrays(), ["a"] * 6), {}, "give source_rate"),
        ((arrays(), ["a"] * 5), {"source_rate": RATE}, "6 audio, 5 labels"),
        (([], []), {"source_rate": RATE}, "no waveforms"),
        ((arrays(), [0] * 6), {"source_rate": RATE}, "label is the number 0; give"),
        ((arrays(), [3] * 6), {"source_rate": RATE, "one_hot": ("a", "b")}, "names has 2 names"),
        ((arrays(), np.eye(6)), {"source_rate": RATE}, "rows of 6 numbers, and names has 0 names"),
        ({"audio": [], "f0": []}, {"source_rate": RATE}, "fields are audio, f0; allowed are"),
        ((arrays(), [float("nan")] * 6), {"source_rate": RATE, "one_hot": ("a",)}, "whole ones"),
        ((arrays(), [0.7] * 6), {"source_rate": RATE, "one_hot": ("a", "b")}, "are whole ones"),
        ((arrays(), [[0, 2]] * 6), {"source_rate": RATE, "one_hot": ("a", "b")}, "are 0 and 1"),
        ((arrays(), [{"a": 1}] * 6), {"source_rate": RATE}, "allowed are words"),
        ((arrays(), [["a", ["b"]]] * 6), {"source_rate": RATE}, "allowed are words"),
        ((iter(arrays()), ["a"] * 6), {"source_rate": RATE}, "audio is of type list_iterator"),
        ((arrays(), ["a"] * 6), {"source_rate": RATE, "labels": "a"}, "a sequence of words"),
        ((arrays(), ["a"] * 6), {"source_rate": RATE, "labels": ("a", "a")}, "has 'a' twice"),
        ("", {}, "is an empty word"),
        (7, {}, "type int is not labelled data"),
        ([1, 2], {}, "type list is not labelled data"),
    ],
)
def test_other_values_are_refused(source, options, message):
    with pytest.raises(DataError, match=message):
        load(source, **options)


def test_clips_of_arrays_may_have_no_label_and_no_split():
    named = {"audio": arrays(), "label": ["a", None, b"b", "a", "b", "b"], "split": [None] * 6}
    data = load(named, source_rate=RATE)
    assert (data.label_names, data.splits) == (("a", "b"), ())
    assert data.recordings[1].labels.tags == ()


def test_arrays_that_cannot_be_decoded_leave_no_noise(capfd):
    broken = np.full(RATE, np.nan)
    found = check(([broken] * 2, ["a", "b"]), source_rate=RATE)
    assert "NaN" in one(found, "unreadable", "error").what
    gc.collect()
    assert capfd.readouterr().err == ""


def test_options_of_reading_are_refused_where_data_are_read_already(clips, tmp_path):
    own = load(clips)
    assert load(own, "tags", purpose="evaluate") is own
    for option in ({"splits": tmp_path / "x"}, {"labels": ("dog",)}, {"group_column": "artist"}):
        with pytest.raises(DataError, match=f"read already; leave {next(iter(option))} out"):
            load(own, **option)


def test_recordings_and_labelled_clips_are_taken_as_they_are(clips):
    own = load(clips)
    assert load(own.clips).label_names == own.label_names
    assert load(list(own.recordings)).checksum == own.checksum


@pytest.mark.slow
def test_a_tf_data_set(clips):
    import tensorflow as tf

    words = ["a", "b"] * 3
    plain = tf.data.Dataset.from_tensor_slices((np.stack(arrays()), words))
    expected = load((arrays(), words), source_rate=RATE)
    for dataset in (
        plain,
        plain.batch(4),
        plain.map(lambda audio, label: {"audio": audio, "label": label}),
        plain.map(lambda audio, label: (audio, tf.one_hot(tf.cast(label == "b", tf.int32), 2))),
        plain.map(lambda audio, label: (audio[:, None], label)),
    ):
        data = load(dataset, source_rate=RATE, one_hot=("a", "b"))
        assert [tuple(r.labels.tags) for r in data.recordings] == [(word,) for word in words]
        assert data.checksum == expected.checksum
    with pytest.raises(DataError, match="no elements"):
        load(plain.take(0), source_rate=RATE)


# The rest


def test_sources_of_no_kind_and_wrong_options_are_refused(tmp_path):
    with pytest.raises(
        DataError,
        match=r"is not labelled data and does not exist: allowed are .*tfds:NAME.*song\.lab",
    ):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="kind is 'notes'; allowed are 'tags', 'chords', 'f0'"):
        load(tmp_path, kind="notes")
    with pytest.raises(TypeError, match="lable_column"):
        load(tmp_path, lable_column="x")
    assert SourceOptions().time_unit == "s"
    with pytest.raises(DataError, match="time_unit is 'min'; allowed are 's', 'ms'"):
        load(tmp_path, time_unit="min")


def test_a_name_has_no_folder_of_the_machine(tmp_path):
    assert name_of(tmp_path / "clips" / "table.csv") == "table.csv"
    assert name_of(f"mirdata:gtzan_genre@{tmp_path}") == "mirdata:gtzan_genre"


def test_the_checksum_is_of_samples_and_labels(clips):
    before = load(clips).checksum
    (clips / "dog" / "3.wav").rename(clips / "dog" / "renamed.wav")
    assert load(clips).checksum == before
    (clips / "dog" / "renamed.wav").rename(clips / "cat" / "renamed.wav")
    moved = load(clips).checksum
    write(clips / "dog" / "0.wav", noise(999))
    assert len({before, moved, load(clips).checksum}) == 3


def test_splits_keep_groups_together_and_classes_even():
    groups = [number // 3 for number in range(60)]
    words = ["ab"[group % 2] for group in groups]
    data = load((arrays(60), words, groups), source_rate=RATE)
    divided = data.divided(0.2, 0.1, seed=3)
    assert not data.splits
    sides = {split: divided.of(split) for split in ("train", "validation", "test")}
    found = [set(side.groups) for side in sides.values()]
    assert sum(map(len, found)) == 20
    assert {name: len(side) for name, side in sides.items()} == {
        "train": 42, "validation": 6, "test": 12,
    }  # fmt: skip
    assert sides["test"].counts() == {"a": 6, "b": 6}
    assert divided.split == data.divided(0.2, 0.1, seed=3).split
    assert divided.split != data.divided(0.2, 0.1, seed=4).split
    assert divided.divided(0.5) is divided
    three = data.divided(0.3).of("test")
    assert len(three) == 18


def test_clips_of_several_labels_are_spread_evenly():
    rng = np.random.default_rng(0)
    words = [[label for label in "abc" if rng.random() < 0.4] for _ in range(60)]
    data = load((arrays(60), words), source_rate=RATE)
    counts, held_out = data.counts(), data.divided(0.25).of("test").counts()
    for label, count in counts.items():
        assert held_out[label] == pytest.approx(count / 4, abs=2)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ((1.0,), "held_out is 1.0"),
        ((0.2, -0.1), "validation is -0.1"),
        ((0.6, 0.4), "1.0 together"),
    ],
)
def test_impossible_shares_are_refused(shares, message):
    data = load((arrays(), ["a", "b"] * 3), source_rate=RATE)
    with pytest.raises(DataError, match=message):
        data.divided(*shares)


def test_one_group_cannot_be_divided():
    data = examine((arrays(), ["a", "b"] * 3, ["x"] * 6), source_rate=RATE)
    with pytest.raises(DataError, match="of 1 group, so that nothing can be held out"):
        data.divided()


def test_splits_are_written_and_read_again(clips, tmp_path):
    data = load(clips)
    with pytest.raises(DataError, match="not divided yet"):
        data.write_splits(tmp_path / "splits.csv")
    divided = data.divided(0.25, seed=1)
    path = divided.write_splits(tmp_path / "splits.csv")
    assert path.read_text().splitlines()[0] == "name,split"
    assert data.read_splits(path).split == divided.split
    assert load(clips, splits=path).split == divided.split
    write(clips / "dog" / "new.wav", noise(500))
    with pytest.raises(DataError, match=r"does not have 1 of the 9 recordings.*dog/new\.wav"):
        load(clips, splits=path)
    names = [recording.name for recording in data.recordings]
    path.write_text("name,split\n" + "".join(f"{name},Training\n" for name in names))
    assert data.read_splits(path).splits == ("train",)
    path.write_text("name,split\n" + "".join(f"{name},{s}\n" for s in "ab" for name in names))
    with pytest.raises(DataError, match="in two splits; leave it in one"):
        data.read_splits(path)
    path.write_text("path,label\n")
    with pytest.raises(DataError, match="a file of splits has name,split"):
        data.read_splits(path)
    with pytest.raises(DataError, match=r"splits\.csv' cannot be written"):
        divided.write_splits(tmp_path / "absent" / "splits.csv")


def test_recordings_without_a_split_are_told_of(clips, tmp_path):
    data = load(clips)
    path = data.divided(0.25, seed=1).write_splits(tmp_path / "splits.csv")
    lines = path.read_text().splitlines()
    name = lines[1].rpartition(",")[0]
    path.write_text("\n".join([lines[0], f"{name},", *lines[2:]]))
    found = [finding for finding in check(clips, splits=path) if finding.kind == "no split"]
    assert [finding.where for finding in found] == [(name,)]
    path.write_text("\n".join(lines))
    assert not [finding for finding in check(clips, splits=path) if finding.kind == "no split"]


def test_a_file_of_splits_that_divides_a_group_is_refused(clips, tmp_path):
    write(clips / "dog" / "rex" / "1.wav", noise(300))
    write(clips / "dog" / "rex" / "2.wav", noise(301))
    data = load(clips)
    path = data.divided().write_splits(tmp_path / "splits.csv")
    lines = [line.rsplit(",", 1)[0] for line in path.read_text().splitlines()[1:]]
    names = "".join(f"{n},{'test' if 'rex/1' in n else 'train'}\n" for n in lines)
    path.write_text("name,split\n" + names)
    with pytest.raises(DataError, match=r"rex \(test, train\)"):
        data.read_splits(path)


def test_warnings_come_as_one_table_and_errors_stop(clips):
    (clips / ".old").mkdir()
    write(clips / "fish" / "1.wav", noise(400))
    with pytest.warns(DataWarning, match=r"(?s)hidden.*class of one clip"):
        load(clips)
    (clips / "fish" / "1.wav").write_text("no audio")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=r"(?s)clips found 1 error.*unreadable.*hidden"):
            load(clips)


def test_nothing_may_be_left(tmp_path):
    write(tmp_path / "a" / "1.wav", np.zeros(RATE))
    with pytest.raises(DataError, match="nothing is left of"):
        load(tmp_path, skip_bad=True, purpose="evaluate")
