"""The tasks that a recipe or a card may name; what they are stands in `mirzoo.tasks`.

The registry stands here, below all that registers with it, so that recipes and cards can look a
task up without knowing one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mirzoo._support.moved import moved_names
from mirzoo._support.registry import Registry, Thing
from mirzoo.recipe.base import Config


class TaskConfig(Config):
    """Base of every task's section in a recipe; its ``type`` is the task's name."""

    if TYPE_CHECKING:
        type: str


class TaskRegistry(Registry[Thing]):
    """Knows tasks by name."""

    def register(self, thing: Any) -> Any:
        """Make a task known: an object of a class of `mirzoo.tasks.base.Task`, or the class."""
        super().register(thing() if isinstance(thing, type) else thing)
        return thing


TASKS: TaskRegistry[Any] = TaskRegistry("task", "mirzoo.tasks", name_of=lambda task: task.name)
"""Every task (`mirzoo.tasks.base.Task`) by name."""

__getattr__ = moved_names(
    __name__,
    {
        "ChordsConfig": "mirzoo.tasks.chords",
        "MelodyConfig": "mirzoo.tasks.melody",
        "TaggingConfig": "mirzoo.tasks.tagging",
    },
)
