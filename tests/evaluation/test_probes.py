"""Probes of a model on prepared corpora, with a model that hears pitch and nothing else."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from mirzoo.data.corpus import Corpus, Item, prepare
from mirzoo.errors import DataError
from mirzoo.evaluation import probes as probing

RATE = 16000
WINDOW = RATE


class Ear:
    """Its embedding is the pitch, its only voice tag is on for high tones."""

    name = "ear"
    card = SimpleNamespace(
        labels=["guitar", "vocals"],
        live=False,
        window_s=WINDOW / RATE,
        input=SimpleNamespace(window_samples=WINDOW),
    )

    def predict_windows(self, windows):
        assert windows.shape[1] == WINDOW
        hertz = np.abs(np.fft.rfft(windows)).argmax(axis=1)
        high = (hertz > 1000).astype(np.float32)
        return {"tags": np.stack([1 - high, high], axis=1), "embedding": hertz[:, None] / 1000.0}


def tone(item: Item) -> np.ndarray:
    """A second and a half at the pitch that the item's path ends with, or low and then high."""
    pitches = [int(p) for p in item.path.split("/")[-1].split("-")]
    t = np.arange(RATE * 3 // 2) / RATE
    return np.concatenate([0.3 * np.sin(2 * np.pi * p * t) for p in pitches]).astype(np.float32)


def make(folder, name, paths):
    items = [Item(str(i), name, str(i), path, "test") for i, path in enumerate(paths)]
    prepare(items, folder / name, make=tone, min_seconds=0.0, processes=1)


def test_classes_are_told_apart(tmp_path, caplog):
    make(
        tmp_path,
        "instruments",
        [f"low/{300 + i}" for i in range(6)] + [f"high/{2000 + i}" for i in range(6)],
    )
    caplog.set_level("INFO", "mirzoo")
    (metric,) = probing.probe(Ear(), tmp_path, baselines=[Ear()])
    assert metric.value == 1.0 and metric.n == 12 and metric.interval == (1.0, 1.0)
    assert metric.baseline == {"ear": 1.0}
    assert any("emotify is not prepared" in line for line in caplog.messages)


def test_singing_is_ranked_against_known_times(tmp_path, monkeypatch):
    make(tmp_path, "ultrastar", ["x/300-3000", "y/3000-300"])
    sung = {"x/300-3000": [[1.5, 3.0]], "y/3000-300": [[0.0, 1.5]]}
    monkeypatch.setitem(probing.SUNG, "ultrastar", lambda item: np.array(sung[item.path]))
    (metric,) = probing.probe(Ear(), tmp_path)
    assert metric.metric == "singing ROC-AUC" and metric.n == 6
    assert metric.value == 1.0 and metric.interval == (1.0, 1.0)


def test_the_interval_of_singing_is_of_songs(tmp_path, monkeypatch):
    make(tmp_path, "ultrastar", [f"{n}/300-3000" for n in range(8)])
    times = {0: [[1.5, 3.0]], 1: [[0.0, 1.5]]}  # the model is right of the first half of songs
    monkeypatch.setitem(
        probing.SUNG, "ultrastar", lambda item: np.array(times[int(item.path[0]) // 4])
    )
    (metric,) = probing.probe(Ear(), tmp_path)
    low, high = metric.interval
    assert low < metric.value - 0.1 and high > metric.value + 0.1


def test_moods_are_those_that_listeners_felt(tmp_path):
    rows = [", ".join(["track id", "genre", *probing.EMOTIONS])]
    felt = {
        "aroused, pleasant": "joyful_activation",
        "aroused, unpleasant": "tension",
        "unaroused, pleasant": "calmness",
        "unaroused, unpleasant": "sadness",
    }
    recordings, expected = [], []
    for genre, first in (("classical", 0), ("rock", 100)):
        for track, (quadrant, emotion) in enumerate(felt.items(), start=1):
            recordings.append(tmp_path / genre / f"{track}.mp3")
            expected.append(quadrant)
            for _ in range(2):
                votes = [str(int(name == emotion)) for name in probing.EMOTIONS]
                rows.append(",".join([str(first + track), genre, *votes]))
    ratings = tmp_path / "data.csv"
    ratings.write_text("\n".join(rows) + "\n")
    assert probing.mood_quadrants(recordings, ratings) == expected
    with pytest.raises(DataError, match="has no rating of rock/9.mp3"):
        probing.mood_quadrants([tmp_path / "rock" / "9.mp3"], ratings)


def test_moods_are_probed_by_artists_that_nothing_is_trained_on(tmp_path, monkeypatch):
    items = [
        Item(str(i), "magnatune", f"artist {i // 2}", f"data/music/g/{(300, 2000)[i % 2] + i}",
             "train" if i < 4 else "test")
        for i in range(24)
    ]  # fmt: skip
    prepare(items, tmp_path / "magnatune", make=tone, min_seconds=0.0, processes=1)
    moods = ["high" if i % 2 else "low" for i in range(24)]
    monkeypatch.setattr(probing, "mood_quadrants", lambda recordings, ratings: moods)
    (metric,) = probing.probe(Ear(), tmp_path)
    assert (metric.metric, metric.value, metric.n) == ("mood probe accuracy", 1.0, 20)


def test_models_without_voice_tags_have_no_singing_figure(tmp_path, caplog, monkeypatch):
    make(tmp_path, "ultrastar", ["x/300-3000"])
    monkeypatch.setattr(Ear.card, "labels", ["guitar", "piano"])
    caplog.set_level("INFO", "mirzoo")
    assert probing.probe(Ear(), tmp_path) == []
    assert any("no tag for singing" in line for line in caplog.messages)


class LiveEar:
    """As `Ear`, of the last second, in frames a quarter of a second apart."""

    name = "live ear"
    card = SimpleNamespace(
        live=True,
        labels=Ear.card.labels,
        window_s=1.0,
        sample_rate=RATE,
        input=Ear.card.input,
        outputs=[SimpleNamespace(first_frame_s=0.0, frame_rate=4.0)],
    )

    def predict_windows(self, windows):
        (waveform,) = np.pad(windows, ((0, 0), (RATE, 0)))
        places = range(0, len(waveform) - RATE + 1, RATE // 4)
        frames = Ear().predict_windows(np.stack([waveform[p : p + RATE] for p in places]))
        return {name: values[np.newaxis] for name, values in frames.items()}


def test_live_models_are_measured_in_the_frames_that_windows_end_with(tmp_path, monkeypatch):
    make(tmp_path, "ultrastar", ["x/300-3000", "y/3000-300"])
    sung = {"x/300-3000": [[1.5, 3.0]], "y/3000-300": [[0.0, 1.5]]}
    monkeypatch.setitem(probing.SUNG, "ultrastar", lambda item: np.array(sung[item.path]))
    assert probing.probe(LiveEar(), tmp_path) == probing.probe(Ear(), tmp_path)
    windows = Corpus.load(tmp_path / "ultrastar").windows(
        per_item=2, seed=3, window_samples=RATE, split="test"
    )
    ours, theirs = (probing._window_tags(model, windows) for model in (LiveEar(), Ear()))
    np.testing.assert_array_equal(ours.round(), theirs.round())


def test_published_models_predict_a_corpus_once(tmp_path, monkeypatch):
    make(
        tmp_path,
        "instruments",
        [f"low/{300 + i}" for i in range(6)] + [f"high/{2000 + i}" for i in range(6)],
    )
    monkeypatch.setattr(probing, "PORTS", {"ear": None})
    first = probing.probe(Ear(), tmp_path)
    monkeypatch.setattr(Ear, "predict_windows", None)
    assert probing.probe(Ear(), tmp_path) == first


def test_predictions_of_an_earlier_version_are_read(tmp_path, monkeypatch):
    """They were one file for all items, their windows one after the other."""
    make(tmp_path, "tones", ["x/300-3000", "y/3000-300"])
    corpus = Corpus.load(tmp_path / "tones")
    monkeypatch.setattr(probing, "PORTS", {"ear": None})
    found = probing._item_predictions(Ear(), corpus)
    (folder,) = (corpus.directory / "targets").iterdir()
    shutil.rmtree(folder)
    joined = {name: np.concatenate([clip[name] for clip in found]) for name in found[0]}
    np.savez(corpus.directory / "targets" / "ear_items_whole.npz", **joined)
    monkeypatch.setattr(Ear, "predict_windows", None)
    again = probing._item_predictions(Ear(), corpus)
    for ours, theirs in zip(again, found, strict=True):
        np.testing.assert_array_equal(ours["tags"], theirs["tags"])
