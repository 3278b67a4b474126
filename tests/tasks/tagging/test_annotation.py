"""Tags: what they say of a recording, and the files and pictures they go to."""

import csv
import json
import sys

import jams
import numpy as np
import pytest

from mirzoo.errors import AnnotationError
from mirzoo.tasks.tagging import Tags


@pytest.fixture
def tags():
    return Tags(
        labels=["guitar", 'no vocals, "solo"', "tabla"],
        times=[0.0, 3.0, 6.0],
        probabilities=[[0.9, 0.1, 0.3], [0.6, 0.1, 0.5], [0.0, 1.0, 0.4]],
        window_s=3.0,
        source="music/för elise.flac",
        duration_s=6.5,
        model="mel_cnn_tagger",
    )


def test_the_mean_weighs_windows_by_the_music_in_them(tags):
    expected = (3.0 * np.array([0.9, 0.1, 0.3]) + 3.0 * np.array([0.6, 0.1, 0.5])
                + 0.5 * np.array([0.0, 1.0, 0.4])) / 6.5  # fmt: skip
    np.testing.assert_allclose(tags.mean, expected)


def test_zeros_before_the_recording_do_not_count_as_music():
    tags = Tags(["a"], [-1.0, 1.0], [[1.0], [0.0]], window_s=2.0, duration_s=3.0)
    np.testing.assert_allclose(tags.intervals, [[0.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(tags.mean, [1 / 3])


def test_a_recording_shorter_than_a_window_is_that_window():
    tags = Tags(["a", "b"], [0.0], [[0.2, 0.7]], window_s=3.0, duration_s=0.1)
    assert tags.top() == [("b", pytest.approx(0.7)), ("a", pytest.approx(0.2))]


def test_top_is_sorted_and_no_longer_than_asked(tags):
    assert [label for label, _ in tags.top(2)] == ["guitar", "tabla"]
    assert len(tags.top(50)) == 3
    probabilities = [probability for _, probability in tags.top(3)]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(isinstance(probability, float) for probability in probabilities)


def test_repr_says_the_essential(tags):
    text = repr(tags)
    assert "elise" in text
    assert "6.5 s" in text
    assert "guitar 0.69" in text
    assert len(text) < 200


@pytest.mark.parametrize("suffix", Tags.formats)
def test_what_is_written_reads_back(tags, tmp_path, suffix):
    path = tags.write(tmp_path / f"result{suffix.upper()}")
    again = Tags.read(path)
    assert again.labels == tags.labels
    np.testing.assert_allclose(again.times, tags.times)
    np.testing.assert_allclose(again.probabilities, tags.probabilities, atol=1e-6)
    np.testing.assert_allclose(again.mean, tags.mean, atol=1e-6)
    assert again.window_s == 3.0
    assert again.duration_s == 6.5
    if suffix != ".csv":
        assert again.source == tags.source
        assert again.model == tags.model
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_json_has_the_tags_of_the_whole_recording_by_name(tags, tmp_path):
    document = json.loads(tags.write(tmp_path / "x.json").read_text(encoding="utf-8"))
    assert list(document["tags"]) == ["guitar", "tabla", 'no vocals, "solo"']
    assert document["tags"]["guitar"] == pytest.approx(tags.mean[0], abs=1e-6)
    assert document["task"] == "tagging"
    assert document["duration_s"] == 6.5


def test_csv_is_a_row_per_window(tags, tmp_path):
    with open(tags.write(tmp_path / "x.csv"), encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["start_s", "end_s", *tags.labels]
    assert [float(value) for value in rows[2]] == [6.0, 6.5, 0.0, 1.0, 0.4]


def test_jams_satisfies_the_schema(tags, tmp_path):
    document = jams.load(str(tags.write(tmp_path / "x.jams")), validate=True, strict=True)
    (whole,) = document.search(namespace="tag_open")
    (windows,) = document.search(namespace="vector")
    assert [(o.value, o.duration) for o in whole.data] == [(t, 6.5) for t, _ in tags.top(3)]
    assert whole.data[0].confidence == pytest.approx(tags.mean[0])
    assert [o.time for o in windows.data] == [0.0, 3.0, 6.0]
    np.testing.assert_allclose([o.value for o in windows.data], tags.probabilities)
    assert document.file_metadata.duration == 6.5


def test_an_unknown_suffix_is_refused_and_nothing_is_left(tags, tmp_path):
    for name in ("x.txt", "x"):
        with pytest.raises(AnnotationError, match=r"allowed are \.jams, \.json, \.csv"):
            tags.write(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tags, tmp_path):
    with pytest.raises(AnnotationError, match=r"nowhere.*folder"):
        tags.write(tmp_path / "nowhere" / "x.json")


def test_a_failed_write_leaves_the_old_file_whole(tags, tmp_path, monkeypatch):
    path = tags.write(tmp_path / "x.json")
    before = path.read_bytes()

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", disk_full)
    with pytest.raises(AnnotationError, match="No space left"):
        tags.write(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", "not json"),
        ("x.json", '{"labels": ["a"]}'),
        ("x.csv", "a,b\n1,2\n"),
        ("x.csv", ""),
        ("x.csv", "start_s,end_s,a\n0,3,loud\n"),
        ("x.jams", '{"annotations": []}'),
    ],
)
def test_reading_something_else_says_so(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(AnnotationError, match=f"{name} does not hold tags"):
        Tags.read(tmp_path / name)


def test_reading_nothing_says_so(tmp_path):
    with pytest.raises(AnnotationError, match="cannot be read"):
        Tags.read(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": [[0.1, 0.2, 0.3]]}, "transposed"),
        ({"probabilities": np.full((3, 3), np.nan)}, r"in \[0, 1\]"),
        ({"probabilities": np.full((3, 3), -4.0)}, "logits"),
        ({"times": [0.0, 6.0, 3.0]}, "increase"),
        ({"times": []}, "at least one window"),
        ({"times": 0.0}, "one start"),
    ],
)
def test_nonsense_is_refused(tags, change, message):
    fields = {"labels": tags.labels, "times": tags.times, "probabilities": tags.probabilities}
    with pytest.raises(AnnotationError, match=message):
        Tags(**{**fields, **change}, window_s=3.0)


def test_rounding_beyond_one_is_no_error():
    assert Tags(["a"], [0.0], [[1 + 1e-7]], window_s=1.0).top() == [("a", 1.0)]


def test_the_plot_shows_the_likeliest_tags_from_the_top(tags, tmp_path):
    pytest.importorskip("matplotlib").use("agg")
    path = tmp_path / "tags.png"
    ax = tags.plot(path=path, n=2)
    assert path.stat().st_size > 5000
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert [name.split("  ")[0] for name in names] == ["guitar", "tabla"]
    bottom, top = ax.get_ylim()
    assert bottom > top
    mesh = ax.collections[0]
    np.testing.assert_allclose(np.asarray(mesh.get_array()).reshape(2, 3)[0], [0.9, 0.6, 0.0])
    assert ax.get_xlim() == (0.0, 6.5)


def test_the_plot_draws_where_told(tags):
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, ax = plt.subplots()
    assert tags.plot(ax) is ax
    plt.close(figure)


def test_the_plot_names_what_is_missing(tags, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(AnnotationError, match=r"pip install mirzoo\[plot\]"):
        tags.plot()
