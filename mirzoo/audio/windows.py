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

    Yields
    ------
    Window
        The last ones are filled up with zeros.
    """
    pieces = [np.zeros(pad_left, np.float32)]
    start, filled, end = -pad_left, pad_left, 0
    covered = skip = 0
    # What lies between windows that are farther apart than they are long counts as covered.
    covers = max(window_samples, hop_samples) - context
    for block in blocks:
        end += len(block)
        pieces.append(block[skip:])
        skip -= min(skip, len(block))
        filled += len(pieces[-1])
        if filled < window_samples:
            continue
        waveform = np.concatenate(pieces)
        while len(waveform) >= window_samples:
            yield Window(start, end, waveform[:window_samples])
            covered = start + covers
            start += hop_samples
            skip += max(0, hop_samples - len(waveform))
            waveform = waveform[hop_samples:]
        pieces, filled = [waveform], len(waveform)
    waveform = np.concatenate(pieces)
    if not fill_short and end > 0 and covered == 0:
        yield Window(0, end, waveform[pad_left:])
        return
    while end > covered:
        piece = waveform[:window_samples]
        yield Window(start, end, np.pad(piece, (0, window_samples - len(piece))))
        covered = start + covers
        start += hop_samples
        waveform = waveform[hop_samples:]
