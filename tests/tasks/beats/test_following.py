"""Beats followed while they come: as the search over the whole finds them, within the lag."""

import numpy as np
import pytest

from mirzoo.tasks.beats import BeatsDecoding
from mirzoo.tasks.beats.bars import BarFollower, bar_positions
from mirzoo.tasks.beats.decoder import find_beats
from mirzoo.tasks.beats.following import LEAST_LAG, BeatFollower

RATE = 50.0


def follower(lag=12, **changes):
    settings = {
        "min_bpm": 40.0, "max_bpm": 240.0, "change_penalty": 100.0, "fast_penalty": 3.0,
        "odds": 15.0, "threshold": 0.1,
    }  # fmt: skip
    return BeatFollower(RATE, lag=lag, **{**settings, **changes})


def clicks(periods, seed=0):
    """Noisy activations of beats with these lengths (frames), and where they are."""
    rng = np.random.default_rng(seed)
    frames = 30 + np.concatenate([[0.0], np.cumsum(periods)])
    activation = rng.uniform(0.0, 0.15, int(frames[-1]) + 40)
    activation[np.round(frames).astype(int)] = rng.uniform(0.5, 1.0, len(frames))
    return activation, frames


def followed(activation, **settings):
    """The beats, and how many frames each came after its own."""
    beats, late = [], []
    finder = follower(**settings)
    for now, value in enumerate(activation):
        for beat in finder.add(float(value), 0.0):
            beats.append(beat.frame)
            late.append(now - beat.frame)
    return np.array(beats + [beat.frame for beat in finder.finish()]), np.array(late)


@pytest.mark.parametrize(
    "periods",
    [np.full(60, 25.0), np.full(60, 31.4), np.linspace(22, 34, 80)],
    ids=["whole", "between frames", "slower"],
)
def test_beats_are_those_of_the_whole_search_and_come_in_time(periods):
    activation, _ = clicks(periods)
    found, late = followed(activation)
    whole = find_beats(activation, RATE, BeatsDecoding(threshold=0.1)).frames
    settled = whole[whole > 250]
    assert np.abs(settled[:, np.newaxis] - found).min(axis=1).max() <= 1
    assert (np.diff(found[found > 250]) > 15).all()
    assert late.max() <= 12 and late.min() >= 0


def test_after_a_leap_the_new_beats_are_found_and_none_comes_too_soon():
    activation, frames = clicks(np.concatenate([np.full(30, 25.0), [38.0], np.full(30, 25.0)]))
    found, late = followed(activation)
    new = frames[45:-1]
    assert np.abs(new[:, np.newaxis] - found).min(axis=1).max() <= 1
    assert np.diff(found).min() >= 0.6 * 12 - 5 and late.max() <= 12


def test_where_nothing_sounds_there_are_no_beats():
    activation, _ = clicks(np.full(40, 25.0))
    silence = np.full(600, 0.001)
    found, _ = followed(np.concatenate([silence, activation, silence]))
    assert found.min() > 595 and found.max() < 600 + len(activation) + 160
    assert not len(followed(silence)[0])


def test_the_lag_is_as_long_as_a_beat_takes_to_be_placed():
    assert follower(lag=0).lag == LEAST_LAG
    _, late = followed(clicks(np.full(40, 25.0))[0], lag=0)
    assert late.max() <= LEAST_LAG


def test_bars_that_are_followed_are_those_of_the_whole_once_they_are_found():
    likely = np.where(np.arange(48) % 3 == 1, 0.8, 0.1)
    bars = BarFollower(change_penalty=8.0)
    places = [bars.add(value) for value in likely]
    whole = bar_positions(likely, change_penalty=8.0)
    np.testing.assert_array_equal(places[8:], whole[8:])
    waltz = BarFollower(beats_per_bar=4, change_penalty=8.0)
    assert {waltz.add(value) for value in likely} == {1, 2, 3, 4}


def test_a_lag_goes_with_a_path_alone():
    with pytest.raises(ValueError, match="lag_s is 0.3, with method 'peaks' and steady False"):
        BeatsDecoding(lag_s=0.3, method="peaks")
    with pytest.raises(ValueError, match="'viterbi' and steady True"):
        BeatsDecoding(lag_s=0.3, steady=True)
