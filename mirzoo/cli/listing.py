"""Commands that tell what there is: `list`, `info`."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mirzoo._support.files import printable
from mirzoo._support.words import counted
from mirzoo.cli._shared import AS_JSON, MODEL, OneOf, argument, complain, tasks
from mirzoo.errors import UnknownNameError

if TYPE_CHECKING:
    from mirzoo.card import Card, Commercial, Fitting, InputContract, Licences, Metric
    from mirzoo.hub import Listed, Peer
    from mirzoo.ports import PortSpec

WIDTH = 11  # of the words that begin the lines of `info`
DECODING = "decoding"
EVERY = "*"
MOST_VALUES = 8  # of a setting that is a list
KILOBYTE, MEGABYTE = 1e3, 1e6
SPEEDS_FILE = Path(__file__).with_name("speeds.json")
HEADINGS = {
    "shipped": "Models that come with mirzoo",
    "published": "Published models, converted from their authors' packages on first use",
    "recipe": "Recipes without weights (`mirzoo train NAME`)",
}
COMMERCIAL: dict[str | None, str] = {
    None: "",
    "yes": "commercial",
    "no": "non-commercial",
    "unstated": "unstated",
}
"""How the list puts what weights learnt from; nothing where there are none."""

COMMERCIAL_COLUMN = (
    "Commercial use: whether the licences of all that the weights learnt from allow it; unstated "
    "where not all of them tell."
)
WHY_COMMERCIAL: dict[Commercial, str] = {
    "yes": "the licences of all that the weights learnt from allow commercial use",
    "no": "licences of some of what the weights learnt from rule commercial use out",
    "unstated": "not all licences of what the weights learnt from tell whether commercial use is "
    "allowed",
}


@click.command("list")
@argument("pattern", "[PATTERN]", "Which, with wildcards: '*_tagger'.", default=EVERY)
@click.option(
    "--task",
    type=OneOf(tasks),
    metavar="TASK",
    help="Only those of a task, as the list names it.",
)
@click.option("--recipes", is_flag=True, help="Recipes without weights too.")
@AS_JSON
def list_models(pattern: str, task: str | None, recipes: bool, as_json: bool) -> None:
    """List the models with their task, size, speed and main score.

    A pattern that no name matches is an error (exit status 2).
    """
    from mirzoo import hub

    found = hub.overview(pattern, task=task, recipes=recipes or as_json)
    if not found and pattern != EVERY:
        raise UnknownNameError(hub.no_match(pattern, task=task))
    if not found:  # the task is one of a plug-in
        complain(hub.no_match(pattern, task=task))
    if as_json:
        click.echo(json.dumps({listed.name: _plain(listed) for listed in found}, indent=1))
        return
    for line in _table(found) if found else ():
        click.echo(line)


@click.command()
@MODEL
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Outputs, decoding, origin, citation and every score too.",
)
@AS_JSON
def info(name: str, everything: bool, as_json: bool) -> None:
    """Tell what a model is for, how to use it and how good it is.

    Of a published model that was not pulled it tells what is known without its weights.
    """
    from mirzoo import hub, ports

    if name in ports.PORTS and not hub.overview(name)[0].is_here:
        spec = ports.PORTS[name]
        click.echo(json.dumps(_known(spec), indent=1) if as_json else "\n".join(_unpulled(spec)))
        return
    card = hub.card(name)
    if as_json:
        click.echo(card.to_json().rstrip())
        return
    lines = _short(card, name, hub.folder(name))
    if everything:
        lines += ["", *_rest(card)]
    else:
        lines += [
            "",
            f"`mirzoo info {name} --all` tells the rest: decoding, origin, licences of the data, "
            "citation, every score.",
        ]
    click.echo("\n".join(lines))


def _plain(listed: Listed) -> dict[str, Any]:
    weights = "fetched on first use" if listed.kind == "published" else "none"
    return {
        "task": listed.task,
        "weights": "here" if listed.is_here else weights,
        "kind": listed.kind,
        "parameters": listed.parameters,
        "litert_bytes": listed.litert_bytes,
        "audio_s_per_cpu_s": _speeds().get(listed.name),
        "score": listed.score and listed.score.model_dump(mode="json"),
        "best_peer": listed.peer and listed.peer._asdict(),
        "problem": listed.problem,
        "commercial": listed.commercial,
    }


def _table(found: Sequence[Listed]) -> Iterable[str]:
    rows = {listed.name: _row(listed) for listed in found}
    widths = [max(map(len, column)) for column in zip(*rows.values(), strict=True)]
    blank = ""
    for kind, heading in HEADINGS.items():
        of_kind = [listed.name for listed in found if listed.kind == kind]
        if of_kind:
            yield f"{blank}{heading}"
            blank = "\n"
        for name in of_kind:
            cells = zip(rows[name], widths, strict=True)
            yield "  " + "  ".join(f"{cell:{width}}" for cell, width in cells).rstrip()
    broken = [listed for listed in found if listed.problem]
    if broken:
        yield "\nBroken"
    for listed in broken:
        yield f"  {listed.name}: {listed.problem}"
    told = [COMMERCIAL_COLUMN] if any(listed.commercial for listed in found) else []
    if any(listed.name in _speeds() for listed in found):
        told.append(f"Speed: seconds of music in {_speed_conditions()}.")
    if told:
        yield "\n" + "\n".join(told)


def _row(listed: Listed) -> tuple[str, ...]:
    size = "not pulled" if listed.kind == "published" and not listed.is_here else ""
    if listed.problem:
        size = "broken"
    if listed.litert_bytes is not None:
        size = _size(listed.litert_bytes)
    speed = _speeds().get(listed.name)
    score = "" if listed.score is None else _score(listed.score, listed.peer)
    commercial = COMMERCIAL[listed.commercial]
    return listed.name, listed.task, size, f"{speed:g} x" if speed else "", commercial, score


def _size(n_bytes: int) -> str:
    """A file's size: in MB, and in kB where that would be 0.0 MB."""
    if n_bytes < MEGABYTE / 10:
        return f"{max(1, round(n_bytes / KILOBYTE))} kB"
    return f"{n_bytes / MEGABYTE:.1f} MB"


