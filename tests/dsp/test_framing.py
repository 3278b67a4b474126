"""Frame arithmetic, against counting by hand."""

import numpy as np
import pytest

from mirzoo.dsp.framing import FrameGrid


def counted_starts(grid: FrameGrid, n_samples: int) -> list[int]:
    """Every frame's first sample, found by sliding the frame along the padded waveform."""
    last = n_samples + grid.pad_right - grid.frame_length
    return list(range(-grid.pad_left, last + 1, grid.hop_length))


GRIDS = [
    FrameGrid.centered(16000, 256, 512),
    FrameGrid.centered(22050, 512, 2048),
    FrameGrid(16000, 256, 512),
    FrameGrid.blocks(16000, 100),
    FrameGrid(16000, 7, 31, 5, 3),
]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("n_samples", [1, 2, 99, 100, 101, 255, 256, 257, 511, 512, 513, 4999])
def test_frames_and_times_are_those_counted(grid, n_samples):
    starts = counted_starts(grid, n_samples)
    assert grid.frames(n_samples) == len(starts)
    centres = (np.array(starts) + grid.frame_length / 2) / grid.sample_rate
    np.testing.assert_allclose(grid.times(len(starts)), centres, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_min_samples_is_the_shortest_with_a_frame(grid):
    assert grid.frames(grid.min_samples) >= 1
    if grid.min_samples > 1:
        assert grid.frames(grid.min_samples - 1) == 0


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("kernel", "stride", "left", "right"), [(3, 2, 1, 1), (4, 4, 0, 0)])
@pytest.mark.parametrize("n_samples", [3000, 3001, 5119])
def test_then_composes(grid, kernel, stride, left, right, n_samples):
    composed = grid.then(kernel, stride, left, right)
    n_frames = grid.frames(n_samples)
    assert composed.frames(n_samples) == 1 + (n_frames + left + right - kernel) // stride
    middle_of_first = np.mean(grid.times(kernel)) - left * grid.hop_length / grid.sample_rate
    assert composed.times(1)[0] == pytest.approx(middle_of_first, abs=1e-12)
