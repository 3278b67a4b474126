"""Pages and pictures that are made when the documentation is built, from models and their cards.

Nothing that is made here is committed. What a card cannot hold (weak spots, how the weights came
about in detail) stands in ``notes/<model>.md``, one for every model; those of models that come with
mirzoo begin with a sentence on what the model is bad at.
"""

from __future__ import annotations

import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
NOTES = HERE / "notes"
sys.path.insert(0, str(ROOT / "benchmarks"))

import export_tables  # noqa: E402
import models_table  # noqa: E402
import pictures  # noqa: E402
import retrieval_table  # noqa: E402
import weak_spots  # noqa: E402

from mirzoo import hub, ports  # noqa: E402
from mirzoo.card import Card  # noqa: E402
from mirzoo.tasks.base import TASKS  # noqa: E402

SPEEDS = json.loads((ROOT / "mirzoo" / "cli" / "speeds.json").read_text(encoding="utf-8"))
NOT_FOR_READERS = {"mirzoo.cli"}
SOUNDS = "sounds"
"""The folder of the sounds that models get wrong, in the root of the built pages."""


def everything(folder: Path) -> None:
    """Write all pages and pictures into a folder."""
    sounds = folder / "root" / SOUNDS
    for part in (folder / name for name in ("pictures", "models", "parts", "api")):
        part.mkdir(parents=True, exist_ok=True)
    sounds.mkdir(parents=True, exist_ok=True)
    pictures.frontends(folder / "pictures")
    for card in models_table.cards():
        pictures.annotation(card.name, folder / "pictures")
        example = weak_spots.example(card.name, sounds, f"../../{SOUNDS}")
        reliability = pictures.reliability(card.name, folder / "pictures")
        _write(folder / "models" / f"{card.name}.md", model_page(card, example, reliability))
    for name in models_table.port_names():
        _write(folder / "models" / f"{name}.md", port_page(ports.PORTS[name]))
    _write(folder / "models" / "index.md", models_index())
    for task in dict.fromkeys(card.task for card in models_table.cards()):
        _write(folder / "parts" / f"scores_{task}.md", models_table.scores_of(task))
    _write(folder / "parts" / "published.md", models_table.published())
    _write(folder / "parts" / "models.md", models_table.models())
    _write(folder / "parts" / "outputs.md", export_tables.outputs())
    _write(folder / "parts" / "exports.md", export_tables.exports())
    _write(folder / "parts" / "export_options.md", export_tables.options())
    _write(folder / "parts" / "quantised.md", export_tables.quantised())
    _write(folder / "parts" / "retrieval.md", retrieval_table.found())
    _write(folder / "parts" / "operators.md", export_tables.operators_of_files())
    _write(folder / "api" / "rooms.rst", rooms())


def models_index() -> str:
    """The list of models with their table."""
    ours = "\n".join(card.name for card in models_table.cards())
    theirs = "\n".join(models_table.port_names())
    return f"""# Models

Every model has a page of its own, made from its card. "Pulled" are published models, whose weights
are downloaded from their authors' package on first use; the others come with mirzoo. Scores in bold
are ours; see [the comparisons](../../comparisons.md) for what each set is and for all other scores.

{_linked(models_table.models())}

```{{toctree}}
:hidden:

{ours}
```

```{{toctree}}
:caption: Published models
:hidden:

{theirs}
```
"""


def _linked(table: str) -> str:
    """A table whose first column are models, as links to their pages."""
    linked = re.sub(r"^\| `(\w+)` \|", r"| [\1](\1.md) |", table, flags=re.MULTILINE)
    linked = linked.replace(" MB", "\N{NO-BREAK SPACE}MB")
    return f":::{{rst-class}} prose\n:::\n\n{linked}"


def model_page(card: Card, example: str, reliability: str | None = None) -> str:
    """The page of a model that comes with mirzoo.

    ``example`` plays what it gets wrong; ``reliability`` tells of a picture of its confidence.
    """
    recipe = hub.recipe_path(card.name).relative_to(ROOT)
    weakness, note = _note(card.name).split("\n\n", 1)
    return "\n\n".join([
        f"# {card.name}",
        f"{card.description} {weakness}",
        example,
        f"```{{image}} ../pictures/{card.name}.png\n:alt: {card.name} on the bundled clip\n```",
        "Its annotation of the clip that comes with mirzoo (20 seconds; flute, guitar, strings, "
        "bass and drums, rendered).",
        "## Use",
        _use(card.name, card.task),
        "## Contract",
        _contract(card),
        "## Scores next to peers",
        "Bold is this model; the others are published systems on the same recordings. "
        "[The comparisons](../../comparisons.md) explain each set.",
        models_table.scores_of_card(card),
        models_table.ahead_of(card),
        _methods(card),
        *_reliability(card.name, reliability),
        note.replace(
            "## Where it is weak", f"On its card: {card.provenance}\n\n## Where it is weak"
        ),
        "## Licence",
        _licences(card.licences),
        "## Citation",
        card.citation,
        "## Recipe",
        f"```{{literalinclude}} ../../../{recipe}\n:language: yaml\n```",
    ]) + "\n"  # fmt: skip


