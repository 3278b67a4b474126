"""Backgrounds are as loud as asked, hum steadily, and fall towards high frequencies."""

import numpy as np
import pytest

from mirzoo.data import backgrounds
from mirzoo.data.backgrounds import background
from mirzoo.data.corpus import SAMPLE_RATE


def density(waveform):
    """Power at each Hz."""
    return np.abs(np.fft.rfft(waveform[: len(waveform) // SAMPLE_RATE * SAMPLE_RATE])) ** 2


@pytest.mark.parametrize("seed", range(8))
def test_a_background_has_its_length_and_loudness_all_the_time(seed):
    noise = background(3.0, np.random.default_rng(seed))
    assert noise.shape == (48000,) and noise.dtype == np.float32
    seconds = np.sqrt(np.mean(noise.reshape(3, -1) ** 2, axis=1))
    np.testing.assert_allclose(seconds, 1.0, rtol=0.2)
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1.0, abs=1e-4)


def test_the_same_generator_gives_the_same_background_and_others_another():
    first, again, other = (background(1.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.corrcoef(first, other)[0, 1]) < 0.5


def test_some_hum_with_the_mains_and_some_do_not(monkeypatch):
    monkeypatch.setattr(backgrounds, "TONE_DB", (0.0, 0.0))
    monkeypatch.setattr(backgrounds, "HARMONIC_DB", (0.0, 0.0))
    monkeypatch.setattr(backgrounds, "STEEPEST_DB_PER_OCTAVE", 0.0)
    humming = {50: 0, 60: 0}
    for seed in range(40):
        power = density(background(1.0, np.random.default_rng(seed)))
        for mains in humming:
            beside = np.median(power[[mains - 4, mains - 3, mains + 3, mains + 4]])
            humming[mains] += power[mains] > 100 * beside
    assert all(4 <= count <= 20 for count in humming.values())


def test_noise_falls_as_steeply_as_it_may(monkeypatch):
    monkeypatch.setattr(backgrounds, "STEEPEST_DB_PER_OCTAVE", 0.0)
    flat = backgrounds._coloured(10 * SAMPLE_RATE, np.random.default_rng(0))
    monkeypatch.undo()
    steps = []
    for seed in range(20):
        power = density(backgrounds._coloured(SAMPLE_RATE, np.random.default_rng(seed)))
        low, high = power[500:1000].mean(), power[1000:2000].mean()
        steps.append(10 * np.log10(high / low))
    assert -10 < min(steps) < -6 and -2 < max(steps) < 1
    assert np.corrcoef(flat[1:], flat[:-1])[0, 1] == pytest.approx(0, abs=0.02)


def test_a_steady_tone_is_a_harmonic_series():
    tone = backgrounds._steady_tone(200.0, SAMPLE_RATE, np.random.default_rng(3))
    power = density(tone)
    sounding = np.flatnonzero(power > 1e-4 * power.max())
    assert len(sounding) >= 1 and not np.any(sounding % 200)
    assert np.sqrt(np.mean(tone**2)) == pytest.approx(1.0)
