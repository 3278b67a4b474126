"""What is known of a recording: the one schema that renders, data sets and training share."""

from __future__ import annotations

from collections.abc import Sequence
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
class KeySpan:
    """A key from ``start_s`` to ``end_s``; ``key`` is tonic and mode: ``"F#:min"``."""

    start_s: float
    end_s: float
    key: str


@dataclass(frozen=True)
class TagSpan:
    """A word that holds from ``start_s`` to ``end_s``; such spans may overlap."""

    start_s: float
    end_s: float
    tag: str


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
        Tonic and mode of the whole: ``"Eb:maj"``, ``"F#:min"``.
    keys : tuple of KeySpan, optional
        Of its parts, in the order of time, without overlaps; what no span covers is not known.
    instruments : tuple of str, optional
        Names of what sounds, in General MIDI's words.
    tags : tuple of str, optional
        Any other words that hold for the whole recording.
    tag_spans : tuple of TagSpan, optional
        Words that hold for a time, and may overlap; of what no span covers nothing is known.
    """

    chords: tuple[ChordSpan, ...] | None = None
    f0: np.ndarray | None = field(default=None, compare=False)
    beats: np.ndarray | None = field(default=None, compare=False)
    downbeats: np.ndarray | None = field(default=None, compare=False)
    key: str | None = None
    instruments: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    tag_spans: tuple[TagSpan, ...] | None = None
    keys: tuple[KeySpan, ...] | None = None

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
        _require_ordered("chord", [(span.start_s, span.end_s) for span in self.chords or ()])
        _require_ordered("key", [(span.start_s, span.end_s) for span in self.keys or ()])
        if any(span.end_s <= span.start_s for span in self.tag_spans or ()):
            raise DataError("a tag ends before it starts; times are seconds, start before end")
        if self.f0 is not None and (self.f0.ndim != 1 or np.any(self.f0 < 0)):
            raise DataError(
                f"f0 has the shape {self.f0.shape}; allowed is (frames,) in Hz, 0 where unvoiced "
                "and NaN where unknown"
            )


def _require_ordered(what: str, spans: Sequence[tuple[float, float]]) -> None:
    for before, after in pairwise(spans):
        if after[0] < before[1] - 1e-6:
            raise DataError(
                f"{what}s overlap: {before} and {after} s; each must end before the next starts"
            )
    if any(end_s <= start_s for start_s, end_s in spans):
        raise DataError(f"a {what} ends before it starts; times are seconds, start before end")


HIGHEST_MIDI, FEWEST_MIDI = 127, 3


def require_hertz(f0: np.ndarray) -> None:
    """Raise where frequencies are MIDI numbers: whole, below 128, and more than two of them.

    A bass line lies there too, but is hardly in whole Hz throughout.

    Parameters
    ----------
    f0 : np.ndarray
        Frequencies (Hz); 0 or less is unvoiced.

    Raises
    ------
    DataError
        If they look like MIDI numbers.

    Examples
    --------
    >>> import numpy as np
    >>> require_hertz(np.array([0.0, 41.2, 55.0, 82.4]))
    >>> require_hertz(np.array([0.0, 60.0, 64.0, 67.0]))
    Traceback (most recent call last):
    mirzoo.errors.DataError: its frequencies are whole numbers from 60 to 67, ...
    """
    voiced = np.unique(f0[f0 > 0])
    if len(voiced) < FEWEST_MIDI or voiced[-1] > HIGHEST_MIDI or np.any(voiced % 1):
        return
    raise DataError(
        f"its frequencies are whole numbers from {voiced[0]:g} to {voiced[-1]:g}, and Hz are "
        "expected: are they MIDI numbers? In Hz they are 440 * 2 ** ((number - 69) / 12). A bass "
        "line in Hz is told from them by decimals, such as 41.2"
    )


def resample_f0(times: np.ndarray, hertz: np.ndarray) -> np.ndarray:
    """Bring a melody to `F0_RATE` frames a second.

    Between two voiced times the pitch is interpolated in octaves, else the nearest time counts;
    farther than one step of the annotation from any of its times nothing is known.

    Parameters
    ----------
    times : np.ndarray
        When the frequencies hold, ascending (s), ``(frames,)``.
    hertz : np.ndarray
        The frequencies (Hz), 0 or less where nothing sounds, ``(frames,)``.

    Returns
    -------
    np.ndarray
        float32 ``(frames,)``, from 0 s to the last of the times: Hz, 0 or NaN.

    Examples
    --------
    >>> resample_f0(np.array([0.0, 0.02]), np.array([100.0, 400.0])).tolist()
    [100.0, 200.0, 400.0]
    """
    if not len(times):
        return np.zeros(0, np.float32)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / F0_RATE
    wanted = np.arange(int(times[-1] * F0_RATE + 1e-6) + 1) / F0_RATE
    after = np.clip(np.searchsorted(times, wanted), 0, len(times) - 1)
    before = np.maximum(after - (times[after] > wanted), 0)
    nearest = np.where(times[after] - wanted <= wanted - times[before], after, before)
    sounds = (hertz[before] > 0) & (hertz[after] > 0)
    span = np.maximum(times[after] - times[before], 1e-9)
    between = np.clip((wanted - times[before]) / span, 0.0, 1.0)
    low, high = (np.log2(np.where(sounds, hertz[side], 1.0)) for side in (before, after))
    found = np.where(sounds, 2 ** (low + between * (high - low)), np.maximum(hertz[nearest], 0.0))
    found[np.abs(times[nearest] - wanted) > step] = np.nan
    return found.astype(np.float32)
