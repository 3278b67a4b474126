"""Recipes are strict: what they hold is checked, and a fault is cited by file, key and value."""

import re

import pytest
from places import ROOT

from mirzoo import recipe as recipes
from mirzoo.errors import RecipeError
from mirzoo.models.frontends.cqt import CQTConfig
from mirzoo.models.frontends.raw import RawConfig
from mirzoo.recipe import FRONTENDS, Recipe, load_recipe, load_runs, parse_recipe

RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))

GOOD = """
description: A tagger.
frontend: {type: mel, sample_rate: 16000, n_mels: 64}
head: {type: cnn, blocks: [{filters: 8}]}
task: {type: tagging, labels: [guitar, piano]}
source: {paper: none}
"""


def edited(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_good_recipe_is_read():
    recipe = parse_recipe(GOOD)
    assert recipe.frontend.n_mels == 64
    assert recipe.task.labels == ("guitar", "piano")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("n_mels: 64", "n_mel: 64", r"frontend\.mel\.n_mel = 64 is not a known key"),
        ("n_mels: 64", "n_mels: 0", r"frontend\.mel\.n_mels = 0: .*greater than 0"),
        ("n_mels: 64", "n_mels: many", r"n_mels = 'many'"),
        (
            "type: mel",
            "type: cochlea",
            r"frontend\.type = 'cochlea': there is no front-end 'cochlea'.* mel, .*--import",
        ),
        ("n_mels: 64", "fmax: 9000.0", r"fmax 9000.0 Hz.*fmin < fmax <= 8000.0"),
        ("n_mels: 64", "win_length: 4096", r"win_length 4096 is longer than n_fft 512"),
        ("[{filters: 8}]", "[]", r"a cnn head needs at least one block"),
        (
            "[{filters: 8}]",
            "[{kind: separable, filters: 8, stride: [2, 1]}]",
            r"allowed are equal strides",
        ),
        ("[guitar, piano]", "[guitar, guitar]", r"\['guitar'\] more than once"),
        ("[guitar, piano]", "[]", r"needs at least one label"),
        (
            "source: {paper: none}",
            "source: {paper: none}\ndata: {collections: [a], classes: [b]}",
            r"classes names \['b'\]",
        ),
        (
            "source: {paper: none}",
            "source: {paper: none}\ntraining: {precision: bfloat16}",
            r"precision is 'bfloat16', but taggers",
        ),
        (
            "source: {paper: none}",
            "source: {paper: none}\ntraining: {transpose_semitones: [-2, 2]}",
            r"transpose_semitones is \(-2, 2\), but taggers.*allowed is \(0, 0\)",
        ),
        (
            "source: {paper: none}",
            "source: {paper: none}\ntraining: {excerpt_probability: 0.1}",
            r"excerpt_probability is 0.1, but taggers.*allowed is 0.0",
        ),
        (
            "source: {paper: none}",
            "source: {paper: none}\ntraining: {example_s: 2.0}",
            r"example_s is 2.0, but taggers.*allowed is None",
        ),
        (
            "source: {paper: none}",
            "source: {paper: none}\ntraining: {teacher_weight: 2.0}",
            r"teacher_weight is 2, but only chords and key weigh.*leave it out for 'tagging'",
        ),
        (
            "source: {paper: none}",
            "source: {paper: none}\ntraining: {consistency: 0.5}",
            r"consistency is 0.5, but only chords and key stay the same.*'tagging' is 0",
        ),
        ("source: {paper: none}", "", r"source is missing"),
        (
            "type: mel, sample_rate: 16000, n_mels: 64",
            "type: raw",
            r"allowed are 'cnn1d' and 'rnn'",
        ),
    ],
)
def test_fault_is_cited(old, new, expected):
    with pytest.raises(RecipeError, match=expected):
        parse_recipe(edited(old, new))


def test_fault_names_the_file(tmp_path):
    path = tmp_path / "bad_recipe.yaml"
    path.write_text(edited("n_mels: 64", "n_mels: -1"))
    with pytest.raises(RecipeError, match="bad_recipe.yaml"):
        load_recipe(path)


@pytest.mark.parametrize("text", ["a: [", "just words", ""])
def test_what_is_no_mapping_is_refused(text):
    with pytest.raises(RecipeError):
        parse_recipe(text)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match="absent.yaml"):
        load_recipe(tmp_path / "absent.yaml")


def test_cqt_refuses_bins_above_nyquist():
    with pytest.raises(ValueError, match="at or above half the sample rate"):
        CQTConfig(sample_rate=8000, n_octaves=8, hop_length=512)


def test_cqt_refuses_hop_that_cannot_be_halved():
    with pytest.raises(ValueError, match="multiples of 64"):
        CQTConfig(hop_length=500)


def test_raw_refuses_kernels_that_skip_samples():
    with pytest.raises(ValueError, match="kernel >= stride"):
        RawConfig(filters=(8,), kernels=(4,), strides=(16,))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipe(path):
    recipe = load_recipe(path)
    frontend = {"melbank": "mel"}.get(path.stem.split("_")[0], path.stem.split("_")[0])
    assert recipe.frontend.type == frontend
    assert re.fullmatch(r"[a-z]+_(cnn|rnn|crnn)_(live_)?[a-z]+(_jamendo)?", path.stem)
    assert recipe.live == ("_live_" in path.stem)
    head = {"tcn": "cnn", "cnn1d": "cnn"}.get(recipe.head.type, recipe.head.type)
    assert head.split("_")[-1] == path.stem.split("_")[1]
    assert recipe.source.paper
    for run in load_runs(path).values():
        assert Recipe.model_validate(run.model_dump(mode="json")) == run


def test_every_frontend_has_a_recipe():
    assert {load_recipe(path).frontend.type for path in RECIPES} == set(FRONTENDS)


def test_a_label_set_is_known_by_its_name():
    recipe = parse_recipe(edited("[guitar, piano]", "magnatagatune"))
    assert len(recipe.task.labels) == 50 and recipe.task.labels[0] == "guitar"
    assert recipe.model_dump(mode="json")["task"]["labels"] == list(recipe.task.labels)
    with pytest.raises(RecipeError, match="no label set 'guitar'; give a list, or one of magna"):
        parse_recipe(edited("[guitar, piano]", "guitar"))


FORMER = """
    CNN1DConfig CNNConfig CQTConfig CRNNConfig ChordsConfig ChromaConfig ConstantQ ConvBlock
    FrameContext FramewiseHead HCQTConfig LEAFConfig LearntBank MFCCConfig MelBank MelConfig
    MelodyConfig PitchCNNConfig PitchClassCRNNConfig RNNConfig RawConfig RecurrentStack STFTConfig
    SincConfig Spectral TaggingConfig TemporalBlock VQTConfig
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", FORMER)
def test_classes_are_found_where_they_stood(name):
    with pytest.warns(DeprecationWarning, match=f"mirzoo.recipe.{name} is now mirzoo"):
        assert isinstance(getattr(recipes, name), type)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{type: cnn, blocks: [{filters: 8}]}", "cnn", r"head = 'cnn': a head is a mapping"),
        ("type: cnn, ", "", r"head\.type = None: which head is missing; allowed are cnn, cnn1d"),
        ("type: cnn", "type: 3", r"head\.type = 3: the type of a head is a name"),
    ],
)
def test_what_names_no_type_is_refused(old, new, expected):
    with pytest.raises(RecipeError, match=expected):
        parse_recipe(edited(old, new))
