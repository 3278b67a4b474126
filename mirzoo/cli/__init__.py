"""The command line: `mirzoo list | info | annotate | fine-tune | train | export | …`.

Every command only reads its arguments, calls the library and prints; a module holds a group of
them. Modules of the library are imported inside the commands, so that each starts as fast as what
it does allows. Results go to the standard output, progress and complaints to the standard error.
Exit status: 0 all went well, 1 something failed, 2 the command was not understood.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

from mirzoo._support.logs import show_messages
from mirzoo._support.words import listed
from mirzoo.cli import (
    annotate,
    catalogue,
    exporting,
    listen,
    listing,
    own_data,
    scoring,
    training,
    vectors,
    web,
)
from mirzoo.cli._shared import FAILED, MISUSED, complain
from mirzoo.errors import MirzooError, UnknownNameError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class _Commands(click.Group):
    """All commands, in the order of their use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give their names."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an option that it lacks and others have is told to be theirs."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            name = error.option_name
            having = [f"`mirzoo {path}`" for path, options in _options_of(self) if name in options]
            if not having:
                raise
            where = error.ctx.command_path if error.ctx is not None else ctx.command_path
            have = "has" if len(having) == 1 else "have"
            raise click.UsageError(
                f"{where} has no option {name}; {listed(having)} {have} it", ctx=error.ctx
            ) from error


def _options_of(group: click.Group, path: str = "") -> Iterator[tuple[str, set[str]]]:
    """The options of every command, also inside groups, with what it is called by."""
    for name, command in group.commands.items():
        called = f"{path} {name}".strip()
        if isinstance(command, click.Group):
            yield from _options_of(command, called)
        else:
            yield called, {option for entry in command.params for option in entry.opts}


@click.group(
    cls=_Commands,
    help="Music models that take the waveform itself.",
    no_args_is_help=True,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option(
    "--import",
    "imports",
    multiple=True,
    metavar="MODULE",
    help="Import a Python module first, from the current folder or where Python looks, so that "
    "the front-ends, heads and tasks that it registers are known. May be repeated.",
)
@click.option("--version", is_flag=True, help="Print the version and exit.")
def app(imports: Sequence[str], version: bool) -> None:
    """Do what holds for every command."""
    if version:
        import mirzoo

        click.echo(f"mirzoo {mirzoo.__version__}")
        raise click.exceptions.Exit
    for module in imports:
        from mirzoo._support.registry import import_plugin

        try:
            import_plugin(module)
        except MirzooError:
            raise
        except Exception as error:
            complain(f"the module '{module}' cannot be imported: {type(error).__name__}: {error}")
            raise click.exceptions.Exit(FAILED) from error


for command in (
    *(listing.list_models, listing.info, annotate.annotate, listen.listen, scoring.evaluate),
    *(vectors.embed, vectors.similar, catalogue.catalogue),
    *(own_data.check_data, training.fine_tune, training.train, training.new_recipe),
    *(scoring.measure, training.prepare),
    *(exporting.export, web.web, exporting.pull, scoring.verify),
):
    # By default click cuts off what does not fit on a line; a whole sentence wraps.
    command.short_help = (command.help or "").strip().partition("\n\n")[0].replace("\n", " ")
    app.add_command(command)


def main() -> NoReturn:
    """Run the command line, and end the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # TensorFlow greets every user with a page about graphics cards and processors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Pydantic looks through all packages that are installed for plug-ins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    show_messages()
    try:
        app(prog_name="mirzoo")
    except MirzooError as error:
        complain(error)
        sys.exit(MISUSED if isinstance(error, UnknownNameError) else FAILED)
    except OSError as error:
        if error.errno not in FULL:
            raise
        complain(f"what was found cannot be written: {error.strerror}")
        # What the standard output still holds would fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    sys.exit(0)
