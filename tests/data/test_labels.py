"""Labels beside the audio of a corpus: written, resumed, read again."""

import numpy as np
import pytest

from mirzoo.data import label_files
from mirzoo.data.corpus import SAMPLE_RATE, Corpus, Item, prepare
from mirzoo.data.labels import ChordSpan, KeySpan, Labels
from mirzoo.errors import DataError

FULL = Labels(
    chords=(ChordSpan(0.0, 0.5, "N"), ChordSpan(0.5, 1.0, "Eb:min7/b3")),
    f0=np.array([0.0, np.nan, *np.full(98, 220.5)], np.float32),
    beats=np.array([0.0, 0.25, 0.5, 0.75]),
    downbeats=np.array([0.0, 0.5]),
    key="Eb:min",
    keys=(KeySpan(0.0, 0.5, "Eb:min"), KeySpan(0.5, 1.0, "F#:maj")),
    instruments=("flute", "drums"),
    tags=("slow",),
)


def items(*names):
    return [Item(name, "made", name, "", "train") for name in names]


def make(item):
    waveform = np.full(SAMPLE_RATE, 0.25, np.float32)
    return {
        "full": (waveform, FULL),
        "chords/only": (waveform[:8000], Labels(chords=FULL.chords[:1])),
        "plain": waveform,
    }[item.name]


def plain(item):
    return np.full(SAMPLE_RATE, 0.25, np.float32)


def wrong(item):
    return np.zeros(SAMPLE_RATE, np.float32), Labels(f0=np.zeros(99, np.float32))


def prepared(folder, names, make=make):
    return prepare(items(*names), folder, make=make, min_seconds=0.1, processes=1)


def assert_full(labels):
    assert labels == FULL
    np.testing.assert_array_equal(labels.f0, FULL.f0)
    np.testing.assert_allclose(labels.beats, FULL.beats)
    np.testing.assert_allclose(labels.downbeats, FULL.downbeats)


def test_labels_survive_beside_the_audio(tmp_path):
    prepared(tmp_path, ["plain", "full", "chords/only"])
    corpus = Corpus.load(tmp_path)
    assert corpus.labels(0) == Labels() and corpus.labels(0).f0 is None
    assert_full(corpus.labels(1))
    assert corpus.labels(2) == Labels(chords=FULL.chords[:1])
    np.testing.assert_array_equal(corpus.f0_starts, [0, 100, 200, 250])
    assert corpus.f0.dtype == np.float32 and len(corpus.f0) == 250
    np.testing.assert_array_equal(corpus.f0[100:200], FULL.f0)
    assert np.isnan(corpus.f0[:100]).all() and np.isnan(corpus.f0[200:]).all()


def test_a_corpus_without_labels_has_no_label_files(tmp_path):
    corpus = prepared(tmp_path, ["a"], plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "audio.i16",
        "items.csv",
        "left_out.csv",
    ]
    assert corpus.labels(0) == Labels()
    assert corpus.f0 is None


def test_labels_of_parts_already_made_are_kept(tmp_path):
    def stops(item):
        if item.name == "chords/only":
            raise KeyboardInterrupt
        return make(item)

    def other(item):
        assert item.name != "full"
        return make(item)

    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path, ["full", "chords/only"], stops)
    corpus = prepared(tmp_path, ["full", "chords/only"], other)
    assert_full(corpus.labels(0))
    assert corpus.labels(1).chords == FULL.chords[:1]


def test_labels_without_samples_are_not_a_part(tmp_path):
    (tmp_path / "parts").mkdir()
    label_files.write_part(Labels(key="C:maj"), tmp_path / "parts" / "full.labels.npz", f0_frames=0)
    assert_full(prepared(tmp_path, ["full"]).labels(0))


def test_f0_of_another_length_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"99 frames and its audio 100"):
        prepared(tmp_path, ["a"], wrong)


def test_a_cut_f0_file_is_refused(tmp_path):
    prepared(tmp_path, ["full"])
    (tmp_path / "f0.f32").write_bytes(bytes(396))
    with pytest.raises(DataError, match="396 bytes and items.csv accounts for 400"):
        Corpus.load(tmp_path).labels(0)


def test_labels_that_no_longer_are_there_disappear(tmp_path):
    prepared(tmp_path, ["full"])
    prepared(tmp_path, ["plain"])
    assert not (tmp_path / "chords.csv").exists()
    assert not (tmp_path / "f0.f32").exists()
