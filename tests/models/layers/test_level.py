"""Windows at one level: gain and offset change nothing, and silence stays silence."""

import numpy as np
import pytest
import tensorflow as tf
from frontend_checks import run_in_litert

from mirzoo.models.build import build_model
from mirzoo.models.frontends import build_frontend
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.layers.level import BLOCK_SAMPLES, WindowLevel
from mirzoo.recipe import Level, Recipe

SAMPLES = 16000


def music(samples: int = SAMPLES) -> np.ndarray:
    """Notes of three loudnesses and a rest."""
    rng = np.random.default_rng(0)
    time = np.arange(samples) / 16000
    loudness = np.repeat([0.3, 0.05, 0.0, 0.2], -(-samples // 4))[:samples]
    tone = np.sin(2 * np.pi * 440 * time) + 0.1 * rng.standard_normal(samples)
    return (loudness * tone).astype(np.float32)[np.newaxis]


def in_db(waveform) -> float:
    return float(10 * np.log10(np.mean(np.square(waveform)) + 1e-20))


def formula(waveform, target_db, silence_db):
    """What the docstring describes, in float64 and sample by sample."""
    x = waveform[0].astype(np.float64)
    y = np.where(x != 0, x - x.sum() / np.count_nonzero(x), 0.0)
    blocks = np.append(y, np.zeros(-len(y) % BLOCK_SAMPLES)).reshape(-1, BLOCK_SAMPLES)
    e = np.mean(blocks**2, axis=1)
    loud, target, silence = (
        np.sum(e**2) / np.sum(e),
        10 ** (target_db / 10),
        10 ** (silence_db / 10),
    )
    return y * np.sqrt(target / loud) * loud**3 / (loud**3 + silence**3)


@pytest.mark.parametrize("gain", [1.0, 1e-3, 3e-4])
def test_it_is_its_formula(gain):
    waveform = gain * music() + np.float32(gain * 0.01)
    received = WindowLevel(target_db=-20.0, silence_db=-60.0)(waveform)[0]
    np.testing.assert_allclose(received, formula(waveform, -20.0, -60.0), rtol=2e-4, atol=1e-6)


def test_gain_and_offset_change_nothing():
    layer, waveform = WindowLevel(), music()
    expected = layer(waveform).numpy()
    sounds = waveform != 0
    for gain, offset in ((4.0, 0.0), (0.1, 0.0), (10**-1.5, 0.0), (1.0, 0.05), (0.1, -0.05)):
        changed = np.where(sounds, gain * waveform + np.float32(offset), 0).astype(np.float32)
        np.testing.assert_allclose(layer(changed), expected, atol=2e-3)
    assert in_db(WindowLevel(target_db=-16.0)(0.2 * np.sign(waveform - 0.01))) == pytest.approx(
        -16.0, abs=0.5
    )


def test_what_is_filled_up_with_silence_stays_as_it_was():
    waveform = music(4 * BLOCK_SAMPLES)
    alone = WindowLevel()(waveform).numpy()
    filled = WindowLevel()(np.pad(waveform, ((0, 0), (0, 3 * SAMPLES)))).numpy()
    np.testing.assert_allclose(filled[:, : 4 * BLOCK_SAMPLES], alone, rtol=1e-5, atol=1e-7)
    assert not filled[:, 4 * BLOCK_SAMPLES :].any()


def test_silence_stays_silence():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((1, SAMPLES)).astype(np.float32)
    assert not WindowLevel()(0 * noise).numpy().any()
    at_70 = in_db(WindowLevel()(10**-3.5 * noise))
    assert at_70 < -60.0
    assert in_db(WindowLevel()(10**-4.0 * noise)) < at_70 - 20
    music_at_50 = in_db(WindowLevel()(10**-2.5 * noise))
    assert music_at_50 == pytest.approx(-16.0, abs=0.1)


def test_gradients_are_finite_on_silence_and_windows_do_not_change_each_other():
    layer = WindowLevel()
    batch = tf.constant(np.concatenate([music(), 0 * music(), 1e-6 * music()]))
    with tf.GradientTape() as tape:
        tape.watch(batch)
        received = layer(batch)
        total = tf.reduce_sum(tf.square(received))
    assert np.isfinite(tape.gradient(total, batch)).all()
    np.testing.assert_allclose(received[0], layer(music())[0], rtol=1e-6)


def test_litert_gives_the_same():
    frontend = build_frontend(MelConfig(n_mels=16, level=Level()))
    waveform = music(SAMPLES + 1)
    received, operators = run_in_litert(frontend, waveform)
    assert not any(name.startswith("Flex") for name in operators)
    np.testing.assert_allclose(received, frontend(waveform), atol=1e-4)


def test_a_level_below_silence_is_refused():
    with pytest.raises(ValueError, match="silence_db is -10.0 and target_db -20.0"):
        WindowLevel(target_db=-20.0, silence_db=-10.0)
    with pytest.raises(ValueError, match="silence_db is -10.0 and target_db -20.0"):
        Level(target_db=-20.0, silence_db=-10.0)


def recipe(pooling: str, **frontend) -> dict:
    return {
        "description": "made for a test",
        "frontend": {"type": "raw", "filters": [4], "kernels": [32], "strides": [16], **frontend},
        "head": {"type": "rnn", "recurrent": {"units": [4]}, "pooling": pooling},
        "task": {"type": "tagging", "labels": ["a", "b"]},
        "source": {"paper": "none"},
    }


def test_recipes_ask_for_it_and_say_nothing_where_they_do_not():
    plain = Recipe.model_validate(recipe("mean"))
    assert "level" not in plain.model_dump(mode="json")["frontend"]
    levelled = Recipe.model_validate(recipe("mean", level={"target_db": -20.0}))
    dumped = levelled.model_dump(mode="json")
    assert dumped["frontend"]["level"] == {"target_db": -20.0, "silence_db": -62.0}
    assert Recipe.model_validate(dumped) == levelled
    model = build_model(levelled, "steady")
    quiet = model(np.float32(0.03) * music()).numpy()
    np.testing.assert_allclose(quiet, model(music()), atol=1e-5)


def test_frames_know_no_window():
    with pytest.raises(ValueError, match="a result for each frame knows but a part.*pcen"):
        Recipe.model_validate(recipe("none", level={}))
