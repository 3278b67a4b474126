"""What the commands share: arguments, exit statuses, messages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mirzoo._support.words import counted

if TYPE_CHECKING:
    from mirzoo._support.logs import CMessages

FAILED, MISUSED = 1, 2


class _Path(click.Path):
    """A path; none at all is an error, where `pathlib` takes it for the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty; is a variable of the shell not set?", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path)


def argument(name: str, metavar: str, help: str, **options: Any) -> Callable[[Any], Any]:
    """Make the decorator of an argument; ``options`` are those of `click.argument`."""
    return click.argument(name, metavar=metavar, help=help, **options)


MODEL = argument("name", "MODEL", "A model's name, or the folder of a saved model.")
LABELLED_DATA = argument(
    "data",
    "DATA",
    "Labelled clips (a folder with a folder for each class, or a CSV file), recordings next to "
    "their labels (a folder with song.mp3 and song.lab), tfds:NAME, mirdata:NAME[@FOLDER] or the "
    "folder of a prepared corpus; which, depends on the model's task.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
OVERWRITE = click.option(
    "--overwrite", is_flag=True, help="Replace what is there; by default it is left."
)
OVERWRITE_FILES = click.option(
    "--overwrite",
    is_flag=True,
    help="Replace files that are there; by default they are an error.",
)
DATA_HOME = click.option(
    "--home",
    type=PATH,
    help="Folder of src/ and corpus/; by default MIRZOO_DATA or one in ~/.cache.",
)


class OneOf(click.ParamType):
    """One name of a registry, or of other names, which are asked for when it is given."""

    name = "name"

    def __init__(self, known: Callable[[], Container[str]]) -> None:
        self._known = known

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the name, or complain with all that there are."""
        names = self._known()
        if value not in names:
            listed = ", ".join(names) if isinstance(names, Iterable) else "others"
            self.fail(f"'{value}' is none of {listed}", param, ctx)
        return value


def tasks() -> Container[str]:
    """The names of all tasks."""
    from mirzoo.tasks.base import TASKS

    return TASKS


def frontends() -> Container[str]:
    """The names of all front-ends."""
    from mirzoo.recipe import FRONTENDS

    return FRONTENDS


def heads() -> Container[str]:
    """The names of all heads."""
    from mirzoo.recipe import HEADS

    return HEADS


def runtimes() -> Container[str]:
    """The names of all runtimes."""
    from mirzoo.runtimes.base import RUNTIMES

    return RUNTIMES


def strategies() -> Container[str]:
    """The strategies of fine-tuning."""
    from mirzoo.training.own_clips import STRATEGIES

    return STRATEGIES


def precisions() -> Container[str]:
    """The precisions that models are trained in."""
    from mirzoo.training.own_clips import PRECISIONS

    return PRECISIONS


def channels() -> Container[str]:
    """What may be taken of several channels."""
    from mirzoo.audio import CHANNELS

    return CHANNELS


RUNTIME = click.option(
    "--runtime",
    default="litert",
    type=OneOf(runtimes),
    metavar="RUNTIME",
    help="What computes the model: litert, onnx or keras.",
)
RUNTIME_OF_VECTORS = click.option(
    "--runtime",
    type=OneOf(runtimes),
    metavar="RUNTIME",
    help="What computes the model: litert, onnx or keras; by default litert, and keras for all "
    "layers.",
)
CHANNEL = click.option(
    "--channel",
    default="mean",
    type=OneOf(channels),
    metavar="CHANNEL",
    help="What is taken of several channels: mean, mid, left or right.",
)
DECODING = click.option(
    "--decoding",
    multiple=True,
    metavar="NAME=VALUE",
    help="Decode with another setting than the card's, such as voicing_threshold=0.9 or "
    "power_chords=true; `mirzoo info MODEL --all` lists those of a model. May be repeated.",
)
OVER = click.option(
    "--over",
    type=click.Choice(["clip", "time"]),
    default="clip",
    help="One vector of each recording, or one of each stretch of it.",
)
LAYERS = click.option(
    "--layers",
    type=click.Choice(["last", "all"]),
    default="last",
    help="The embedding alone, or with the mean and spread of what every block of the model gives.",
)
ALLOW_DAMAGED = click.option(
    "--allow-damaged",
    is_flag=True,
    help="Take what can be decoded of damaged files, with a warning each.",
)
WORKERS = click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes to use for several files; by default one for each core, as far as memory "
    "goes. 0 works in this process, which a crash of a decoder would end.",
)


def _some_time(
    context: click.Context, parameter: click.Parameter, value: float | None
) -> float | None:
    if value is not None and not value > 0:
        raise click.BadParameter(f"{value:g} is not more than 0 s", context, parameter)
    return value


TIMEOUT = click.option(
    "--timeout",
    "timeout_s",
    type=float,
    callback=_some_time,
    metavar="SECONDS",
    help="Give up a recording that takes longer, and go on with others.",
)


def check_workers(workers: int | None, timeout_s: float | None) -> None:
    """Refuse a time-out without a worker that can be ended."""
    if timeout_s is not None and workers == 0:
        raise click.BadParameter("needs a worker that can be ended", param_hint="--timeout")


def require_free(*files: Path | None, overwrite: bool) -> None:
    """Raise an AnnotationError where a file that an option names cannot or may not be written."""
    from mirzoo._support.files import printable
    from mirzoo.errors import AnnotationError

    for file in files:
        if file is None:
            continue
        name = printable(file)
        if not file.absolute().parent.is_dir():
            raise AnnotationError(
                f"{name} cannot be written: there is no folder {printable(file.parent)}"
            )
        if file.is_dir():
            raise AnnotationError(f"{name} is a folder; nothing was written: give a file's name")
        if os.path.lexists(file) and not overwrite:
            raise AnnotationError(
                f"{name} is there already; nothing was written: choose another name, or --overwrite"
            )


@contextmanager
def progress(doing: str) -> Iterator[Callable[[float], None]]:
    """Show how many seconds of a recording are done, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda seconds: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(doing)) as status:
        yield lambda seconds: status.update(Text(f"{doing}: {seconds:.0f} s done"))


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Show how many things (``what`` is the word for one) are done, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what}s") as status:
        yield lambda count: status.update(f"{counted(count, what)} done")


@cache
def quiet_libraries() -> CMessages:
    """Keep what C libraries print from the standard error, from now on."""
    from mirzoo._support.logs import CMessages

    return CMessages()


@contextmanager
def warnings_as_complaints() -> Iterator[None]:
    """Print warnings as complaints: without the line of code that they come from."""
    import warnings

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: complain(message)
        yield


def complain(message: object) -> None:
    """Print a complaint on the standard error; names in it cannot control the terminal."""
    from mirzoo._support.files import printable

    lines = map(printable, str(message).split("\n"))
    click.echo("mirzoo: " + "\n".join(lines), err=True)
