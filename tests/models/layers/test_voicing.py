"""What tells of voicing: certainty of the pitch, what is at the likely pitch, levels around."""

import keras
import numpy as np
import pytest

from mirzoo.models.layers import (
    AtLikelyPitch,
    FrameLevels,
    PitchCertainty,
    SurroundingLevels,
    TrailingLevels,
)

BINS, OCTAVE = 240, 60
PEAK, NEAR, FOLDED, ENTROPY, PLACE = range(5)


def posterior(*peaks):
    """A frame whose probability is spread over some bins, a little everywhere else."""
    frame = np.full(BINS, 1e-5)
    for place, share in peaks:
        frame[place - 1 : place + 2] += share * np.array([0.25, 0.5, 0.25])
    return (frame / frame.sum()).astype(np.float32)


def test_a_pitch_that_is_certain_differs_from_one_that_is_not():
    frames = np.stack([posterior((100, 1.0)), posterior((100, 0.5), (130, 0.5)),
                       posterior((100, 0.5), (160, 0.5)), np.full(BINS, 1 / BINS)])  # fmt: skip
    told = PitchCertainty(OCTAVE)(frames[None]).numpy()[0]
    assert told[0, PEAK] > 4 and np.abs(told[1:3, PEAK]).max() < 0.1 and told[3, PEAK] < -3
    assert told[2, FOLDED] > 4 > told[1, FOLDED] + 3, "an octave apart is the same pitch class"
    assert told[0, ENTROPY] < told[1, ENTROPY] < told[3, ENTROPY] == pytest.approx(1, abs=1e-3)
    assert told[0, PLACE] == pytest.approx(100 / 239, abs=1e-3)
    assert (told[:, NEAR] >= told[:, PEAK] - 1e-4).all()


def test_pitch_classes_go_round():
    at_the_edge = PitchCertainty(OCTAVE)(np.stack([posterior((60, 1.0))])[None]).numpy()[0, 0]
    assert at_the_edge[FOLDED] > 4


def test_what_is_known_is_that_of_the_likely_pitch():
    rng = np.random.default_rng(0)
    known = rng.standard_normal((2, 3, 4 * 5)).astype(np.float32)
    likely = np.zeros((2, 3, 8), np.float32)
    likely[..., 5] = 1.0
    given = AtLikelyPitch(4)([known, likely]).numpy()
    np.testing.assert_allclose(given, known.reshape(2, 3, 4, 5)[:, :, 2], rtol=1e-6)
    finer = rng.standard_normal((2, 3, 12, 5)).astype(np.float32)
    given = AtLikelyPitch(4)([finer, likely]).numpy()
    np.testing.assert_allclose(given, finer[:, :, 6:9].max(axis=2), rtol=1e-6)


def test_levels_are_those_of_a_frame():
    features = np.random.default_rng(0).random((2, 4, 6, 3), np.float32)
    given = FrameLevels()(features).numpy()
    np.testing.assert_allclose(given[..., 0], features.mean(axis=(2, 3)), rtol=1e-5)
    np.testing.assert_allclose(given[..., 1], features.max(axis=(2, 3)))


def test_frames_are_below_the_loudest_around_them_and_no_farther():
    levels = np.ones((1, 100, 1), np.float32)
    levels[0, 40:50] = 3.0
    told = SurroundingLevels(10)(levels).numpy()[0]
    assert told[45].tolist() == [0.0, 3.0]
    assert told[35].tolist() == told[55].tolist() == [-2.0, 3.0]
    assert told[20].tolist() == told[70].tolist() == [0.0, 1.0]
    levels[0, 5] = 50.0
    assert SurroundingLevels(10)(levels).numpy()[0, 8, 1] == pytest.approx(1 + 49 / 5)


def test_past_levels_go_on_from_their_state():
    levels = np.random.default_rng(1).random((1, 60, 2), np.float32)
    layer = TrailingLevels(12)
    whole = layer(levels).numpy()
    state, given = layer.initial_state(1, levels.shape), []
    for first in range(0, 60, 7):
        outputs, state = layer.step(levels[:, first : first + 7], state)
        given.append(outputs.numpy())
    np.testing.assert_allclose(np.concatenate(given, axis=1), whole, atol=1e-6)
    later = levels.copy()
    later[:, 30:] += 5
    np.testing.assert_array_equal(layer(later).numpy()[:, :30], whole[:, :30])


@pytest.mark.parametrize(
    "layer", [PitchCertainty(12), AtLikelyPitch(4), FrameLevels(), SurroundingLevels(3),
              TrailingLevels(3)], ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_layers_are_made_again_from_their_configuration(layer):
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == layer.get_config() and layer.dtype == "float32"


def test_lengths_are_whole_frames():
    with pytest.raises(ValueError, match="length is 0; allowed are whole numbers"):
        SurroundingLevels(0)
