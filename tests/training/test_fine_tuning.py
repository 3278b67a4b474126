"""Fine-tuning on one's own labels: it learns, it leaves alone what is frozen, it beats scratch."""

import importlib.util
import os

import numpy as np
import pytest
from places import ROOT

from mirzoo.data.folder import LabelledWindows
from mirzoo.errors import DataError
from mirzoo.models.build import build_model
from mirzoo.recipe import Recipe
from mirzoo.training.fine_tuning import fine_tune

FRONTENDS = {
    "mel": {"n_mels": 24, "hop_length": 512},
    "leaf": {"n_filters": 16, "kernel_size": 129, "pooling_size": 129, "decimation": 16},
}


METRIC = {
    "dataset": "other", "split": "test", "metric": "ROC-AUC", "value": 0.5, "n": 1,
    "method": "none",
}  # fmt: skip


def make_model(frontend: str):
    recipe = Recipe.model_validate(
        {
            "description": "tells tones apart",
            "frontend": {"type": frontend, **FRONTENDS[frontend]},
            "head": {
                "type": "cnn",
                "blocks": [{"filters": 8, "stride": [2, 2]}],
                "embedding": 16,
                "dropout": 0.0,
            },
            "task": {"type": "tagging", "labels": ["high", "low"], "activation": "softmax"},
            "window_s": 0.5,
            "source": {"paper": "none"},
        }
    )
    return build_model(recipe, "tones")


def tones(count: int) -> LabelledWindows:
    rng = np.random.default_rng(0)
    is_low = np.arange(count) % 2
    hertz = np.where(is_low, 300.0, 2000.0) * rng.uniform(0.8, 1.2, count)
    t = np.arange(8000) / 16000
    waveforms = 0.3 * np.sin(2 * np.pi * hertz[:, None] * t) + rng.normal(0, 0.01, (count, 8000))
    return LabelledWindows(
        waveforms.astype(np.float32), np.eye(2, dtype=np.float32)[is_low], np.arange(count)
    )


@pytest.mark.slow
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_everything_learns(frontend):
    model = make_model(frontend)
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    history = fine_tune(model, tones(32), epochs=8, batch_size=8, learning_rate=0.02)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert all(not np.array_equal(old, new) for old, new in zip(before, model.trainable_weights))


@pytest.mark.slow
def test_frozen_head_stays():
    model = make_model("leaf")
    parts = [model.get_layer(name) for name in ("frontend", "head")]
    before = [weight.numpy().copy() for part in parts for weight in part.weights]
    tags = model.get_layer("tags").get_weights()[0]
    fine_tune(model, tones(16), epochs=1, train_head=False)
    after = [weight.numpy() for part in parts for weight in part.weights]
    for old, new in zip(before, after):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(tags, model.get_layer("tags").get_weights()[0])


@pytest.mark.slow
def test_train_trunk_is_the_former_name():
    model = make_model("leaf")
    with pytest.warns(DeprecationWarning, match="train_trunk= is now train_head="):
        fine_tune(model, tones(16), epochs=1, train_trunk=False)
    assert not model.head.trainable


@pytest.mark.slow
def test_the_card_of_a_tagger_states_the_fine_tuning_and_no_scores_of_other_weights():
    model = make_model("mel")
    model.card = model.card.updated(metrics=[METRIC])
    fine_tune(model, tones(16), epochs=1, train_head=False)
    assert model.card.metrics == [] and model.card.description.endswith("Fine-tuned.")
    assert model.card.provenance == (
        "Fine-tuned for 1 epochs on 16 clips of somebody's own, the output layers alone, from "
        "tones. Fresh weights, untrained."
    )


def test_labels_must_be_the_model_s(tmp_path):
    (tmp_path / "medium").mkdir()
    (tmp_path / "medium" / "x.wav").write_bytes(b"")
    with pytest.raises(DataError, match="medium"):
        fine_tune(make_model("mel"), tmp_path)


@pytest.mark.slow
def test_pretrained_beats_fresh_weights_on_real_instruments():
    folder = os.environ.get(
        "MIRZOO_INSTRUMENTS", ROOT.parent / "shared" / "data" / "real" / "instruments"
    )
    if not os.path.isdir(folder):
        pytest.skip("no instrument clips here: set MIRZOO_INSTRUMENTS to a folder per class")
    spec = importlib.util.spec_from_file_location("bench", ROOT / "benchmarks" / "fine_tune.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    options = {"train_head": True, "epochs": 8}
    pretrained, n = bench.cross_validated("mel_cnn_tagger", folder, pretrained=True, **options)
    fresh, _ = bench.cross_validated("mel_cnn_tagger", folder, pretrained=False, **options)
    assert n >= 100
    assert pretrained > fresh + 0.1
