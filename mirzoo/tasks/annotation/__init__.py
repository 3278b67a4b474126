"""What a model hears in a recording, aligned with time, and the files it is kept in.

One class a task: `Tags`, `Chords`, `Melody` and `Notes`. Each writes and reads its files, draws
itself and, where it can be played, sounds. NumPy alone: neither TensorFlow nor the runtime that
made the result is needed.
"""

from mirzoo.tasks.annotation.base import Annotation, Playable
from mirzoo.tasks.annotation.chords import Chords
from mirzoo.tasks.annotation.melody import Melody
from mirzoo.tasks.annotation.notes import Note, Notes
from mirzoo.tasks.annotation.sheet import draw_together
from mirzoo.tasks.annotation.tags import Tags

__all__ = [
    "ANNOTATIONS",
    "Annotation",
    "Chords",
    "Melody",
    "Note",
    "Notes",
    "Playable",
    "Tags",
    "draw_together",
]

ANNOTATIONS: dict[str, type[Annotation]] = {
    kind.task: kind for kind in (Tags, Chords, Melody, Notes)
}
"""The class of each task's results; its ``formats`` are the files that it writes."""
