"""Cards: what they demand, and that their errors say file, key, value and what is allowed."""

import json

import pytest

from mirzoo.card import FORMAT, NOT_IN_FILE, WRITTEN_FORMAT, Card, Contract
from mirzoo.errors import CardError

VALUES = {
    "name": "hum_tagger",
    "task": "tagging",
    "description": "Hears humming.",
    "recipe": {"frontend": {"type": "mel"}},
    "input": {
        "sample_rate": 16000,
        "min_samples": 512,
        "window_samples": 48000,
        "hop_samples": 24000,
    },
    "labels": ["hum", "no hum"],
    "activation": "softmax",
    "outputs": [
        {
            "name": "tags",
            "axes": [
                {"name": "frame", "size": None, "unit": "frame"},
                {"name": "tag", "size": 2, "unit": "probability"},
            ],
            "frame_rate": 62.5,
        }
    ],
    "embedding_size": 8,
    "parameters": 100,
    "metrics": [
        {
            "dataset": "hums",
            "split": "test",
            "metric": "accuracy",
            "value": 0.9,
            "n": 10,
            "method": "counted",
            "baseline": {"teacher": 0.8},
        }
    ],
    "licences": {"code": "MIT", "weights": "MIT", "data": "CC0-1.0"},
    "citation": "nobody",
    "provenance": "made up",
    "files": {"model.keras": "0" * 64},
}


def changed(**changes):
    return {**VALUES, **changes}


def without(key):
    return {name: value for name, value in VALUES.items() if name != key}


@pytest.fixture
def card():
    return Card.parse(VALUES)


def test_a_card_survives_its_file(card, tmp_path):
    card.save(tmp_path / "card.json")
    assert Card.load(tmp_path / "card.json") == card
    assert Card.load(tmp_path) == card


def test_saving_leaves_no_other_file(card, tmp_path):
    card.save(tmp_path)
    card.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def test_the_window_in_seconds(card):
    assert card.window_s == 3.0
    assert card.sample_rate == 16000


def test_a_card_is_frozen(card):
    with pytest.raises(ValueError, match="frozen"):
        card.name = "other"


def test_updated_changes_a_copy(card):
    assert card.updated(name="other").name == "other"
    assert card.name == "hum_tagger"
    assert card.updated() == card


def test_updated_is_checked_too(card):
    with pytest.raises(CardError, match=r"'hum_tagger'.*labels.*3|3 labels.*size 2"):
        card.updated(labels=["a", "b", "c"])


@pytest.mark.parametrize("key", ["name", "task", "labels", "licences", "input", "provenance"])
def test_a_missing_key_is_named(key):
    with pytest.raises(CardError, match=f"{key} is missing"):
        Card.parse(without(key))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (changed(colour="red"), "colour = 'red' is not a known key"),
        (changed(name="Hum Tagger"), "name = 'Hum Tagger'"),
        (changed(task="cooking"), "task = 'cooking'.*tagging"),
        (changed(activation="relu"), "activation = 'relu'.*'sigmoid' or 'softmax'"),
        (changed(labels=["hum", "hum"]), "labels occur twice: hum"),
        (changed(labels=["hum"]), "1 label, but the last axis of output 'tags' has size 2"),
        (changed(labels=[]), "labels = \\[\\]"),
        (changed(parameters=1.5), "parameters = 1.5"),
        (changed(parameters=0), "parameters = 0"),
        (changed(files={"model.keras": "abc"}), "files.model.keras = 'abc'"),
        (changed(licences={"code": "MIT", "weights": "MIT"}), "licences.data is missing"),
        (changed(input={**VALUES["input"], "sample_rate": "16k"}), "input.sample_rate = '16k'"),
        (changed(input={**VALUES["input"], "min_samples": 50000}), "min_samples 50000 is longer"),
        (changed(input={**VALUES["input"], "hop_samples": 50000}), "hop_samples 50000 is longer"),
        (
            changed(metrics=[{**VALUES["metrics"][0], "value": float("nan")}]),
            "metrics.0.value = nan",
        ),
        (changed(metrics=[{**VALUES["metrics"][0], "n": 0}]), "metrics.0.n = 0"),
    ],
)
def test_a_wrong_value_is_cited(values, message):
    with pytest.raises(CardError, match=message):
        Card.parse(values)


