"""Recordings that are heard in one piece, as long as they are, and those too long for it."""

import numpy as np
import pytest
from fake_models import FRAME_RATE, FRAME_SAMPLES, FakeFrameRunner, make_frame_card

from mirzoo.annotate import annotate, frame_outputs
from mirzoo.errors import AudioError
from mirzoo.tasks.chords import ChordDecoding

LABELS = ["N", "C:maj", "D:maj", "X"]
CONTEXT = 100
LONGEST = 900  # of a window of 1,000 samples, the context before the recording is taken off


def whole_card(**contract):
    return make_frame_card(
        "chords", outputs={"chords": 4}, labels=LABELS,
        decoding=ChordDecoding(change_penalty=0.0), whole=True, **contract,
    )  # fmt: skip


class Listener:
    """Gives each frame the class that its sample says, and notes what it heard."""

    def __init__(self, card):
        self.card = card
        self.heard = []

    def predict_windows(self, windows):
        self.heard.append(windows.copy())
        classes = windows[:, ::FRAME_SAMPLES].astype(int)
        return {"chords": np.eye(4)[classes]}


def steps(n_samples):
    classes = np.arange(-(-n_samples // FRAME_SAMPLES)) % 3
    return np.repeat(classes, FRAME_SAMPLES)[:n_samples].astype(np.float32)


@pytest.mark.parametrize("n_samples", [160, 480, 800])
def test_what_fits_is_heard_exactly_as_it_is(n_samples):
    runner = Listener(whole_card())
    waveform = steps(n_samples)
    times, outputs = frame_outputs(runner, waveform)
    assert [windows.shape for windows in runner.heard] == [(1, n_samples)]
    np.testing.assert_array_equal(runner.heard[0][0], waveform)
    np.testing.assert_array_equal(outputs["chords"].argmax(axis=1), waveform[::FRAME_SAMPLES])
    np.testing.assert_allclose(times, np.arange(n_samples // FRAME_SAMPLES) / FRAME_RATE)


def test_frames_of_a_whole_recording_are_where_the_card_says():
    card = whole_card()
    output = card.outputs[0].model_copy(update={"first_frame_s": 0.005})
    card = card.updated(outputs=[output.model_dump()])
    times, _ = frame_outputs(Listener(card), steps(320))
    np.testing.assert_allclose(times, 0.005 + np.arange(32) / FRAME_RATE)
    segments = annotate(Listener(card), steps(320)).segments
    np.testing.assert_allclose([start for start, _, _ in segments], np.arange(32) / FRAME_RATE)


@pytest.mark.parametrize("n_samples", [960, 1600, 4000])
def test_what_does_not_fit_is_heard_in_windows_one_at_a_time(n_samples):
    runner = FakeFrameRunner(whole_card())
    lengths = []
    predict = runner.predict_windows
    runner.predict_windows = lambda windows: lengths.append(windows.shape) or predict(windows)
    waveform = steps(n_samples)
    _, outputs = frame_outputs(runner, waveform)
    assert set(lengths) == {(1, 1000)}
    np.testing.assert_array_equal(outputs["chords"].argmax(axis=1), waveform[::FRAME_SAMPLES])


def test_there_are_as_many_times_as_frames_where_the_model_gives_one_less():
    runner = Listener(whole_card())
    predict = runner.predict_windows
    runner.predict_windows = lambda windows: {"chords": predict(windows)["chords"][:, :-1]}
    times, outputs = frame_outputs(runner, steps(480))
    assert len(times) == len(outputs["chords"]) == 47


def test_both_ways_meet_without_a_gap():
    for n_samples in range(LONGEST - 160, LONGEST + 161, FRAME_SAMPLES):
        waveform = steps(n_samples)
        _, outputs = frame_outputs(Listener(whole_card()), waveform)
        said = outputs["chords"].argmax(axis=1)[: len(waveform) // FRAME_SAMPLES]
        np.testing.assert_array_equal(said, waveform[::FRAME_SAMPLES])


def test_a_recording_too_short_says_so():
    with pytest.raises(AudioError, match=r"too short.*0\.400 s"):
        annotate(Listener(whole_card(min_samples=400)), np.zeros(160, np.float32))


def test_windows_need_context():
    with pytest.raises(ValueError, match="whole is true and pad_left_samples is 0"):
        whole_card(window_samples=1000, hop_samples=1000, pad_left_samples=0)
