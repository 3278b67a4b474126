"""The scores on cards: measured on what was held out, and on nothing else."""

import re

import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_frame_card

from mirzoo.data import corpus
from mirzoo.data.corpus import Item
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.evaluation import corpora
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.melody import MelodyDecoding

LEVEL = 0.01
RIGHT_HZ = 220.0 * 2 ** (1 / 60)


class LevelRunner(FakeFrameRunner):
    """Outputs the class of each hundredth of full scale."""

    def predict_windows(self, windows):
        return super().predict_windows(windows / LEVEL)


def make(item):
    """Five seconds of C and 223 Hz; other splits than "test" are labelled with something else."""
    held_out = item.split == "test"
    chord, f0 = ("C:maj", RIGHT_HZ) if held_out else ("D:maj", 440.0 * 2**0.5)
    labels = Labels(chords=(ChordSpan(0.0, 5.0, chord),), f0=np.full(500, f0, np.float32))
    return np.full(80000, LEVEL, np.float32), Labels() if item.group == "bare" else labels


@pytest.fixture
def toys(tmp_path):
    """A corpus with an item of every split, and one of the test split without labels."""
    splits = {"a": "train", "b": "valid", "c": "test", "bare": "test"}
    return prepare(tmp_path / "toys", splits)


def prepare(folder, splits):
    items = [Item(name, folder.name, name, "", split) for name, split in splits.items()]
    return corpus.prepare(items, folder, make=make, min_seconds=1.0, processes=1)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """The corpora are collections that `mirzoo.data.sources` knows."""

    class Toys:
        name, grouping, rendered, unjudged = "toys", "toy", True, ("seg", "voicing recall")

    monkeypatch.setattr(corpora, "find_collection", lambda name: Toys)


def chord_model(name="fake_chords"):
    return LevelRunner(make_frame_card(
        "chords", outputs={"chords": 4}, labels=["N", "C:maj", "D:maj", "X"],
        decoding=ChordDecoding(change_penalty=0.0), name=name,
    ))  # fmt: skip


def melody_model():
    return LevelRunner(
        make_frame_card("melody", outputs={"salience": 61}, decoding=MelodyDecoding(fmin=220.0))
    )


@pytest.mark.parametrize("model", [chord_model, melody_model])
def test_only_held_out_items_count(toys, model):
    """Items of other splits have other labels: one of them would lower the scores."""
    runner = model()
    metrics = {metric.metric: metric for metric in corpora.measure(runner, [toys])}
    task = TASKS[runner.card.task]
    assert list(metrics) == [
        name
        for name in task.headline
        if name not in ("seg", "voicing recall", "voicing false alarm")
    ]
    main = metrics[task.headline[0]]
    assert main.value == pytest.approx(1.0, abs=0.01)
    assert {(m.split, m.n, m.dataset, m.rendered) for m in metrics.values()} == {
        ("test", 1, "toys", True)
    }
    assert main.method.endswith("held out by toy")
    assert float(re.search(r"(\d+) s judged", main.method)[1]) == pytest.approx(5, abs=1)


def test_intervals_are_of_groups_that_are_held_out_together(tmp_path):
    def make_half(item):
        waveform, right = make(item)
        return waveform, right if item.name in "aceg" else Labels((ChordSpan(0.0, 5.0, "D:maj"),))

    def interval(group_of):
        items = [Item(name, "toys", group_of(name), name, "test") for name in "abcdefgh"]
        folder = tmp_path / group_of("a")
        halves = corpus.prepare(items, folder, make=make_half, min_seconds=1.0, processes=1)
        metrics = {each.metric: each for each in corpora.measure(chord_model(), [halves])}
        assert metrics["majmin"].value == pytest.approx(0.5, abs=0.02)
        return metrics["majmin"].interval

    assert interval(str) == pytest.approx((0.125, 0.875), abs=0.03)
    assert interval(lambda name: "one") is None


def test_other_models_are_baselines_on_the_same_items(toys):
    class Wrong(LevelRunner):
        def predict_windows(self, windows):
            return super().predict_windows(2 * windows)

    wrong = Wrong(chord_model("wrong_chords").card)
    metrics = {m.metric: m for m in corpora.measure(chord_model(), [toys], baselines=[wrong])}
    assert metrics["majmin"].baseline == pytest.approx({"wrong_chords": 0.0}, abs=0.01)


def test_corpora_without_held_out_labels_drop_out(toys, tmp_path):
    bare = prepare(tmp_path / "bare", {"bare": "test", "a": "train"})
    assert corpora.measure(chord_model(), [bare]) == []
    assert len(corpora.measure(chord_model(), [bare, toys])) == 4
