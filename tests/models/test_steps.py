"""Steps of a stream against the whole model on the whole waveform."""

import numpy as np
import pytest
from live_models import PARTS, QUICK, live_model, made, music, recipe_of

from mirzoo.annotate import frame_outputs
from mirzoo.models.build import build_model, build_outputs
from mirzoo.models.frontends import FRONTENDS, build_frontend
from mirzoo.models.frontends.stft import STFTConfig
from mirzoo.models.heads import ConvBlock, build_head
from mirzoo.models.heads.cnn import CNNConfig
from mirzoo.models.heads.crnn import CRNNConfig
from mirzoo.models.layers.pooling import TrailingPooling
from mirzoo.models.model import Model
from mirzoo.models.steps import KerasSteps, NoStepsError, StepGraph
from mirzoo.recipe import Recipe, Source

SILENCE_S = 12.0  # behind it neither the edges of the whole waveform nor its beginning matter


def stepped(model, waveform, frames=None):
    """All frames that steps give of a waveform, and what they are."""
    steps = KerasSteps(StepGraph(model, frames))
    state, size, given = steps.initial(), steps.streaming.step_samples, []
    for first in range(0, len(waveform) - size + 1, size):
        outputs, state = steps(waveform[first : first + size], state)
        given.append(outputs)
    return {n: np.concatenate([g[n] for g in given]) for n in given[0]}, steps.streaming


