"""Recipes of several trainings: the runs of old files, what a run inherits, names and circles."""

import json
from pathlib import Path

import pytest
from places import ROOT

from mirzoo import hub
from mirzoo.errors import RecipeError, UnknownNameError
from mirzoo.recipe import load_recipe, load_runs, parse_recipe, run_names
from mirzoo.recipe.runs import training_order

# Recipes and first runs of version 0.1 as that version read them, a file each, by their names.
OLD = json.loads((Path(__file__).parent / "first_runs.json").read_text("utf-8"))
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
NOW = {
    "cqt_crnn_bandless": "cqt_crnn_chords@bandless",
    "cqt_crnn_latetraining": "cqt_crnn_chords@latetraining",
    "cqt_crnn_midtraining": "cqt_crnn_chords@midtraining",
    "cqt_crnn_pretraining": "cqt_crnn_chords@pretraining",
    "hcqt_cnn_labelled": "hcqt_cnn_melody@labelled",
    "hcqt_cnn_latetraining": "hcqt_cnn_melody@latetraining",
    "hcqt_cnn_midtraining": "hcqt_cnn_melody@midtraining",
    "hcqt_cnn_pretraining": "hcqt_cnn_melody@pretraining",
    "hcqt_cnn_taught": "hcqt_cnn_melody@distilled",
    "mel_cnn_latetraining": "mel_cnn_tagger@latetraining",
    "mel_cnn_midtraining": "mel_cnn_tagger@midtraining",
    "mel_cnn_pretraining": "mel_cnn_tagger@pretraining",
    "stft_crnn_labelled": "stft_crnn_melody@labelled",
    "stft_crnn_latetraining": "stft_crnn_melody@latetraining",
    "stft_crnn_midtraining": "stft_crnn_melody@midtraining",
    "stft_crnn_pretraining": "stft_crnn_melody@pretraining",
    "stft_crnn_taught": "stft_crnn_melody@distilled",
}
LAST_THEN = {
    "cqt_crnn_chords": "cqt_crnn_chords@labelled",
    "hcqt_cnn_melody": "hcqt_cnn_melody@bands",
    "mel_cnn_tagger": "mel_cnn_tagger@trunk",
    "stft_crnn_melody": "stft_crnn_melody@bands",
}
"""Recipes that have one more run now: the name of what was the last."""

THREE_RUNS = """
description: A tagger.
frontend: {type: mel, n_mels: 64}
head: {type: cnn, blocks: [{filters: 8}], embedding: 32}
task: {type: tagging, labels: [guitar, piano]}
data: {collections: [songs]}
training: {epochs: 9, augmentation: {noise_probability: 0.5, equaliser_probability: 0.1}}
runs:
  - name: first
    description: The first run.
    head: {pooling: max}
    window_s: 1.0
    training: {augmentation: {noise_probability: 0.2}}
  - name: second
    head: {type: rnn}
    training: {epochs: 4, initial_weights: elsewhere}
  - {name: third}
source: {paper: none}
"""


def test_every_old_name_is_there():
    assert set(OLD) == {*NOW, *(name.partition("@")[0] for name in NOW.values())}


@pytest.mark.parametrize("old", OLD)
def test_old_and_new_files_resolve_to_the_same_run(old):
    new = hub.load_recipe(LAST_THEN.get(old, NOW.get(old, old))).model_dump(mode="json")
    expected = json.loads(json.dumps(OLD[old]))
    expected["data"]["teachers"] = [NOW.get(name, name) for name in expected["data"]["teachers"]]
    start = expected["training"]["initial_weights"]
    expected["training"]["initial_weights"] = NOW.get(start, start)
    new["head"].pop("depths")  # settings that came later, and taggers' recipes have by now
    for setting in ("level", "gapless"):
        new["frontend"].pop(setting, None)
    assert set(new) == set(expected)
    for key, value in expected.items():
        if key == "description" and old in (*NOW, *LAST_THEN):
            assert new[key]  # they are in other words now
        else:
            assert new[key] == value, key


@pytest.mark.parametrize(("old", "new"), NOW.items())
def test_an_old_name_is_found_for_one_version(old, new):
    with pytest.warns(DeprecationWarning, match=f"'{old}' is now '{new}'"):
        assert hub.recipe_name(old) == new
    with pytest.warns(DeprecationWarning, match="the old name goes"):
        assert hub.load_recipe(old) == hub.load_recipe(new)
    assert hub.former_names(new) == [old]


