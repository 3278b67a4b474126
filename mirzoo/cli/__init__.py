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

from mirzoo._support.logs import show_messages
from mirzoo.errors import CardError, MirzooError, UnknownNameError

if TYPE_CHECKING:
    from mirzoo.card import Card
    from mirzoo.tasks.annotation import Annotation

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
    lab = "lab"
    mid = "mid"


class Task(StrEnum):
    """What models hear."""

    tagging = "tagging"
    chords = "chords"
    melody = "melody"
    notes = "notes"


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
    imported: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="Import a module with front-ends, heads or tasks of your own. May be repeated.",
        ),
    ] = None,
) -> None:
    from mirzoo._support.registry import import_plugin

    for module in imported or []:
        import_plugin(module)
    if version:
        import mirzoo

        typer.echo(f"mirzoo {mirzoo.__version__}")
        raise typer.Exit
    show_messages()


@app.command("list")
def list_models(
    pattern: Annotated[
        str, typer.Argument(help="Which, with wildcards: '*_tagger'.", metavar="PATTERN")
    ] = "*",
    task: Annotated[Task | None, typer.Option(help="Only models for this.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the models, what they hear, and where their weights are."""
    from mirzoo import hub

    trained, here = hub.list_models(pretrained=True), hub.local_models()
    found = {
        name: {
            "task": hub.task_of(name),
            "weights": "here" if name in here
            else "fetched on first use" if name in trained else "none",
        }
        for name in hub.list_models(pattern)
        if task is None or hub.task_of(name) == task.value
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    width = max(map(len, found), default=0)
    for name, model in found.items():
        typer.echo(f"{name:{width}}  {model['task']:7}  weights: {model['weights']}")


@app.command()
def annotate(
    models: Annotated[
        str,
        typer.Argument(help="A model, or several: mel_cnn_tagger,cqt_crnn_chords", metavar="MODEL"),
    ],
    paths: Annotated[
        list[Path], typer.Argument(help="Audio files, and folders of them.", metavar="FILE...")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Where results go: a folder, or a file: .jams, .json or .csv for any task, .lab "
            "for chords, .mid for chords, melody and notes.",
        ),
    ] = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Of the files in a folder; json by default.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Draw what all the models hear into one .png, .pdf or .svg; of several "
            "recordings, a .png each into this folder.",
        ),
    ] = None,
    sonify: Annotated[
        Path | None,
        typer.Option(
            help="Play the chords, melody or notes over the recording, to hear whether they are "
            "right: a .wav, .flac or .ogg; of several recordings or models, a .wav each into this "
            "folder.",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="How many tags, or frequent chords, to print.")
    ] = 5,
    decoding: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Decode otherwise than the model's card says: voicing_threshold=0.9 or "
            "method=local_average for melody, change_penalty=3 for chords. May be repeated.",
        ),
    ] = None,
    runtime: Annotated[Runtime, typer.Option(help="What computes the model.")] = Runtime.litert,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")] = False,
) -> None:
    """Tag recordings, or write down their chords, melody or notes."""
    from mirzoo import hub
    from mirzoo.annotate import find_recordings
    from mirzoo.tasks.annotation import draw_together

    recordings = find_recordings(paths)
    runners = []
    for name in dict.fromkeys(models.split(",")):
        with _progress(f"loading {name}; a published model is fetched and converted once"):
            runners.append(hub.load(name, runtime=runtime.value))
    cards = [runner.card for runner in runners]
    decodings = _decodings(cards, decoding or [])
    results = _results(recordings, cards, output, format_)
    pictures = _pictures(recordings, picture)
    sounds = _sounds(recordings, cards, sonify)
    failed = False
    for number, recording in enumerate(recordings, 1):
        drawn = []
        for runner, settings in zip(runners, decodings, strict=True):
            try:
                with _progress(f"{number}/{len(recordings)} {recording.name}") as heard:
                    heard_in_it = runner.annotate(recording.path, decoding=settings, progress=heard)
                heard_as = recording, runner.card.name
                if heard_as in results:
                    heard_in_it.write(_with_folder(results[heard_as]))
                if heard_as in sounds:
                    heard_in_it.sonify(original=recording.path, path=_with_folder(sounds[heard_as]))
            except (MirzooError, OSError) as error:
                failed = True
                _complain(error)
                continue
            drawn.append(heard_in_it)
            typer.echo(json.dumps(heard_in_it.to_dict()) if as_json else _summary(heard_in_it, top))
        if recording in pictures and drawn:
            try:
                draw_together(drawn, _with_folder(pictures[recording]))
            except (MirzooError, OSError) as error:
                failed = True
                _complain(error)
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def info(name: ModelName, as_json: AsJson = False) -> None:
    """Show a model's card: input, labels, scores, licences."""
    from mirzoo import hub

    card = hub.card(name)
    typer.echo(card.to_json().rstrip() if as_json else _card_text(card))


