"""Prepared corpora: every sample where items.csv says, resumable, windows that stay the same."""

import logging
import re
from functools import partial

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import (
    FULL_SCALE,
    SAMPLE_RATE,
    Corpus,
    Item,
    item_rng,
    prepare,
    read_recording,
    to_int16,
)
from mirzoo.errors import AudioError, DataError


def make_ramp(item, made=None):
    """A waveform that tells its item: its length and level come from the item's path."""
    if made is not None:
        made.append(item.name)
    if item.path == "broken":
        raise AudioError(f"'{item.name}' is not audio")
    seconds, level = item.path.split()
    return np.full(int(float(seconds) * SAMPLE_RATE), float(level), np.float32)


def item(name, path, group="g", split="train"):
    return Item(name, "tests", group, path, split)


ITEMS = [
    item("a/1", "2 0.1"),
    item("a/2", "0.5 0.2"),
    item("b/1", "broken"),
    item("b/2", "1.5 -0.3", "h", "valid"),
    item("c", "3 0.4", "h", "valid"),
]


@pytest.fixture
def corpus(tmp_path):
    return prepare(ITEMS, tmp_path / "c", make=make_ramp, min_seconds=1, processes=1)


def test_every_item_lies_where_its_row_says(corpus):
    assert [entry.name for entry in corpus.items] == ["a/1", "b/2", "c"]
    assert sum(entry.n_samples for entry in corpus.items) == len(corpus.audio)
    for entry, seconds, level in zip(corpus.items, (2, 1.5, 3), (0.1, -0.3, 0.4), strict=True):
        assert entry.n_samples == seconds * SAMPLE_RATE
        samples = corpus.audio[entry.offset_samples : entry.offset_samples + entry.n_samples]
        assert set(samples.tolist()) == {round(level * FULL_SCALE)}
    assert corpus.items[1].split == "valid"
    assert corpus.items[1].group == "h"
    assert corpus.hours == pytest.approx(6.5 / 3600)
    assert Corpus.load(corpus.directory) == corpus


def test_what_is_left_out_is_listed_with_the_reason(corpus):
    listed = (corpus.directory / "left_out.csv").read_text()
    assert 'a/2,"0.5 s long, the least is 1 s"' in listed
    assert "b/1,'b/1' is not audio" in listed
    assert not (corpus.directory / "parts").exists()


def test_disk_use_is_stated_before_anything_is_made(tmp_path, caplog):
    def make(entry):
        assert "an hour of audio takes 115 MB" in caplog.messages[0]
        return make_ramp(entry)

    with caplog.at_level(logging.INFO, "mirzoo"):
        prepare(ITEMS[:1], tmp_path, make=make, min_seconds=1, processes=1)
    assert caplog.messages[-1].endswith("0.00 h, 1 item, 1 group")


def test_messages_still_go_to_a_function_for_one_version(tmp_path):
    lines = []
    with pytest.warns(DeprecationWarning, match="report= goes with the next version"):
        prepare(
            ITEMS[:1], tmp_path, make=make_ramp, min_seconds=1, processes=1, report=lines.append
        )
    assert "an hour of audio takes 115 MB" in lines[0]


def test_an_interrupted_preparation_goes_on(tmp_path):
    made = []

    def interrupted(entry):
        if entry.name == "c":
            raise KeyboardInterrupt
        return make_ramp(entry, made)

    arguments = {"min_seconds": 1, "processes": 1}
    with pytest.raises(KeyboardInterrupt):
        prepare(ITEMS, tmp_path, make=interrupted, **arguments)
    with pytest.raises(DataError, match="not a prepared corpus"):
        Corpus.load(tmp_path)
    made.clear()
    resumed = prepare(ITEMS, tmp_path, make=partial(make_ramp, made=made), **arguments)
    assert made == ["a/2", "b/1", "c"]
    assert [entry.name for entry in resumed.items] == ["a/1", "b/2", "c"]
    made.clear()
    again = prepare(ITEMS, tmp_path, make=partial(make_ramp, made=made), **arguments)
    assert made == []
    assert again == resumed
    prepare([*ITEMS, item("d", "2 0.5")], tmp_path, make=make_ramp, **arguments)
    assert Corpus.load(tmp_path).items[-1].name == "d"


