"""Scores of other systems on the recordings that the zoo's models are scored on.

A card states those that were scored in the same run (``baseline``); published systems that ran by
themselves, in environments of their own (`benchmarks/chords.py`, `melody.py` and `key.py`, which
score with mir_eval), are in ``peers.json``. Whatever compares a model with others asks here.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from mirzoo.card import Metric

FILE = Path(__file__).with_suffix(".json")


def peers_of(metric: Metric) -> dict[str, float]:
    """The same figure of other systems on the same items, by system.

    Items are the same where data set, split and their number are.

    Examples
    --------
    >>> from mirzoo.card import Metric
    >>> metric = Metric(
    ...     dataset="guitar_leads", split="test", metric="raw pitch accuracy", value=0.8, n=4,
    ...     method="mir_eval", baseline={"linear probe": 0.5},
    ... )
    >>> peers_of(metric)
    {'linear probe': 0.5, 'Melodia': 0.472, 'crepe_tiny': 0.262}
    >>> peers_of(metric.model_copy(update={"n": 5}))
    {'linear probe': 0.5}
    """
    key = (metric.dataset, metric.split, metric.n, metric.metric)
    return {**metric.baseline, **_run_by_themselves().get(key, {})}


@cache
def _run_by_themselves() -> dict[tuple[str, str, int, str], dict[str, float]]:
    scores: dict[tuple[str, str, int, str], dict[str, float]] = {}
    for entry in json.loads(FILE.read_text(encoding="utf-8")):
        for system, values in entry["systems"].items():
            for metric, value in zip(entry["metrics"], values, strict=True):
                key = (entry["dataset"], entry["split"], entry["n"], metric)
                scores.setdefault(key, {})[system] = value
    return scores
