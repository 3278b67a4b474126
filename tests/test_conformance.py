"""Every front-end with every head, and every recipe: build, run, learn, save, reload."""

from pathlib import Path

import keras
import numpy as np
import pytest

from mirzoo.build import build_model
from mirzoo.heads import output_grid
from mirzoo.recipe import Recipe, load_recipe

RECIPES = sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))

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
        "recurrent": {"cell": "lstm", "units": [4], "bidirectional": False},
        "pooling": "none",
    },
}
SENSIBLE = [
    (frontend, head)
    for frontend in FRONTENDS
    for head in HEADS
    if not (frontend == "raw" and head in ("cnn", "crnn"))
]


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


def assert_conforms(model, recipe: Recipe, n_samples: int, tmp_path: Path) -> None:
    waveform = noise(3, n_samples)
    outputs = model(waveform, training=False).numpy()
    grid = output_grid(recipe.head, recipe.frontend.grid)
    n_labels = len(recipe.task.labels)
    if recipe.head.pooling == "none":
        assert outputs.shape == (3, grid.frames(n_samples), n_labels)
    else:
        assert outputs.shape == (3, n_labels)
    assert np.isfinite(outputs).all() and (outputs >= 0).all() and (outputs <= 1).all()

    alone = model(waveform[1:2], training=False).numpy()
    np.testing.assert_allclose(alone[0], outputs[1], atol=1e-5)

    model.compile("sgd", "binary_crossentropy")
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    targets = np.eye(3, n_labels) if outputs.ndim == 2 else np.zeros_like(outputs)
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
    np.testing.assert_allclose(
        reloaded(waveform, training=False), model(waveform, training=False), atol=1e-6
    )
    assert reloaded.card == model.card


@pytest.mark.parametrize(("frontend", "head"), SENSIBLE)
def test_pairing_conforms(frontend, head, tmp_path):
    recipe = make_recipe(frontend, head)
    assert_conforms(build_model(recipe, "made"), recipe, 8001, tmp_path)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_conforms(path, tmp_path):
    recipe = load_recipe(path)
    model = build_model(recipe, path.stem)
    assert model.card.parameters == model.count_params() <= 1_000_000
    assert_conforms(model, recipe, 20000, tmp_path)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_is_finite_on_silence(path):
    model = build_model(load_recipe(path), path.stem)
    assert np.isfinite(model(np.zeros((1, 16000), np.float32), training=False)).all()