def port_page(spec) -> str:
    """The page of a published model, from its port's specification."""
    parts = [
        f"# {spec.name}",
        spec.description,
        _note(spec.name),
        "## Use",
        f"The first use (or `mirzoo pull {spec.name}`) downloads the authors' package, checks its "
        "SHA-256 and converts the weights; after that it works without a network.",
        _use(spec.name, spec.task),
    ]
    if spec.metrics:
        rows = [
            (metric.dataset, metric.metric, f"{metric.value:.3f}", f"{metric.n:,}")
            for metric in spec.metrics
        ]
        parts += [
            "## Scores that its authors published",
            models_table.markdown(("set", "score", "value", "n"), rows, right={2, 3}),
            "\n".join(dict.fromkeys(f"- {metric.method}" for metric in spec.metrics)),
        ]
    parts += [spec.provenance, "## Licence", _licences(spec.licences), "## Citation", spec.citation]
    return "\n\n".join(parts) + "\n"


def rooms() -> str:
    """The API reference room by room."""
    lines = ["Room by room", "============", ""]
    for room in _children("mirzoo"):
        title = room.removeprefix("mirzoo.")
        lines += [title, "-" * len(title), ""]
        lines += [".. autosummary::", "   :toctree: .", ""]
        lines += [f"   {name}" for name in _modules(room)]
        lines += [""]
    return "\n".join(lines)


def _modules(name: str) -> Iterator[str]:
    """A module and every public one below it."""
    yield name
    for child in _children(name):
        yield from _modules(child)


def _children(name: str) -> Iterator[str]:
    """The public modules directly below a package."""
    for child in pkgutil.iter_modules(getattr(import_module(name), "__path__", ())):
        full = f"{name}.{child.name}"
        if not child.name.startswith("_") and full not in NOT_FOR_READERS:
            yield full


def _use(name: str, task: str) -> str:
    kind = TASKS[task].annotation
    result = kind.__name__.lower()
    files = ", ".join(kind.formats)
    return f"""```python
import mirzoo

{result} = mirzoo.load("{name}", runtime="litert").annotate("song.mp3")
print(*{result}.summary(), sep="\\n")
{result}.write("song.jams")   # or one of {files}
```

```sh
mirzoo annotate {name} song.mp3
```

The result is a [`mirzoo.{kind.__name__}`](../api/mirzoo.{kind.__name__}.rst)."""


def _contract(card: Card) -> str:
    contract, rate = card.input, card.sample_rate
    window, shortest = contract.window_samples / rate, contract.min_samples / rate
    rows = [
        ("input", f"waveform `(batch, samples)`, float32 in [-1, 1], {rate:,} Hz mono"),
        ("window", f"{window:.2f} s at a time, at least {shortest:.2f} s; "
                   f"a step of {contract.hop_samples / rate:.2f} s"),
        *TASKS[card.task].describe(card),
    ]  # fmt: skip
    for output in card.outputs:
        axes = ", ".join(
            f"{axis.name} {axis.size}" if axis.size else axis.name for axis in output.axes
        )
        frames = f", {output.frame_rate:.4g} frames a second" if output.frame_rate else ""
        rows.append((f"output `{output.name}`", f"({axes}), {output.axes[-1].unit}{frames}"))
    if card.embedding_size:
        rows.append(("embedding", f"{card.embedding_size} numbers"))
    size = models_table.litert_megabytes(card.name)
    rows.append(("size", f"{card.parameters:,} parameters; {size:.1f} MB as LiteRT"))
    speed = SPEEDS["audio_s_per_cpu_s"].get(card.name)
    if speed is not None:
        rows.append(("speed", f"{speed:,.0f} s of music in {SPEEDS['conditions']}"))
    body = models_table.markdown(("", ""), rows, right=set())
    return f":::{{rst-class}} prose\n:::\n\n{body}"


def _methods(card: Card) -> str:
    methods: dict[str, str] = {}
    for metric in card.metrics:
        methods.setdefault(f"{metric.dataset}, {metric.split}", metric.method)
    lines = "\n".join(f"- {where}: {how}" for where, how in methods.items())
    return f":::{{dropdown}} How each was measured\n{lines}\n:::"


def _reliability(name: str, told: str | None) -> list[str]:
    if told is None:
        return []
    return [
        "## How far its confidence is a probability",
        f"```{{image}} ../pictures/{name}_reliability.png\n:alt: confidence and voicing\n```",
        f"On the line, as many frames are voiced as the confidence states. {told} The karaoke "
        "songs (`ultrastar_melody`) count as unvoiced whatever plays while nobody sings.",
    ]


def _licences(licences) -> str:
    data = licences.data.replace("; ", ";\n  ")
    return (
        "- commercial use, as all that the weights learnt from states it: "
        f"**{licences.commercial}**\n"
        f"- code: {licences.code}\n- weights: {licences.weights}\n- training data: {data}"
    )


def _note(name: str) -> str:
    path = NOTES / f"{name}.md"
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: write how the weights of '{name}' were made and where it is weak"
        )
    return path.read_text(encoding="utf-8").rstrip()


def _write(path: Path, text: str) -> None:
    """Write a page only where it changed, so that Sphinx reads no page again for nothing."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
