"""Windows are those of scipy.signal, which takes a second to import."""

import numpy as np
import pytest
from scipy import signal

from mirzoo.dsp.windows import COSINE_WINDOWS, centered_window, periodic_window


@pytest.mark.parametrize("name", COSINE_WINDOWS)
@pytest.mark.parametrize("length", [2, 3, 16, 401, 2048])
def test_windows_equal_those_of_scipy(name, length):
    expected = signal.get_window(name, length)
    np.testing.assert_allclose(periodic_window(name, length), expected, atol=1e-7)


@pytest.mark.parametrize(("win_length", "n_fft"), [(400, 512), (401, 512), (512, 512), (5, 8)])
def test_windows_are_in_the_middle_of_a_frame(win_length, n_fft):
    before = (n_fft - win_length) // 2
    window = centered_window("hann", win_length, n_fft)
    assert window.shape == (n_fft,)
    np.testing.assert_allclose(
        window[before : before + win_length], signal.get_window("hann", win_length), atol=1e-7
    )
    assert not window[:before].any() and not window[before + win_length :].any()


def test_other_windows_are_refused():
    with pytest.raises(ValueError, match=r"unknown window 'kaiser'; allowed are \['hamming', 'ha"):
        periodic_window("kaiser", 8)
    with pytest.raises(ValueError, match="win_length 9 is longer than n_fft 8"):
        centered_window("hann", 9, 8)
