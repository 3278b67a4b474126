"""New recipes: every combination is a recipe that builds, or is refused in words."""

from itertools import product

import pytest
import yaml

from mirzoo.errors import RecipeError, UnknownNameError
from mirzoo.recipe import (
    FRONTENDS,
    HEADS,
    TASKS,
    Augmentation,
    DecibelScaling,
    LogScaling,
    PCENScaling,
    Recipe,
    Source,
    TrainingConfig,
    new_recipe,
    parse_recipe,
)
from mirzoo.recipe.base import type_of
from mirzoo.recipe.new import description

FRAMEWISE = ("beats", "chords", "key", "melody")
CONSTANT_Q = ("cqt", "hcqt", "vqt")
ALL = sorted(product(FRONTENDS, HEADS, ("tagging", *FRAMEWISE)))


def is_refused(frontend, head, task):
    """What does not go together, stated anew."""
    if head in ("pitch_class_crnn", "pitch_class_cnn"):
        return task not in ("chords", "key") or frontend not in (*CONSTANT_Q, "chroma")
    if head == "pitch_cnn":
        return task != "melody" or frontend not in CONSTANT_Q
    return frontend == "raw" and head in ("cnn", "crnn", "tcn")


@pytest.mark.parametrize(
    ("frontend", "head", "task"),
    [
        pytest.param(*each, marks=[] if each[0] in ("cqt", "raw") else pytest.mark.slow)
        for each in ALL
    ],
)
def test_every_combination_is_a_recipe_or_refused(frontend, head, task):
    if is_refused(frontend, head, task):
        with pytest.raises(RecipeError, match="allowed are|take another head|made for"):
            new_recipe(frontend, head, task)
        return
    recipe = parse_recipe(new_recipe(frontend, head, task))
    assert [type_of(type(part)) for part in (recipe.frontend, recipe.head, recipe.task)] == [
        frontend, head, task,
    ]  # fmt: skip
    grid = recipe.frontend.grid
    assert grid.sample_rate == 16000
    if task in FRAMEWISE:
        assert recipe.head.output_grid(grid).hop_length == grid.hop_length


def valid():
    return [each for each in ALL if not is_refused(*each)]


def test_what_does_not_go_together_is_told_in_words():
    words = (
        "front-end 'raw', head 'cnn' and task 'tagging' do not go together: head.type 'cnn' "
        "convolves over neighbouring bins, but the bins of a 'raw' front-end are learnt filters in "
        "no order; allowed are 'cnn1d' and 'rnn'"
    )
    with pytest.raises(RecipeError) as refused:
        new_recipe("raw", "cnn", "tagging")
    assert str(refused.value) == words
    with pytest.raises(RecipeError, match="has not; allowed are chroma, cqt, hcqt, vqt$"):
        new_recipe("mel", "pitch_class_crnn", "chords")
    with pytest.raises(RecipeError, match="has not; allowed are cqt, hcqt, vqt$"):
        new_recipe("chroma", "pitch_cnn", "melody")


@pytest.mark.slow
@pytest.mark.parametrize("frontend", sorted(FRONTENDS))
def test_every_recipe_builds(frontend):
    from mirzoo.models.build import build_model

    for _, head, task in (each for each in valid() if each[0] == frontend):
        model = build_model(parse_recipe(new_recipe(frontend, head, task)), "new")
        assert model.count_params() > 0


@pytest.mark.slow
def test_a_recipe_builds_with_labels():
    from mirzoo.models.build import build_model

    text = new_recipe("mel", "rnn", "tagging", labels=["cello", "flute", "horn"])
    assert build_model(parse_recipe(text), "new").output_shape == (None, 3)


def configurations():
    found = [*FRONTENDS.values(), *HEADS.values(), Recipe, Source, TrainingConfig, Augmentation]
    found += [DecibelScaling, LogScaling, PCENScaling]
    return found + [task.config for task in TASKS.values() if task.config is not None]


@pytest.mark.parametrize("config", configurations(), ids=lambda config: config.__name__)
def test_every_setting_has_a_description(config):
    missing = [key for key in config.model_fields if key != "type" and not description(config, key)]
    assert not missing


def test_a_comment_is_the_description_of_its_setting():
    text = new_recipe("cqt", "cnn", "chords")
    for config in (FRONTENDS["cqt"], HEADS["cnn"], TASKS["chords"].config):
        for key in config.model_fields:
            words = " ".join(text.replace("#", " ").split())
            assert description(config, key) in words


def test_what_differs_from_a_default_is_stated_with_it():
    text = new_recipe("cqt", "rnn", "tagging")
    words = " ".join(text.replace("#", " ").split())
    assert "Above 0; 22050 where this line is left out. sample_rate: 16000" in words
    assert "by default" not in words and "128 where" not in words


@pytest.mark.parametrize(
    ("head", "task"), [("pitch_class_crnn", "chords"), ("pitch_class_cnn", "key")]
)
def test_no_remark_states_what_a_switch_that_is_off_would_do(head, task):
    text = new_recipe("cqt", head, task)
    parsed = yaml.safe_load(text)
    assert parsed["head"]["tuning"] is False and parsed["task"]["tuning"] is False
    remarks = " ".join(text.replace("#", " ").split())
    assert "the task has" not in remarks and f"the task '{task}' has" not in remarks


def test_no_setting_is_left_out():
    text = new_recipe("vqt", "rnn", "chords")
    stated = yaml.safe_load("\n".join(line.replace("# ", "", 1) if is_left_out(line) else line
                                      for line in text.splitlines()))  # fmt: skip
    for part, config in (("frontend", FRONTENDS["vqt"]), ("training", TrainingConfig)):
        assert set(stated[part]) == set(config.model_fields)


def is_left_out(line):
    key = line.strip().removeprefix("# ").partition(":")[0]
    return line.strip().startswith("# ") and key in TrainingConfig.model_fields


def test_an_unknown_name_is_told_with_near_ones():
    with pytest.raises(UnknownNameError, match="did you mean 'cqt'"):
        new_recipe("cqtt", "rnn", "tagging")


def test_labels_of_chords_are_fixed():
    with pytest.raises(RecipeError, match="labels are a, b, but those of 'chords' are fixed"):
        new_recipe("cqt", "rnn", "chords", labels=["a", "b"])


def test_a_task_of_published_models_alone_is_refused():
    with pytest.raises(RecipeError, match="no recipe makes a model for notes.*allowed are beats"):
        new_recipe("cqt", "rnn", "notes")