def test_two_processes_make_the_same_corpus(tmp_path, corpus):
    files = []
    for number, seconds in enumerate((2, 1)):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, np.full(seconds * 8000, 0.25), 8000, subtype="FLOAT")
        files.append(item(f"r/{number}", str(path)))
    one, two = (
        prepare(files, tmp_path / str(n), make=read_recording, min_seconds=1, processes=n)
        for n in (1, 2)
    )
    assert one.items == two.items
    np.testing.assert_array_equal(one.audio, two.audio)
    assert one.items[0].n_samples == 2 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "no items"),
        ([ITEMS[0], ITEMS[0]], "two items are called 'a/1'"),
        ([item("a", "1 1", split="dev")], "split 'dev'"),
        ([ITEMS[1], ITEMS[2]], "of 2 items .* none could be used"),
    ],
)
def test_what_cannot_be_prepared_is_refused(tmp_path, items, message):
    with pytest.raises(DataError, match=message):
        prepare(items, tmp_path, make=make_ramp, min_seconds=1, processes=1)


def test_a_damaged_corpus_is_refused(corpus):
    with (corpus.directory / "audio.i16").open("ab") as file:
        file.write(b"\0\0")
    with pytest.raises(DataError, match="prepare the corpus again"):
        Corpus.load(corpus.directory)


def test_loud_items_are_made_quieter_and_not_clipped():
    loud = np.array([0.5, -2.0, 1.0], np.float32)
    np.testing.assert_allclose(to_int16(loud) / FULL_SCALE, loud / 2, atol=1e-4)
    quiet = np.array([0.5, -0.25], np.float32)
    np.testing.assert_allclose(to_int16(quiet) / FULL_SCALE, quiet, atol=1e-4)
    assert not to_int16(np.zeros(4, np.float32)).any()


def test_windows_are_inside_their_items_and_spread_over_them(corpus):
    size = SAMPLE_RATE // 4
    windows = corpus.windows(per_item=6, seed=3, window_samples=size)
    assert len(windows) == 6 * 3
    for index, entry in enumerate(corpus.items):
        starts = np.sort(windows.starts[windows.items == index]) - entry.offset_samples
        assert (np.diff(starts) >= size).all()
        stretch = starts // (entry.n_samples / 6)
        assert stretch.tolist() == [0, 1, 2, 3, 4, 5]
        assert starts[0] >= 0
        assert starts[-1] + size <= entry.n_samples
    read = windows.read(np.arange(len(windows)))
    assert read.shape == (18, size)
    assert (read == read[:, :1]).all()
    assert windows.groups == ["g"] * 6 + ["h"] * 12


def test_the_choice_of_windows_depends_on_seed_and_item_alone(corpus):
    size = SAMPLE_RATE // 4
    first = corpus.windows(per_item=3, seed=1, window_samples=size)
    again = corpus.windows(per_item=3, seed=1, window_samples=size)
    other = corpus.windows(per_item=3, seed=2, window_samples=size)
    np.testing.assert_array_equal(first.starts, again.starts)
    assert (first.starts != other.starts).any()
    valid = corpus.windows(per_item=3, seed=1, window_samples=size, split="valid")
    np.testing.assert_array_equal(valid.starts, first.starts[first.items > 0])


def test_items_shorter_than_a_window_have_none(corpus):
    windows = corpus.windows(per_item=5, seed=0, window_samples=2 * SAMPLE_RATE)
    assert windows.items.tolist() == [0, 2]
    assert len(corpus.windows(per_item=5, seed=0, split="test")) == 0


def test_random_numbers_depend_on_the_name():
    first, second = item_rng(ITEMS[0]).random(), item_rng(ITEMS[1]).random()
    assert first == item_rng(ITEMS[0]).random()
    assert first != second


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("items.csv", b""),
        ("items.csv", b"\xff\xfe"),
        ("items.csv", b"name,group\nx"),
        ("chords.csv", b"item,start_s,end_s,label\n\na/1,0,x,N\n"),
        ("chords.csv", b"item,start_s,end_s,label\na/1,0\n"),
        ("beats.csv", b"item,time_s,downbeat\na/1,soon,1\n"),
        ("beats.csv", b'item\n"' + b"x" * 200_000),
    ],
    ids=lambda value: str(value)[:40],
)
def test_broken_tables_are_named(corpus, file, content):
    (corpus.directory / file).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(corpus.directory))):
        Corpus.load(corpus.directory).labels(0)


def test_items_outside_of_the_samples_are_refused(corpus):
    table = corpus.directory / "items.csv"
    header, first, *others = table.read_text().splitlines()
    values = dict(zip(header.split(","), first.split(","), strict=True))
    values["offset_samples"] = str(-(10**9))
    table.write_text("\n".join([header, ",".join(values.values()), *others]))
    with pytest.raises(DataError, match="items outside of audio.i16"):
        Corpus.load(corpus.directory)
