"""Recipes of strangers cost little and are refused in a sentence."""

import time

import pytest

from mirzoo.errors import RecipeError
from mirzoo.recipe import load_recipe, parse_recipe

ANCHORS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ANCHORS, "more than 100,000 values"),
        ("description: &all [*all]\n", "holds it itself|undefined alias"),
        ("a: " + "[" * 5000 + "]" * 5000, "maximum nesting depth|nested deeper than 32 levels"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper than 32 levels"),
        ("x" * 2_000_000, "2,000,000 characters"),
        ("window_s: " + "9" * 5000, "cannot be read"),
        ("description: one\nwindow_s: 3.0\ndescription: two\n", "line 3: the key 'description'"),
        ("task: {type: tagging, type: chords}", "the key 'type' is stated twice"),
        ("description: !!python/object/apply:os.system [true]", "not valid YAML"),
        ("when: 2026-13-45", "cannot be read|not a known key|is missing"),
    ],
    ids=["anchors", "circle", "deeper", "deep", "long", "digits", "twice", "inner", "code", "date"],
)
def test_hostile_recipes_are_refused_at_once(text, message):
    start = time.perf_counter()
    with pytest.raises(RecipeError, match=message) as caught:
        parse_recipe(text, where="stranger.yaml")
    assert "stranger.yaml" in str(caught.value)
    assert len(str(caught.value)) < 3000
    assert time.perf_counter() - start < 5.0  # not a measure of speed: it took for ever


def test_a_value_of_any_size_is_shown_in_short():
    with pytest.raises(RecipeError) as caught:
        parse_recipe("frontend: " + str([list(range(100))] * 100), where="stranger.yaml")
    assert len(str(caught.value)) < 1000


def test_a_file_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("description: Geräusche\n".encode("latin-1"))
    with pytest.raises(RecipeError, match=r"latin\.yaml is not text in UTF-8"):
        load_recipe(path)


@pytest.mark.parametrize("section", ["data", "frontend", "training"])
@pytest.mark.parametrize("value", ["1e300", "[1, 2]", "words"])
def test_a_section_that_runs_state_anew_is_a_mapping(tmp_path, section, value):
    path = tmp_path / "runs.yaml"
    path.write_text(f"{section}: {value}\nruns:\n- name: a\n  {section}: {{seed: 1}}\n- name: b\n")
    with pytest.raises(RecipeError, match=rf"runs\.yaml: {section} is '.*it is a mapping"):
        load_recipe(path)