@pytest.mark.parametrize("frames", [None, pytest.param(7, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", QUICK)
def test_steps_give_the_frames_of_the_whole_model(name, frames):
    model = live_model(name)
    waveform = np.concatenate([np.zeros(int(SILENCE_S * 16000), np.float32), music(3.0)[:, 0]])
    given, streaming = stepped(model, waveform, frames)
    whole = model.predict_windows(waveform[np.newaxis])
    rate = streaming.step_frames * 16000 / streaming.step_samples
    first = int((SILENCE_S - 0.5) * rate)
    for output, values in given.items():
        of_music = values[streaming.delay_frames :][first:]
        expected = whole[output][0][first : first + len(of_music)]
        last = len(of_music) - 2 * streaming.delay_frames - 2
        assert last > 20
        assert np.abs(expected[:last]).max() > 0
        assert np.ptp(expected[:last], axis=0).max() > 1e-3
        np.testing.assert_allclose(of_music[:last], expected[:last], atol=2e-5)


def test_frames_have_the_times_of_the_whole_model():
    model = live_model("melody")
    waveform = np.concatenate([np.zeros(int(SILENCE_S * 16000), np.float32), music(2.0)[:, 0]])
    times, outputs = frame_outputs(model, waveform)
    whole = model.predict_windows(waveform[np.newaxis])["salience"][0]
    assert len(times) == len(outputs["salience"]) == -(-len(waveform) // 512)
    np.testing.assert_allclose(times, np.arange(len(times)) * 0.032)
    first, last = int((SILENCE_S - 0.5) * 31.25), len(times) - 8
    np.testing.assert_allclose(outputs["salience"][first:last], whole[first:last], atol=2e-5)


def test_a_delay_is_no_longer_than_what_is_looked_at():
    streaming = StepGraph(live_model("melody")).streaming
    # Half of 1,024 samples is a frame of 512; two convolutions and the recurrent layer look 3 on.
    assert (streaming.step_samples, streaming.delay_frames) == (512, 3)
    assert streaming.analysis_samples == 512
    assert {state.name for state in streaming.states} == {"samples", "lstm0_0", "lstm0_1"}


@pytest.mark.slow
def test_what_looks_ahead_to_the_end_has_no_steps():
    backwards = CRNNConfig(
        blocks=(ConvBlock(filters=4),), recurrent={"units": (4,)}, pooling="none", embedding=6
    )
    with pytest.raises(NoStepsError, match=r"bidirectional0.*backwards"):
        StepGraph(made("melody", head=backwards))
    pcen = STFTConfig(n_fft=1024, hop_length=512, scaling={"type": "pcen"})
    with pytest.raises(NoStepsError, match="depends on all before"):
        StepGraph(made("melody", frontend=pcen))


def test_a_mean_over_the_clip_has_no_steps():
    head = CNNConfig(blocks=(ConvBlock(filters=4),), embedding=6)
    recipe = Recipe(
        description="Pools.", source=Source(paper="none"), **{**PARTS["tagger"], "head": head}
    )
    with pytest.raises(NoStepsError, match=r"mean_over_time.*GlobalAveragePooling1D"):
        StepGraph(build_model(recipe, "pools"))
    with pytest.raises(ValueError, match="allowed are 'none' and 'trailing'"):
        recipe_of("tagger", head=head)


@pytest.mark.slow
def test_convolutions_behind_recurrent_layers_remember_frames():
    class Head(PARTS["melody"]["head"].__class__):
        def sequence(self, features):
            from keras import layers

            x = super().sequence(features)
            y = layers.Conv1D(6, 3, padding="same", name="context")(x)
            z = layers.Conv1D(6, 4, dilation_rate=2, padding="causal", name="past")(x)
            return layers.Add(name="all")([x, y, z])

    config = Head.model_construct(**dict(PARTS["melody"]["head"]))
    model = made("melody")
    head = build_head(config, model.frontend.output_shape[2], 1)
    for layer in head.layers:
        if layer.name in {known.name for known in model.head.layers}:
            layer.set_weights(model.head.get_layer(layer.name).get_weights())
    outputs = build_outputs(recipe_of("melody"), head(model.frontend(model.input)), 1)
    changed = Model(model.input, outputs, name="changed", card=model.card)
    waveform = np.concatenate([np.zeros(int(SILENCE_S * 16000), np.float32), music(2.0)[:, 0]])
    given, streaming = stepped(changed, waveform)
    names = {state.name for state in streaming.states}
    assert {"context_frames", "past_frames", "delayed_lookahead_crop"} <= {
        "delayed_lookahead_crop" if name.startswith("delayed_") else name for name in names
    }
    assert streaming.delay_frames == StepGraph(model).streaming.delay_frames + 1
    expected = changed.predict_windows(waveform[np.newaxis])["salience"][0]
    received = given["salience"][streaming.delay_frames :]
    first = int((SILENCE_S - 0.5) * 31.25)
    last = len(received) - 2 * streaming.delay_frames
    np.testing.assert_allclose(received[first:last], expected[first:last], atol=2e-5)


@pytest.mark.parametrize("length", [1, 4, 30])
def test_trailing_pooling_goes_on_from_its_state(length):
    frames = np.random.default_rng(0).standard_normal((2, 20, 3)).astype(np.float32)
    layer = TrailingPooling(length)
    whole = layer(frames).numpy()
    expected = [
        np.concatenate([part.mean(axis=1), part.max(axis=1)], axis=1)
        for part in (frames[:, max(0, t + 1 - length) : t + 1] for t in range(20))
    ]
    np.testing.assert_allclose(whole, np.stack(expected, axis=1), atol=1e-5)
    state, given = layer.initial_state(2, (2, 5, 3)), []
    for first in range(0, 20, 5):
        outputs, state = layer.step(frames[:, first : first + 5], state)
        given.append(outputs.numpy())
    np.testing.assert_allclose(np.concatenate(given, axis=1), whole, atol=1e-5)


@pytest.mark.parametrize("name", sorted(FRONTENDS))
def test_a_frame_depends_on_nothing_beyond_its_reach(name):
    settings = {"scaling": {"type": "log", "c": 10.0}} if name == "leaf" else {}
    if name not in ("cqt", "hcqt", "vqt", "chroma", "raw", "leaf", "sinc", "mel", "stft", "mfcc"):
        pytest.skip("a front-end of another test")
    config = FRONTENDS[name](**settings)
    before, behind = config.reach
    hop = config.grid.hop_length
    middle = -(-before // hop) + 2
    rng = np.random.default_rng(0)
    waveform = 0.1 * rng.standard_normal((1, middle * hop + behind + 4 * hop)).astype(np.float32)
    other = 0.1 * rng.standard_normal(waveform.shape).astype(np.float32)
    seen = slice(middle * hop - before, middle * hop + behind)
    other[:, seen] = waveform[:, seen]
    frontend = build_frontend(config)
    frames = [frontend(w).numpy()[0, middle] for w in (waveform, other)]
    np.testing.assert_allclose(frames[0], frames[1], atol=1e-5)
