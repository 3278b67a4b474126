"""Predictions are computed once, in order, and an interrupted pass goes on."""

import numpy as np
import pytest

from mirzoo.data.corpus import Corpus, Item, prepare
from mirzoo.data.predictions import (
    BATCH_WINDOWS,
    BATCHES_PER_PART,
    item_predictions,
    window_predictions,
)


def hum(item: Item) -> np.ndarray:
    return np.full(16000 * 30, int(item.name) / 100, np.float32)


@pytest.fixture
def windows(tmp_path):
    items = [Item(str(i), "hums", str(i), "", "train") for i in range(1, 4)]
    corpus = prepare(items, tmp_path / "hums", make=hum, processes=1)
    return corpus.windows(per_item=200, seed=0, window_samples=1600, split="train")


def loudness(batch: np.ndarray) -> dict[str, np.ndarray]:
    level = np.abs(batch).mean(axis=1, keepdims=True)
    return {"tags": level, "embedding": np.concatenate([level, -level], axis=1)}


def test_each_window_gets_its_own_answer(windows):
    assert len(windows) > BATCH_WINDOWS * BATCHES_PER_PART
    targets = window_predictions(windows, "ear", lambda: loudness)
    expected = (windows.items + 1) / 100
    np.testing.assert_allclose(targets["tags"][:, 0], expected, rtol=1e-2)
    np.testing.assert_allclose(targets["embedding"][:, 1], -expected, rtol=1e-2)


def test_answers_are_kept(windows):
    first = window_predictions(windows, "ear", lambda: loudness)

    def gone():
        raise AssertionError("the teacher was asked again")

    np.testing.assert_array_equal(window_predictions(windows, "ear", gone)["tags"], first["tags"])


def test_other_windows_are_not_mixed_up(windows):
    window_predictions(windows, "ear", lambda: loudness)
    others = windows.corpus.windows(per_item=3, seed=1, window_samples=1600)
    assert len(window_predictions(others, "ear", lambda: loudness)["tags"]) == len(others) == 9


def test_interrupted_pass_goes_on(windows):
    heard = []

    def tired(batch):
        if len(heard) == BATCHES_PER_PART + 2:
            raise KeyboardInterrupt
        heard.append(len(batch))
        return loudness(batch)

    with pytest.raises(KeyboardInterrupt):
        window_predictions(windows, "ear", lambda: tired)
    again = []

    def rested(batch):
        again.append(len(batch))
        return loudness(batch)

    targets = window_predictions(windows, "ear", lambda: rested)
    assert sum(again) == len(windows) - BATCH_WINDOWS * BATCHES_PER_PART
    np.testing.assert_allclose(targets["tags"][:, 0], (windows.items + 1) / 100, rtol=1e-2)
    assert isinstance(windows.corpus, Corpus)


def level(waveform: np.ndarray) -> dict[str, np.ndarray]:
    return {"level": np.abs(waveform).mean(keepdims=True)}


def test_items_are_predicted_once_and_written_whole(windows):
    corpus = windows.corpus
    seen = []

    def tired(waveform):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(len(waveform))
        return level(waveform)

    with pytest.raises(KeyboardInterrupt):
        list(item_predictions(corpus, "ear", lambda: tired))
    levels = [p["level"][0] for p in item_predictions(corpus, "ear", lambda: level)]
    np.testing.assert_allclose(levels, [0.01, 0.02, 0.03], rtol=1e-2)
    assert seen == [480000, 480000]
    again = item_predictions(corpus, "ear", lambda: pytest.fail("the model was asked again"))
    assert [p["level"][0] for p in again] == levels
    assert {path.suffix for path in (corpus.directory / "targets").rglob("*.*")} == {".npz"}


def test_predictions_of_an_earlier_version_are_read(windows):
    corpus = windows.corpus
    before = corpus.directory / "targets" / "ear"
    before.mkdir(parents=True)
    np.savez(before / "00001.npz", level=np.array([7.0]))
    found = [p["level"][0] for p in item_predictions(corpus, "ear", lambda: level)]
    np.testing.assert_allclose(found, [0.01, 7.0, 0.03], rtol=1e-2)
    window_predictions(windows, "ear", lambda: loudness)
    (folder,) = {
        path.parent
        for path in (corpus.directory / "targets").glob("ear_*/*.npz")
        if "tags" in np.load(path)
    }
    for name in ("tags", "embedding"):
        np.save(folder / f"{name}.npy", np.zeros((len(windows), 1), np.float16))
    gone = window_predictions(windows, "ear", lambda: pytest.fail("the model was asked again"))
    assert not gone["tags"].any() and gone["tags"].shape == (len(windows), 1)


def test_other_items_have_predictions_of_their_own(tmp_path):
    for names in ("12", "34"):
        items = [Item(str(i), "hums", str(i), "", "train") for i in map(int, names)]
        folder = tmp_path / names
        corpus = prepare(items, folder, make=hum, processes=1)
        if names == "34":
            (tmp_path / "12" / "targets").rename(folder / "targets")
        levels = [p["level"][0] for p in item_predictions(corpus, "ear", lambda: level)]
        np.testing.assert_allclose(levels, [int(n) / 100 for n in names], rtol=1e-2)


def counting(batch: np.ndarray) -> dict[str, np.ndarray]:
    """The first sample, the last and how many seconds there are, of whole windows of a ramp."""
    return {
        "tags": np.stack(
            [batch[:, 0], batch[:, -1], np.full(len(batch), batch.shape[1] / 16000)], 1
        )
    }


def test_a_model_that_takes_more_is_given_the_music_around(tmp_path):
    def ramp(item: Item) -> np.ndarray:
        return np.linspace(0, 1, 16000 * int(item.name), dtype=np.float32)

    items = [Item(name, "ramps", name, "", "train") for name in ("30", "22")]
    corpus = prepare(items, tmp_path / "ramps", make=ramp, processes=1)
    windows = corpus.windows(per_item=5, seed=0, window_samples=16000)
    longer = 10 * 16000
    given = window_predictions(windows, "ear", lambda: counting, samples=lambda: longer)["tags"]
    assert (given[:, 2] == 10).all() and len(given) == len(windows)
    for item, seconds in enumerate((30, 22)):
        mine = windows.items == item
        offset = corpus.items[item].offset_samples
        begins = given[mine, 0] * seconds
        middle = (windows.starts[mine] - offset) / 16000 + 0.5
        assert ((begins <= middle + 0.1) & (middle <= begins + 10.1)).all()
        np.testing.assert_allclose(given[mine, 1] * seconds - begins, 10, atol=0.1)
        assert begins.max() == pytest.approx(seconds - 10, abs=0.1)


def test_a_recording_shorter_than_the_model_takes_is_repeated(windows):
    longer, rows = windows.around(40 * 16000)
    assert len(longer) == 3 and sorted(set(rows)) == [0, 1, 2]
    read = longer.read(np.arange(3))
    assert read.shape == (3, 40 * 16000)
    np.testing.assert_allclose(read[1] / 32767, 0.02, rtol=1e-2)
    np.testing.assert_array_equal(read[0, : 10 * 16000], read[0, 30 * 16000 :])
