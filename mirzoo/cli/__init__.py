"""The command line: `mirzoo list | info | annotate | fine-tune | train | export | …`.

Every command only reads its arguments, calls the library and prints; a module holds a group of
them. Modules of the library are imported inside the commands, so that each starts as fast as what
it does allows. Results go to the standard output, progress and complaints to the standard error.
Exit status: 0 all went well, 1 something failed, 2 the command was not understood.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from mirzoo._support.logs import show_messages
from mirzoo.cli import annotate, exporting, listing, scoring, training
from mirzoo.cli._shared import FAILED, MISUSED, complain
from mirzoo.errors import MirzooError, UnknownNameError

app = typer.Typer(
    help="Music models that take the waveform itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("list")(listing.list_models)
app.command("info")(listing.info)
app.command("annotate", epilog=annotate.EPILOG)(annotate.annotate)
app.command("evaluate")(scoring.evaluate)
app.command("fine-tune")(training.fine_tune)
app.command("train")(training.train)
app.command("measure")(scoring.measure)
app.command("prepare")(training.prepare)
app.command("export")(exporting.export)
app.command("pull")(exporting.pull)
app.command("verify")(scoring.verify)


def main() -> NoReturn:
    """Run the command line, and end the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # TensorFlow greets every user with a page about graphics cards and processors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    show_messages()
    try:
        app(prog_name="mirzoo")
    except MirzooError as error:
        complain(error)
        sys.exit(MISUSED if isinstance(error, UnknownNameError) else FAILED)
    sys.exit(0)


@app.callback(invoke_without_command=True)
def _options(
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="Import a Python module first, from the current folder or where Python looks, so "
            "that the front-ends, heads and tasks that it registers are known. May be repeated.",
        ),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        import mirzoo

        typer.echo(f"mirzoo {mirzoo.__version__}")
        raise typer.Exit
    for module in imports or []:
        from mirzoo._support.registry import import_plugin

        try:
            import_plugin(module)
        except MirzooError:
            raise
        except Exception as error:
            complain(f"the module '{module}' cannot be imported: {type(error).__name__}: {error}")
            raise typer.Exit(FAILED) from error
