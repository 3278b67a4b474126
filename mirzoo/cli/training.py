"""Commands that make models: `prepare`, `train`, `fine-tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirzoo.cli._shared import DataHome, LabelledData, ModelName, complain


def prepare(
    collections: Annotated[
        list[str] | None,
        typer.Argument(help="Which; without any, all are listed.", metavar="NAME..."),
    ] = None,
    home: DataHome = None,
) -> None:
    """Prepare collections of music to train on."""
    from mirzoo.data import sources

    for name in collections or []:
        sources.prepare(name, home=home)
    if not collections:
        names = sources.list_collections()
        width = max(map(len, names))
        for name in names:
            collection = sources.collection(name)
            typer.echo(f"{name:{width}} {collection.description}")
            typer.echo(f"{'':{width}} {collection.obtain}")


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or its file.", metavar="RECIPE")],
    home: DataHome = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/<recipe>.")
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write logs for TensorBoard into the folder too.")
    ] = False,
) -> None:
    """Train a recipe's model, or resume an interrupted run."""
    from mirzoo import hub
    from mirzoo._support.files import data_home
    from mirzoo.training import train

    train(
        recipe,
        (home or data_home()) / "corpus",
        out or Path("runs") / hub.recipe_name(recipe),
        tensorboard=tensorboard,
    )


def fine_tune(
    name: ModelName,
    data: LabelledData,
    out: Annotated[Path, typer.Argument(help="Folder of the new model.", metavar="OUT")],
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 20,
    train_head: Annotated[
        bool,
        typer.Option(
            "--train-head/--freeze-head",
            help="Train front-end and head too, or the output layers alone.",
        ),
    ] = True,
    train_trunk: Annotated[
        bool | None, typer.Option("--train-trunk/--freeze-trunk", hidden=True)
    ] = None,
) -> None:
    """Fit a trained model to labels of your own, and save it."""
    from mirzoo import hub
    from mirzoo.training.fine_tuning import fine_tune

    if train_trunk is not None:
        complain("--train-trunk and --freeze-trunk are now --train-head and --freeze-head")
        train_head = train_trunk
    model = hub.create_for(name, data)
    loss = fine_tune(model, data, epochs=epochs, train_head=train_head)["loss"]
    typer.echo(f"loss {loss[0]:.3f} -> {loss[-1]:.3f}; saved in {hub.save(model, out)}")
