"""The settings of the decoder of notes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mirzoo.card import Count, Decoding, Probability


class NotesDecoding(Decoding):
    """How onsets, notes and contours become notes.

    Parameters
    ----------
    lowest_pitch : int
        MIDI pitch of the first bin of the note output.
    onset_threshold, frame_threshold : float
        Probabilities above which a note begins, and goes on.
    shortest_s : float
        Notes shorter than this are dropped (s).
    contour_bins_per_semitone : int
        Bins of the contour output per bin of the note output.
    """

    fixed = frozenset({"type", "lowest_pitch", "contour_bins_per_semitone"})

    type: Literal["notes"] = "notes"
    lowest_pitch: Annotated[int, Field(ge=0, le=127, strict=True)] = 21
    onset_threshold: Probability = 0.5
    frame_threshold: Probability = 0.3
    shortest_s: Annotated[float, Field(ge=0.0)] = 0.128
    contour_bins_per_semitone: Count = 3
