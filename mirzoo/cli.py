"""The command line: `mirzoo list | info | annotate | fine-tune | train | export | …`.

Every command only reads its arguments, calls the library and prints. Modules are imported inside
the commands, so that each starts as fast as what it does allows. Results go to the standard
output, progress and complaints to the standard error. Exit status: 0 all went well, 1 something
failed, 2 the command was not understood.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mirzoo.errors import MirzooError, UnknownNameError

if TYPE_CHECKING:
    from mirzoo.annotation import Tags
    from mirzoo.card import Card

FAILED, MISUSED = 1, 2

app = typer.Typer(
    help="Music models that take the waveform itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Runtime(StrEnum):
    """What computes a model."""

    litert = "litert"
    keras = "keras"


class Format(StrEnum):
    """Files that results are written to."""

    jams = "jams"
    json = "json"
    csv = "csv"


class Quantize(StrEnum):
    """How a LiteRT file stores its weights."""

    float16 = "float16"


ModelName = Annotated[
    str, typer.Argument(help="A model's name, or the folder of a saved model.", metavar="MODEL")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataHome = Annotated[
    Path | None,
    typer.Option(help="Folder of src/ and corpus/; by default MIRZOO_DATA or one in ~/.cache."),
]


def main() -> NoReturn:
    """Run the command line, and end the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    # TensorFlow greets every user with a page about graphics cards and processors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        app(prog_name="mirzoo")
    except MirzooError as error:
        _complain(error)
        sys.exit(MISUSED if isinstance(error, UnknownNameError) else FAILED)
    sys.exit(0)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        import mirzoo

        typer.echo(f"mirzoo {mirzoo.__version__}")
        raise typer.Exit


@app.command("list")
def list_models(
    pattern: Annotated[
        str, typer.Argument(help="Which, with wildcards: '*_tagger'.", metavar="PATTERN")
    ] = "*",
    as_json: AsJson = False,
) -> None:
    """List the models, and where their weights are."""
    from mirzoo import zoo

    trained, here = zoo.list_models(pretrained=True), zoo.local_models()
    weights = {
        name: "here" if name in here else "fetched on first use" if name in trained else "none"
        for name in zoo.list_models(pattern)
    }
    if as_json:
        typer.echo(json.dumps(weights, indent=1))
        return
    width = max(map(len, weights), default=0)
    for name, where in weights.items():
        typer.echo(f"{name:{width}}  weights: {where}")


@app.command()
def annotate(
    models: Annotated[
        str,
        typer.Argument(help="A model, or several: mel_cnn_tagger,musicnn_mtt", metavar="MODEL"),
    ],
    paths: Annotated[
        list[Path], typer.Argument(help="Audio files, and folders of them.", metavar="FILE...")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Where results go: a .jams, .json or .csv file, or a folder."
        ),
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Of the files in a folder; json by default.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many tags to print.")] = 5,
    runtime: Annotated[Runtime, typer.Option(help="What computes the model.")] = Runtime.litert,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")] = False,
) -> None:
    """Tag recordings."""
    from mirzoo import zoo
    from mirzoo.annotate import find_recordings

    recordings = find_recordings(paths)
    runners = []
    for name in dict.fromkeys(models.split(",")):
        with _progress(f"loading {name}; a published model is fetched and converted once"):
            runners.append(zoo.load(name, runtime=runtime.value))
    results = _results(recordings, [runner.card.name for runner in runners], output, format_)
    failed = False
    for number, recording in enumerate(recordings, 1):
        for runner in runners:
            try:
                with _progress(f"{number}/{len(recordings)} {recording.name}") as heard:
                    tags = runner.annotate(recording.path, progress=heard)
                if results:
                    path = results[recording, runner.card.name]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    tags.write(path)
            except (MirzooError, OSError) as error:
                failed = True
                _complain(error)
                continue
            typer.echo(json.dumps(tags.to_dict()) if as_json else _summary(tags, top))
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def info(name: ModelName, as_json: AsJson = False) -> None:
    """Show a model's card: input, labels, scores, licences."""
    from mirzoo import zoo

    card = zoo.card(name)
    typer.echo(card.to_json().rstrip() if as_json else _card_text(card))


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or its file.", metavar="RECIPE")],
    home: DataHome = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; by default runs/<recipe>.")
    ] = None,
) -> None:
    """Train the model of a recipe, or go on with a run that was interrupted."""
    from mirzoo.data.sources import data_home
    from mirzoo.training import train

    train(
        recipe,
        (home or data_home()) / "corpus",
        out or Path("runs") / Path(recipe).stem,
        report=_report,
    )


@app.command()
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
        sources.prepare(name, home=home, report=_report)
    if not collections:
        for name in sources.list_collections():
            collection = sources.collection(name)
            typer.echo(f"{name:14} {collection.description}\n{'':14} {collection.obtain}")


@app.command()
def evaluate(
    name: ModelName,
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled clips: a folder with a folder for each class, a CSV file, tfds:NAME.",
            metavar="DATA",
        ),
    ],
) -> None:
    """Score a model on labelled clips."""
    from mirzoo.evaluation import evaluate

    for metric in evaluate(name, data):
        typer.echo(f"{metric.value:.3f}  {metric.metric} (n = {metric.n})")


