"""What is known of a recording: the one schema that renders, data sets and training share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from mirzoo.errors import DataError

F0_RATE = 100
"""Frames of `Labels.f0` a second; frame ``k`` stands for the time ``k / F0_RATE`` s."""


@dataclass(frozen=True)
class ChordSpan:
    """A chord from ``start_s`` to ``end_s``; ``label`` is in Harte syntax, "N" for none."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Labels:
    """Labels of one recording; what is None is not known.

    Parameters
    ----------
    chords : tuple of ChordSpan, optional
        In the order of time, without overlaps; what no span covers is not labelled.
    f0 : np.ndarray, optional
        Fundamental frequency of the melody, float32 ``(frames,)``, `F0_RATE` frames a second
        from 0 s: Hz where it sounds, 0 where it is silent, NaN where it is not known.
    beats, downbeats : np.ndarray, optional
        Their times (s).
    key : str, optional
        Tonic and mode: ``"Eb:maj"``, ``"F#:min"``.
    instruments : tuple of str, optional
        Names of what sounds, in General MIDI's words.
    tags : tuple of str, optional
        Any other words that hold for the whole recording.
    """

    chords: tuple[ChordSpan, ...] | None = None
    f0: np.ndarray | None = field(default=None, compare=False)
    beats: np.ndarray | None = field(default=None, compare=False)
    downbeats: np.ndarray | None = field(default=None, compare=False)
    key: str | None = None
    instruments: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None

    def lengthened(self, duration_s: float) -> Labels:
        """Give labels whose f0 goes on to ``duration_s`` (s), unknown beyond its end.

        Examples
        --------
        >>> Labels(f0=np.float32([220.0])).lengthened(0.02).f0.tolist()
        [220.0, nan, nan]
        """
        if self.f0 is None:
            return self
        lacking = max(0, int(np.ceil(duration_s * F0_RATE)) + 1 - len(self.f0))
        return replace(self, f0=np.append(self.f0, np.full(lacking, np.nan, np.float32)))

    def __post_init__(self) -> None:
        spans = self.chords or ()
        for before, after in pairwise(spans):
            if after.start_s < before.end_s - 1e-6:
                raise DataError(
                    f"chords overlap: {before} and {after}; each must end before the next starts"
                )
        if any(span.end_s <= span.start_s for span in spans):
            raise DataError("a chord ends before it starts; times are seconds, start before end")
        if self.f0 is not None and (self.f0.ndim != 1 or np.any(self.f0 < 0)):
            raise DataError(
                f"f0 has the shape {self.f0.shape}; allowed is (frames,) in Hz, 0 where unvoiced "
                "and NaN where unknown"
            )
