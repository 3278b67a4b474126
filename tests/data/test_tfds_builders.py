"""The builders of TensorFlow Datasets give back what a prepared corpus holds."""

import numpy as np
import pytest

from mirzoo.data import corpus, sources
from mirzoo.data.corpus import Item
from mirzoo.data.labelled import labelled_recordings
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.errors import DataError

tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is missing")
tfds_builders = pytest.importorskip("mirzoo.data.tfds_builders")

NAME = "charts_mma"
ITEMS = [
    Item("one/a", NAME, "one", "", "train"),
    Item("one/b", NAME, "one", "", "train"),
    Item("two", NAME, "two", "", "test"),
]


def make(item):
    """A second of ramp, with labels of every kind for the first item and none for the last."""
    waveform = np.linspace(-0.5, 0.5, 16000, dtype=np.float32)
    if item.name == "two":
        return waveform, Labels()
    return waveform, Labels(
        chords=(ChordSpan(0.0, 0.25, "N"), ChordSpan(0.25, 1.0, "A:min7/b3")),
        f0=np.where(np.arange(100) < 50, np.nan, 220.5).astype(np.float32),
        beats=np.array([0.25, 0.75]), downbeats=np.array([0.25]), key="Eb:maj",
        instruments=("Cello", "Flute"), tags=("slow",),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRZOO_DATA", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    return tmp_path


def prepare(home):
    return corpus.prepare(
        ITEMS, home / "corpus" / NAME, make=make, min_seconds=0.5, processes=1,
    )  # fmt: skip


def test_every_collection_has_a_builder():
    names = [config.name for config in tfds_builders.Mirzoo.BUILDER_CONFIGS]
    assert names == sources.list_collections()
    assert tfds_builders.Mirzoo.name == "mirzoo"


def test_a_collection_that_is_not_prepared_says_how(home):
    builder = tfds.builder("mirzoo/ultrastar", data_dir=home / "tfds")
    with pytest.raises(DataError, match=r"'ultrastar' is not prepared.*mirzoo prepare ultrastar"):
        builder._corpus()


@pytest.mark.slow
def test_a_prepared_corpus_comes_back_whole(home):
    prepared = prepare(home)
    train, info = tfds.load(f"mirzoo/{NAME}", split="train", data_dir=home / "tfds", with_info=True)
    assert set(info.splits) == {"train", "test"}
    assert info.splits["train"].num_examples == 2
    assert info.metadata["sha256"] == tfds_builders.file_hashes(prepared)
    assert {"audio.i16", "chords.csv", "f0.f32", "items.csv"} <= set(info.metadata["sha256"])
    assert info.redistribution_info.license == sources.collection(NAME).licence
    example = next(iter(train))
    assert example["audio"].dtype == "int16"
    assert example["chords"]["label"].numpy().tolist() == [b"N", b"A:min7/b3"]

    found = {recording.name: recording for recording in labelled_recordings(f"tfds:mirzoo/{NAME}")}
    assert sorted(found) == ["one/a", "one/b", "two"]
    for index, item in enumerate(prepared.items):
        recording, expected = found[item.name], prepared.labels(index)
        assert recording.group == item.group
        samples = prepared.audio[item.offset_samples : item.offset_samples + item.n_samples]
        np.testing.assert_array_equal(recording.source, samples)
        assert recording.read(8000).shape == (8000,)
        for kind in ("chords", "key", "instruments", "tags"):
            assert getattr(recording.labels, kind) == getattr(expected, kind)
        for kind in ("f0", "beats", "downbeats"):
            np.testing.assert_array_equal(getattr(recording.labels, kind), getattr(expected, kind))
    (last,) = labelled_recordings(f"tfds:mirzoo/{NAME}", split="test")
    assert last.name == "two" and last.labels == Labels()
    with pytest.raises(DataError, match="no split 'valid'; it has test, train"):
        labelled_recordings(f"tfds:mirzoo/{NAME}", split="valid")


def test_a_corpus_folder_is_a_source_too(home):
    prepared = prepare(home)
    folder = prepared.directory
    train = list(labelled_recordings(folder, need="chords", split="train"))
    assert [recording.name for recording in train] == ["one/a", "one/b"]
    assert train[0].labels.key == "Eb:maj"
    assert train[0].read(16000).shape == (16000,)
    with pytest.raises(DataError, match="no chords: its recordings have no labels"):
        list(labelled_recordings(folder, need="chords", split="test"))
    with pytest.raises(DataError, match="no split 'valid'"):
        labelled_recordings(folder, split="valid")
