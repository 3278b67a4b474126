"""Frames of overlapping windows: every one once, in its place, for as long as it takes."""

import numpy as np
import pytest
from fake_models import FRAME_RATE, FRAME_SAMPLES, FakeFrameRunner, make_frame_card

from mirzoo.annotate import annotate
from mirzoo.errors import ArtefactError, AudioError, CardError
from mirzoo.tasks import decode
from mirzoo.tasks.chords import ChordDecoding
from mirzoo.tasks.frames import FrameJoiner
from mirzoo.tasks.melody import MelodyDecoding

RATE = 1000
LABELS = ["N", "C:maj", "D:maj", "X"]


def chord_card(**contract):
    return make_frame_card(
        "chords", outputs={"chords": 4}, labels=LABELS,
        decoding=ChordDecoding(change_penalty=0.0), **contract,
    )  # fmt: skip


LAYOUTS = [
    {},
    {"window_samples": 1000, "hop_samples": 1000, "pad_left_samples": 0},
    {"window_samples": 1000, "hop_samples": 10, "pad_left_samples": 495},
    {"window_samples": 640, "hop_samples": 500, "pad_left_samples": 70},
    {"window_samples": 654, "hop_samples": 500, "pad_left_samples": 77},
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_frames_tile_a_recording(layout):
    card = chord_card(**layout)
    contract, joiner = card.input, FrameJoiner(card)
    starts = np.arange(7) * contract.hop_samples - contract.pad_left_samples
    frames = contract.window_samples // FRAME_SAMPLES + 1
    middles = starts[:, None] + FRAME_SAMPLES * np.arange(frames)
    values = np.repeat(middles[..., None], 4, axis=2).astype(float)
    joined = joiner.join({"chords": values}, starts / RATE)["chords"][:, 0]
    np.testing.assert_allclose(joiner.times(len(joined)) * RATE, joined)
    np.testing.assert_array_equal(np.diff(joined), FRAME_SAMPLES)
    assert 0 <= joined[0] < FRAME_SAMPLES
    assert joined[-1] < 7 * contract.hop_samples <= joined[-1] + FRAME_SAMPLES


@pytest.mark.parametrize("first_frame_s", [0.0, 0.004, 0.123])
def test_a_first_frame_that_is_not_at_the_start(first_frame_s):
    card = chord_card()
    output = card.outputs[0].model_copy(update={"first_frame_s": first_frame_s})
    card = card.updated(outputs=[output.model_dump()])
    starts = (np.arange(3) * 800 - 100) / RATE
    times = starts[:, None] + first_frame_s + np.arange(100) / FRAME_RATE
    joiner = FrameJoiner(card)
    joined = joiner.join({"chords": np.repeat(times[..., None], 4, 2)}, starts)["chords"]
    first_missing = max(0.0, first_frame_s - 0.1)
    np.testing.assert_allclose(joiner.times(80), joined[:80, 0], atol=1e-9)
    assert first_missing <= joined[0, 0] < first_missing + 0.01 + 1e-9


@pytest.mark.parametrize("layout", LAYOUTS[:4:3])
@pytest.mark.parametrize("n_samples", [60, 700, 799, 800, 801, 905, 1600, 12345])
def test_every_frame_is_heard_once_up_to_the_end(layout, n_samples):
    rng = np.random.default_rng(n_samples)
    frames = -(-n_samples // FRAME_SAMPLES)
    classes = rng.integers(0, 3, frames)
    waveform = np.repeat(classes, FRAME_SAMPLES)[:n_samples].astype(np.float32)
    chords = annotate(FakeFrameRunner(chord_card(**layout)), waveform)
    middles = np.arange(frames) / FRAME_RATE
    heard = [
        next(label for start, end, label in chords.segments if start <= middle < end)
        for middle in middles
    ]
    assert heard == [LABELS[number] for number in classes]
    assert chords.segments[0][0] == 0
    assert chords.segments[-1][1] == chords.duration_s


@pytest.mark.slow
def test_an_hour_later_a_click_is_still_where_it_was():
    seconds, clicks = 3600, [0.0, 0.79, 0.8, 17.23, 1799.99, 1800.0, 3599.98]
    waveform = np.zeros(seconds * RATE, np.float32)
    for click in clicks:
        waveform[round(click * RATE)] = 1
    chords = annotate(FakeFrameRunner(chord_card()), waveform)
    found = [(start, end) for start, end, label in chords.segments if label == "C:maj"]
    half = 0.5 / FRAME_RATE
    expected = [(max(0.0, click - half), click + half) for click in (*clicks[:1], 0.795,
                *clicks[3:4], 1799.995, *clicks[6:])]  # fmt: skip
    expected[1] = (0.785, 0.805)
    expected[3] = (1799.985, 1800.005)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert chords.duration_s == pytest.approx(seconds, abs=0.2)


def test_a_recording_too_short_says_so():
    with pytest.raises(AudioError, match=r"too short.*0\.400 s"):
        annotate(FakeFrameRunner(chord_card(min_samples=400)), np.zeros(160, np.float32))


def test_the_least_that_is_enough_is_heard():
    card = chord_card(min_samples=1000)
    chords = annotate(FakeFrameRunner(card), np.zeros(1120, np.float32))
    assert chords.labels == ("N",)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"tags": np.zeros((1, 101, 4))}, "its card names 'chords'"),
        ({"chords": np.zeros((1, 101, 5))}, r"\(windows, frames, 4\)"),
        ({"chords": np.zeros((1, 404))}, r"\(windows, frames, 4\)"),
        ({"chords": np.zeros((1, 89, 4))}, "89 frames .* first 90 are needed"),
        ({"chords": np.full((1, 101, 4), np.inf)}, "not finite"),
    ],
)
def test_outputs_that_do_not_fit_the_card(outputs, message):
    with pytest.raises(ArtefactError, match=message):
        decode(chord_card(), outputs, np.array([-0.1]), duration_s=0.5)


