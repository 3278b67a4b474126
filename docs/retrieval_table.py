"""The documentation's table of what embeddings find, of ``benchmarks/retrieval.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "retrieval.json"
STANDARDISED = ", standardised"


def found() -> str:
    """Precision at 10 of every system and task, as it is and standardised."""
    parts = []
    for name, collection in json.loads(RESULTS.read_text("utf-8")).items():
        what = f"{collection['recordings']} recordings of {collection['artists']} artists"
        parts += [f"**{name}**, {what}:", _table(collection["tasks"])]
    return "\n\n".join(parts) + "\n"


def _table(tasks: dict[str, Any]) -> str:
    heads = [f"{task}, {about['queries']} queries" for task, about in tasks.items()]
    lines = [["", *(cell for head in heads for cell in (head, "standardised"))]]
    lines.append(["---", *["--:"] * (2 * len(tasks))])
    systems = [
        name for name in next(iter(tasks.values()))["systems"] if not name.endswith(STANDARDISED)
    ]
    for system in systems:
        cells = [
            _cell(about["systems"].get(name))
            for about in tasks.values()
            for name in (system, system + STANDARDISED)
        ]
        lines.append([system, *cells])
    for name in ("best_possible", "chance"):
        cells = [cell for about in tasks.values() for cell in (f"{about[name]:.3f}", "")]
        lines.append([name.replace("_", " "), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(score: dict[str, Any] | None) -> str:
    if score is None:
        return ""
    text = f"{score['precision']:.3f}"
    if score["interval"] is not None:
        text += " [{:.3f}, {:.3f}]".format(*score["interval"])
    return text
