"""Targets, the loss, the network and the calibration of beat models."""

import numpy as np
import pytest

from mirzoo.data.labels import Labels
from mirzoo.tasks.base import Validated
from mirzoo.tasks.beats.calibration import calibrate_beats
from mirzoo.tasks.beats.config import BeatsDecoding
from mirzoo.tasks.beats.targets import BeatTargets

TIMES = np.arange(100) * 0.02


class Known:
    def __init__(self, *labels):
        self._labels = labels

    def labels(self, index):
        return self._labels[index]


def test_targets_are_at_the_nearest_frame_and_unknown_far_from_labels():
    known = Known(
        Labels(beats=np.array([0.612, 1.003, 1.397]), downbeats=np.array([1.003])),
        Labels(beats=np.array([0.6, 1.0, 1.4])),
        Labels(),
        Labels(beats=np.array([0.5])),
    )
    targets = BeatTargets(known, [TIMES] * 4)
    rows = targets.read(0, 100, 0)["beats"]
    assert np.flatnonzero(rows[:, 0] == 1).tolist() == [31, 50, 70]
    assert np.flatnonzero(rows[:, 1] == 1).tolist() == [50]
    assert (rows[:11] == -1).all() and (rows[12:89] >= 0).all() and (rows[90:] == -1).all()
    bare = targets.read(100, 200, 3)["beats"]
    assert (bare[:, 1] == -1).all() and (bare[20:80, 0] >= 0).all()
    assert (targets.read(200, 400, 0)["beats"] == -1).all()
    assert targets.unknown(3)["beats"].tolist() == [[-1, -1]] * 3


def test_the_loss_forgives_shifts_and_unknown_frames():
    from mirzoo.models.layers.losses import shift_tolerant_crossentropy

    truth = np.zeros((1, 60, 2), np.float32)
    truth[0, 30] = 1
    loss = shift_tolerant_crossentropy(3, 5.0)

    def total(at, height=0.99):
        given = np.full((1, 60, 2), 0.01, np.float32)
        given[0, at] = height
        return float(np.sum(loss(truth, given)))

    assert total(30) == pytest.approx(total(33), rel=1e-5) == pytest.approx(total(27), rel=1e-5)
    assert total(34) > total(33) + 5 and total(45) > total(34)
    unknown = np.full((1, 60, 2), -1, np.float32)
    assert float(np.sum(loss(unknown, np.full((1, 60, 2), 0.7, np.float32)))) == 0.0
    strict = shift_tolerant_crossentropy(0, 1.0)
    given = np.full((1, 60, 2), 0.5, np.float32)
    assert float(np.mean(strict(truth, given))) == pytest.approx(np.log(2), rel=1e-5)


@pytest.mark.slow
def test_the_penalty_that_suits_validation_is_chosen():
    times = np.arange(1500) * 0.02
    intervals = np.tile(np.concatenate([np.full(5, 0.6), np.full(5, 0.42)]), 6)
    beats = np.cumsum(intervals) + 0.2
    beats = beats[beats < 29]
    outputs = np.full((1500, 2), 0.02, np.float32)
    outputs[np.round(beats / 0.02).astype(int), 0] = 0.6
    outputs[np.round(beats[::4] / 0.02).astype(int), 1] = 0.8
    labels = Labels(beats=beats, downbeats=beats[::4])
    found = calibrate_beats(BeatsDecoding(), [[Validated(labels, times, {"beats": outputs})]])
    assert found.tempo_change_penalty < 100.0 and found.metre_change_penalty == 20.0
    assert calibrate_beats(BeatsDecoding(), [[]]) == BeatsDecoding()


@pytest.mark.slow
def test_the_recipe_learns_clicks():
    import keras
    import tensorflow as tf

    from mirzoo import hub
    from mirzoo.models.build import build_model
    from mirzoo.tasks.base import TASKS

    keras.utils.set_random_seed(0)
    recipe = hub.load_recipe("mel_cnn_beats")
    model = build_model(recipe, "mel_cnn_beats")
    assert 80_000 < model.count_params() < 120_000
    rng = np.random.default_rng(0)
    waves = 0.003 * rng.standard_normal((2, 8 * 16000)).astype(np.float32)
    truth = np.zeros((2, 401, 2), np.float32)
    for row, first in enumerate((1600, 4800)):
        for start in range(first, waves.shape[1] - 800, 8000):
            waves[row, start : start + 400] += 0.5 * rng.standard_normal(400)
            truth[row, round(start / 320), 0] = 1
    truth[..., 1] = -1
    loss = TASKS["beats"].losses(recipe.task)["beats"][0]
    optimiser = keras.optimizers.Adam(3e-3)
    losses = []
    for _ in range(25):
        with tf.GradientTape() as tape:
            given = model(waves, training=True)
            value = tf.reduce_mean(loss(truth[:, : given.shape[1]], given))
        variables = model.trainable_variables
        optimiser.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        losses.append(float(value))
    assert losses[-1] < 0.4 * losses[0]
