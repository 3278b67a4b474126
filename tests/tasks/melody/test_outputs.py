"""A network of its own for the voicing: what it depends on, in whole windows and in steps."""

import keras
import numpy as np
import pytest
from live_models import made, music
from toy_music import make_recipe

from mirzoo.models.build import build_model, build_outputs
from mirzoo.models.steps import KerasSteps, NoStepsError, StepGraph
from mirzoo.recipe import Recipe
from mirzoo.tasks.melody import MelodyConfig, VoicingNet
from mirzoo.training.fitting import copy_weights

SMALL = {"filters": 8, "kernel": 3, "dilations": [1, 2], "level_frames": 20}


@pytest.fixture(scope="module")
def melody():
    keras.utils.set_random_seed(3)
    recipe = make_recipe("melody", task={"type": "melody", "fmin": 127.82, "n_octaves": 3,
                                         "voicing": SMALL})  # fmt: skip
    return build_model(recipe, "with_a_network")


def noise(seconds, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, (1, round(16000 * seconds))).astype(np.float32)


def test_the_pitch_stays_that_of_a_model_without(melody):
    plain = build_model(make_recipe("melody"), "plain")
    copy_weights(plain, melody)
    waveform = noise(3)
    ours, theirs = (model.predict_windows(waveform) for model in (melody, plain))
    np.testing.assert_allclose(ours["salience"], theirs["salience"], atol=1e-6)
    assert np.abs(ours["voicing"] - theirs["voicing"]).max() > 1e-3
    dumped = MelodyConfig().model_dump()
    assert "voicing" not in dumped, "recipes on older cards stay as they are"


def test_the_voicing_depends_on_how_loud_the_music_around_is(melody):
    waveform = noise(6) * 0.05
    loud = waveform.copy()
    loud[:, -16000:] *= 30
    soft, along = (model_output(melody, wave)["voicing"][0] for wave in (waveform, loud))
    reach = 20 + 3 + 3  # levels, convolutions, the front-end's edges
    before = slice(len(soft) - 10 - reach + 8, len(soft) - 14)
    assert np.abs(soft[before] - along[before]).max() > 1e-4
    np.testing.assert_allclose(soft[:20], along[:20], atol=1e-5)


def test_a_network_added_to_the_layer_on_frames_leaves_the_voicing_as_it_was(melody):
    plain = build_model(make_recipe("melody"), "plain")
    task = {**melody.card.recipe["task"], "voicing": {**SMALL, "frame": True}}
    both = build_model(make_recipe("melody", task=task), "both")
    copy_weights(both, plain)
    ours, theirs = (model.predict_windows(noise(3))["voicing"] for model in (both, plain))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def model_output(model, waveform):
    return model.predict_windows(waveform)


def test_features_are_needed(melody):
    recipe = Recipe.model_validate(melody.card.recipe)
    with pytest.raises(ValueError, match="needs the features"):
        build_outputs(recipe, melody.head.output, 36)


def test_one_that_looks_at_the_past_has_steps():
    past = made("melody", task=live_task(causal=True))
    waveform = np.concatenate([np.zeros(64000, np.float32), music(3.0)[:, 0]])
    steps = KerasSteps(StepGraph(past))
    state, size, given = steps.initial(), steps.streaming.step_samples, []
    for first in range(0, len(waveform) - size + 1, size):
        outputs, state = steps(waveform[first : first + size], state)
        given.append(outputs["voicing"])
    received = np.concatenate(given)[steps.streaming.delay_frames :]
    expected = past.predict_windows(waveform[np.newaxis])["voicing"][0]
    first, last = 125, len(received) - 2 * steps.streaming.delay_frames
    assert np.ptp(expected[first:last]) > 1e-4
    np.testing.assert_allclose(received[first:last], expected[first:last], atol=2e-5)


def test_one_that_looks_around_has_none():
    with pytest.raises(NoStepsError, match="voicing_levels"):
        StepGraph(made("melody", task=live_task(causal=False)))


def live_task(*, causal):
    return MelodyConfig(
        n_octaves=2,
        bins_per_octave=12,
        fmin=110.0,
        voicing=VoicingNet(filters=6, kernel=3, dilations=(1, 2), level_frames=30, causal=causal),
    )


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".tflite", ".onnx"])
def test_files_compute_the_same(melody, tmp_path, ending):
    import mirzoo

    path = mirzoo.export(melody, tmp_path / f"melody{ending}", outputs="all")
    window = noise(melody.card.input.window_samples / 16000)
    again, expected = mirzoo.load(path).predict_windows(window), melody.predict_windows(window)
    for name, values in expected.items():
        np.testing.assert_allclose(again[name], values, atol=1e-5)
