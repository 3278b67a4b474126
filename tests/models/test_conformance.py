"""Every front-end with every head, and every recipe: build, run, learn, save, reload."""

from pathlib import Path

import keras
import numpy as np
import pytest
from places import ROOT

from mirzoo.export import export
from mirzoo.models.build import build_model
from mirzoo.recipe import Recipe, load_runs


def recipes_of_different_graphs() -> dict[str, Recipe]:
    """Every recipe, and those of its runs that have another network."""
    found: dict[str, tuple[str, Recipe]] = {}
    for path in sorted((ROOT / "recipes").glob("*.yaml")):
        for name, recipe in reversed(load_runs(path).items()):
            graph = recipe.model_dump_json(include={"frontend", "head", "task"})
            found.setdefault(graph, (name, recipe))
    return dict(found.values())


RECIPES = recipes_of_different_graphs()

FRONTENDS = {
    "stft": {"n_fft": 128, "hop_length": 64},
    "mel": {"n_fft": 256, "hop_length": 128, "n_mels": 16},
    "mel_trainable": {"n_fft": 256, "hop_length": 128, "n_mels": 16, "trainable": True},
    "mfcc": {"n_fft": 256, "hop_length": 128, "n_mels": 16, "n_mfcc": 8},
    "cqt": {"sample_rate": 16000, "hop_length": 256, "fmin": 220.0, "n_octaves": 3},
    "vqt": {"sample_rate": 16000, "hop_length": 256, "fmin": 220.0, "n_octaves": 3, "gamma": 5.0},
    "hcqt": {
        "sample_rate": 16000,
        "hop_length": 256,
        "fmin": 220.0,
        "n_octaves": 2,
        "harmonics": [1.0, 2.0],
    },
    "chroma": {"sample_rate": 16000, "hop_length": 512, "fmin": 110.0, "n_octaves": 3},
    "raw": {"filters": [8, 8], "kernels": [32, 8], "strides": [16, 8]},
    "sinc": {"n_filters": 8, "kernel_size": 65},
    "leaf": {"n_filters": 8, "kernel_size": 65, "pooling_size": 65, "decimation": 8},
}
HEADS = {
    "cnn": {"blocks": [{"filters": 4, "stride": [2, 1]}], "temporal": [{"filters": 8}]},
    "cnn1d": {"temporal": [{"kind": "residual", "filters": 8, "stride": 2}]},
    "rnn": {"recurrent": {"units": [4]}, "pooling": "attention"},
    "crnn": {
        "blocks": [{"kind": "separable", "filters": 4, "stride": [2, 2]}],
        "recurrent": {"cell": "lstm", "units": [4], "bidirectional": False, "lookahead": 2},
        "pooling": "none",
    },
}
SENSIBLE = [
    (frontend, head)
    for frontend in FRONTENDS
    for head in HEADS
    if not (frontend == "raw" and head in ("cnn", "crnn"))
]
# Recurrent heads where frames are few.
QUICK = {
    "stft": "cnn",
    "mel": "cnn1d",
    "mel_trainable": "cnn",
    "mfcc": "cnn1d",
    "cqt": "crnn",
    "vqt": "cnn",
    "hcqt": "cnn1d",
    "chroma": "rnn",
    "raw": "cnn1d",
    "sinc": "cnn",
    "leaf": "cnn1d",
}


def pairs():
    """Every sensible pair; those that are not slow hold each front-end and each head."""
    assert set(QUICK) == set(FRONTENDS) and set(QUICK.values()) == set(HEADS)
    for frontend, head in SENSIBLE:
        marks = () if QUICK[frontend] == head else pytest.mark.slow
        yield pytest.param(frontend, head, marks=marks)


def make_recipe(frontend: str, head: str) -> Recipe:
    return Recipe.model_validate(
        {
            "description": "made for a test",
            "frontend": {"type": frontend.split("_")[0], **FRONTENDS[frontend]},
            "head": {"type": head, "embedding": 6, **HEADS[head]},
            "task": {"type": "tagging", "labels": ["a", "b", "c"]},
            "source": {"paper": "none"},
        }
    )


@pytest.fixture(autouse=True)
def same_weights_each_time():
    keras.utils.set_random_seed(0)


def noise(batch: int, n_samples: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(-0.3, 0.3, (batch, n_samples)).astype(np.float32)


def said(model, waveform: np.ndarray) -> dict[str, np.ndarray]:
    """What a model says, by the names of its card."""
    outputs = model(waveform, training=False)
    if not isinstance(outputs, dict):
        outputs = {model.card.outputs[0].name: outputs}
    return {name: value.numpy() for name, value in outputs.items()}


def assert_conforms(
    model, recipe: Recipe, n_samples: int, tmp_path: Path, *, eagerly: bool = False
) -> None:
    waveform = noise(3, n_samples)
    outputs = said(model, waveform)
    grid = recipe.head.output_grid(recipe.frontend.grid)
    frames = (grid.frames(n_samples),) if recipe.head.per_frame else ()
    assert {name: value.shape for name, value in outputs.items()} == {
        output.name: (3, *frames, output.axes[-1].size) for output in model.card.outputs
    }
    for value in outputs.values():
        assert np.isfinite(value).all() and (value >= 0).all() and (value <= 1).all()

    alone = said(model, waveform[1:2])
    for name, value in outputs.items():
        np.testing.assert_allclose(alone[name][0], value[1], atol=1e-5)

    before = [weight.numpy().copy() for weight in model.trainable_weights]
    targets = {name: np.random.default_rng(1).integers(0, 2, value.shape).astype(np.float32)
               for name, value in outputs.items()}  # fmt: skip
    if len(targets) == 1:
        (targets,) = targets.values()
    model.compile("sgd", "binary_crossentropy", run_eagerly=eagerly)
    model.fit(waveform, targets, verbose=0)
    unmoved = [
        weight.path
        for weight, old in zip(model.trainable_weights, before)
        if np.array_equal(weight.numpy(), old)
    ]
    assert not unmoved
    assert all(np.isfinite(weight.numpy()).all() for weight in model.weights)

    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    again = said(reloaded, waveform)
    for name, value in said(model, waveform).items():
        np.testing.assert_allclose(again[name], value, atol=1e-6)
    assert reloaded.card.contract == model.card.contract


@pytest.mark.parametrize(("frontend", "head"), pairs())
def test_pairing_conforms(frontend, head, request, tmp_path):
    """By default the step of training is taken eagerly: tracing its graph is most of the time."""
    recipe = make_recipe(frontend, head)
    eagerly = request.node.get_closest_marker("slow") is None
    assert_conforms(build_model(recipe, "made"), recipe, 8001, tmp_path, eagerly=eagerly)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["made.tflite", "made.onnx", "made"])
@pytest.mark.parametrize(
    ("frontend", "head"),
    [(f, "cnn1d") for f in FRONTENDS] + [("mel", h) for h in HEADS if h != "cnn1d"],
)
def test_every_form_gives_the_same_numbers(frontend, head, form, made_up_music, tmp_path):
    recipe = make_recipe(frontend, head).model_copy(update={"window_s": 0.5})
    export(build_model(recipe, "made"), tmp_path / form, source=made_up_music)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_recipe_conforms(name, tmp_path):
    recipe = RECIPES[name]
    model = build_model(recipe, name)
    assert model.card.parameters == model.count_params() <= 1_000_000
    assert_conforms(model, recipe, 20000, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_finite_on_silence(name):
    model = build_model(RECIPES[name], name)
    for value in said(model, np.zeros((1, 16000), np.float32)).values():
        assert np.isfinite(value).all()
