"""Voices moved in pitch, time and timbre."""

import importlib.util

import numpy as np
import pytest
from toy_voice import sung

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.studio.sound import tracking, voices

needs_trackers = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pyworld", "swift_f0")),
    reason="pyworld and swift-f0, the extra 'studio', are not installed",
)


def test_playing_faster_moves_pitch_and_time_alike():
    voice, contour = sung(220.0)
    faster, f0 = voices.shift_by_speed(voice, contour.astype(np.float32), 3.0)
    ratio = round(2 ** (3 / 12) * 100) / 100
    assert len(f0) == len(faster) // 160
    assert len(faster) == pytest.approx(len(voice) / ratio, abs=2)
    np.testing.assert_allclose(f0[100], contour[round(100 * ratio)] * ratio, rtol=1e-5)


@needs_trackers
def test_world_moves_pitch_and_leaves_time():
    voice, contour = sung(220.0)
    moved, f0 = voices.shift_by_world(voice, contour.astype(np.float32), -4.0)
    assert moved.shape == voice.shape
    tracked = tracking.track_voice(moved)
    voiced = np.flatnonzero(tracked[:85] > 0)
    assert len(voiced) > 60
    assert np.median(np.abs(1200 * np.log2(tracked[voiced] / f0[voiced]))) < 15


@needs_trackers
def test_a_pitch_that_swings_is_sung_as_it_is_written():
    voice, contour = sung(220.0)
    swing = 0.8 * np.sin(2 * np.pi * 3 * np.arange(len(contour)) / 100)
    swung, f0 = voices.shift_by_world(voice, contour.astype(np.float32), swing)
    tracked = tracking.track_voice(swung)
    voiced = np.flatnonzero((tracked[:85] > 0) & (f0[:85] > 0))
    off_cents = 1200 * np.log2(tracked[voiced] / f0[voiced])
    unswung_cents = 1200 * np.log2(tracked[voiced] / contour[voiced])
    assert np.median(np.abs(off_cents)) < 15 < np.median(np.abs(unswung_cents))


def centroid_hz(voice: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(voice)) ** 2
    return float(np.sum(np.fft.rfftfreq(len(voice), 1 / SAMPLE_RATE) * power) / power.sum())


@needs_trackers
def test_another_timbre_moves_formants_and_leaves_pitch():
    voice, contour = sung(220.0)
    f0 = contour.astype(np.float32)
    lower, same = voices.shift_by_world(voice, f0, 0.0, formants=0.82)
    higher, _ = voices.shift_by_world(voice, f0, 0.0, formants=1.22)
    np.testing.assert_array_equal(same, f0)
    assert centroid_hz(lower) < 0.95 * centroid_hz(higher)
    for other in (lower, higher):
        tracked = tracking.track_voice(other)
        voiced = np.flatnonzero((tracked[:85] > 0) & (f0[:85] > 0))
        assert len(voiced) > 60
        assert np.median(np.abs(1200 * np.log2(tracked[voiced] / f0[voiced]))) < 15


@needs_trackers
def test_breath_fills_the_gaps_between_partials():
    voice, contour = sung(220.0)
    f0 = contour.astype(np.float32)

    def between_partials(breath: float) -> float:
        spectrum = np.abs(np.fft.rfft(voices.shift_by_world(voice, f0, 0.0, breath=breath)[0]))
        hertz = np.fft.rfftfreq(len(voice), 1 / SAMPLE_RATE)
        apart = np.abs(hertz / 220 - np.round(hertz / 220)) > 0.35
        return float(np.sum(spectrum[apart] ** 2) / np.sum(spectrum**2))

    assert between_partials(0.4) > 1.2 * between_partials(2.0)


@needs_trackers
def test_a_transformed_voice_has_the_f0_that_it_is_given():
    voice, _ = sung(220.0)
    for seed in range(4):
        heard, f0 = voices.transformed(voice, np.random.default_rng(seed))
        assert heard.shape == voice.shape and len(f0) == len(voice) // 160
        tracked = tracking.track_voice(heard)
        both = (tracked > 0) & (f0 > 0)
        assert both.sum() > 60
        assert np.median(np.abs(1200 * np.log2(tracked[both] / f0[both]))) < 20
