"""Write the tables of models and of their scores into the README, from the cards.

python benchmarks/models_table.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mirzoo import hub, ports
from mirzoo.artefact import LITERT_FILE
from mirzoo.card import Card, Metric

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"
TASKS = ("tagging", "chords", "melody")
MAIN_SCORES = {
    "chords": {"majmin", "sevenths", "tetrads"},
    "melody": {"overall accuracy", "raw pitch accuracy", "raw chroma accuracy",
               "voicing recall", "voicing false alarm"},
}  # fmt: skip
"""Of tasks with many scores, those that the tables have; `mirzoo info` shows the rest."""


def tables() -> str:
    """What there is, how good ours are task by task, what the authors of the others published."""
    cards = [Card.load(hub.shipped_folder(name)) for name in hub.shipped_models()]
    parts = [_models(cards)]
    for task in TASKS:
        parts += [f"**Measured here: {task}**", _scores([c for c in cards if c.task == task])]
    parts += ["**Published by the models' authors, on their test sets**", _published()]
    return "\n\n".join(parts)


def with_tables(readme: str) -> str:
    """The README's text with the tables between its two markers made anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def _models(cards: Sequence[Card]) -> str:
    rows = []
    for card in cards:
        litert_bytes = (hub.shipped_folder(card.name) / LITERT_FILE).stat().st_size
        rows.append((f"`{card.name}`", card.description, f"{card.parameters:,}",
                     f"{litert_bytes / 1e6:.1f} MB", card.licences.weights))  # fmt: skip
    for name in _ports():
        spec = ports.PORTS[name]
        rows.append((f"`{name}`", spec.description, "", "pulled", spec.licences.weights))
    return _markdown(("model", "what it is", "parameters", "LiteRT", "licence"), rows, right={2, 3})


def _scores(cards: Sequence[Card]) -> str:
    """A row for each score, a column for each of our models and for each published one."""
    ours: dict[tuple[str, str], dict[str, str]] = {}
    others: dict[tuple[str, str], dict[str, str]] = {}
    for card in cards:
        for metric in _main(card.task, card.metrics):
            row = _set(metric), metric.metric
            ours.setdefault(row, {})[card.name] = f"**{metric.value:.3f}**"
            others.setdefault(row, {}).update(
                {peer: f"{value:.3f}" for peer, value in metric.baseline.items()}
            )
    peers = list(dict.fromkeys(peer for row in others.values() for peer in row))
    columns = [card.name for card in cards] + peers
    rows = [
        (*row, *({**others[row], **ours[row]}.get(column, "") for column in columns))
        for row in sorted(ours, key=lambda row: [r[0] for r in ours].index(row[0]))
    ]
    header = ("set", "score", *(f"`{column}`" for column in columns))
    return _markdown(header, rows, right=set(range(2, len(header))))


def _published() -> str:
    rows = [
        (f"`{name}`", metric.dataset, metric.metric, f"{metric.value:.3f}", f"{metric.n:,}")
        for name in _ports()
        for metric in ports.PORTS[name].metrics
    ]
    return _markdown(("model", "set", "score", "", "n"), rows, right={3, 4})


def _ports() -> list[str]:
    return [name for name in hub.list_models() if name in ports.PORTS]


def _main(task: str, metrics: Iterable[Metric]) -> list[Metric]:
    chosen = MAIN_SCORES.get(task)
    return [metric for metric in metrics if chosen is None or metric.metric in chosen]


def _set(metric: Metric) -> str:
    rendered = ", rendered" if metric.rendered else ""
    return f"{metric.dataset} (n = {metric.n:,}{rendered})"


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: set[int]) -> str:
    rule = ["--:" if column in right else "---" for column in range(len(header))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