def test_runs_are_no_models_of_the_list():
    assert not [name for name in hub.list_models() if "@" in name or name in NOW]


def read(run=None):
    return parse_recipe(THREE_RUNS, name="mine", run=run)


def test_a_run_states_only_what_differs():
    first = read("first")
    assert first.description == "The first run."
    assert first.window_s == 1.0
    assert (first.head.pooling, first.head.embedding) == ("max", 32)
    assert first.training.epochs == 9
    assert first.training.augmentation.noise_probability == 0.2
    assert first.training.augmentation.equaliser_probability == 0.1
    assert first.training.initial_weights is None


def test_a_section_of_another_type_is_replaced():
    second = read("second")
    assert (second.head.type, second.head.embedding) == ("rnn", 128)
    assert second.description == "A tagger."


def test_a_run_starts_from_the_last_unless_it_names_weights():
    assert read("second").training.initial_weights == "elsewhere"
    assert read("third").training.initial_weights == "mine@second"
    assert read() == read("third")


def test_runs_of_a_file_of_ones_own_are_found(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(THREE_RUNS, encoding="utf-8")
    assert list(load_runs(path)) == ["mine@first", "mine@second", "mine"]
    assert run_names(path) == ["first", "second", "third"]
    assert hub.recipe_name(f"{path}@first") == "mine@first"
    assert hub.recipe_name(f"{path}@third") == hub.recipe_name(path) == "mine"
    start = hub.load_recipe(path).training.initial_weights
    assert hub.recipe_name(start) == "mine@second"
    assert hub.load_recipe(start) == load_recipe(path, "second")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: second", "name: first", "first more than once"),
        (
            "name: second",
            "name: second\n    formerly: old\n  - name: fourth\n    formerly: old",
            "several runs were formerly old",
        ),
        ("name: second", "nam: second", r"runs\.1\.name is missing.*runs\.1\.nam"),
        ("name: second", "name: Second Run", r"runs\.1\.name = 'Second Run'"),
        ("pooling: max", "pooling: most", r"run 'first': head\.cnn\.pooling = 'most'"),
        ("window_s: 1.0", "window_s: -1.0", r"runs\.0\.window_s = -1\.0: .*greater than 0"),
        ("window_s: 1.0", "epochs: 2", r"runs\.0\.epochs = 2 is not a known key"),
    ],
)
def test_a_fault_is_cited_with_its_run(old, new, expected):
    assert old in THREE_RUNS
    with pytest.raises(RecipeError, match=expected):
        parse_recipe(THREE_RUNS.replace(old, new), run="first" if "most" in new else None)


def test_no_runs_at_all_are_refused():
    text = THREE_RUNS[: THREE_RUNS.index("runs:")] + "runs: []\nsource: {paper: none}\n"
    with pytest.raises(RecipeError, match="runs is empty; leave it out"):
        parse_recipe(text)


def test_an_unknown_run_names_those_there_are():
    with pytest.raises(RecipeError, match="no run 'last'; its runs are first, second, third"):
        read("last")
    with pytest.raises(RecipeError, match="raw_cnn_tagger.yaml has no run 'first'; .* are none"):
        hub.load_recipe("raw_cnn_tagger@first")
    with pytest.raises(UnknownNameError, match="'raw_cnn_taggr'; did you mean 'raw_cnn_tagger'"):
        hub.load_recipe("raw_cnn_taggr@first")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_no_shipped_recipe_builds_on_itself(path):
    def untrained(name):
        return hub.load_recipe(name) if name.partition("@")[0] in known else None

    known = {each.stem for each in RECIPES}
    order = training_order(path.stem, untrained)
    assert order[-1] == path.stem
    assert order[: len(run_names(path)) - 1] or run_names(path) == [None]


def test_a_circle_is_an_error_in_a_sentence():
    first = read("third").model_copy(
        update={"training": read().training.model_copy(update={"initial_weights": "b"})}
    )
    other = first.model_copy(
        update={"training": first.training.model_copy(update={"initial_weights": "a"})}
    )
    with pytest.raises(RecipeError, match="a builds on itself: a, which builds on b, which .* a;"):
        training_order("a", {"a": first, "b": other}.get)