def test_windows_that_were_left_out_are_noticed():
    outputs = {"chords": np.full((2, 101, 4), 0.25)}
    with pytest.raises(ArtefactError, match=r"window 1 .* at 1\.5000 s instead of 0\.7000 s"):
        decode(chord_card(), outputs, np.array([-0.1, 1.5]), duration_s=2.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pad_left_samples": 0}, "pad_left_samples is 0.*half of what windows share, 100"),
        ({"hop_samples": 801, "pad_left_samples": 99}, "half of what windows share, 99.5"),
        ({"hop_samples": 804, "pad_left_samples": 98}, r"hop_samples 804 holds 80\.4000 frames"),
    ],
)
def test_windows_whose_frames_cannot_join_are_no_card(changes, message):
    with pytest.raises(ValueError, match=message):
        chord_card(**changes)


def test_cards_demand_what_their_task_needs():
    card = chord_card()
    melody = MelodyDecoding(fmin=55.0).model_dump()
    for changes, message in (
        ({"decoding": None}, "decoding is missing; the task 'chords'"),
        ({"decoding": melody}, "decoding is of type 'melody'; the task 'chords'"),
        ({"labels": ["N", "C:maj", "Dmaj7", "X"]}, "'Dmaj7' is no chord label"),
        ({"labels": []}, "labels = \\[\\]"),
        ({"decoding": {"type": "chords", "prior": [0.5, 0.5]}}, "prior has 2 entries.*4 labels"),
        ({"decoding": {"type": "chords", "transition": [[1.0]] * 4}}, "lengths \\[1, 1, 1, 1\\]"),
        ({"decoding": {"type": "cords"}}, "cords"),
        ({"outputs": [{"name": "chords", "axes": card.outputs[0].model_dump()["axes"]}]},
         "no frame_rate"),
        ({"task": "tagging"}, "a tagger's has thresholds alone"),
        ({"task": "melody", "labels": [], "decoding": {**melody, "average_bins": 4}}, "even"),
    ):  # fmt: skip
        with pytest.raises(CardError, match=message):
            card.updated(**changes)


def test_a_recording_is_decoded_otherwise_than_the_card_says():
    waveform = np.repeat([1, 2, 1], [400, 10, 390]).astype(np.float32)
    runner = FakeFrameRunner(chord_card())
    steady = annotate(runner, waveform, decoding={"change_penalty": 100.0})
    assert [label for _, _, label in steady.segments] == ["C:maj"]
    assert len(annotate(runner, waveform).segments) == 3
    assert runner.card.decoding.change_penalty == 0.0


def test_settings_that_a_decoding_lacks_or_that_describe_outputs_are_refused():
    melody = make_frame_card(
        "melody", outputs={"salience": 61}, decoding=MelodyDecoding(fmin=220.0)
    )
    for settings, message in (
        ({"change_penalty": 1.0}, "no setting 'change_penalty'.*voicing_threshold"),
        ({"fmin": 55.0}, "no setting 'fmin'"),
        ({"type": "chords"}, "no setting 'type'"),
        ({"voicing_threshold": 1.5}, "voicing_threshold is 1.5; allowed are numbers from 0 to 1"),
    ):
        with pytest.raises(CardError, match=message):
            melody.decoded_with(settings)
    assert melody.decoded_with({"voicing_threshold": 0.9}).decoding == MelodyDecoding(
        fmin=220.0, voicing_threshold=0.9
    )
    assert melody.decoded_with({}) is melody
