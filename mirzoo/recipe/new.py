"""Recipes to begin with: any front-end, head and task, every setting with what it is for.

What is set comes from the parts themselves (``starting``), and so do the comments: they are the
descriptions of the settings, the texts below the fields of the classes.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise, product
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticUndefined

from mirzoo._support.registry import Registry
from mirzoo.errors import RecipeError
from mirzoo.recipe.base import Config
from mirzoo.recipe.frontends import FRONTENDS
from mirzoo.recipe.heads import HEADS
from mirzoo.recipe.reading import describe_validation_error
from mirzoo.recipe.tasks import TASKS
from mirzoo.recipe.training import TrainingConfig
from mirzoo.recipe.whole import Recipe

WIDTH = 100
EPOCHS = 40
KEYS_OF_PITCH = (-5, 6)
TRAINING = {
    "epochs": EPOCHS,
    "batch_size": 16,
    "learning_rate": 0.002,
    "weight_decay": 0.01,
    "augmentation": {
        "gain_db": [-12.0, 6.0],
        "noise_probability": 0.3,
        "equaliser_probability": 0.3,
    },
    "seed": 0,
}
BOUNDS = {
    "exclusiveMinimum": "above",
    "minimum": "at least",
    "exclusiveMaximum": "below",
    "maximum": "at most",
}


def new_recipe(
    frontend: str, head: str, task: str = "tagging", *, labels: Sequence[str] = ()
) -> str:
    """Write a recipe with a comment on every setting.

    Parameters
    ----------
    frontend, head, task : str
        Their names: those of `mirzoo.recipe.FRONTENDS`, `HEADS` and `TASKS`.
    labels : sequence of str
        What a tagger tells apart; labelled data that it is trained on bring theirs.

    Returns
    -------
    str
        YAML, which `mirzoo.recipe.load_recipe` reads and ``mirzoo train`` trains.

    Raises
    ------
    UnknownNameError
        If there is no such front-end, head or task.
    RecipeError
        If they do not go together; the message states why, and what would.

    Examples
    --------
    >>> text = new_recipe("cqt", "rnn", "tagging", labels=["cello", "flute"])
    >>> [line.strip() for line in text.splitlines() if line.startswith("  type:")]
    ['type: cqt', 'type: rnn', 'type: tagging']
    """
    values = _values(frontend, head, task, labels)
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        faults = (fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise RecipeError(
            f"front-end '{frontend}', head '{head}' and task '{task}' do not go together: "
            f"{'; '.join(faults)}"
        ) from error
    lines = [
        f"# {values['description']}",
        "#",
        "# Train it on labels of your own:  mirzoo train THIS_FILE --data LABELLED_DATA",
        "# A line that begins with # is a remark, or a setting that is left at its default.",
    ]
    for key in Recipe.model_fields:
        if key == "data":
            continue
        lines += ["", *_setting(recipe, key, "", values)]
    return "\n".join(lines) + "\n"


def example_options(*, frontend: str | None = None, head: str | None = None) -> str:
    """The options of ``mirzoo new-recipe`` for a front-end or a head with what goes with it.

    Examples
    --------
    >>> example_options(head="pitch_class_crnn")
    '--frontend cqt --head pitch_class_crnn --task chords'
    """
    frontends = [frontend] if frontend else ["cqt", *FRONTENDS]
    heads = [head] if head else ["cnn", *HEADS]
    tasks = ["tagging", *(task for task, known in TASKS.items() if known.config is not None)]
    for one, other, task in product(frontends, heads, tasks):
        try:
            new_recipe(one, other, task)
        except RecipeError:
            continue
        return f"--frontend {one} --head {other} --task {task}"
    return " ".join([f"--frontend {frontend}"] * bool(frontend) + [f"--head {head}"] * bool(head))


def _values(frontend: str, head: str, task: str, labels: Sequence[str]) -> dict[str, Any]:
    """The recipe as a mapping, without what stays at its default."""
    known_frontend, known_head, known_task = FRONTENDS[frontend], HEADS[head], TASKS[task]
    if known_task.config is None:
        allowed = [name for name, other in TASKS.items() if other.config is not None]
        raise RecipeError(
            f"no recipe makes a model for {task}, there are published ones; allowed are "
            f"{', '.join(allowed)}"
        )
    start = known_task.start
    section = known_task.starting_section(labels)
    first = {"type": frontend, **known_frontend.starting(start)}
    try:
        features = known_frontend.model_validate(first)
        second = {"type": head, **known_head.starting(features, start)}
    except ValidationError as error:  # of a front-end of a user's own
        raise RecipeError(
            f"the front-end '{frontend}' has no settings to begin with: "
            f"{describe_validation_error(error)}"
        ) from error
    training = dict(TRAINING)
    if start.fmin is not None and features.transposition() is not None:
        training["transpose_semitones"] = list(KEYS_OF_PITCH)
    values = {
        "description": f"A model for {task}: front-end {frontend}, head {head}.",
        "frontend": first,
        "head": second,
        "task": {"type": task, **section},
        "window_s": start.window_s,
        "training": training,
        "source": {"paper": "our own"},
    }
    return values | ({"context_s": start.context_s} if start.context_s else {})


def _setting(owner: BaseModel, key: str, indent: str, given: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a setting: a comment, and its value, or those of its own settings."""
    value = getattr(owner, key)
    registry = _registry_of(owner, key)
    yield from _comment(owner, key, indent, registry)
    if isinstance(value, BaseModel):
        yield f"{indent}{key}:"
        inner = given.get(key, {})
        for number, name in enumerate(sorted(type(value).model_fields, key=_after_type)):
            if number:
                yield ""
            yield from _setting(value, name, f"{indent}  ", inner)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        yield from _meaning_of_items(type(value[0]), indent)
        yield f"{indent}{key}:"
        for item in value:
            shown = item.model_dump(mode="json", exclude_unset=True)
            yield f"{indent}  - {_inline(shown)}"
    else:
        # Of the training a few settings are for everybody; the others are there to be found.
        left_out = isinstance(owner, TrainingConfig) and key not in given
        yield f"{indent}{'# ' if left_out else ''}{key}: {_inline(_plain(value))}"


