"""The half-band filter is scipy.signal's; framed decimation is what filtering and halving give."""

import numpy as np
import pytest
from scipy import signal

from mirzoo.dsp.resampling import WIDEST_PASS_BAND, half_band_filter


@pytest.mark.parametrize("pass_band", [0.1, 0.4, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("attenuation_db", [60.0, 80.0, 100.0])
def test_the_half_band_filter_equals_that_of_scipy(pass_band, attenuation_db):
    taps = half_band_filter(pass_band, attenuation_db=attenuation_db)
    beta = signal.kaiser_beta(attenuation_db)
    np.testing.assert_allclose(
        taps, signal.firwin(taps.size, 0.5, window=("kaiser", beta)), atol=1e-14
    )
    # As long as Kaiser's formula asks for, rounded up to a half-band filter.
    width = 1.0 - min(pass_band, WIDEST_PASS_BAND)
    needed, _ = signal.kaiserord(attenuation_db, width)
    assert needed - 1 <= taps.size <= needed + 4


@pytest.mark.parametrize("pass_band", [0.4, 0.9])
def test_the_stop_band_is_as_far_down_as_was_asked(pass_band):
    frequencies, response = signal.freqz(half_band_filter(pass_band), worN=1 << 14)
    level = np.abs(response)
    passed = frequencies <= pass_band * np.pi / 2
    stopped = frequencies >= (2 - pass_band) * np.pi / 2
    np.testing.assert_allclose(level[passed], 1, atol=2e-4)
    assert 20 * np.log10(level[stopped].max()) < -79
