"""Beats, bars and tempo found in activations."""

import numpy as np
import pytest

from mirzoo.tasks.beats.bars import bar_positions, metres_of
from mirzoo.tasks.beats.config import OTHERS
from mirzoo.tasks.beats.tempo import candidates, steady_fit, tempo_curve, tempo_of
from mirzoo.tasks.beats.tracking import (
    LEAST,
    beat_lengths,
    change_scores,
    likeliest_beats,
    pick_beats,
    track_beats,
)

RATE = 50.0
SETTINGS = {
    "min_bpm": 40.0, "max_bpm": 240.0, "change_penalty": 100.0, "fast_penalty": 0.0, "odds": OTHERS,
    "threshold": 0.05,
}  # fmt: skip


def activation_of(times, seconds, noise=0.02, width=2, seed=0):
    """Triangles over the frames around times, which lie between frames."""
    frames = np.arange(round(seconds * RATE))
    apart = np.abs(frames[:, np.newaxis] - np.asarray(times) * RATE).min(axis=1)
    peaks = 0.9 * np.maximum(0.0, 1 - apart / width)
    return np.clip(peaks + noise * np.random.default_rng(seed).random(len(frames)), 0, 1)


def beats_through_all_states(activation, lengths, penalty):
    """The beats of the best path state by state and frame by frame."""
    change = change_scores(lengths, penalty)
    inside = np.clip(activation, LEAST, 1 - LEAST)
    edges = np.concatenate([[0], np.cumsum(lengths)])
    firsts, lasts = edges[:-1], edges[1:] - 1
    is_first = np.isin(np.arange(edges[-1]), firsts)
    score, came = np.zeros(edges[-1]), []
    for frame, a in enumerate(inside):
        if frame:
            arrived = score[lasts][:, np.newaxis] + change
            came.append(arrived.argmax(axis=0))
            score = np.roll(score, 1)
            score[firsts] = arrived.max(axis=0)
        score = score + np.where(is_first, np.log(a), np.log((1 - a) / OTHERS))
    state, beats = int(score.argmax()), []
    for frame in range(len(inside) - 1, -1, -1):
        if is_first[state]:
            beats.append(frame)
            if frame:
                state = int(lasts[came[frame - 1][np.searchsorted(firsts, state)]])
        else:
            state -= 1
    return beats[::-1]


@pytest.mark.parametrize("seed", range(6))
def test_the_search_from_beat_to_beat_finds_the_best_path_of_all_states(seed):
    activation = np.random.default_rng(seed).random(120 + 31 * seed) ** 3
    lengths = beat_lengths(RATE, 60.0, 240.0)
    found = likeliest_beats(activation, lengths, 20.0)
    assert found.tolist() == beats_through_all_states(activation, lengths, 20.0)


@pytest.mark.parametrize("frames", [1, 2, 13, 74, 76])
def test_recordings_shorter_than_a_beat(frames):
    starts = likeliest_beats(np.full(frames, 0.1), beat_lengths(RATE, 40.0, 240.0), 100.0)
    assert len(starts) <= frames


@pytest.mark.parametrize("bpm", [41.0, 67.3, 120.0, 176.5, 200.0, 238.0])
@pytest.mark.parametrize("width", [1.01, 2, 3])
def test_a_steady_tempo_to_the_millisecond(bpm, width):
    times = np.arange(0.33, 30.0, 60.0 / bpm)
    found = track_beats(activation_of(times, 30.2, width=width), RATE, **SETTINGS)
    assert len(found.frames) == len(times)
    assert np.abs(found.frames / RATE - times).max() < 0.02
    fit = steady_fit(found.frames / RATE)
    assert abs(fit.offset_s - 0.33) < 0.003 and 60 / fit.period_s == pytest.approx(bpm, rel=4e-4)


def test_high_activations_between_beats_are_eighth_notes_where_the_tempo_would_be_fast():
    times = np.arange(0.5, 30.0, 60.0 / 104.0)
    between = 0.9 * activation_of(times[:-1] + 30.0 / 104.0, 30.0, noise=0.0)
    activation = np.maximum(activation_of(times, 30.0), between)
    assert len(track_beats(activation, RATE, **SETTINGS).frames) > 1.9 * len(times)
    found = track_beats(activation, RATE, **{**SETTINGS, "fast_penalty": 3.0})
    assert len(found.frames) == len(times)
    assert np.abs(found.frames / RATE - times).max() < 0.02
    fast = np.arange(0.5, 30.0, 60.0 / 176.0)
    found = track_beats(activation_of(fast, 30.0), RATE, **{**SETTINGS, "fast_penalty": 3.0})
    assert len(found.frames) == len(fast)


def test_low_activations_between_beats_are_none_where_all_are_too_high():
    times = np.arange(0.5, 30.0, 60.0 / 65.0)
    between = 0.25 * activation_of(times[:-1] + 30.0 / 65.0, 30.0, noise=0.0)
    activation = np.maximum(activation_of(times, 30.0), between)
    assert len(track_beats(activation, RATE, **SETTINGS).frames) > 1.9 * len(times)
    found = track_beats(activation, RATE, **{**SETTINGS, "odds": 3.0})
    assert len(found.frames) == len(times)


