"""`mirzoo annotate`: models over recordings, and where their results go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mirzoo.cli._shared import FAILED, channels, complain, formats, one_of, progress, runtimes
from mirzoo.errors import CardError, MirzooError

if TYPE_CHECKING:
    from mirzoo.annotate import AudioFile
    from mirzoo.audio import Channel
    from mirzoo.card import Card
    from mirzoo.tasks.annotation import Annotation

DEFAULT_FORMAT = "json"


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
            help="Where results go: a folder, or a file whose suffix is one of the model's formats "
            "(.jams, .json, .csv and more; `mirzoo info MODEL` lists them).",
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            parser=one_of(formats),
            metavar="SUFFIX",
            help="Of the files in a folder; json by default.",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Draw the results of all models into one .png, .pdf or .svg; of several "
            "recordings, a .png each into this folder.",
        ),
    ] = None,
    sonify: Annotated[
        Path | None,
        typer.Option(
            help="Play a result that has pitches over the recording, to check it by ear: a .wav, "
            ".flac or .ogg; of several recordings or models, a .wav each into this folder.",
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="How many of the strongest or longest labels to print.")
    ] = 5,
    decoding: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Decode with another setting than the card's, such as voicing_threshold=0.9 or "
            "change_penalty=3; `mirzoo info MODEL --all` lists those of a model. May be repeated.",
        ),
    ] = None,
    runtime: Annotated[
        str,
        typer.Option(
            parser=one_of(runtimes),
            metavar="RUNTIME",
            help="What computes the model: litert, onnx or keras.",
        ),
    ] = "litert",
    channel: Annotated[
        str,
        typer.Option(
            parser=one_of(channels),
            metavar="CHANNEL",
            help="What is taken of several channels: mean, mid, left or right.",
        ),
    ] = "mean",
    allow_damaged: Annotated[
        bool,
        typer.Option(
            "--allow-damaged",
            help="Annotate what can be decoded of damaged files, with a warning each.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")] = False,
) -> None:
    """Annotate recordings with a model, or with several."""
    from mirzoo import hub
    from mirzoo.annotate import find_recordings
    from mirzoo.tasks.annotation import Playable, draw_together

    recordings = find_recordings(paths)
    runners = []
    for name in dict.fromkeys(models.split(",")):
        with progress(f"loading {name}; a published model is fetched and converted once"):
            runners.append(hub.load(name, runtime=runtime))
    cards = [runner.card for runner in runners]
    decodings = _decodings(cards, decoding or [])
    results = _results(recordings, cards, output, format_)
    pictures = _pictures(recordings, picture)
    sounds = _sounds(recordings, cards, sonify)
    failed = False
    for number, recording in enumerate(recordings, 1):
        drawn, warned = [], set()
        for runner, settings in zip(runners, decodings, strict=True):
            try:
                with progress(f"{number}/{len(recordings)} {recording.name}") as done:
                    result = runner.annotate(
                        recording.path,
                        decoding=settings,
                        progress=done,
                        channel=cast("Channel", channel),
                        allow_damaged=allow_damaged,
                    )
                key = recording, runner.card.name
                if key in results:
                    result.write(_with_folder(results[key]))
                if key in sounds and isinstance(result, Playable):
                    result.sonify(original=recording.path, path=_with_folder(sounds[key]))
            except (MirzooError, OSError) as error:
                failed = True
                complain(error)
                continue
            for warning in [text for text in result.warnings if text not in warned]:
                warned.add(warning)
                complain(f"{recording.path}: {warning}")
            drawn.append(result)
            typer.echo(json.dumps(result.to_dict()) if as_json else _summary(result, top))
        if recording in pictures and drawn:
            try:
                draw_together(drawn, _with_folder(pictures[recording]))
            except (MirzooError, OSError) as error:
                failed = True
                complain(error)
    if failed:
        raise typer.Exit(FAILED)


def _decodings(cards: Sequence[Card], given: Sequence[str]) -> list[dict[str, Any]]:
    """For each model, the settings NAME=VALUE that its decoding has; each must fit one model."""
    settings: dict[str, Any] = {}
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
    fitting = {name for chosen in decodings for name in chosen}
    try:
        for card, chosen in zip(cards, decodings, strict=True):
            card.decoded_with(chosen)
        for name in settings.keys() - fitting:
            cards[0].decoded_with({name: settings[name]})
    except CardError as error:
        raise typer.BadParameter(str(error), param_hint="--decoding") from error
    return decodings


def _results(
    recordings: Sequence[AudioFile],
    cards: Sequence[Card],
    output: Path | None,
    format_: str | None,
) -> dict[tuple[AudioFile, str], Path]:
    """Where the result of each model on each recording goes."""
    from mirzoo.annotate import name_results

    names = [card.name for card in cards]
    if output is None:
        if format_ is not None:
            raise typer.BadParameter("needs -o, where the files go", param_hint="--format")
        return {}
    is_file = _is_file(output, tuple(f".{known}" for known in formats()), "-o")
    suffix = output.suffix.lower() if is_file else f".{format_ or DEFAULT_FORMAT}"
    for card in cards:
        _require_format(card, suffix, "-o" if is_file else "--format")
    if not is_file:
        return name_results(recordings, names, output, suffix)
    if format_ is not None and suffix != f".{format_}":
        raise typer.BadParameter(f"{output} is no .{format_} file", param_hint="--format")
    if len(recordings) * len(cards) > 1:
        raise typer.BadParameter(
            f"{output} is one file, but there are {len(recordings)} recordings and "
            f"{len(cards)} models: give a folder",
            param_hint="-o",
        )
    return {(recordings[0], names[0]): output}


def _pictures(recordings: Sequence[AudioFile], picture: Path | None) -> dict[AudioFile, Path]:
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


def _sounds(
    recordings: Sequence[AudioFile], cards: Sequence[Card], sonify: Path | None
) -> dict[tuple[AudioFile, str], Path]:
    """Where the sound of each result goes, for models whose results have pitches."""
    from mirzoo.annotate import name_results
    from mirzoo.tasks.annotation import Playable
    from mirzoo.tasks.annotation.sound import FORMATS
    from mirzoo.tasks.base import TASKS

    if sonify is None:
        return {}
    playable = [task.name for task in TASKS.values() if issubclass(task.annotation, Playable)]
    names = [card.name for card in cards if card.task in playable]
    if not names:
        kinds = dict.fromkeys(TASKS[card.task].annotation.kind for card in cards)
        raise typer.BadParameter(
            f"{', '.join(card.name for card in cards)} gives only {' and '.join(kinds)}, which "
            f"cannot be played; allowed are models for {', '.join(playable)}",
            param_hint="--sonify",
        )
    if not _is_file(sonify, FORMATS, "--sonify"):
        return name_results(recordings, names, sonify, ".wav")
    if len(recordings) * len(names) > 1:
        raise typer.BadParameter(
            f"{sonify} is one file, but there are {len(recordings)} recordings and {len(names)} "
            "models whose results can be played: give a folder",
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


def _summary(result: Annotation, top: int) -> str:
    from mirzoo.tasks.annotation.pictures import clock

    first = f"{result.source}  ({clock(result.duration_s)}, {result.model})"
    return "\n".join([first, *(f"  {line}" for line in result.summary(top))])
