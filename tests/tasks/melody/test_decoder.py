"""From a melody model's outputs to a melody."""

import numpy as np
import pytest
from fake_models import FakeFrameRunner, make_frame_card

from mirzoo.annotate import annotate
from mirzoo.tasks import decode
from mirzoo.tasks.melody import (
    MelodyDecoder,
    MelodyDecoding,
    is_voiced,
    refine,
    strongest_bins,
)
from mirzoo.tasks.melody import decoder as decoding

BINS = 120
WINDOW = np.array([-0.1])


def card(*, voicing=True, **decoding):
    outputs = {"salience": BINS, **({"voicing": 1} if voicing else {})}
    options = {"fmin": 110.0, "bins_per_octave": 60, **decoding}
    return make_frame_card("melody", outputs=outputs, decoding=MelodyDecoding(**options))


def peak(position, width=1.5):
    """Salience around a bin, which may lie between two."""
    return np.exp(-0.5 * ((np.arange(BINS) - position) / width) ** 2)


def window(positions, voicing=1.0):
    salience = np.zeros((1, 101, BINS))
    salience[0, 10:90] = np.stack([peak(position) for position in positions])
    return {"salience": salience, "voicing": np.full((1, 101, 1), voicing)}


@pytest.mark.parametrize("method", ["viterbi", "local_average"])
@pytest.mark.parametrize("position", [10, 60, 60.3, 99.6])
def test_the_frequency_is_finer_than_a_bin(method, position):
    found = decode(card(method=method), window([position] * 80), WINDOW, duration_s=0.8)
    cents = 1200 * np.log2(found.f0 / (110.0 * 2 ** (position / 60)))
    assert len(found.times) == 80
    assert np.abs(cents).max() < 1.5
    np.testing.assert_allclose(found.times, np.arange(80) / 100, atol=1e-9)


def test_an_unvoiced_frame_keeps_its_frequency_with_a_minus():
    found = decode(card(voicing_threshold=0.5), window([60] * 80, 0.3), WINDOW, duration_s=0.8)
    np.testing.assert_allclose(found.f0, -220.0)
    np.testing.assert_allclose(found.confidence, 0.3)


def test_without_a_voicing_output_the_peak_says_how_sure():
    outputs = {"salience": 0.7 * window([60] * 80)["salience"]}
    for threshold, sign in ((0.6, 1), (0.8, -1)):
        found = decode(
            card(voicing=False, voicing_threshold=threshold), outputs, WINDOW, duration_s=0.8
        )
        np.testing.assert_allclose(found.f0, sign * 220.0)
        np.testing.assert_allclose(found.confidence, 0.7)


def test_a_stray_octave_is_not_followed_but_a_new_note_is():
    positions = [30] * 80
    salience = np.stack([peak(position) for position in positions])
    salience[40] = 0.9 * peak(30) + peak(90)
    salience[60:] = 0.5 * peak(30) + peak(90)
    decoding = card().decoding
    path = strongest_bins(salience, decoding)
    assert set(path[:60]) == {30}
    assert set(path[60:]) == {90}
    assert (
        strongest_bins(salience, decoding.model_copy(update={"method": "local_average"}))[40] == 90
    )


def test_a_glide_is_followed():
    positions = np.linspace(20, 100, 80)
    found = decode(card(), window(positions), WINDOW, duration_s=0.8)
    cents = 1200 * np.log2(found.f0 / (110.0 * 2 ** (positions / 60)))
    assert np.abs(cents).max() < 3


def test_the_mean_stops_at_the_edges():
    salience = np.zeros((2, 6))
    salience[0, [0, 1]] = 1.0, 0.5
    salience[1, 5] = 1.0
    positions, peaks = refine(salience, np.array([0, 5]), 5)
    np.testing.assert_allclose(positions, [1 / 3, 5.0])
    np.testing.assert_allclose(peaks, [1.0, 1.0])
    positions, _ = refine(np.zeros((1, 6)), np.array([2]), 5)
    assert positions.tolist() == [2.0]


@pytest.mark.parametrize(
    ("shortest_s", "expected"),
    [(0.0, "1101000111100001"), (0.02, "1111000111100000"), (0.04, "1111111111100000"),
     (0.12, "1111111111111111")],
)  # fmt: skip
def test_short_gaps_are_closed_and_short_stretches_dropped(shortest_s, expected):
    voicing = np.array([int(c) for c in "1101000111100001"], float)
    decoding = MelodyDecoding(fmin=55.0, shortest_s=shortest_s)
    voiced = is_voiced(voicing, decoding, 100.0)
    assert "".join(map(str, voiced.astype(int))) == expected


def test_hysteresis_holds_a_melody_that_has_begun():
    voicing = np.array([0.4, 0.4, 0.7, 0.4, 0.35, 0.2, 0.4])
    held = MelodyDecoding(fmin=55.0, voicing_threshold=0.6, voicing_hysteresis=0.3)
    assert is_voiced(voicing, held, 100.0).tolist() == [True] * 5 + [False] * 2
    plain = held.model_copy(update={"voicing_hysteresis": 0.0})
    assert is_voiced(voicing, plain, 100.0).tolist() == [False] * 2 + [True] + [False] * 4


class LevelRunner(FakeFrameRunner):
    """Outputs the bin of each 128th of full scale."""

    def predict_windows(self, windows):
        return super().predict_windows(128 * windows)


@pytest.mark.parametrize("method", ["viterbi", "local_average"])
def test_blocks_join_without_a_seam(method, monkeypatch):
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.normal(0, 2, 8960))
    waveform = np.repeat(np.clip(np.abs(steps), 0, BINS - 1) / 128, 10).astype(np.float32)
    the_card = card(voicing=False, method=method, jump_penalty=0.1, leap_penalty=3.0)
    whole = annotate(LevelRunner(the_card), waveform)
    monkeypatch.setattr(decoding, "BLOCK_FRAMES", 1500)
    in_blocks = annotate(LevelRunner(the_card), waveform)
    np.testing.assert_array_equal(in_blocks.f0, whole.f0)
    np.testing.assert_array_equal(in_blocks.times, np.arange(8960) / 100)


def test_memory_does_not_grow_with_the_recording(monkeypatch):
    monkeypatch.setattr(decoding, "BLOCK_FRAMES", 1000)
    decoder = MelodyDecoder(card())
    sizes = []
    for number in range(60):
        decoder.add(window([60] * 80), WINDOW + 0.8 * number)
        sizes.append(sum(map(len, decoder._pending)))
    assert max(sizes) <= 1000 + 2 * decoding.CONTEXT_FRAMES + 80
    assert len(decoder.finish(duration_s=48.0).times) == 4800
