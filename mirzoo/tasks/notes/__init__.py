"""Note transcription: what is played when, by any number of voices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mirzoo._support.later import later, names_from
from mirzoo.card import Contract
from mirzoo.recipe.tasks import TaskConfig
from mirzoo.tasks.base import TASKS, FramewiseTask, Rates
from mirzoo.tasks.notes.config import NotesDecoding

if TYPE_CHECKING:
    import numpy as np

    from mirzoo.tasks.notes.annotation import Note, Notes
    from mirzoo.tasks.notes.decoder import (
        FrameNote,
        NoteDecoder,
        find_notes,
        follow_bends,
        with_rises,
    )

__all__ = [
    "FrameNote",
    "Note",
    "NoteDecoder",
    "NoteTranscription",
    "Notes",
    "NotesDecoding",
    "find_notes",
    "follow_bends",
    "with_rises",
]


@TASKS.register
class NoteTranscription(FramewiseTask[TaskConfig, "Notes"]):
    """Notes of any number of voices; only published models have this task."""

    name = "notes"
    annotation = later("mirzoo.tasks.notes.annotation", "Notes")
    decoding = NotesDecoding
    without_decisions = (
        "the notes of a recording are a list of no fixed length, whose notes end and start anew at "
        "windows' edges"
    )
    rates = Rates(whole=2e-4, outputs=2e-3)

    def axis_labels(self, card: Contract) -> dict[str, list[str]]:
        """The MIDI pitch of each key, in fractions of a semitone those of the contour's bins."""
        from mirzoo.tasks.notes.decoder import CONTOUR, NOTE, ONSET

        decoding = card.decoding
        assert isinstance(decoding, NotesDecoding)
        sizes = {output.name: output.axes[-1].size or 0 for output in card.outputs}
        steps = dict.fromkeys((NOTE, ONSET), 1) | {CONTOUR: decoding.contour_bins_per_semitone}
        return {
            name: [f"MIDI {decoding.lowest_pitch + bin / steps[name]:g}" for bin in range(size)]
            for name, size in sizes.items()
            if name in steps
        }

    def decoder(self, card: Contract) -> NoteDecoder:
        from mirzoo.tasks.notes.decoder import NoteDecoder

        return NoteDecoder(card)

    def same_decisions(
        self,
        card: Contract,
        expected: Mapping[str, np.ndarray],
        received: Mapping[str, np.ndarray],
        tie: float,
    ) -> np.ndarray:
        """Whether the same keys sound in each frame."""
        import numpy as np

        from mirzoo.tasks.notes.decoder import NOTE

        assert isinstance(card.decoding, NotesDecoding)
        threshold = card.decoding.frame_threshold
        ours, theirs = expected[NOTE] > threshold, received[NOTE] > threshold
        undecided = np.abs(expected[NOTE] - threshold) < tie
        return ((ours == theirs) | undecided).all(axis=-1)


__getattr__ = names_from(
    __name__,
    {
        "Note": "mirzoo.tasks.notes.annotation",
        "Notes": "mirzoo.tasks.notes.annotation",
        **dict.fromkeys(
            ("FrameNote", "NoteDecoder", "find_notes", "follow_bends", "with_rises"),
            "mirzoo.tasks.notes.decoder",
        ),
    },
)
