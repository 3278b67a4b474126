"""Windows of a recording that is decoded block by block, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """A piece of a recording, filled up with zeros.

    ``start`` counts from the recording's first sample and ``end`` is where the recording, as far
    as it is decoded, goes on or stops (samples).
    """

    start: int
    end: int
    waveform: np.ndarray


def cut_blocks(
    blocks: Iterable[np.ndarray],
    window_samples: int,
    hop_samples: int,
    pad_left: int = 0,
    *,
    context: int = 0,
    fill_short: bool = True,
) -> Iterator[Window]:
    """Cut a recording into windows while its blocks come.

    Parameters
    ----------
    blocks : iterable of np.ndarray
        float32 ``(samples,)``, as `mirzoo.audio.blocks` gives them.
    window_samples, hop_samples, pad_left, context, fill_short
        As `Cutter` takes them.

    Yields
    ------
    Window
        The last ones are filled up with zeros.
    """
    cutter = Cutter(window_samples, hop_samples, pad_left, context=context, fill_short=fill_short)
    for block in blocks:
        yield from cutter.add(block)
    yield from cutter.finish()


class Cutter:
    """Cuts a recording into windows, block by block.

    Parameters
    ----------
    window_samples, hop_samples : int
        Length of a window and step from one to the next (samples).
    pad_left : int
        Zeros put before the recording (samples).
    context : int
        Samples at the end of a window that do not count as covered: windows go on until one covers
        the recording's last sample without them.
    fill_short : bool
        Whether a recording shorter than a window is filled up; else it is given as it is, without
        zeros before it either.

    Examples
    --------
    >>> cutter = Cutter(window_samples=4, hop_samples=4)
    >>> [window.start for window in cutter.add(np.ones(9, np.float32))]
    [0, 4]
    >>> [window.waveform.tolist() for window in cutter.finish()]
    [[1.0, 0.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        window_samples: int,
        hop_samples: int,
        pad_left: int = 0,
        *,
        context: int = 0,
        fill_short: bool = True,
    ) -> None:
        self._window, self._hop = window_samples, hop_samples
        self._pad_left, self._fill_short = pad_left, fill_short
        self._pieces = [np.zeros(pad_left, np.float32)]
        self._start, self._filled, self._end = -pad_left, pad_left, 0
        self._covered = self._skip = 0
        # What lies between windows that are farther apart than they are long counts as covered.
        self._covers = max(window_samples, hop_samples) - context

    def add(self, block: np.ndarray) -> Iterator[Window]:
        """Take the next block, float32 ``(samples,)``, and give the windows that it fills."""
        self._end += len(block)
        self._pieces.append(block[self._skip :])
        self._skip -= min(self._skip, len(block))
        self._filled += len(self._pieces[-1])
        if self._filled < self._window:
            return
        waveform = np.concatenate(self._pieces)
        while len(waveform) >= self._window:
            yield Window(self._start, self._end, waveform[: self._window])
            self._next()
            self._skip += max(0, self._hop - len(waveform))
            waveform = waveform[self._hop :]
        self._pieces, self._filled = [waveform], len(waveform)

    def finish(self) -> Iterator[Window]:
        """Give the windows of what is left, filled up with zeros."""
        waveform = np.concatenate(self._pieces)
        if not self._fill_short and self._end > 0 and self._covered == 0:
            yield Window(0, self._end, waveform[self._pad_left :])
            return
        while self._end > self._covered:
            piece = waveform[: self._window]
            yield Window(self._start, self._end, np.pad(piece, (0, self._window - len(piece))))
            self._next()
            waveform = waveform[self._hop :]

    def _next(self) -> None:
        self._covered = self._start + self._covers
        self._start += self._hop
