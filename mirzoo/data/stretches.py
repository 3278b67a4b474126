"""Parts of recordings: where the same tags hold, as clips of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mirzoo.data import decoded
from mirzoo.data.labels import Labels
from mirzoo.data.recordings import Recording

SHORTEST_S = 0.1


@dataclass(frozen=True)
class Stretch:
    """A part of a recording; as an array it holds its samples.

    Parameters
    ----------
    source : Path or np.ndarray
    rate : int
        The recording's own (Hz), and that of the array.
    start_s, end_s : float
    """

    source: Path | np.ndarray
    rate: int
    start_s: float
    end_s: float

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if isinstance(self.source, np.ndarray):
            whole = self.source
        else:
            whole = decoded.read(self.source, self.rate)
        samples = whole[round(self.start_s * self.rate) : round(self.end_s * self.rate)]
        return np.array(samples, dtype or samples.dtype)


def stretches_of(recording: Recording) -> Iterator[Recording]:
    """The stretches over which the same tags hold; the recording itself where tags hold for all.

    Yields
    ------
    Recording
        Of at least `SHORTEST_S`; all of one recording are in its group.

    Examples
    --------
    >>> from mirzoo.data.labels import TagSpan
    >>> spans = (TagSpan(0.0, 2.0, "drums"), TagSpan(1.0, 3.0, "voice"))
    >>> song = Recording("a", "a", np.ones(32000), lambda: Labels(tag_spans=spans), 8000)
    >>> for part in stretches_of(song):
    ...     print(part.name, part.labels.tags, len(part.read(8000)))
    a 0.00-1.00 s ('drums',) 8000
    a 1.00-2.00 s ('drums', 'voice') 8000
    a 2.00-3.00 s ('voice',) 8000
    """
    spans = recording.labels.tag_spans
    if spans is None:
        yield recording
        return
    rate = _rate_of(recording)
    edges = sorted({time for span in spans for time in (span.start_s, span.end_s)})
    for start, end in pairwise(edges):
        tags = tuple(
            dict.fromkeys(span.tag for span in spans if span.start_s <= start and end <= span.end_s)
        )
        if tags and end - start >= SHORTEST_S:
            stretch: Any = Stretch(recording.source, rate, start, end)
            name = f"{recording.name} {start:.2f}-{end:.2f} s"
            yield Recording(
                name, recording.group, stretch, _known(tags), rate, split=recording.split
            )


def _known(tags: tuple[str, ...]) -> Any:
    labels = Labels(tags=tags)
    return lambda: labels


def _rate_of(recording: Recording) -> int:
    if recording.source_rate is not None:
        return recording.source_rate
    return decoded.inspect(recording.source).rate
