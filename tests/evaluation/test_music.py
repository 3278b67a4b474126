"""Scores of chords and melody: those of mir_eval, and averages over recordings."""

import mir_eval
import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_card, make_frame_card

from mirzoo.errors import DataError
from mirzoo.evaluation import (
    LabelledRecording,
    Score,
    evaluate,
    evaluate_recordings,
    find_labelled_recordings,
    overall,
)
from mirzoo.tasks.chords import ChordDecoding, Chords, chord_agreement, chord_scores
from mirzoo.tasks.melody import Melody, MelodyDecoding, melody_scores


@pytest.fixture
def truth():
    return Chords([(0.0, 2.0, "C:maj"), (2.0, 3.0, "A:min7/b3"), (3.0, 4.5, "G:sus4"),
                   (4.5, 6.0, "N")])  # fmt: skip


@pytest.fixture
def estimate():
    return Chords([(0.0, 1.8, "C:maj"), (1.8, 3.1, "A:min"), (3.1, 4.0, "G:maj"),
                   (4.0, 5.0, "D:7"), (5.0, 6.2, "N")])  # fmt: skip


def test_chord_scores_are_mir_eval_s(truth, estimate):
    expected = mir_eval.chord.evaluate(
        truth.intervals, list(truth.labels), estimate.intervals, list(estimate.labels)
    )
    scores = chord_scores(truth, estimate)
    assert set(scores) == set(expected)
    for name, score in scores.items():
        assert score.value == pytest.approx(expected[name]), name
    assert scores["root"].seconds == pytest.approx(6.0)
    assert scores["majmin"].seconds == pytest.approx(4.5)


def test_a_recording_agrees_with_itself(truth):
    scores = chord_scores(truth, truth)
    assert {score.value for score in scores.values()} == {1.0}


def test_time_without_labels_is_not_judged():
    truth = Chords([(1.0, 2.0, "C:maj"), (3.0, 4.0, "G:maj")])
    scores = chord_scores(truth, Chords([(1.0, 2.0, "C:maj"), (2.0, 4.0, "G:maj")]))
    assert scores["majmin"] == Score(1.0, pytest.approx(2.0))
    missing = chord_scores(truth, Chords([(0.0, 1.5, "C:maj")]))
    assert missing["majmin"] == Score(pytest.approx(0.25), pytest.approx(2.0))


def test_agreement_has_no_reference(truth, estimate):
    there, back = chord_agreement(truth, estimate), chord_agreement(estimate, truth)
    assert there.keys() == back.keys()
    for name in there:
        assert there[name].value == pytest.approx(back[name].value)
    assert chord_scores(truth, estimate)["majmin"] != chord_scores(estimate, truth)["majmin"]


def test_melody_scores_are_mir_eval_s():
    rng = np.random.default_rng(0)
    times = np.arange(0, 5, 0.01)
    f0 = 220 * 2 ** (rng.normal(0, 0.3, 500) / 12) * np.where(rng.random(500) < 0.7, 1, -1)
    other_times = np.arange(0, 5, 0.0116)
    other = 220 * 2 ** (rng.normal(0, 0.3, len(other_times)) / 12)
    other *= np.where(rng.random(len(other_times)) < 0.6, 1, -1)
    scores = melody_scores(Melody(times, f0), Melody(other_times, other))
    expected = mir_eval.melody.evaluate(times, f0, other_times, other)
    assert {name: score.value for name, score in scores.items()} == pytest.approx(
        {name.lower(): value for name, value in expected.items() if name.lower() in scores}
    )
    assert len(scores) == 5
    assert scores["overall accuracy"].seconds == pytest.approx(5.0)
    assert scores["raw pitch accuracy"].seconds == pytest.approx((f0 > 0).sum() / 100)


def test_what_is_not_there_is_not_judged():
    times = np.arange(10) / 10
    silent, sung = Melody(times, np.zeros(10)), Melody(times, np.full(10, 220.0))
    scores = melody_scores(silent, sung)
    assert scores["raw pitch accuracy"].seconds == 0
    assert np.isnan(scores["raw pitch accuracy"].value)
    assert scores["voicing false alarm"].value == 1.0
    assert melody_scores(sung, sung)["voicing false alarm"].seconds == 0


def test_recordings_count_by_the_seconds_they_judge():
    nothing = {"sevenths": Score(float("nan"), 0.0)}
    both = [{"sevenths": Score(1.0, 10.0)}, {"sevenths": Score(0.0, 30.0)}, nothing]
    assert overall(both)["sevenths"] == Score(0.25, 40.0)
    assert np.isnan(overall([nothing])["sevenths"].value)


@pytest.fixture
def chord_runner():
    return FakeFrameRunner(make_frame_card(
        "chords", outputs={"chords": 4}, labels=["N", "C:maj", "D:maj", "X"],
        decoding=ChordDecoding(change_penalty=0.0),
    ))  # fmt: skip


def recording(classes, label):
    waveform = np.repeat(classes, 1600).astype(np.float32)
    return LabelledRecording(waveform, Chords([(0.0, len(waveform) / 1000, label)]))


def test_a_model_is_scored_on_recordings(chord_runner):
    recordings = [recording([1, 1, 1], "C:maj"), recording([1], "D:maj")]
    done = []
    metrics = evaluate_recordings(
        chord_runner, recordings, dataset="made up", rendered=True, progress=done.append
    )
    scores = {metric.metric: metric for metric in metrics}
    assert scores["majmin"].value == pytest.approx(0.75)
    assert scores["majmin"].n == 2
    assert scores["majmin"].rendered
    assert "6 s judged" in scores["majmin"].method
    assert done == [1, 2]
    assert {m.metric: m.value for m in evaluate(chord_runner, recordings)}["root"] == (
        pytest.approx(0.75)
    )


def test_labels_lie_beside_recordings(tmp_path):
    import soundfile

    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(1600), 1000)
    with pytest.raises(DataError, match=r"no recording in .*song\.lab"):
        find_labelled_recordings(tmp_path, "chords")
    Chords([(0.0, 1.6, "N")]).write(tmp_path / "b.lab")
    (found,) = find_labelled_recordings(tmp_path, "chords")
    assert found.source == tmp_path / "b.wav"
    assert found.truth.labels == ("N",)


def test_what_cannot_be_scored_says_why(chord_runner):
    with pytest.raises(DataError, match="no recording to score"):
        evaluate_recordings(chord_runner, [], dataset="x")
    melody = LabelledRecording(np.zeros(1600, np.float32), Melody([0.0], [220.0]))
    with pytest.raises(DataError, match="truth is a melody, but fake_chords is a model for chords"):
        evaluate_recordings(chord_runner, [melody], dataset="x")
    tagger = type("Tagger", (), {"card": make_card()})()
    with pytest.raises(DataError, match="fake_tagger is a model for tagging"):
        evaluate_recordings(tagger, [melody], dataset="x")


def test_a_melody_model_is_scored():
    runner = FakeFrameRunner(make_frame_card(
        "melody", outputs={"salience": 61}, decoding=MelodyDecoding(fmin=220.0)
    ))  # fmt: skip
    waveform = np.repeat([12, 24], 800).astype(np.float32)
    times = np.arange(160) / 100
    truth = Melody(times, np.where(times < 0.8, 220 * 2 ** (12 / 60), 100.0))
    scores = {m.metric: m.value for m in evaluate(runner, [LabelledRecording(waveform, truth)])}
    assert scores["raw pitch accuracy"] == pytest.approx(0.5)
    assert scores["voicing recall"] == 1.0
