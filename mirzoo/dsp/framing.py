"""Where frames lie in a waveform: how many there are, when each one is, and what stretches hold.

Time stamps of every annotation come from here, so the arithmetic is exact integers until the
final division by the sample rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FrameGrid:
    """The frames that a front-end makes of a waveform.

    Frame ``k`` covers the samples ``k * hop_length - pad_left`` up to, not including,
    ``k * hop_length - pad_left + frame_length``; samples outside the waveform count as zeros,
    ``pad_left`` of them before it and ``pad_right`` behind it.

    Parameters
    ----------
    sample_rate : int
        Samples per second (Hz).
    hop_length : int
        Samples from one frame to the next.
    frame_length : int
        Samples that a frame covers.
    pad_left, pad_right : int
        Zeros before and behind the waveform (samples).

    Examples
    --------
    >>> grid = FrameGrid.centered(sample_rate=16000, hop_length=256, n_fft=512)
    >>> grid.frames(16000)
    63
    >>> grid.times(3).tolist()
    [0.0, 0.016, 0.032]
    """

    sample_rate: int
    hop_length: int
    frame_length: int
    pad_left: int = 0
    pad_right: int = 0

    @classmethod
    def centered(cls, sample_rate: int, hop_length: int, n_fft: int) -> FrameGrid:
        """Frames centred on multiples of the hop, as ``librosa.stft(center=True)`` has them."""
        return cls(sample_rate, hop_length, n_fft, n_fft // 2, n_fft // 2)

    @classmethod
    def blocks(cls, sample_rate: int, hop_length: int) -> FrameGrid:
        """Frames that tile the waveform without overlap; a partial last block is dropped."""
        return cls(sample_rate, hop_length, hop_length)

    @property
    def frame_rate(self) -> float:
        """Frames per second (Hz)."""
        return self.sample_rate / self.hop_length

    @property
    def min_samples(self) -> int:
        """The shortest waveform that gives one frame (samples, at least 1)."""
        return max(1, self.frame_length - self.pad_left - self.pad_right)

    def frames(self, n_samples: int) -> int:
        """Count the frames of a waveform of ``n_samples`` samples (0 if it is too short)."""
        room = n_samples + self.pad_left + self.pad_right - self.frame_length
        return 0 if room < 0 else 1 + room // self.hop_length

    def times(self, n_frames: int) -> np.ndarray:
        """Times of the centres of the first ``n_frames`` frames (s), shape ``(n_frames,)``."""
        doubled_centres = 2 * self.hop_length * np.arange(n_frames) + (
            self.frame_length - 2 * self.pad_left
        )
        return doubled_centres / (2 * self.sample_rate)

    def then(self, kernel: int, stride: int, pad_left: int = 0, pad_right: int = 0) -> FrameGrid:
        """Frames after a convolution or pooling over frames.

        Parameters
        ----------
        kernel, stride : int
            Width and step of the operation (frames).
        pad_left, pad_right : int
            Frames of padding around the input of the operation.

        Returns
        -------
        FrameGrid
            Its frames are those of the operation's output.
        """
        return FrameGrid(
            sample_rate=self.sample_rate,
            hop_length=self.hop_length * stride,
            frame_length=self.frame_length + (kernel - 1) * self.hop_length,
            pad_left=self.pad_left + pad_left * self.hop_length,
            pad_right=self.pad_right + pad_right * self.hop_length,
        )


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First frame of each stretch in which ``mask`` holds, and the first frame behind it.

    Examples
    --------
    >>> runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find which of increasing times (s) is nearest to each of those wanted.

    Examples
    --------
    >>> nearest(np.array([0.0, 1.0, 2.0]), np.array([0.4, 0.6, 5.0])).tolist()
    [0, 1, 2]
    """
    return np.searchsorted((times[1:] + times[:-1]) / 2, wanted)