def _score(metric: Metric, peer: Peer | None) -> str:
    """A score with that of its best peer."""
    rendered = ", rendered" if metric.rendered else ""
    text = f"{metric.value:.3f} {metric.metric} on {metric.dataset}{rendered}"
    return text if peer is None else f"{text} ({peer})"


def _short(card: Card, name: str, folder: Path) -> list[str]:
    from mirzoo import hub
    from mirzoo.tasks.base import TASKS

    task, contract = TASKS[card.task], card.input
    seconds = contract.window_samples / contract.sample_rate
    size = f"{card.parameters:,} parameters"
    litert = folder / "model.tflite"
    if litert.exists():
        size += f", {_size(litert.stat().st_size)} as LiteRT"
    first, *_ = task.describe(card)
    licences = card.licences
    lines = [
        f"{card.name}: {card.description}",
        "",
        *_lines("use", f"mirzoo annotate {name} song.mp3"),
        *_lines("", f'mirzoo.load("{name}").annotate("song.mp3")'),
        *(_lines("", f"mirzoo listen {name}") if card.live else []),
        *_lines(
            "input",
            f"{contract.sample_rate} Hz mono, {seconds:.2f} s at a time{_shortest(contract)}",
        ),
        *_lines(*first),
        *_lines("files", ", ".join(task.annotation.formats)),
        *_lines("size", size),
    ]
    speed = _speeds().get(card.name)
    if speed:
        lines += _lines("speed", f"{speed:g} s of music in {_speed_conditions()}")
    if card.fitting is not None:
        lines += _lines("fitted to", _fitted(card.fitting))
    for number, metric in enumerate(task.headline_scores(card.metrics)):
        peer = hub.best_peer(card.task, metric)
        lines += _lines("" if number else "scores", _score(metric, peer))
    return lines + _terms(licences)


def _terms(licences: Licences) -> list[str]:
    """Who may use a model."""
    return [
        *_lines("licence", f"weights {licences.weights}; code {licences.code}"),
        *_lines("commercial", f"{licences.commercial}: {WHY_COMMERCIAL[licences.commercial]}"),
    ]


def _known(spec: PortSpec) -> dict[str, Any]:
    """What is known of a published model before it is pulled, as its card will have it."""
    return {
        "name": spec.name,
        "task": spec.task,
        "description": spec.description,
        "pulled": False,
        "labels": list(spec.labels),
        "metrics": [metric.model_dump(mode="json") for metric in spec.metrics],
        "licences": spec.licences.model_dump(mode="json"),
        "citation": spec.citation,
        "provenance": spec.provenance,
    }


def _unpulled(spec: PortSpec) -> list[str]:
    from mirzoo.tasks.base import TASKS

    lines = [f"{spec.name}: {spec.description}", "", *_lines("task", spec.task)]
    for number, metric in enumerate(TASKS[spec.task].headline_scores(spec.metrics)):
        lines += _lines("" if number else "scores", _score(metric, None))
    return [
        *lines,
        *_terms(spec.licences),
        *_lines("from", spec.provenance),
        *_lines("data", spec.licences.data),
        *_lines("cite", spec.citation),
        "",
        f"Its weights are not on this machine: `mirzoo pull {spec.name}` fetches and converts "
        "them; `mirzoo info` tells its input, labels and settings then.",
    ]


