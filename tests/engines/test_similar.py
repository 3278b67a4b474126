"""What is alike in a collection: the nearest, exactly and by an index; near-duplicates."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from places import ROOT

from mirzoo.engines import vectors
from mirzoo.engines.similar import Collection, Graph, exact_search, mean_of_rows, similar
from mirzoo.engines.vectors import Block, Entry, Origin
from mirzoo.errors import DataError

ORIGIN = Origin("m", "0" * 64, "last", "clip", "mean", "m", "litert", "0.2.0")


def entry(name, content=None):
    return Entry(f"/music/{name}", content or f"{name:0>64}", 1, 1, 1.0)


def file_of(path, values, names=None, contents=None):
    values = np.asarray(values, np.float32)
    names = names or [f"{number}.wav" for number in range(len(values))]
    entries = [entry(*both) for both in zip(names, contents or [None] * len(names), strict=True)]
    block = Block(entries, np.zeros(len(values)), values)
    vectors.write(path, ORIGIN, set(entries), values.shape[1], iter([block]))
    return path


def unit(seed, count, size=16, centres=20):
    """Random vectors around a few centres."""
    rng = np.random.default_rng(seed)
    middle = np.random.default_rng(0).normal(size=(centres, size))
    found = middle[rng.integers(centres, size=count)] + 0.5 * rng.normal(size=(count, size))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def names_of(neighbours):
    return [neighbour.path.rpartition("/")[2] for neighbour in neighbours]


def test_exact_search_gives_what_sorting_gives():
    known, queries = unit(0, 300), unit(1, 5)
    similarities, numbers = exact_search(known, queries, 7)
    expected = np.argsort(-(queries @ known.T), axis=1, kind="stable")[:, :7]
    np.testing.assert_array_equal(numbers, expected)
    np.testing.assert_allclose(similarities, np.take_along_axis(queries @ known.T, expected, 1))
    twice = np.concatenate([known[:3], known[:3]])
    assert exact_search(twice, known[:1], 6)[1][0][:2].tolist() == [0, 3]
    assert exact_search(known[:2], queries, 2)[1].shape == (5, 2)


def test_nearest_goes_by_the_angle_and_without_copies_of_itself(tmp_path):
    values = [[1, 0], [10, 1], [0, 3], [0, 0], [2, 0]]
    path = file_of(tmp_path / "v.npz", values, contents=["a", "b", "c", "d", "a"])
    collection = Collection.read(path)
    found = collection.nearest(np.array([5.0, 0.0], np.float32), 2)
    assert names_of(found) == ["0.wav", "4.wav"] and found[0].similarity == pytest.approx(1.0)
    assert names_of(collection.nearest_to("a")) == ["1.wav", "2.wav", "3.wav"]
    assert collection.nearest_to("c", 1)[0].similarity == pytest.approx(1 / np.sqrt(101))
    with pytest.raises(DataError, match="another model"):
        collection.nearest(np.zeros(3))
    with pytest.raises(DataError, match="no recording"):
        collection.nearest_to("x")
    with pytest.raises(DataError, match="no recordings"):
        Collection.read(file_of(tmp_path / "empty.npz", np.zeros((0, 2))))


def test_standardising_takes_away_what_all_have(tmp_path):
    values = np.array([[100, 1, 5], [101, -1, 5], [99, 1.1, 5], [100, -1.2, 5]])
    path = file_of(tmp_path / "v.npz", values)
    assert Collection.read(path).nearest_to(entry("0.wav").sha256)[2].similarity > 0.99
    standard = Collection.read(path, standardise=True)
    found = standard.nearest_to(entry("0.wav").sha256)
    assert found[0].path.endswith("2.wav") and found[2].similarity < -0.5
    expected = (values - values.mean(axis=0)) / [values[:, 0].std(), values[:, 1].std(), 1]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(standard.vectors, expected, atol=1e-4)
    again = standard.nearest(values[0].astype(np.float32), 2)
    assert names_of(again) == ["0.wav", "2.wav"]


def test_stretches_count_by_their_mean(tmp_path):
    long = entry("long.wav")
    block = Block([long, entry("b.wav"), long], np.zeros(3), np.float32([[1, 0], [5, 5], [0, 3]]))
    path = tmp_path / "v.npz"
    vectors.write(path, replace(ORIGIN, over="time"), set(block.entries), 2, iter([block]))
    collection = Collection.read(path)
    expected = np.array([[0.5, 1.5], [5, 5]])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(collection.vectors, expected, rtol=1e-6)
    assert mean_of_rows([], [])[0] == []


def test_a_folder_of_a_catalogue_counts_as_one_file(tmp_path):
    pytest.importorskip("pyarrow")
    output = tmp_path / "catalogue" / "output"
    output.mkdir(parents=True)
    with pytest.raises(DataError, match=r"has no output/\*\.parquet"):
        Collection.read(tmp_path / "catalogue")
    values = unit(1, 6)
    names = [f"{number}.wav" for number in range(6)]
    for part, rows in {"a": slice(0, 2), "b": slice(2, 6)}.items():
        file_of(output / f"{part}.parquet", values[rows], names[rows])
    whole = Collection.read(file_of(tmp_path / "whole.npz", values, names))
    both = Collection.read(tmp_path / "catalogue")
    assert [one.path for one in both.entries] == [one.path for one in whole.entries]
    assert np.array_equal(both.vectors, whole.vectors)
    other = replace(ORIGIN, model_sha256="1" * 64)
    block = Block([entry("x.wav")], np.zeros(1), values[:1])
    vectors.write(output / "c.parquet", other, set(block.entries), 16, iter([block]))
    with pytest.raises(DataError, match="never mixed"):
        Collection.read(tmp_path / "catalogue")
    (output / "c.parquet").write_bytes(b"PAR1")
    (tmp_path / "catalogue" / "catalogue.json").write_text("{}")
    with pytest.raises(DataError, match="remove it, and `mirzoo catalogue embed` makes"):
        Collection.read(tmp_path / "catalogue")


def test_a_changed_bit_of_a_file_is_found(tmp_path):
    pytest.importorskip("pyarrow")
    path = file_of(tmp_path / "v.parquet", unit(1, 200, size=64))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        Collection.read(path)


def test_duplicates_are_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("mirzoo.engines.similar.BLOCK", 2)
    values = [[1, 0], [0, 1], [1, 0.01], [0, 0], [0.01, 1], [1, 0.1], [0, 0], [1, 1]]
    contents = ["0", "1", "2", "silent", "4", "5", "silent", "7"]
    path = file_of(tmp_path / "v.npz", values, contents=contents)
    groups = Collection.read(path).duplicates(0.999)
    assert [[one.rpartition("/")[2] for one in group.paths] for group in groups] == [
        ["3.wav", "6.wav"], ["0.wav", "2.wav"], ["1.wav", "4.wav"],
    ]  # fmt: skip
    assert groups[0].similarity == 1.0
    assert groups[1].similarity == pytest.approx(1 / np.sqrt(1.0001))
    # 5.wav is within 0.995 of 2.wav, and with it of the others.
    [_, group, _] = Collection.read(path).duplicates(0.995)
    assert len(group.paths) in (2, 3)
    assert Collection.read(path).duplicates(1.0)[0].paths == ["/music/3.wav", "/music/6.wav"]


@pytest.mark.slow
def test_an_index_finds_nearly_all_and_is_kept_until_the_file_changes(tmp_path):
    pytest.importorskip("faiss")
    known, queries = unit(0, 2000), unit(1, 50)
    path = file_of(tmp_path / "v.npz", known)
    (tmp_path / "v.npz.my.faiss").touch()
    exact, graph = Collection.read(path), Collection.read(path, index=True)
    found = graph.graph.search(queries, 10)[1]
    expected = exact_search(known, queries, 10)[1]
    hits = [len(set(one) & set(other)) for one, other in zip(found, expected, strict=True)]
    assert np.mean(hits) > 9.8
    [kept] = tmp_path.glob("v.npz.*[0-9a-f].faiss")
    before = kept.stat().st_mtime_ns
    assert names_of(Collection.read(path, index=True).nearest(queries[0], 3)) == names_of(
        exact.nearest(queries[0], 3)
    )
    assert kept.stat().st_mtime_ns == before
    file_of(path, np.concatenate([known, known[:3]]))
    groups = Collection.read(path, index=True).duplicates(0.99999)
    assert [len(group.paths) for group in groups] == [2, 2, 2]
    assert sorted(one.name for one in tmp_path.glob("*.faiss"))[1:] == ["v.npz.my.faiss"]
    assert not kept.exists()
    [kept] = tmp_path.glob("v.npz.*[0-9a-f].faiss")
    kept.write_bytes(b"no index")
    with pytest.raises(DataError, match="damaged, or no index of faiss"):
        Collection.read(path, index=True)


@pytest.mark.slow
def test_an_index_of_the_folder_that_one_is_in(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    pytest.importorskip("pyarrow")
    (tmp_path / "vectors" / "output").mkdir(parents=True)
    file_of(tmp_path / "vectors" / "output" / "a.parquet", unit(0, 50))
    monkeypatch.chdir(tmp_path / "vectors")
    assert Collection.read(".", index=True).graph is not None
    [kept] = tmp_path.glob("*.faiss")
    assert kept.name.startswith("vectors.")


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    path = file_of(tmp_path / "v.npz", np.eye(2))
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(DataError, match=r"mirzoo\[search\]"):
        Collection.read(path, index=True)
    with pytest.raises(DataError, match=r"mirzoo\[search\]"):
        Graph(np.eye(2, dtype=np.float32))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"mirzoo\[catalogue\]"):
        Collection.read(tmp_path / "v.parquet")


@pytest.mark.slow
def test_the_benchmark_runs():
    command = [sys.executable, ROOT / "benchmarks" / "search.py"]
    options = ["--vectors", "2000", "--size", "16", "--queries", "20"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "recall" in done.stdout and "exact" in done.stdout


@pytest.mark.slow
def test_a_song_that_is_not_in_the_file_is_embedded_by_its_model(tmp_path, demo_clip):
    from mirzoo import embed

    music = tmp_path / "music"
    music.mkdir()
    shutil.copy(demo_clip, music / "one.ogg")
    out = tmp_path / "v.npz"
    embed("mel_cnn_tagger", music, out)
    shutil.copy(demo_clip, tmp_path / "tail.ogg")
    with (tmp_path / "tail.ogg").open("ab") as file:
        file.write(b"\0" * 8)  # the same sound, another content
    [found] = similar(out, tmp_path / "tail.ogg")
    assert found.path == str(music / "one.ogg") and found.similarity > 0.9999
    assert similar(out, demo_clip) == []
    with pytest.raises(DataError, match="model 'mel_cnn_tagger'.*'mel_crnn_tagger'"):
        similar(out, tmp_path / "tail.ogg", model="mel_crnn_tagger")
    was, now = tmp_path / "was", tmp_path / "now"
    shutil.copytree(ROOT / "saved_models" / "mel_cnn_tagger", was)
    embed(was, music, out, overwrite=True)
    was.rename(now)
    assert similar(out, demo_clip) == []  # which needs no model
    with pytest.raises(DataError, match=r"loaded from '.*was': state where it is now \(model"):
        similar(out, tmp_path / "tail.ogg")
    assert similar(out, tmp_path / "tail.ogg", model=now) == [found]