def test_a_tempo_that_changes_and_beats_that_are_missing():
    intervals = np.concatenate([np.full(30, 0.5), np.linspace(0.5, 0.4, 20), np.full(40, 0.4)])
    times = 0.5 + np.cumsum(intervals)
    sounding = np.delete(times, [10, 11, 60])
    found = track_beats(activation_of(sounding, times[-1] + 0.1), RATE, **SETTINGS)
    assert len(found.frames) == len(times)
    assert np.abs(found.frames / RATE - times).max() < 0.04
    curve = tempo_curve(found.frames / RATE)
    assert curve[5] == pytest.approx(120, abs=3) and curve[-5] == pytest.approx(150, abs=4)


def test_silence_has_no_beats_and_a_beginning_without_music_none_either():
    assert not len(track_beats(np.full(500, 0.01), RATE, **SETTINGS).frames)
    times = np.arange(8.0, 20.0, 0.5)
    found = track_beats(activation_of(times, 25.0, noise=0.01), RATE, **SETTINGS)
    assert len(found.frames) == len(times)
    assert found.frames[0] / RATE == pytest.approx(8.0, abs=0.02)


def test_a_beat_at_the_beginning_is_found():
    times = np.arange(0.0, 10.0, 0.5)
    found = track_beats(activation_of(times, 10.0), RATE, **SETTINGS)
    assert found.frames[0] == 0.0 and len(found.frames) == 20


def test_peaks():
    times = np.array([0.5, 1.0, 2.0, 3.0])
    activation = activation_of(times, 4.0, noise=0.0)
    activation[94] = 0.6
    found = pick_beats(activation, RATE)
    assert (found.frames / RATE).round(2).tolist() == [0.5, 1.0, 1.88, 2.0, 3.0]
    activation[94], activation[97] = 0.0, 0.6  # within 70 ms of a higher one
    assert (pick_beats(activation, RATE).frames / RATE).round(1).tolist() == [0.5, 1.0, 2.0, 3.0]
    assert not len(pick_beats(np.full(100, 0.3), RATE).frames)


@pytest.mark.parametrize("metre", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("pickup", [0, 1])
def test_bars_of_every_metre_begin_anywhere(metre, pickup):
    rng = np.random.default_rng(metre)
    places = (np.arange(60) - pickup) % metre
    downbeat = np.where(places == 0, 0.7, 0.1) + 0.1 * rng.random(60)
    assert (bar_positions(downbeat, change_penalty=8.0) == places + 1).all()


def test_a_change_of_metre_and_one_odd_beat():
    places = np.concatenate([np.tile(np.arange(4), 8), np.tile(np.arange(3), 10)])
    downbeat = np.where(places == 0, 0.9, 0.05)
    assert (bar_positions(downbeat, change_penalty=8.0) == places + 1).all()
    downbeat[12], downbeat[13] = 0.2, 0.6  # one downbeat is at the wrong place
    assert (bar_positions(downbeat, change_penalty=8.0) == places + 1).all()


def test_beats_a_bar_that_are_given():
    downbeat = np.where(np.arange(48) % 4 == 1, 0.9, 0.1)
    found = bar_positions(downbeat, beats_per_bar=3, change_penalty=8.0)
    assert set(found.tolist()) == {1, 2, 3} and (np.diff(np.flatnonzero(found == 1)) == 3).all()
    assert not len(bar_positions(np.zeros(0), change_penalty=8.0))


def test_metres_of_unfinished_bars():
    assert metres_of([4, 1, 2, 3, 4, 1, 2]).tolist() == [4] * 7
    assert metres_of([1, 2, 3, 1, 2, 3, 4, 5]).tolist() == [3] * 3 + [5] * 5
    assert metres_of([3, 4]).tolist() == [0, 0]


def test_changes_of_length_are_probabilities_and_far_ones_rare():
    scores = change_scores(beat_lengths(RATE, 40.0, 240.0), 100.0)
    assert np.exp(scores).sum(axis=1) == pytest.approx(1.0)
    assert scores[0, 0] - scores[0, 1] == pytest.approx(2.0)
    assert scores[0, 0] - scores[0, 2] == pytest.approx(100 * 2 / 12)
    assert scores[-1, -1] - scores[-1, -2] == pytest.approx(100 / 75)


def test_two_tempi_with_weights():
    frames = np.arange(0, 1500, 25)
    activation = np.zeros(1500)
    activation[frames] = 0.9
    (first, weight), (second, other) = candidates(120.0, activation, frames)
    assert (first, weight + other) == (120.0, pytest.approx(1.0))
    assert second == 60.0 and weight > 0.9  # nothing tells: the tempo nearest to 110
    activation[frames[::2]] = 0.45
    assert candidates(120.0, activation, frames)[1] == (60.0, pytest.approx(1 / 3))
    activation[frames + 12] = 0.6
    assert candidates(120.0, activation, frames)[1][0] == 240.0
    assert candidates(None, activation, frames) == () and candidates(120.0) == ((120.0, 1.0),)


def test_tempo_of_few_beats():
    assert tempo_of(np.array([1.0])) is None and steady_fit(np.array([1.0])) is None
    assert np.isnan(tempo_curve(np.array([1.0]))).all()
    assert tempo_of(np.array([0.0, 1.0, 4.0])) == pytest.approx(30.0)


@pytest.mark.parametrize("level", [0.08, 0.15, 0.25, 0.4])
def test_unsure_downbeats_do_not_make_long_bars(level):
    """However low activations are, what is higher every four beats makes bars of four."""
    rng = np.random.default_rng(1)
    downbeat = level * np.where(np.arange(80) % 4 == 2, 1.3, 0.9) + rng.normal(0, 0.01, 80)
    positions = bar_positions(downbeat, change_penalty=8.0)
    assert (positions[2::4] == 1).all() and positions.max() == 4
