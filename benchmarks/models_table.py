"""Write the table of models into the README, from the cards; the documentation has longer ones.

python benchmarks/models_table.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from mirzoo import hub, ports
from mirzoo.artefact import LITERT_FILE
from mirzoo.card import Card, Metric
from mirzoo.tasks.base import TASKS

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
PEERS = HERE / "peers" / "scores.yaml"
BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"


class Headline(NamedTuple):
    """The score by which the README compares the models of a task."""

    dataset: str
    metric: str
    title: str


HEADLINES = {
    "tagging": Headline("Emotify, 4 genres", "linear probe accuracy", "genres of Emotify"),
    "chords": Headline("songs_pop909", "majmin", "majmin on POP909, rendered"),
    "melody": Headline("ultrastar_melody", "raw chroma accuracy", "chroma on karaoke songs"),
}
LOWER_IS_BETTER = {"voicing false alarm"}


def with_tables(readme: str) -> str:
    """The README's text with the table between its two markers made anew."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{models()}\n{END}{after}"


def models() -> str:
    """A line for each model: its task, its size and one score next to its best peer's."""
    rows = []
    for card in cards():
        score, peer = _headline(card)
        size = f"{litert_megabytes(card.name):.1f} MB"
        rows.append((f"`{card.name}`", card.task, f"{card.parameters:,}", size, score, peer))
    for name in port_names():
        spec = ports.PORTS[name]
        score = _published_score(spec.metrics)
        rows.append((f"`{name}`", spec.task, "", "pulled", score, ""))
    header = ("model", "task", "parameters", "LiteRT", "score", "best peer, same recordings")
    return markdown(header, rows, right={2, 3})


def scores_of(task: str) -> str:
    """For the models of a task: a row for each score, a column for each model and each peer."""
    of_task = [card for card in cards() if card.task == task]
    ours: dict[tuple[str, str], dict[str, str]] = {}
    others: dict[tuple[str, str], dict[str, str]] = {}
    for card in of_task:
        for metric in card.metrics:
            if metric.metric in (TASKS[task].headline or {metric.metric}):
                row = described_set(metric), metric.metric
                ours.setdefault(row, {})[card.name] = f"**{metric.value:.3f}**"
                others.setdefault(row, {}).update(
                    {peer: f"{value:.3f}" for peer, value in peers_of(metric).items()}
                )
    peers = list(dict.fromkeys(peer for row in others.values() for peer in row))
    columns = [card.name for card in of_task] + peers
    sets = [row[0] for row in ours]
    rows = [
        (*row, *({**others[row], **ours[row]}.get(column, "") for column in columns))
        for row in sorted(ours, key=lambda row: sets.index(row[0]))
    ]
    return markdown(("set", "score", *columns), rows, right=set(range(2, len(columns) + 2)))


def scores_of_card(card: Card) -> str:
    """All scores of one model, next to its peers on the same recordings."""
    peers = list(dict.fromkeys(peer for metric in card.metrics for peer in peers_of(metric)))
    rows = [
        (described_set(metric), metric.metric, f"**{metric.value:.3f}**",
         *(f"{peers_of(metric)[peer]:.3f}" if peer in peers_of(metric) else "" for peer in peers))
        for metric in card.metrics
    ]  # fmt: skip
    header = ("set", "score", card.name, *peers)
    return markdown(header, rows, right=set(range(2, len(header))))


def published() -> str:
    """What the authors of the published models report, on their own test sets."""
    rows = [
        (f"`{name}`", metric.dataset, metric.metric, f"{metric.value:.3f}", f"{metric.n:,}")
        for name in port_names()
        for metric in ports.PORTS[name].metrics
    ]
    return markdown(("model", "set", "score", "value", "n"), rows, right={3, 4})


def peers_of(metric: Metric) -> dict[str, float]:
    """Published systems' scores on the same items: the card's, and those of `PEERS`."""
    measured = _measured_peers().get((metric.dataset, metric.split, metric.metric), {})
    return {**metric.baseline, **measured}


@cache
def cards() -> list[Card]:
    """The cards of the models that come with mirzoo."""
    return [Card.load(hub.shipped_folder(name)) for name in hub.shipped_models()]


def port_names() -> list[str]:
    """The published models."""
    return [name for name in hub.list_models() if name in ports.PORTS]


def litert_megabytes(name: str) -> float:
    """Size of a model's LiteRT file."""
    return (hub.shipped_folder(name) / LITERT_FILE).stat().st_size / 1e6


def described_set(metric: Metric) -> str:
    """A metric's data set with its number of items."""
    rendered = ", rendered" if metric.rendered else ""
    return f"{metric.dataset} (n = {metric.n:,}{rendered})"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: set[int]) -> str:
    """A table in Markdown; the columns ``right`` hold numbers."""
    rule = ["--:" if column in right else "---" for column in range(len(header))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def _headline(card: Card) -> tuple[str, str]:
    if card.task not in HEADLINES:
        return "", ""
    dataset, name, title = HEADLINES[card.task]
    for metric in card.metrics:
        if (metric.dataset, metric.metric) == (dataset, name):
            peers = peers_of(metric)
            best = min if name in LOWER_IS_BETTER else max
            peer = best(peers, key=lambda system: peers[system], default=None)
            return (
                f"{title}: **{metric.value:.3f}**",
                "" if peer is None else f"{peers[peer]:.3f} ({peer})",
            )
    return "", ""


def _published_score(metrics: Sequence[Metric]) -> str:
    preferred = [metric for metric in metrics if "majmin" in metric.metric] or list(metrics)
    if not preferred:
        return ""
    metric = preferred[0]
    return f"authors' {metric.metric}, {metric.dataset}: {metric.value:.3f}"


@cache
def _measured_peers() -> dict[tuple[str, str, str], dict[str, float]]:
    measured: dict[tuple[str, str, str], dict[str, float]] = {}
    for entry in yaml.safe_load(PEERS.read_text(encoding="utf-8")):
        for system, values in entry["systems"].items():
            for metric, value in zip(entry["metrics"], values, strict=True):
                measured.setdefault((entry["dataset"], entry["split"], metric), {})[system] = value
    return measured


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
