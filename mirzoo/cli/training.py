"""Commands that make models: `prepare`, `train`, `fine-tune`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mirzoo.cli._shared import DATA_HOME, LABELLED_DATA, MODEL, OVERWRITE, PATH, argument, complain


@click.command()
@argument("collections", "[NAME]...", "Which; without any, all are listed.", nargs=-1)
@DATA_HOME
def prepare(collections: Sequence[str], home: Path | None) -> None:
    """Prepare collections of music to train on."""
    from mirzoo.data import sources

    for name in collections:
        sources.prepare(name, home=home)
    if not collections:
        names = sources.list_collections()
        width = max(map(len, names))
        for name in names:
            collection = sources.collection(name)
            click.echo(f"{name:{width}} {collection.description}")
            click.echo(f"{'':{width}} {collection.obtain}")


@click.command()
@argument("recipe", "RECIPE", "A recipe's name, or its file.")
@DATA_HOME
@click.option("--out", type=PATH, help="Folder of the run; by default runs/<recipe>.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard into the folder too.")
def train(recipe: str, home: Path | None, out: Path | None, tensorboard: bool) -> None:
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


@click.command()
@MODEL
@LABELLED_DATA
@argument("out", "OUT", "Folder of the new model.", type=PATH)
@click.option("--epochs", type=click.IntRange(min=1), default=20, help="Passes over the data.")
@click.option(
    "--train-head/--freeze-head",
    default=True,
    help="Train front-end and head too, or the output layers alone.",
)
@OVERWRITE
@click.option("--train-trunk/--freeze-trunk", default=None, hidden=True)
def fine_tune(
    name: str,
    data: str,
    out: Path,
    epochs: int,
    train_head: bool,
    train_trunk: bool | None,
    overwrite: bool,
) -> None:
    """Fit a trained model to labels of your own, and save it."""
    from mirzoo import hub
    from mirzoo.artefact import require_free
    from mirzoo.training.fine_tuning import fine_tune

    if train_trunk is not None:
        complain("--train-trunk and --freeze-trunk are now --train-head and --freeze-head")
        train_head = train_trunk
    require_free(out, overwrite=overwrite)
    model = hub.create_for(name, data)
    loss = fine_tune(model, data, epochs=epochs, train_head=train_head)["loss"]
    saved = hub.save(model, out, overwrite=overwrite)
    click.echo(f"loss {loss[0]:.3f} -> {loss[-1]:.3f}; saved in {saved}")
