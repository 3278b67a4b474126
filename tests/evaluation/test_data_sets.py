"""Models scored on data sets by name: the held-out split, and what its labels make known."""

import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_frame_card

from mirzoo.data import corpus
from mirzoo.data.corpus import Item
from mirzoo.data.labels import ChordSpan, Labels
from mirzoo.data.readers import mirdata as mirdata_reader
from mirzoo.data.readers.mirdata import MirdataSet
from mirzoo.data.recordings import Recording
from mirzoo.errors import DataError
from mirzoo.evaluation import evaluate, recordings_of_data_set
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.melody import MelodyDecoding

CLASS_LEVEL = 0.01


class LevelRunner(FakeFrameRunner):
    """Hears a class for each hundredth of full scale."""

    def predict_windows(self, windows):
        return super().predict_windows(windows / CLASS_LEVEL)


@pytest.fixture
def chords():
    return LevelRunner(make_frame_card(
        "chords", outputs={"chords": 4}, labels=["N", "C:maj", "D:maj", "X"],
        decoding=ChordDecoding(change_penalty=0.0),
    ))  # fmt: skip


def make(item):
    """Five seconds of C, of which the label of the training item says that it is D."""
    label = {"train": "D:maj", "test": "C:maj"}[item.split]
    f0 = np.full(500, 220 * 2 ** (12 / 60), np.float32)
    f0[:100] = np.nan
    f0[100:200] = 0
    labels = Labels(chords=(ChordSpan(0.0, 5.0, label),), f0=f0)
    return np.full(80000, CLASS_LEVEL, np.float32), labels if item.name != "bare" else Labels()


@pytest.fixture
def folder(tmp_path):
    items = [Item("a", "toys", "a", "", "train"), Item("b", "toys", "b", "", "test"),
             Item("bare", "toys", "bare", "", "test")]  # fmt: skip
    corpus.prepare(items, tmp_path / "toys", make=make, min_seconds=1.0, processes=1)
    return tmp_path / "toys"


def values(metrics):
    return {metric.metric: metric.value for metric in metrics}


def test_a_corpus_counts_by_its_test_split(chords, folder):
    metrics = evaluate(chords, folder)
    assert values(metrics)["majmin"] == pytest.approx(1.0, abs=0.01)
    assert {(metric.split, metric.n, metric.dataset) for metric in metrics} == {
        ("test", 1, str(folder))
    }
    (wrong,) = recordings_of_data_set(folder, "chords", "train")
    assert values(evaluate(chords, [wrong]))["majmin"] == 0.0


def test_where_the_melody_is_not_known_nothing_is_judged(folder):
    runner = LevelRunner(make_frame_card(
        "melody", outputs={"salience": 61},
        decoding=MelodyDecoding(fmin=220.0 * 2 ** (11 / 60)),
    ))  # fmt: skip
    found = values(evaluate(runner, folder))
    assert found["raw pitch accuracy"] == 1.0
    assert found["overall accuracy"] == pytest.approx(300 / 400, abs=0.01)


def test_a_data_set_of_mirdata_is_scored(chords, monkeypatch):
    def load(name, data_home):
        assert (name, data_home) == ("songs", "/music")
        labels = Labels(chords=(ChordSpan(0.0, 5.0, "C:maj"),))
        waveform = np.full(40000, CLASS_LEVEL, np.float32)
        recording = Recording("a", "a", waveform, lambda: labels, source_rate=8000)
        return MirdataSet("songs", "none", "none", (recording,), ())

    monkeypatch.setattr(mirdata_reader, "load", load)
    metrics = evaluate(chords, "mirdata:songs@/music")
    assert values(metrics)["majmin"] == pytest.approx(1.0, abs=0.01)
    assert {(metric.split, metric.dataset) for metric in metrics} == {
        ("all recordings", "mirdata:songs@/music")
    }


def test_what_a_data_set_cannot_score_is_refused(folder):
    with pytest.raises(
        DataError, match="labels for beats and chords and key and melody, not for notes"
    ):
        recordings_of_data_set(folder, "notes")
