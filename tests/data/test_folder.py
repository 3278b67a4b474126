"""Labelled clips from folders, CSV files and TFDS; folds that keep groups together."""

import numpy as np
import pytest
import soundfile

from mirzoo.data.folder import LabelledClips, load
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError, MirzooError

RATE = 8000


def write_clip(path, seconds=1.0, level=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(int(seconds * RATE), level), RATE, subtype="FLOAT")


@pytest.fixture
def class_folder(tmp_path):
    write_clip(tmp_path / "dog" / "1.wav", 1.0, 0.1)
    write_clip(tmp_path / "dog" / "2.wav", 2.5, 0.2)
    write_clip(tmp_path / "cat" / "tom" / "1.wav", 0.5, 0.3)
    write_clip(tmp_path / "cat" / "tom" / "2.wav", 1.0, 0.4)
    (tmp_path / ".cache").mkdir()
    (tmp_path / "notes.txt").write_text("not a class")
    return tmp_path


def test_a_folder_of_class_folders(class_folder):
    clips = load(class_folder)
    assert clips.labels == ("cat", "dog")
    assert [clip.labels.tags for clip in clips.clips] == [("cat",), ("cat",), ("dog",), ("dog",)]
    assert [clip.group for clip in clips.clips] == ["tom", "tom", "dog/1.wav", "dog/2.wav"]
    np.testing.assert_array_equal(clips.targets, [[1, 0], [1, 0], [0, 1], [0, 1]])


def test_hidden_files_are_no_clips_and_all_kinds_of_audio_are(class_folder):
    (class_folder / "dog" / "._1.wav").write_bytes(b"a Mac's")
    (class_folder / "dog" / "9.AAC").write_bytes(b"compressed")
    names = [clip.source.name for clip in load(class_folder).clips if clip.labels.tags == ("dog",)]
    assert names == ["1.wav", "2.wav", "9.AAC"]


