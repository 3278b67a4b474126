"""Readers are known by prefix or path; one of somebody's own is like the others."""

import numpy as np
import pytest

from mirzoo.data.folder import load
from mirzoo.data.labelled import held_out_split, is_known, labelled_recordings
from mirzoo.data.labels import Labels
from mirzoo.data.readers import READERS, Reader, check_split, find_reader, forms_of
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError


class Tones(Reader):
    name, prefixed = "tones", True
    forms = ("tones:COUNT",)

    def splits(self, words):
        return {"train", "test"}

    def recordings(self, words, split):
        check_split(words, split, self.splits(words))
        for number in range(int(words.removeprefix("tones:"))):
            yield Recording(str(number), str(number), np.ones(8000), lambda: Labels(key="C:maj"))

    def clips(self, words):
        return [Recording.tagged(np.ones(8000), ["tone"], "a", 8000)]


@pytest.fixture
def tones():
    list(READERS)
    READERS.register(Tones)
    yield
    del READERS._things["tones"]


def test_every_reader_reads_recordings_or_clips():
    assert set(READERS) == {"beside", "corpus", "csv", "folder", "mirdata", "tfds"}
    gives = {
        what: {name for name in READERS if READERS[name].gives(what)}
        for what in ("recordings", "clips")
    }
    assert gives["recordings"] == {"corpus", "mirdata", "tfds"}
    assert gives["clips"] == {"csv", "folder", "mirdata", "tfds"}


@pytest.mark.usefixtures("tones")
def test_a_reader_of_your_own_is_found_by_its_prefix():
    assert is_known("tones:3")
    assert held_out_split("tones:3") == "test"
    found = list(labelled_recordings("tones:3", need="key", split="test"))
    assert [recording.name for recording in found] == ["0", "1", "2"]
    assert load("tones:1").labels == ("tone",)
    assert "tones:COUNT" in forms_of("recordings")
    with pytest.raises(DataError, match="has no split 'valid'; it has test, train"):
        list(labelled_recordings("tones:3", split="valid"))


def test_paths_are_read_by_what_is_there(tmp_path):
    (tmp_path / "clips.csv").touch()
    assert find_reader(tmp_path, "clips").name == "folder"
    assert find_reader(tmp_path, "recordings") is None
    assert find_reader(tmp_path / "clips.csv", "clips").name == "csv"
    assert find_reader("tones:3", "clips") is None
    (tmp_path / "items.csv").touch()
    (tmp_path / "audio.i16").touch()
    assert find_reader(tmp_path, "recordings").name == "corpus"