@app.command("fine-tune")
def fine_tune(
    name: ModelName,
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled clips: a folder with a folder for each class, a CSV file, tfds:NAME.",
            metavar="DATA",
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Folder of the new model.", metavar="OUT")],
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 20,
    train_trunk: Annotated[
        bool, typer.Option("--train-trunk/--freeze-trunk", help="Train more than the output layer.")
    ] = True,
) -> None:
    """Fit a trained model to labels of your own, and save it."""
    from mirzoo import zoo
    from mirzoo.data import folder
    from mirzoo.fine_tuning import fine_tune

    clips = folder.load(data)
    one_label_each = bool((clips.targets.sum(axis=1) == 1).all())
    model = zoo.create(name, clips.labels, exclusive=one_label_each)
    fine_tune(model, data, epochs=epochs, train_trunk=train_trunk)
    typer.echo(f"{len(clips.labels)} labels; saved in {zoo.save(model, out)}")


@app.command()
def export(
    name: ModelName,
    out: Annotated[
        Path, typer.Argument(help="A .tflite file, or a folder for a SavedModel.", metavar="OUT")
    ],
    quantize: Annotated[
        Quantize | None, typer.Option(help="Store the weights of a .tflite file smaller.")
    ] = None,
) -> None:
    """Write a model as LiteRT file or SavedModel, checked against the Keras model."""
    from mirzoo import zoo
    from mirzoo.export import export

    path = export(zoo.load(name), out, quantize=quantize and quantize.value)
    typer.echo(f"wrote {path}")


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Which; without any, all that are here.", metavar="MODEL..."),
    ] = None,
) -> None:
    """Compute again what saved models claim: hashes, outputs, operations, parameters."""
    from mirzoo import zoo

    failed = False
    for name in names or zoo.local_models():
        try:
            differences = zoo.verify(name)
        except UnknownNameError:
            raise
        except MirzooError as error:
            failed = True
            _complain(error)
        else:
            forms = ", ".join(f"{form} {value:.0e}" for form, value in differences.items())
            typer.echo(f"{name}: all as its card says (largest differences: {forms})")
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A published model's name.", metavar="MODEL")],
) -> None:
    """Bring a published model from its own package, and convert it."""
    from mirzoo import zoo

    typer.echo(f"{name} is in {zoo.pull(name)}")


def _results(recordings, models, output, format_):
    """Where each result goes, or None where nothing is written."""
    from mirzoo.annotate import name_results
    from mirzoo.annotation import Tags

    if output is None:
        if format_ is not None:
            raise typer.BadParameter("needs -o, where the files go", param_hint="--format")
        return None
    if output.suffix.lower() not in Tags.formats:
        suffix = f".{(format_ or Format.json).value}"
        return name_results(recordings, models, output, suffix)
    if format_ is not None and output.suffix.lower() != f".{format_.value}":
        raise typer.BadParameter(f"{output} is no .{format_.value} file", param_hint="--format")
    if len(recordings) * len(models) > 1:
        raise typer.BadParameter(
            f"{output} is one file, but there are {len(recordings)} recordings and "
            f"{len(models)} models: give a folder",
            param_hint="-o",
        )
    return {(recordings[0], models[0]): output}


def _summary(tags: Tags, top: int) -> str:
    best = tags.top(top)
    width = max(len(label) for label, _ in best)
    minutes, seconds = divmod(round(tags.duration_s), 60)
    lines = [f"{tags.source}  ({minutes}:{seconds:02d}, {tags.model})"]
    lines += [f"  {label:{width}}  {p:.2f}  {'█' * round(30 * p)}".rstrip() for label, p in best]
    return "\n".join(lines)


def _card_text(card: Card) -> str:
    contract = card.input
    seconds = contract.window_samples / contract.sample_rate
    lines = [
        f"{card.name}: {card.description}",
        "",
        f"hears       {contract.sample_rate} Hz mono, {seconds:.2f} s at a time "
        f"(at least {contract.min_samples / contract.sample_rate:.2f} s)",
        f"says        {len(card.labels)} labels ({card.activation}): {', '.join(card.labels)}",
        f"embedding   {card.embedding_size} numbers",
        f"size        {card.parameters:,} parameters",
        f"licences    code {card.licences.code}; weights {card.licences.weights}; "
        f"data {card.licences.data}",
        f"from        {card.provenance}",
        f"cite        {card.citation}",
    ]
    if card.metrics:
        lines += ["", "scores"]
    for metric in card.metrics:
        others = "".join(f", {name} {value:.3f}" for name, value in metric.baseline.items())
        rendered = ", rendered" if metric.rendered else ""
        lines.append(
            f"  {metric.value:.3f}{others}  {metric.metric}, {metric.dataset} {metric.split} "
            f"(n = {metric.n}{rendered})"
        )
    return "\n".join(lines)


@contextmanager
def _progress(doing: str) -> Iterator[Callable[[float], None]]:
    """Show how much of a recording was heard, where somebody can see it."""
    if not sys.stderr.isatty():
        yield lambda seconds: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(doing)) as status:
        yield lambda seconds: status.update(Text(f"{doing}: heard {seconds:.0f} s"))


def _report(line: str) -> None:
    typer.echo(line, err=True)


def _complain(error: Exception) -> None:
    typer.echo(f"mirzoo: {error}", err=True)