def test_windows_carry_their_clip_and_its_labels(class_folder):
    windows = load(class_folder).windows(RATE, window_samples=RATE)
    assert windows.waveforms.dtype == np.float32
    assert windows.clips.tolist() == [0, 1, 2, 3, 3]
    np.testing.assert_allclose(windows.waveforms[:, 0], [0.3, 0.4, 0.1, 0.2, 0.2])
    np.testing.assert_allclose(windows.waveforms[0, RATE // 2 :], 0)
    np.testing.assert_array_equal(windows.targets[:, 1], [0, 0, 1, 1, 1])
    chosen = windows.of_clips(np.array([3, 0]))
    assert chosen.clips.tolist() == [0, 3, 3]
    assert len(chosen.waveforms) == len(chosen.targets) == 3


@pytest.mark.parametrize(
    ("seconds", "hop", "starts"),
    [(2.49, 1.0, 2), (2.6, 1.0, 3), (2.0, 0.5, 3), (0.1, 1.0, 1), (1.0, 1.0, 1)],
)
def test_a_last_window_of_mostly_zeros_is_left_out(seconds, hop, starts):
    clip = Recording.tagged(np.ones(int(seconds * 100), np.float32), ("a",), "g", source_rate=100)
    windows = LabelledClips((clip,), ("a",)).windows(100, 100, int(hop * 100))
    assert len(windows.waveforms) == starts
    assert (windows.waveforms.mean(axis=1) >= min(0.5, seconds)).all()


def test_other_rates_are_resampled(class_folder):
    windows = load(class_folder).windows(2 * RATE, window_samples=2 * RATE)
    assert windows.clips.tolist() == [0, 1, 2, 3, 3]


def test_a_csv_file_has_several_labels_and_groups(class_folder):
    table = class_folder / "clips.csv"
    table.write_text(
        "path,label,group\ndog/1.wav,loud; dog,rex\ncat/tom/1.wav,cat,\ndog/2.wav,,rex\n"
    )
    clips = load(table, labels=["dog", "cat", "loud"])
    np.testing.assert_array_equal(clips.targets, [[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    assert [clip.group for clip in clips.clips] == ["rex", "cat/tom/1.wav", "rex"]
    assert len(clips.windows(RATE, RATE).waveforms) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\ndog/1.wav,dog\n", "path,label"),
        ("", "path,label"),
        ("path,label,weight\n", "weight"),
        ("path,label\n", "lists no clips"),
        ("path,label\ndog/1.wav,dog\ndog/9.wav,dog\n", "line 3: there is no file"),
        ("path,label\n\udcff,dog\n", "clips.csv is damaged, or no table of clips in UTF-8"),
        ("path,label\n" + "x" * 5000 + ",dog\n", "or no table of clips"),
        ("path,label\n" + '"' + "x" * 200_000, "or no table of clips"),
    ],
)
def test_a_csv_file_of_another_layout_is_refused(class_folder, text, message):
    table = class_folder / "clips.csv"
    table.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=message):
        load(table)


def test_other_things_are_refused(class_folder, tmp_path):
    for source, message in (
        (class_folder / "missing", "not labelled data"),
        (class_folder / "notes.txt", "not labelled data"),
        (class_folder / "cat" / "tom", "has no folders in it"),
    ):
        with pytest.raises(DataError, match=message):
            load(source)
    with pytest.raises(DataError, match=r"\['cat'\]"):
        load(class_folder, labels=["dog"])
    (class_folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty' holds no audio"):
        load(class_folder)


def test_a_broken_clip_is_named(class_folder):
    (class_folder / "dog" / "3.wav").write_text("not audio")
    with pytest.raises(MirzooError, match=r"3\.wav"):
        load(class_folder).windows(RATE, RATE)


def many_clips(groups_per_label=10, clips_per_group=3):
    clips = [
        Recording.tagged(np.zeros(1), (label,), f"{label}{group}")
        for label in "abc"
        for group in range(groups_per_label)
        for _ in range(clips_per_group)
    ]
    return LabelledClips(tuple(clips), ("a", "b", "c"))


def test_folds_test_each_clip_once_and_never_divide_a_group():
    clips = many_clips()
    tested = []
    for train, test in clips.folds(5, seed=0):
        tested.extend(test.tolist())
        assert sorted([*train, *test]) == list(range(90))
        groups = [{clips.clips[index].group for index in side} for side in (train, test)]
        assert not groups[0] & groups[1]
        np.testing.assert_array_equal(clips.targets[test].sum(axis=0), [6, 6, 6])
    assert sorted(tested) == list(range(90))


def test_clips_of_several_labels_and_of_none_are_spread_evenly():
    rng = np.random.default_rng(0)
    words = [[label for label in "abcd" if rng.random() < 0.4] for _ in range(200)]
    clips = LabelledClips(
        tuple(
            Recording.tagged(np.zeros(1), labels, f"{number // 2}")
            for number, labels in enumerate(words)
        ),
        tuple("abcd"),
    )
    whole = clips.targets.sum(axis=0)
    without = (clips.targets.sum(axis=1) == 0).sum()
    tested = []
    for train, test in clips.folds(4, seed=0):
        assert not {number // 2 for number in train} & {number // 2 for number in test}
        np.testing.assert_allclose(clips.targets[test].sum(axis=0), whole / 4, atol=2)
        assert abs((clips.targets[test].sum(axis=1) == 0).sum() - without / 4) <= 2
        tested.extend(test.tolist())
    assert sorted(tested) == list(range(200))


def test_a_label_of_fewer_clips_than_folds_is_divided_all_the_same():
    clips = LabelledClips(
        tuple(Recording.tagged(np.zeros(1), [label], label) for label in "abcde"), tuple("abcde")
    )
    tests = [test.tolist() for _, test in clips.folds(5, seed=0)]
    assert sorted(tests) == [[0], [1], [2], [3], [4]]


def test_the_old_name_of_a_clip_makes_a_recording():
    with pytest.warns(DeprecationWarning, match=r"Recording\.tagged"):
        from mirzoo.data.folder import Clip
    clip = Clip(np.ones(100, np.float32), ("a",), "g", source_rate=100)
    assert (clip.labels.tags, clip.group, len(clip.read(200))) == (("a",), "g", 200)


def test_folds_depend_on_the_seed_alone():
    def fold(seed):
        return [test.tolist() for _, test in many_clips().folds(5, seed=seed)]

    assert fold(0) == fold(0)
    assert fold(0) != fold(1)


@pytest.mark.parametrize("k", [0, 1, 31])
def test_impossible_folds_are_refused(k):
    with pytest.raises(DataError, match="30 groups"):
        list(many_clips().folds(k, seed=0))


@pytest.mark.slow
def test_a_tfds_data_set(tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is missing")

    class TinySounds(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {
                        "audio": tfds.features.Audio(sample_rate=RATE),
                        "label": tfds.features.ClassLabel(names=["hum", "hiss"]),
                    }
                ),
            )

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(2), "test": self._generate_examples(1)}

        def _generate_examples(self, count):
            for number in range(count):
                yield number, {"audio": np.full(RATE, 2**14, np.int64), "label": number}

    builder = TinySounds(data_dir=tmp_path)
    monkeypatch.setattr(tfds, "builder", lambda name: builder)
    with pytest.raises(DataError, match="Nothing is downloaded unasked"):
        load("tfds:tiny_sounds")
    builder.download_and_prepare()
    clips = load("tfds:tiny_sounds")
    assert sorted(clip.labels.tags for clip in clips.clips) == [("hiss",), ("hum",), ("hum",)]
    windows = clips.windows(RATE, RATE)
    np.testing.assert_allclose(windows.waveforms, 0.5)
