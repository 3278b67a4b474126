"""Teachers hear each window once, in order, and an interrupted pass goes on."""

import numpy as np
import pytest

from mirzoo.data.corpus import Corpus, Item, prepare
from mirzoo.training.distillation import BATCH_WINDOWS, BATCHES_PER_PART, teach


def hum(item: Item) -> np.ndarray:
    return np.full(16000 * 30, int(item.name) / 100, np.float32)


@pytest.fixture
def windows(tmp_path):
    items = [Item(str(i), "hums", str(i), "", "train") for i in range(1, 4)]
    corpus = prepare(items, tmp_path / "hums", make=hum, processes=1, report=lambda line: None)
    return corpus.windows(per_item=200, seed=0, window_samples=1600, split="train")


def loudness(batch: np.ndarray) -> dict[str, np.ndarray]:
    level = np.abs(batch).mean(axis=1, keepdims=True)
    return {"tags": level, "embedding": np.concatenate([level, -level], axis=1)}


def teach_quietly(windows, answer):
    return teach(windows, "ear", answer, report=lambda line: None)


def test_each_window_gets_its_own_answer(windows):
    assert len(windows) > BATCH_WINDOWS * BATCHES_PER_PART
    targets = teach_quietly(windows, lambda: loudness)
    expected = (windows.items + 1) / 100
    np.testing.assert_allclose(targets.tags[:, 0], expected, rtol=1e-2)
    np.testing.assert_allclose(targets.embedding[:, 1], -expected, rtol=1e-2)


def test_answers_are_kept(windows):
    first = teach_quietly(windows, lambda: loudness)

    def gone():
        raise AssertionError("the teacher was asked again")

    np.testing.assert_array_equal(teach_quietly(windows, gone).tags, first.tags)


def test_other_windows_are_not_mixed_up(windows):
    teach_quietly(windows, lambda: loudness)
    others = windows.corpus.windows(per_item=3, seed=1, window_samples=1600)
    assert len(teach_quietly(others, lambda: loudness).tags) == len(others) == 9


def test_interrupted_pass_goes_on(windows):
    heard = []

    def tired(batch):
        if len(heard) == BATCHES_PER_PART + 2:
            raise KeyboardInterrupt
        heard.append(len(batch))
        return loudness(batch)

    with pytest.raises(KeyboardInterrupt):
        teach_quietly(windows, lambda: tired)
    again = []

    def rested(batch):
        again.append(len(batch))
        return loudness(batch)

    targets = teach_quietly(windows, lambda: rested)
    assert sum(again) == len(windows) - BATCH_WINDOWS * BATCHES_PER_PART
    np.testing.assert_allclose(targets.tags[:, 0], (windows.items + 1) / 100, rtol=1e-2)
    assert isinstance(windows.corpus, Corpus)
