"""The f0 of a voice, by two trackers."""

import importlib.util

import numpy as np
import pytest
from toy_voice import sung

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError
from mirzoo.studio.sound import tracking

needs_trackers = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pyworld", "swift_f0")),
    reason="pyworld and swift-f0, the extra 'studio', are not installed",
)


@needs_trackers
@pytest.mark.parametrize("hz", [110.0, 220.0, 440.0])
def test_a_clean_voice_is_tracked(hz):
    voice, contour = sung(hz)
    f0 = tracking.track_voice(voice)
    assert f0.shape == (200,) and f0.dtype == np.float32
    sounding = np.r_[10:85, 125:195]
    assert np.mean(f0[sounding] > 0) > 0.9
    voiced = sounding[f0[sounding] > 0]
    cents = 1200 * np.log2(f0[voiced] / contour[voiced])
    assert np.median(np.abs(cents)) < 10 and np.max(np.abs(cents)) < 60
    assert np.all(f0[96:115] == 0)


@needs_trackers
def test_where_trackers_differ_nothing_is_known(monkeypatch):
    voice, _ = sung(220.0)
    heard = tracking._world(voice, 200)
    monkeypatch.setattr(tracking, "_world", lambda voice, frames: heard * 2)
    f0 = tracking.track_voice(voice)
    assert not np.any(f0 > 0)
    assert np.isnan(f0[10:85]).mean() > 0.9


@needs_trackers
def test_silence_is_unvoiced():
    np.testing.assert_array_equal(tracking.track_voice(np.zeros(SAMPLE_RATE, np.float32)), 0)


def test_missing_trackers_are_named():
    with pytest.raises(DataError, match=r"no_such_tracker.*mirzoo\[studio\]"):
        tracking.need("no_such_tracker")
