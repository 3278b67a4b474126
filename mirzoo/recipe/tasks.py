"""The tasks that a recipe or a card may name; what they are stands in `mirzoo.tasks`.

The registry stands here, below all that registers with it, so that recipes and cards can look a
task up without knowing one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mirzoo._support.moved import moved_names
from mirzoo._support.registry import Registry, Thing
from mirzoo.recipe.base import Config

NAME = re.compile(r"[a-z][a-z0-9_]*")
NEEDED = ("name", "annotation", "decoder", "check_card")
"""What every task has, whatever it is of."""


class TaskConfig(Config):
    """Base of every task's section in a recipe; its ``type`` is the task's name."""

    if TYPE_CHECKING:
        type: str


class TaskRegistry(Registry[Thing]):
    """Knows tasks by name."""

    def register(self, thing: Any) -> Any:
        """Make a task known: an object of a class of `mirzoo.tasks.base.Task`, or the class.

        Raises
        ------
        TypeError
            If it is neither.
        ValueError
            If it has no name that recipes and cards can state, or another task has its name.
        """
        task = thing() if isinstance(thing, type) else thing
        # `hasattr` would import what a task imports later.
        parts = set(getattr(task, "__dict__", ())).union(*map(vars, type(task).mro()))
        missing = [part for part in NEEDED if part not in parts]
        if missing:
            raise TypeError(
                f"{thing!r} is no task: it has no {', '.join(missing)}. A task is an object of a "
                "subclass of mirzoo.tasks.base.Task, or the class, as in @TASKS.register"
            )
        if not isinstance(task.name, str) or not NAME.fullmatch(task.name):
            raise ValueError(
                f"the task {thing!r} has the name {task.name!r}; allowed are small letters, "
                "digits and underscores, a letter first, such as 'onsets'"
            )
        super().register(task)
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
