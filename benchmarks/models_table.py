"""Write the table of models into the README, from the cards; the documentation has longer ones.

python benchmarks/models_table.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from mirzoo import hub, ports
from mirzoo.artefact import LITERT_FILE
from mirzoo.card import Card, Metric
from mirzoo.tasks.base import TASKS
from mirzoo.tasks.peers import peers_of

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"


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
        score = _published_score(spec)
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
    intervals = any(metric.interval for metric in card.metrics)
    rows = [
        (described_set(metric), metric.metric, f"**{metric.value:.3f}**",
         *([_interval(metric)] if intervals else []),
         *(f"{peers_of(metric)[peer]:.3f}" if peer in peers_of(metric) else "" for peer in peers))
        for metric in card.metrics
    ]  # fmt: skip
    spread = ["95 % of resamples"] if intervals else []
    header = ("set", "score", card.name, *spread, *peers)
    return markdown(header, rows, right=set(range(2, len(header))))


def _interval(metric: Metric) -> str:
    if metric.interval is None:
        return ""
    low, high = metric.interval
    return f"{low:.3f} to {high:.3f}"


def ahead_of(card: Card) -> str:
    """On which scores another system on the same recordings is ahead of a model."""
    task, compared, behind = TASKS[card.task], 0, []
    for metric in card.metrics:
        best = task.best_peer(metric)
        if best is None:
            continue
        compared += 1
        name, score = best
        if task.is_behind(metric, score):
            behind.append(f"{metric.metric}, {metric.dataset}: `{name}` has {score:.3f}")
    if not compared:
        return ""
    if not behind:
        return f"No other system is ahead on any of the {compared} scores that have a peer."
    lines = "\n".join(f"- {line}" for line in behind)
    return (
        f"Another system is ahead on {len(behind)} of the {compared} scores that have a peer, if "
        f"not always by more than chance:\n\n{lines}"
    )


def published() -> str:
    """What the authors of the published models report, on their own test sets."""
    rows = [
        (f"`{name}`", metric.dataset, metric.metric, f"{metric.value:.3f}", f"{metric.n:,}")
        for name in port_names()
        for metric in ports.PORTS[name].metrics
    ]
    return markdown(("model", "set", "score", "value", "n"), rows, right={3, 4})


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
    """The score by which lists compare a task's models, and the best peer's."""
    task = TASKS[card.task]
    metric = task.headline_scores(card.metrics)[0]
    peer = hub.best_peer(card.task, metric)
    rendered = ", rendered" if metric.rendered else ""
    return (
        f"**{metric.value:.3f}** {metric.metric}, {metric.dataset}{rendered}",
        "" if peer is None else f"{peer.score:.3f} ({'sibling ' * peer.sibling}{peer.name})",
    )


def _published_score(spec: ports.PortSpec) -> str:
    scores = TASKS[spec.task].headline_scores(spec.metrics)
    if not scores:
        return ""
    return f"{scores[0].value:.3f} {scores[0].metric}, {scores[0].dataset} (its authors)"


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
