"""Segments of labels: joining those that a stream gave piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

TOUCHING_S = 1e-6


class Segmented(Protocol):
    """An annotation that consists of labelled segments."""

    @property
    def segments(self) -> Sequence[tuple[float, float, str]]:
        """Start (s), end (s) and label, in the order of time."""

    @property
    def confidence(self) -> Sequence[float] | None:
        """Of each segment."""


def joint_segments(pieces: Iterable[Segmented]) -> dict[str, Any]:
    """The ``segments`` and the ``confidence`` of pieces of one stream, in order.

    A segment that goes on in the next piece becomes one; its confidence is the mean over its
    seconds. Where a piece has none, the whole has none.
    """
    joined: list[list[Any]] = []
    known = True
    for piece in pieces:
        known = known and piece.confidence is not None
        confidence = piece.confidence or [1.0] * len(piece.segments)
        for (start, end, label), value in zip(piece.segments, confidence, strict=True):
            if joined and joined[-1][2] == label and start - joined[-1][1] < TOUCHING_S:
                joined[-1][1] = end
                joined[-1][3] += value * (end - start)
            else:
                joined.append([start, end, label, value * (end - start)])
    return {
        "segments": [tuple(segment[:3]) for segment in joined],
        "confidence": [min(1.0, sum_ / (end - start)) for start, end, _, sum_ in joined]
        if known
        else None,
    }