def test_errors_cite_the_file(tmp_path):
    path = tmp_path / "card.json"
    path.write_text(json.dumps(changed(colour="red")))
    with pytest.raises(CardError, match=r"card\.json: colour = 'red' is not a known key"):
        Card.load(path)


def test_text_that_is_not_json(tmp_path):
    path = tmp_path / "card.json"
    path.write_text('{"name": ')
    with pytest.raises(CardError, match=r"card\.json is not JSON"):
        Card.load(path)


def test_json_that_is_no_object():
    with pytest.raises(CardError, match="card holds a list, not a JSON object"):
        Card.parse("[1, 2]")


def test_a_missing_file(tmp_path):
    with pytest.raises(CardError, match=r"No such file.*folder with a card\.json"):
        Card.load(tmp_path / "nowhere")


def test_the_contract_holds_no_prose(card):
    contract = card.updated(
        recipe={"description": "words", "frontend": {"type": "mel"}, "window_s": 3.0, "source": {}}
    ).contract
    assert contract.recipe == {"frontend": {"type": "mel"}, "window_s": 3.0}
    assert set(json.loads(contract.to_json())) == set(Contract.model_fields) - {"exported"}
    prose = {"description", "metrics", "licences", "citation", "provenance", "versions", "files"}
    assert not prose & set(Contract.model_fields)


def test_a_binary_of_either_format_gives_a_card(card):
    assert Card.of_binary(without("format"), "x.keras") == card
    of_contract = Card.of_binary(card.contract.to_json(), "x.keras")
    assert of_contract.contract == card.contract
    assert of_contract.provenance == of_contract.description == NOT_IN_FILE


def test_without_a_version_it_is_format_1(card):
    assert "format" not in VALUES
    assert card.format == WRITTEN_FORMAT
    assert json.loads(card.to_json())["format"] == WRITTEN_FORMAT


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (FORMAT + 1, rf"x\.json has format {FORMAT + 1}, which a newer mirzoo wrote"),
        (0, "format = 0"),
        ("two", "format = 'two'"),
    ],
)
def test_versions_that_cannot_be_read(version, message):
    with pytest.raises(CardError, match=message):
        Card.parse(changed(format=version, colour="red"), source="x.json")


def test_a_key_that_occurs_twice_is_refused(card, tmp_path):
    card.save(tmp_path / "card.json")
    path = tmp_path / "card.json"
    text = path.read_text(encoding="utf-8").replace('"task":', '"name": "other",\n  "task":', 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=r"card\.json is not JSON: the key 'name' occurs twice"):
        Card.load(path)


def test_what_a_card_lacks_is_not_in_its_file(card):
    """Cards without them are the same to the byte as before, and older versions read them."""
    written = json.loads(card.to_json())
    assert "fitting" not in written and "exported" not in written
    assert "interval" not in written["metrics"][0]


def test_a_card_states_what_a_model_was_fitted_to(card, tmp_path):
    data = {"name": "clips", "recordings": 40, "groups": 20, "split": "by groups"}
    fitting = {
        "data": data, "base": None, "strategy": "full", "chosen": "all of it", "epochs": 3,
        "settings": {"seed": 0, "augmentation": {"gain_db": [-9.0, 3.0]}},
    }  # fmt: skip
    metric = {**VALUES["metrics"][0], "interval": [0.8, 0.95]}
    stated = card.updated(fitting=fitting, metrics=[metric])
    stated.save(tmp_path)
    assert Card.load(tmp_path) == stated
    assert stated.metrics[0].interval == (0.8, 0.95)
    assert stated.contract == card.contract
    for wrong, message in (
        ({**fitting, "data": {**data, "checksum": "short"}}, "checksum"),
        ({**fitting, "epochs": -1}, "epochs"),
        ({**fitting, "colour": "red"}, "colour"),
    ):
        with pytest.raises(CardError, match=message):
            card.updated(fitting=wrong)
    with pytest.raises(CardError, match="interval"):
        card.updated(metrics=[{**metric, "interval": [float("nan"), 1.0]}])
