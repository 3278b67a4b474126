"""Scores of systems that ran by themselves: each belongs to items that a model is scored on."""

import json

import pytest

from mirzoo import hub
from mirzoo.card import Metric
from mirzoo.tasks import peers

ENTRIES = json.loads(peers.FILE.read_text(encoding="utf-8"))
ON_CARDS = {
    (metric.dataset, metric.split, metric.n, metric.metric): metric
    for name in hub.shipped_models()
    for metric in hub.card(name).metrics
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['dataset']}")
def test_a_card_has_every_score_that_peers_have(entry):
    for number, name in enumerate(entry["metrics"]):
        metric = ON_CARDS[entry["dataset"], entry["split"], entry["n"], name]
        assert not set(entry["systems"]) & set(metric.baseline), "the card states it itself"
        for system, values in entry["systems"].items():
            assert len(values) == len(entry["metrics"])
            assert peers.peers_of(metric)[system] == values[number]


def test_other_items_have_other_peers():
    metric = Metric(dataset="emotify_keys", split="test", metric="weighted", value=1, n=31,
                    method="by ear", baseline={"one": 0.5})  # fmt: skip
    assert set(peers.peers_of(metric)) > {"one", "skey"}
    for changes in ({"n": 30}, {"split": "train"}, {"dataset": "mine"}):
        assert peers.peers_of(metric.model_copy(update=changes)) == {"one": 0.5}