def _fitted(fitting: Fitting) -> str:
    """What a model was fitted to, from which one, and how."""
    data = fitting.data
    what = "clips" if data.labels else "recordings"
    began = "from fresh weights" if fitting.base is None else f"from {fitting.base}"
    return (
        f"{data.recordings} {what} of {data.name}, {data.held_out} held out; {began}: "
        f"{fitting.chosen}"
    )


def _details(fitting: Fitting) -> list[tuple[str, str]]:
    """The data that a model was fitted to, and the options that ran."""
    data = fitting.data
    counts = ", ".join(
        f"{label} {count} and {data.held_out_labels.get(label, 0)}"
        for label, count in data.labels.items()
    )
    return [
        ("groups", f"{data.groups}, {'divided ' if data.held_out else ''}{data.split}"),
        *([("labels", f"{counts} (learnt from and held out)")] if counts else []),
        *([("left out", f"{data.skipped} that could not be used")] if data.skipped else []),
        *([("SHA-256", data.checksum)] if data.checksum else []),
        ("strategy", f"{fitting.strategy}; {counted(fitting.epochs, 'epoch')}"),
        ("settings", ", ".join(f"{name} {value}" for name, value in fitting.settings.items())),
    ]


def _shortest(contract: InputContract) -> str:
    """How short a recording may be, unless that is next to nothing."""
    seconds = contract.min_samples / contract.sample_rate
    return f" (at least {seconds:.2f} s)" if seconds >= 0.005 else ""


def _rest(card: Card) -> list[str]:
    from mirzoo.tasks.base import TASKS
    from mirzoo.tasks.peers import peers_of

    told = [(word, text) for word, text in TASKS[card.task].describe(card)[1:] if word != DECODING]
    lines = [line for pair in told for line in _lines(*pair)]
    if card.embedding_size:
        lines += _lines("embedding", f"{card.embedding_size} numbers")
    if card.fitting is not None:
        lines += [line for pair in _details(card.fitting) for line in _lines(*pair)]
    lines += _lines("from", card.provenance)
    lines += _lines("data", card.licences.data)
    lines += _lines("cite", card.citation)
    lines += _settings(card)
    if card.metrics:
        lines += ["", "every score"]
    for metric in card.metrics:
        others = "".join(f", {name} {value:.3f}" for name, value in peers_of(metric).items())
        rendered = ", rendered" if metric.rendered else ""
        spread = ""
        if metric.interval is not None:
            low, high = metric.interval
            spread = f"; 95 % of resamples {low:.3f} to {high:.3f}"
        lines.append(
            f"  {metric.value:.3f}{others}  {metric.metric}, {metric.dataset} {metric.split} "
            f"(n = {metric.n}{rendered}{spread})"
        )
    return lines


def _settings(card: Card) -> list[str]:
    """Each setting of the decoding with its value and meaning."""
    if card.decoding is None:
        return []
    meanings = card.decoding.meanings()
    lines = ["", "decoding: settings for --decoding NAME=VALUE and annotate(..., NAME=VALUE)"]
    for name in card.changeable_settings:
        value = _value(getattr(card.decoding, name))
        lines += [f"  {name} = {value}", *_wrapped(meanings.get(name, ""), " " * 6)]
    return lines


def _value(value: Any) -> str:
    """A setting's value as --decoding takes it; of long lists how many numbers, and which."""
    if isinstance(value, list | tuple) and len(value) > MOST_VALUES:
        numbers = [n for row in value for n in (row if isinstance(row, list) else [row])]
        return f"{len(numbers)} numbers from {min(numbers):.3g} to {max(numbers):.3g}"
    return json.dumps(value)


def _lines(word: str, text: str) -> list[str]:
    """A word and its text, wrapped where it goes to a terminal, which it cannot control."""
    return _wrapped(text, " " * (WIDTH + 1), f"{word:{WIDTH}} ")


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    text, first = printable(text), indent if first is None else first
    if not text:
        return []
    if not sys.stdout.isatty():
        return [f"{first}{text}"]
    columns = max(shutil.get_terminal_size().columns, 2 * WIDTH)
    return textwrap.wrap(text, columns, initial_indent=first, subsequent_indent=indent)


def _speeds() -> dict[str, float]:
    return _measured()["audio_s_per_cpu_s"]


def _speed_conditions() -> str:
    return _measured()["conditions"]


def _measured() -> dict[str, Any]:
    """What `benchmarks/speed.py` measured; empty where it has not run."""
    if not SPEEDS_FILE.exists():
        return {"conditions": "", "audio_s_per_cpu_s": {}}
    return json.loads(SPEEDS_FILE.read_text(encoding="utf-8"))
