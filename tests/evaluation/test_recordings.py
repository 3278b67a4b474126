"""Models scored on recordings with labels over time, and averages over recordings."""

import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_card, make_frame_card

from mirzoo.errors import DataError
from mirzoo.evaluation import (
    LabelledRecording,
    evaluate,
    evaluate_recordings,
    find_labelled_recordings,
)
from mirzoo.tasks.chords import ChordDecoding, Chords
from mirzoo.tasks.melody import Melody, MelodyDecoding


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