@app.command()
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
    """Train the model of a recipe, or go on with a run that was interrupted."""
    from mirzoo.data.sources import data_home
    from mirzoo.training import train

    train(
        recipe,
        (home or data_home()) / "corpus",
        out or Path("runs") / Path(recipe).stem,
        tensorboard=tensorboard,
    )


@app.command()
def measure(name: ModelName, home: DataHome = None) -> None:
    """Measure a trained model's card again on prepared corpora; only card.json is written."""
    from mirzoo.data.sources import data_home
    from mirzoo.training import measure

    for metric in measure(name, (home or data_home()) / "corpus"):
        typer.echo(f"{metric.value:.3f}  {metric.metric}, {metric.dataset} (n = {metric.n})")


@app.command()
def prepare(
    collections: Annotated[
        list[str] | None,
        typer.Argument(help="Which; without any, all are listed.", metavar="NAME..."),
    ] = None,
    home: DataHome = None,
) -> None:
    """Prepare collections of music to train on."""
    from mirzoo._support.logs import show_messages
    from mirzoo.data import sources

    show_messages()
    for name in collections or []:
        sources.prepare(name, home=home)
    if not collections:
        names = sources.list_collections()
        width = max(map(len, names))
        for name in names:
            collection = sources.collection(name)
            typer.echo(f"{name:{width}} {collection.description}")
            typer.echo(f"{'':{width}} {collection.obtain}")


@app.command()
def evaluate(
    name: ModelName,
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled clips: a folder with a folder for each class, a CSV file, tfds:NAME, "
            "mirdata:NAME[@FOLDER]. For chords and melody: a folder of recordings, each beside its "
            "labels, tfds:NAME, mirdata:NAME[@FOLDER], a prepared corpus.",
            metavar="DATA",
        ),
    ],
) -> None:
    """Score a model on labelled recordings."""
    from mirzoo.evaluation import evaluate

    for metric in evaluate(name, data):
        typer.echo(f"{metric.value:.3f}  {metric.metric} (n = {metric.n})")


@app.command("fine-tune")
def fine_tune(
    name: ModelName,
    data: Annotated[
        str,
        typer.Argument(
            help="Labelled clips: a folder with a folder for each class, a CSV file, tfds:NAME, "
            "mirdata:NAME[@FOLDER]. For chords and melody: a folder of recordings, each beside its "
            "labels, tfds:NAME, mirdata:NAME[@FOLDER], a prepared corpus.",
            metavar="DATA",
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Folder of the new model.", metavar="OUT")],
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 20,
    train_head: Annotated[
        bool,
        typer.Option("--train-head/--freeze-head", help="Train more than the output layers."),
    ] = True,
    train_trunk: Annotated[
        bool | None,
        typer.Option("--train-trunk/--freeze-trunk", help="Formerly --train-head.", hidden=True),
    ] = None,
) -> None:
    """Fit a trained model to labels of your own, and save it."""
    from mirzoo import hub
    from mirzoo.data import folder
    from mirzoo.tasks.base import TASKS
    from mirzoo.training.fine_tuning import fine_tune

    if TASKS[hub.card(name).task].free_labels:
        clips = folder.load(data)
        one_label_each = bool((clips.targets.sum(axis=1) == 1).all())
        model = hub.create(name, clips.labels, exclusive=one_label_each)
    else:
        model = hub.load(name)
    if train_trunk is not None:
        typer.echo("--train-trunk is now --train-head, --freeze-trunk is --freeze-head", err=True)
        train_head = train_trunk
    loss = fine_tune(model, data, epochs=epochs, train_head=train_head)["loss"]
    typer.echo(f"loss {loss[0]:.3f} -> {loss[-1]:.3f}; saved in {hub.save(model, out)}")


@app.command()
def export(
    name: ModelName,
    out: Annotated[
        Path,
        typer.Argument(
            help="A .tflite or .onnx file, or a folder for a SavedModel.", metavar="OUT"
        ),
    ],
    quantize: Annotated[
        Quantize | None, typer.Option(help="Store the weights of a .tflite file smaller.")
    ] = None,
) -> None:
    """Write a model as LiteRT or ONNX file or SavedModel, checked against the Keras model."""
    from mirzoo import hub
    from mirzoo.export import export

    path = export(hub.load(name), out, quantize=quantize and quantize.value)
    typer.echo(f"wrote {path}")


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Which; without any, all that are here.", metavar="MODEL..."),
    ] = None,
) -> None:
    """Compute again what saved models claim: hashes, outputs, operations, parameters."""
    from mirzoo import hub

    failed = False
    for name in names or hub.local_models():
        try:
            differences = hub.verify(name)
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
    from mirzoo import hub

    typer.echo(f"{name} is in {hub.pull(name)}")


def _decodings(cards: list[Card], given: list[str]) -> list[dict]:
    """For each model, the settings NAME=VALUE that its decoding has; each must fit one model."""
    settings = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not equals:
            raise typer.BadParameter(f"'{entry}' is not NAME=VALUE", param_hint="--decoding")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    decodings = [
        {name: value for name, value in settings.items() if hasattr(card.decoding, name)}
        for card in cards
    ]
    fitting = set().union(*decodings)
    try:
        for card, chosen in zip(cards, decodings, strict=True):
            card.decoded_with(chosen)
        for name in settings.keys() - fitting:
            cards[0].decoded_with({name: settings[name]})
    except CardError as error:
        raise typer.BadParameter(str(error), param_hint="--decoding") from error
    return decodings


