"""Beats that a teacher and librosa agree on, and nothing else, become targets."""

from types import SimpleNamespace

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE, Item, prepare
from mirzoo.data.labels import Labels
from mirzoo.errors import RecipeError
from mirzoo.tasks.beats.config import BeatsDecoding
from mirzoo.tasks.beats.targets import BeatTargets
from mirzoo.tasks.beats.teachers import _agreed, agreed_targets, agreeing_stretches
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.training.teachers import Teachers

SECONDS, RATE = 30, 50.0


def clicks(item):
    """Clicks at 120 a minute; every fourth is louder."""
    waveform = np.random.default_rng(0).normal(0, 1e-4, SECONDS * SAMPLE_RATE).astype(np.float32)
    for number, at in enumerate(np.arange(0.5, SECONDS - 1, 0.5)):
        start = int(at * SAMPLE_RATE)
        waveform[start : start + 800] += (0.9 if number % 4 == 0 else 0.4) * np.sin(
            np.arange(800) * 0.4
        )
    return waveform


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    items = [Item("clicks/1", "clicks", "1", "", "train")]
    return prepare(items, tmp_path_factory.mktemp("clicks"), make=clicks, processes=1)


def teachers_of(corpus, monkeypatch, period_s, decoding=None):
    """Teachers with one beat model that finds beats at a period, bars of four of them."""
    card = SimpleNamespace(decoding=decoding or BeatsDecoding(), task="chords")
    teachers = Teachers(corpus, ["finder"], lambda name: SimpleNamespace(card=card))
    times = np.arange(int(SECONDS * RATE)) / RATE

    def predict(waveform):
        activation = np.full((len(times), 2), 0.02)
        for number, at in enumerate(np.arange(0.5, SECONDS - 1, period_s)):
            activation[round(at * RATE)] = (0.9, 0.8 if number % 4 == 0 else 0.05)
        return times, {"beats": activation}

    monkeypatch.setattr(teachers, "frames", lambda name: predict, raising=False)
    return teachers


def test_beats_that_both_find_are_targets_and_so_are_bars(corpus, monkeypatch, tmp_path):
    teachers = teachers_of(corpus, monkeypatch, 0.5)
    times = np.arange(1500) / RATE
    rows = agreed_targets(teachers, [times]).read(0, 1500, 0)["beats"]
    beats, downbeats = (times[rows[:, column] == 1] for column in (0, 1))
    assert len(beats) > 40 and np.abs(beats % 0.5 - 0.25).min() > 0.2
    assert (np.abs(((downbeats - 0.5) / 2) % 1) < 0.02).all() and len(downbeats) > 9


def test_bars_of_a_teacher_that_is_not_sure_are_unknown(corpus, monkeypatch):
    teachers = teachers_of(corpus, monkeypatch, 0.5)
    known = next(teachers.predictions("finder+onsets", lambda: pytest.fail("not cached")))
    known["finder_downbeats"] = np.full_like(known["finder_downbeats"], 0.4)
    monkeypatch.setattr(teachers, "predictions", lambda key, ready: iter([known]), raising=False)
    rows = agreed_targets(teachers, [np.arange(1500) / RATE]).read(0, 1500, 0)["beats"]
    assert (rows[:, 1] == -1).all() and (rows[:, 0] == 1).sum() > 40


def test_a_teacher_in_another_tempo_gives_nothing(corpus, monkeypatch):
    teachers = teachers_of(corpus, monkeypatch, 0.75)
    corpus_without_cache = teachers
    monkeypatch.setattr(
        corpus_without_cache,
        "predictions",
        lambda key, ready: iter([ready()(clicks(None))]),
        raising=False,
    )
    rows = agreed_targets(teachers, [np.arange(1500) / RATE]).read(0, 1500, 0)["beats"]
    assert (rows == -1).all()


def test_beats_between_those_of_the_other_do_not_agree():
    times = np.arange(40) * 0.5
    assert agreeing_stretches(times, times + 0.05) == [slice(0, 40)]
    assert agreeing_stretches(times, times + 0.1) == []
    others = np.sort(np.append(times, 10.25))
    assert agreeing_stretches(times, others) == [slice(0, 21), slice(21, 40)]
    assert agreeing_stretches(times[:0], times) == []


def test_what_cannot_be_is_refused(corpus, monkeypatch):
    teachers = teachers_of(corpus, monkeypatch, 0.5, ChordDecoding())
    monkeypatch.setattr(teachers, "predictions", lambda key, ready: iter([ready()]), raising=False)
    with pytest.raises(RecipeError, match="beats are distilled from beat models"):
        agreed_targets(teachers, [np.arange(10) / RATE])


def test_of_three_two_suffice_and_librosa_may_count_half_or_twice_as_many():
    beats = np.arange(80) * 0.5
    systems = {
        "a_times": beats, "a_downbeats": np.full(80, 0.3),
        "b_times": beats[20:60] + 0.01, "b_downbeats": np.tile([0.9, 0.1, 0.1, 0.1], 10),
        "onsets": beats[1::2] + 0.02,
    }  # fmt: skip
    together, level = _agreed(systems, ["a", "b"])[:2]
    np.testing.assert_array_equal(together.beats, beats[20:60])
    np.testing.assert_array_equal(together.downbeats, beats[20:60:4])
    np.testing.assert_array_equal(level.beats[:3], beats[1:4])
    assert level.downbeats is None and len(level.beats) == 79
    assert not _agreed({**systems, "onsets": beats + 0.2, "b_times": beats - 0.2}, ["a", "b"])


def test_what_lies_between_two_stretches_is_unknown():
    times = np.arange(1500) / RATE
    labels = [Labels(beats=np.arange(start, start + 9, 0.5)) for start in (1.0, 15.0, 17.25)]
    (rows,) = BeatTargets.of_stretches([labels], [times]).read(0, 1500, 0).values()
    known = rows[:, 0] >= 0
    assert known[50:500].all() and not known[502:723].any() and known[726:1200].all()
    assert rows[round(17.25 * RATE), 0] == 0 and rows[round(17.5 * RATE), 0] == 1
    assert (rows[:, 1] == -1).all()
