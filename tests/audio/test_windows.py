"""Windows of a recording cover every sample of it, by frames that count."""

import numpy as np
import pytest

from mirzoo.audio.windows import cut_blocks


@pytest.mark.parametrize("samples", [1, 599, 600, 601, 800, 801, 1000])
@pytest.mark.parametrize("block", [1, 170, 5000])
def test_the_last_window_covers_the_end_without_its_context(samples, block):
    recording = np.arange(1, samples + 1, dtype=np.float32)
    blocks = np.split(recording, range(block, samples, block))
    windows = list(cut_blocks(blocks, 600, 200, pad_left=200, context=200))
    covered = np.concatenate([window.waveform[200:400] for window in windows])
    np.testing.assert_array_equal(covered[:samples], recording)
    assert samples <= len(covered) < samples + 200