def _results(recordings, cards, output, format_):
    """Where the result of each model on each recording goes."""
    from mirzoo.annotate import name_results
    from mirzoo.tasks.base import TASKS

    names = [card.name for card in cards]
    if output is None:
        if format_ is not None:
            raise typer.BadParameter("needs -o, where the files go", param_hint="--format")
        return {}
    suffixes = [f".{known}" for known in Format]
    for card in cards:
        suffixes += TASKS[card.task].annotation.formats
    is_file = _is_file(output, tuple(dict.fromkeys(suffixes)), "-o")
    suffix = output.suffix.lower() if is_file else f".{(format_ or Format.json).value}"
    for card in cards:
        _require_format(card, suffix, "-o" if is_file else "--format")
    if not is_file:
        return name_results(recordings, names, output, suffix)
    if format_ is not None and suffix != f".{format_.value}":
        raise typer.BadParameter(f"{output} is no .{format_.value} file", param_hint="--format")
    if len(recordings) * len(cards) > 1:
        raise typer.BadParameter(
            f"{output} is one file, but there are {len(recordings)} recordings and "
            f"{len(cards)} models: give a folder",
            param_hint="-o",
        )
    return {(recordings[0], names[0]): output}


def _pictures(recordings, picture: Path | None):
    """Where the picture of each recording goes."""
    from mirzoo.annotate import name_results
    from mirzoo.tasks.annotation.pictures import FORMATS

    if picture is None:
        return {}
    if not _is_file(picture, FORMATS, "--picture"):
        return {
            recording: path
            for (recording, _), path in name_results(recordings, [""], picture, ".png").items()
        }
    if len(recordings) > 1:
        raise typer.BadParameter(
            f"{picture} is one file, but there are {len(recordings)} recordings: give a folder",
            param_hint="--picture",
        )
    return {recordings[0]: picture}


def _sounds(recordings, cards: list[Card], sonify: Path | None):
    """Where what each model with pitches hears in each recording goes as sound."""
    from mirzoo.annotate import name_results
    from mirzoo.tasks.annotation import Playable
    from mirzoo.tasks.annotation.sound import FORMATS
    from mirzoo.tasks.base import TASKS

    if sonify is None:
        return {}
    names = [card.name for card in cards if issubclass(TASKS[card.task].annotation, Playable)]
    if not names:
        raise typer.BadParameter(
            f"{', '.join(card.name for card in cards)} only tags; allowed are models for chords, "
            "melody and notes",
            param_hint="--sonify",
        )
    if not _is_file(sonify, FORMATS, "--sonify"):
        return name_results(recordings, names, sonify, ".wav")
    if len(recordings) * len(names) > 1:
        raise typer.BadParameter(
            f"{sonify} is one file, but there are {len(recordings)} recordings and {len(names)} "
            "models that can be heard: give a folder",
            param_hint="--sonify",
        )
    return {(recordings[0], names[0]): sonify}


def _is_file(path: Path, formats: tuple[str, ...], option: str) -> bool:
    """Whether a path is a file of one of the formats, or else a folder, there or new."""
    if path.is_dir() or not path.suffix:
        return False
    if path.suffix.lower() not in formats:
        raise typer.BadParameter(
            f"{path} is neither a folder that exists nor a file of a known format; allowed are "
            f"{', '.join(formats)}, or a folder's name without a dot",
            param_hint=option,
        )
    return True


def _with_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _require_format(card: Card, suffix: str, option: str) -> None:
    from mirzoo.tasks.base import TASKS

    kind = TASKS[card.task].annotation
    allowed = kind.formats
    if suffix not in allowed:
        raise typer.BadParameter(
            f"{suffix} is no format for {kind.kind}, which {card.name} gives; "
            f"allowed are {', '.join(allowed)}",
            param_hint=option,
        )


def _summary(heard: Annotation, top: int) -> str:
    from mirzoo.tasks.annotation.pictures import clock

    first = f"{heard.source}  ({clock(heard.duration_s)}, {heard.model})"
    return "\n".join([first, *(f"  {line}" for line in heard.summary(top))])


def _card_text(card: Card) -> str:
    contract = card.input
    seconds = contract.window_samples / contract.sample_rate
    lines = [
        f"{card.name}: {card.description}",
        "",
        f"hears       {contract.sample_rate} Hz mono, {seconds:.2f} s at a time "
        f"(at least {contract.min_samples / contract.sample_rate:.2f} s)",
        *_outputs(card),
        *([f"embedding   {card.embedding_size} numbers"] if card.embedding_size else []),
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


def _outputs(card: Card) -> list[str]:
    from mirzoo.tasks.base import TASKS

    return [f"{word:<11} {text}" for word, text in TASKS[card.task].describe(card)]


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
