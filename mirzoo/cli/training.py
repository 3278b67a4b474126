"""Commands that make models: `prepare`, `train`, `fine-tune`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from mirzoo.cli._shared import (
    DATA_HOME,
    LABELLED_DATA,
    OVERWRITE,
    OVERWRITE_FILES,
    PATH,
    OneOf,
    argument,
    complain,
    frontends,
    heads,
    precisions,
    quiet_libraries,
    require_free,
    strategies,
    tasks,
    warnings_as_complaints,
)
from mirzoo.cli.own_data import CHECK, open_source, said, source_options

if TYPE_CHECKING:
    from mirzoo.training.own_clips import Strategy


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
@click.option(
    "--data",
    "source",
    metavar="DATA",
    help="Labelled data of your own, as fine-tune takes them; by default the corpora that the "
    "recipe names.",
)
@DATA_HOME
@click.option("--out", type=PATH, help="Folder of the run; by default runs/<recipe>.")
@click.option("--tensorboard", is_flag=True, help="Write logs for TensorBoard into the folder too.")
@click.option(
    "--distribute",
    metavar="HOW",
    default="none",
    help="Of prepared corpora: mirrored shares each batch among all GPUs of the machine.",
)
@click.option(
    "--weights",
    metavar="MODEL",
    help="Of your own data: a trained model to begin with, or none; by default what the recipe "
    "states.",
)
@click.option(
    "--held-out",
    type=click.FloatRange(0, 1, max_open=True),
    help="Of your own data: the share that measures the result, by default 0.2.",
)
@click.option("--balanced", is_flag=True, help="Of your own data: rare labels count as much.")
@click.option("--overwrite", is_flag=True, help="Of your own data: replace a model that is there.")
@source_options
@CHECK
def train(
    recipe: str,
    source: str | None,
    home: Path | None,
    out: Path | None,
    tensorboard: bool,
    distribute: str,
    weights: str | None,
    held_out: float | None,
    balanced: bool,
    overwrite: bool,
    check_only: bool,
    reading: dict[str, Any],
) -> None:
    """Train a recipe's model on labels of your own or on prepared corpora, or go on with it."""
    from mirzoo import hub
    from mirzoo._support.files import data_home
    from mirzoo.training import train

    out = out or Path("runs") / hub.recipe_name(recipe)
    if source is None:
        context = click.get_current_context()
        set_by_user = click.core.ParameterSource.COMMANDLINE
        shared = ("recipe", "source", "home", "out", "tensorboard", "distribute")
        given = [
            option.opts[0]
            for option in context.command.params
            if option.name not in shared
            and context.get_parameter_source(option.name or "") is set_by_user
        ]
        if given:
            raise click.UsageError(f"{', '.join(given)} goes with --data")
        train(
            recipe,
            (home or data_home()) / "corpus",
            out,
            tensorboard=tensorboard,
            distribute=distribute,
        )
        return
    for option, is_set in (("--home", home is not None), ("--distribute", distribute != "none")):
        if is_set:
            raise click.UsageError(f"{option} is of prepared corpora; leave it out, or --data")
    from mirzoo.artefact import require_free
    from mirzoo.tasks.base import TASKS
    from mirzoo.training.own_recipes import train_on_own

    name = hub.recipe_name(recipe)
    require_free(out / name, overwrite=overwrite)
    described = hub.load_recipe(recipe)
    own = open_source(
        source,
        reading,
        check_only=check_only,
        kind=TASKS[described.task.type].label_kind or "tags",
        sample_rate=described.frontend.sample_rate,
        window_s=described.window_s,
    )
    options = {} if held_out is None else {"held_out": held_out}
    with warnings_as_complaints():
        model = train_on_own(
            described, own, out, name=name, weights=weights, tensorboard=tensorboard,
            balanced=balanced, overwrite=overwrite, **options,
        )  # fmt: skip
    click.echo(f"{model.report}\nsaved in {out / name}")


