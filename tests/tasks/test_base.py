"""Tasks are found by name, and nothing outside them knows which there are."""

import ast
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import mirzoo
from mirzoo.data.labels import Labels
from mirzoo.errors import DataError, RecipeError, UnknownNameError
from mirzoo.tasks.annotation import Annotation
from mirzoo.tasks.base import TASKS, FramewiseTask, Task

PACKAGE = Path(mirzoo.__file__).parent


def test_the_tasks_of_the_zoo():
    assert set(TASKS) == {"tagging", "chords", "melody", "notes", "key", "beats"}
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


@pytest.mark.parametrize("thing", ["x", 3, None, dict, Annotation])
def test_what_is_no_task_is_not_registered(thing):
    with pytest.raises(TypeError, match="abstract|is no task"):
        TASKS.register(thing)


@pytest.mark.parametrize("name", ["", "Chords", "two words", "a/b", "1st", None, "notes\n"])
def test_a_task_has_a_name_that_recipes_can_state(name):
    class Odd(type(TASKS["notes"])):
        pass

    Odd.name, before = name, len(TASKS)
    with pytest.raises(ValueError, match="allowed are small letters"):
        TASKS.register(Odd)
    assert len(TASKS) == before


CLASSES = {
    kind.__name__
    for task in TASKS.values()
    for kind in (type(task), task.annotation, task.config, task.decoding)
    if kind is not None
}


LABEL_KINDS = {field.name for field in fields(Labels)}


def branches(source):
    """Where a module asks which task something is of, with the line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            asks = any(getattr(side, "attr", getattr(side, "id", "")) in ("task", "type")
                       for side in sides)  # fmt: skip
            if asks and _strings(sides) & set(TASKS):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Dict):
            keys = _strings(node.keys)
            named = keys & set(TASKS)
            # Kinds of labels have names of tasks, but tables of them have other kinds too.
            if len(named) > 1 and (named - LABEL_KINDS or keys <= set(TASKS)):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            named = {getattr(part, "attr", getattr(part, "id", "")) for part in ast.walk(node)}
            if named & CLASSES:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Match) and any(
            _strings([case.pattern]) & set(TASKS) for case in node.cases
        ):
            yield node.lineno, ast.unparse(node.subject)


def _strings(nodes):
    inside = (part for node in nodes if node is not None for part in ast.walk(node))
    return {part.value for part in inside
            if isinstance(part, ast.Constant) and isinstance(part.value, str)}  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        "if card.task == 'tagging': pass",
        "x = 1 if recipe.task.type != 'chords' else 2",
        "if task in ('melody', 'notes'): pass",
        "TABLE = {'chords': 1, 'melody': 2}",
        "TABLE = {'chords': 1, 'melody': 2, 'other': 3}",
        "TABLE = {'chords': 1, 'key': 2}",
        "isinstance(recipe.task, ChordsConfig)",
        "match task:\n    case 'chords': pass",
    ],
)
def test_a_branch_on_the_task_is_seen(source):
    assert list(branches(source))


def test_nothing_outside_the_tasks_asks_which_task_it_is():
    found = [
        f"{path.relative_to(PACKAGE)}, line {line}: {code}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[:2] not in {("tasks", name) for name in TASKS}
        for line, code in branches(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)
