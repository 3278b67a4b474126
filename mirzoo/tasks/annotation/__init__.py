"""What the annotations of all tasks share: files, pictures, sounds.

An annotation is a model's result on a recording, aligned with time. Each task has a class of its
own (`mirzoo.tasks.chords.Chords`), which writes and reads its files, draws itself and, where it
has pitches, plays them. NumPy alone: neither TensorFlow nor the runtime that made the result is
needed.
"""

from __future__ import annotations

from typing import Any

from mirzoo._support.moved import moved_names
from mirzoo.tasks.annotation.base import Annotation, Playable
from mirzoo.tasks.annotation.sheet import draw_together

__all__ = ["Annotation", "Playable", "draw_together"]

_moved = moved_names(
    __name__,
    {
        "Chords": "mirzoo.tasks.chords",
        "Melody": "mirzoo.tasks.melody",
        "Note": "mirzoo.tasks.notes",
        "Notes": "mirzoo.tasks.notes",
        "Tags": "mirzoo.tasks.tagging",
    },
)


def __getattr__(name: str) -> Any:
    if name == "ANNOTATIONS":
        from mirzoo.recipe.tasks import TASKS

        return {task.name: task.annotation for task in TASKS.values()}
    return _moved(name)
