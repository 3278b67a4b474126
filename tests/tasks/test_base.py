"""Tasks are found by name, and nothing outside them knows which there are."""

import subprocess
import sys
from pathlib import Path

import pytest

import mirzoo
from mirzoo.errors import DataError, RecipeError, UnknownNameError
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS, FramewiseTask, Task

PACKAGE = Path(mirzoo.__file__).parent


def test_the_tasks_of_the_zoo():
    assert set(TASKS) == {"tagging", "chords", "melody", "notes"}
    for name, task in TASKS.items():
        assert isinstance(task, Task)
        assert task.name == name == task.annotation.task
        assert issubclass(task.annotation, Annotation)
        assert task.config is None or task.config.model_fields["type"].default == name
        assert task.decoding is None or task.decoding.model_fields["type"].default == name
        assert task.framewise == isinstance(task, FramewiseTask)
    with pytest.raises(UnknownNameError, match="no task 'cords'; did you mean 'chords'"):
        TASKS["cords"]


def test_every_task_is_imported_without_tensorflow():
    program = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'kapre', 'scipy', 'sklearn', 'mir_eval', 'jams'):\n"
        "    sys.modules[name] = None\n"
        "from mirzoo.tasks.base import TASKS\n"
        "print(*TASKS)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == set(TASKS)


def test_what_a_task_lacks_it_says():
    notes = TASKS["notes"]
    with pytest.raises(RecipeError, match="no recipe makes a model for notes"):
        notes.output_axes(None)
    with pytest.raises(DataError, match="'notes' cannot be scored; there are scores for"):
        notes.scores(None, None)
    with pytest.raises(RecipeError, match="taggers alone; what chords are is fixed"):
        TASKS["chords"].relabelled(None, ["a", "b"])