def _after_type(key: str) -> bool:
    """Sorts the type to the front, and leaves the others in their order."""
    return key != "type"


def _registry_of(owner: BaseModel, key: str) -> Registry[Any] | None:
    """Whatever knows what ``type`` may be."""
    if key != "type":
        return None
    return next((known for known in (FRONTENDS, HEADS, TASKS) if _is_of(owner, known)), None)


def _is_of(owner: BaseModel, registry: Registry[Any]) -> bool:
    known = registry.get(owner.type)  # type: ignore[attr-defined]
    return known is not None and type(owner) in (known, getattr(known, "config", None))


def _comment(owner: BaseModel, key: str, indent: str, registry: Registry[Any] | None) -> list[str]:
    if registry is not None:
        names = [name for name, thing in registry.items() if getattr(thing, "config", thing)]
        text = f"Which {registry.kind}. One of {', '.join(names)}."
    else:
        config = type(owner)
        differs = getattr(owner, key) != config.model_fields[key].default
        allowed = _allowed(config, key, default="{} where this line is left out" * differs)
        text = " ".join(filter(None, [description(config, key), allowed]))
    return _wrapped(text, f"{indent}# ")


def _wrapped(text: str, first: str, further: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=further or first,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _meaning_of_items(config: type[BaseModel], indent: str) -> Iterator[str]:
    for key in config.model_fields:
        text = " ".join(filter(None, [description(config, key), _allowed(config, key)]))
        yield from _wrapped(f"{key}: {text}", f"{indent}#   ", f"{indent}#     ")


def description(config: type[BaseModel], key: str) -> str:
    """What a setting is for: the text below its field, in the class or in one that it is of.

    Examples
    --------
    >>> from mirzoo.recipe import LogScaling
    >>> description(LogScaling, "c")
    'The factor: more of it lifts quiet parts.'
    """
    for ancestor in config.__mro__:
        if not (issubclass(ancestor, Config) and key in inspect.get_annotations(ancestor)):
            continue
        of_field = ancestor.model_fields[key].description
        stated = of_field or _texts_below_fields(ancestor).get(key)
        if stated:
            return " ".join(stated.split())
    return ""


@cache
def _texts_below_fields(config: type) -> dict[str, str]:
    """Texts below the fields of a class, which Python does not keep: they are read as source.

    pydantic can keep them, but reads the source of every class when it is made, which takes a
    tenth of a second of each start.
    """
    try:
        source = textwrap.dedent(inspect.getsource(config))
    except (OSError, TypeError):  # of a class that was made without a file
        return {}
    body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    return {
        field.target.id: text.value.value
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _allowed(config: type[BaseModel], key: str, *, default: str = "by default {}") -> str:
    """What a setting may be, as pydantic knows it, and in these words what it is by default."""
    found = _schema(config).get("properties", {}).get(key, {})
    stated = next(iter(found.get("anyOf", [])), found)
    parts = []
    if "discriminator" in found:
        names = ", ".join(found["discriminator"]["mapping"])
        parts.append(f"its type is one of {names}")
    elif "enum" in stated:
        parts.append("one of " + ", ".join(map(_inline, stated["enum"])))
    else:
        bounds = [
            f"{words} {stated[bound]:g}" for bound, words in BOUNDS.items() if bound in stated
        ]
        parts += [" and ".join(bounds)] if bounds else []
    usual = config.model_fields[key].default
    if default and key != "type" and usual is not PydanticUndefined and not _is_config(usual):
        parts.append(default.format(_inline(_plain(usual))))
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


@cache
def _schema(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_json_schema()


def _is_config(value: Any) -> bool:
    first = value[0] if isinstance(value, tuple) and value else value
    return isinstance(first, BaseModel)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _inline(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    return text.removesuffix("...\n").strip()