@click.command()
@click.option("--frontend", type=OneOf(frontends), required=True, help="Such as mel, cqt or leaf.")
@click.option("--head", type=OneOf(heads), required=True, help="Such as cnn, crnn or rnn.")
@click.option("--task", type=OneOf(tasks), help="What the model is to find; by default tagging.")
@click.option("--labels", help="Of a tagger, with commas between them.")
@click.option(
    "-o", "--output", type=PATH, metavar="FILE", help="Where to; by default it is printed."
)
@OVERWRITE_FILES
def new_recipe(
    frontend: str,
    head: str,
    task: str | None,
    labels: str | None,
    output: Path | None,
    overwrite: bool,
) -> None:
    """Write a recipe for any front-end, head and task, with a comment on every setting."""
    from mirzoo._support.files import write_whole
    from mirzoo.recipe import new_recipe

    words = [word.strip() for word in (labels or "").split(",") if word.strip()]
    wanted = {} if task is None else {"task": task}
    text = new_recipe(frontend, head, **wanted, labels=words)
    if output is None:
        click.echo(text, nl=False)
        return
    require_free(output, overwrite=overwrite)
    write_whole(output, text)
    click.echo(f"{output}: train it with `mirzoo train {output} --data LABELLED_DATA`")


FITTING = (
    click.option(
        "--epochs", type=click.IntRange(min=1), default=20, help="At most so many passes."
    ),
    click.option(
        "--batch-size", type=click.IntRange(min=1), default=16, help="Windows for each step."
    ),
    click.option(
        "--learning-rate",
        type=click.FloatRange(min=0, min_open=True),
        help="The highest of a step; by default the task's.",
    ),
    click.option(
        "--held-out",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.2,
        help="The share of clips or recordings that measures the result; 0 for none. Fewer than 10 "
        "clips or 3 recordings are learnt from instead.",
    ),
    click.option(
        "--exclusive/--any-number",
        default=None,
        help="Whether exactly one label holds; by default as each clip has one.",
    ),
    click.option(
        "--balanced", is_flag=True, help="Let rare labels count as much as frequent ones."
    ),
    click.option(
        "--augmentation",
        "--augment",
        metavar="NAMES",
        help="How examples are changed: some of gain, noise, filter, mask (SpecAugment), for "
        "taggers shift, mixup and band, for others transpose, with commas between them; or none.",
    ),
    click.option(
        "--precision",
        type=OneOf(precisions),
        default="float32",
        help="Of convolutions while they learn: float32 or bfloat16; saved is float32.",
    ),
    click.option(
        "--seed", type=int, default=0, help="Of fresh weights, folds, order and alterations."
    ),
    click.option(
        "--tensorboard", type=PATH, metavar="FOLDER", help="Write logs for TensorBoard there."
    ),
    click.option(
        "--progress/--no-progress",
        default=None,
        help="Show progress; by default where the standard error is a terminal.",
    ),
)


def fitting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `mirzoo.fine_tune` that all ways to fit a model have."""
    for option in reversed(FITTING):
        function = option(function)
    return function


@click.command()
@argument(
    "name", "MODEL", "A model's name, or its folder; or a recipe, for fresh weights: name or file."
)
@LABELLED_DATA
@argument("out", "OUT", "Folder of the new model.", type=PATH)
@click.option(
    "--strategy",
    type=OneOf(strategies),
    help="auto (the default: whatever does best on clips left out), probe (the output layer "
    "alone), head, or full.",
)
@fitting_options
@click.option("--extend", is_flag=True, help="Keep the tagger's own labels too.")
@OVERWRITE
@click.option(
    "--excerpts/--no-excerpts",
    default=True,
    help="Whether the report in OUT holds excerpts of the worst mistakes to listen to.",
)
@source_options
@CHECK
@click.option("--train-head/--freeze-head", default=None, hidden=True)
@click.option("--train-trunk/--freeze-trunk", default=None, hidden=True)
def fine_tune(
    name: str,
    data: str,
    out: Path,
    strategy: str | None,
    train_head: bool | None,
    train_trunk: bool | None,
    check_only: bool,
    reading: dict[str, Any],
    **options: Any,
) -> None:
    """Fit a trained model to labels of your own, and save it.

    Whatever is chosen is chosen within the data to learn from; what is held out measures the
    result. If it is interrupted, the same command goes on where it was.
    """
    from mirzoo.artefact import require_free
    from mirzoo.training.fine_tuning import fine_tune

    for former, value in (("trunk", train_trunk), ("head", train_head)):
        if value is not None:
            complain(
                f"--train-{former} is now --strategy full, and --freeze-{former} --strategy probe"
            )
            strategy = strategy or ("full" if value else "probe")
    quiet_libraries()
    if check_only:
        open_source(data, reading, check_only=True)
    require_free(out, overwrite=options["overwrite"])
    with warnings_as_complaints():
        model = fine_tune(
            name,
            data,
            strategy=cast("Strategy | None", strategy),
            out=out,
            **options,
            **said(reading),
        )
    click.echo(f"{model.report}\nsaved in {out}")
