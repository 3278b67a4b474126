"""A card is measured again: its scores change, and nothing else does."""

import json

import pytest
from toy_music import make_recipe, play

from mirzoo import hub
from mirzoo._support.files import sha256
from mirzoo.card import Card
from mirzoo.data.corpus import Item, prepare
from mirzoo.errors import RecipeError
from mirzoo.evaluation import corpora
from mirzoo.models.build import build_model
from mirzoo.training import measure


@pytest.fixture
def prepared(tmp_path):
    splits = ("train", "valid", "test", "test")
    items = [Item(str(i), "esc10", str(i), "", split) for i, split in enumerate(splits)]
    prepare(items, tmp_path / "corpus" / "esc10", make=play, min_seconds=1, processes=1)
    return tmp_path / "corpus"


@pytest.mark.slow
def test_only_the_scores_of_the_card_change(prepared, tmp_path, monkeypatch):
    model = build_model(make_recipe("chords", data={"collections": ["esc10"]}), "toys")
    model.card = model.card.updated(provenance="Written by hand.")
    folder = hub.save(model, tmp_path / "toys" / "toys")
    before = {path: sha256(path) for path in folder.rglob("*") if path.is_file()}
    seen = []
    annotate = type(model).annotate
    monkeypatch.setattr(
        type(model), "annotate", lambda self, *a, **o: seen.append(1) or annotate(self, *a, **o)
    )
    metrics = measure(folder, prepared)
    assert len(seen) == 2, "items of the split test alone"
    assert [metric.metric for metric in metrics] == list(corpora.TASKS["chords"].headline)
    assert {metric.n for metric in metrics} == {2}
    card = Card.load(folder)
    assert card.metrics == metrics
    after = {path: sha256(path) for path in folder.rglob("*") if path.is_file()}
    assert [path.name for path in after if after[path] != before[path]] == ["card.json"]
    assert after.keys() == before.keys()
    written = json.loads((folder / "card.json").read_text())
    assert written == json.loads(model.card.updated(
        metrics=metrics, files=card.files, versions=card.versions, name="toys",
        parameters=card.parameters,
    ).to_json())  # fmt: skip
    hub.verify(folder)


@pytest.mark.slow
def test_truth_is_that_of_the_items_that_are_scored(prepared, tmp_path, monkeypatch):
    model = build_model(make_recipe("melody", data={"collections": ["esc10"]}), "toys")
    folder = hub.save(model, tmp_path / "toys")
    task = corpora.TASKS["melody"]
    held_out = [play(Item(number, "esc10", number, "", "test"))[1] for number in ("2", "3")]
    truths = iter([task.truth(labels) for labels in held_out])
    monkeypatch.setattr(type(model), "annotate", lambda self, *_, **__: next(truths))
    values = {metric.metric: metric.value for metric in measure(folder, prepared)}
    assert values.pop("voicing false alarm") == 0.0
    assert set(values.values()) == {1.0} and len(values) == len(task.headline) - 1


@pytest.mark.slow
def test_a_model_of_no_recipe_is_refused(prepared, tmp_path):
    model = build_model(make_recipe("chords"), "toys")
    model.card = model.card.updated(recipe=None)
    with pytest.raises(RecipeError, match="comes from no recipe of mirzoo"):
        measure(hub.save(model, tmp_path / "toys"), prepared)
