"""Write the table of models into the README, from the cards.

python benchmarks/models_table.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mirzoo import ports, zoo
from mirzoo.card import Card, Metric

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"
HEADER = (
    "| model | what it is | parameters | LiteRT | licence | scores |\n"
    "|---|---|--:|--:|---|---|"
)


MAIN_SCORES = {
    "chords": {"root", "majmin", "sevenths", "tetrads"},
    "melody": {"overall accuracy", "raw pitch accuracy"},
}
"""Of tasks with many scores, those that the table has; `mirzoo info` shows the rest."""


def table() -> str:
    """The table in Markdown: models that come with mirzoo, then those to be pulled."""
    rows = [_shipped_row(name) for name in zoo.shipped_models()]
    rows += [_port_row(name) for name in zoo.list_models() if name in ports.PORTS]
    return "\n".join([HEADER, *rows])


def with_table(readme: str) -> str:
    """The README's text with the table between its two markers made anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _shipped_row(name: str) -> str:
    card = Card.load(zoo.shipped_folder(name))
    litert_bytes = (zoo.shipped_folder(name) / zoo.LITERT_FILE).stat().st_size
    return _row(
        name,
        card.description,
        f"{card.parameters:,}",
        f"{litert_bytes / 1e6:.1f} MB",
        card.licences.weights,
        _main(card.task, card.metrics),
    )


def _port_row(name: str) -> str:
    spec = ports.PORTS[name]
    return _row(name, spec.description, "", "pulled", spec.licences.weights,
                _main(spec.task, spec.metrics))  # fmt: skip


def _main(task: str, metrics: Sequence[Metric]) -> list[Metric]:
    chosen = MAIN_SCORES.get(task)
    return [
        metric
        for metric in metrics
        if chosen is None or any(score in metric.metric for score in chosen)
    ]


def _row(name, description, parameters, litert, licences, metrics) -> str:
    scores = "<br>".join(map(_score, metrics))
    return f"| `{name}` | {description} | {parameters} | {litert} | {licences} | {scores} |"


def _score(metric: Metric) -> str:
    others = "".join(f", {name} {value:.3f}" for name, value in metric.baseline.items())
    rendered = ", rendered" if metric.rendered else ""
    return (
        f"{metric.metric}, {metric.dataset}: **{metric.value:.3f}**{others} "
        f"(n = {metric.n:,}{rendered})"
    )


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
