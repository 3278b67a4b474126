"""Training on several devices: the losses are those of one device, and a run goes on."""

import csv
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import mirzoo
from mirzoo import training
from mirzoo.errors import RecipeError, TrainingError, UnknownNameError
from mirzoo.models.layers import BatchNormalization
from mirzoo.training.distribution import Distribution, distribution_of

SCRIPT = Path(__file__).parents[1] / "helpers" / "train_on_devices.py"


class OfTwo:
    num_replicas_in_sync = 2


def trained(devices: int, kind: str, folder: Path, *last_epoch: str) -> int:
    command = [sys.executable, str(SCRIPT), str(devices), kind, str(folder), *last_epoch]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (0, 7), done.stderr[-3000:]
    return done.returncode


def losses(folder: Path) -> dict[str, list[float]]:
    with (folder / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {key: [float(row[key]) for row in rows] for key in rows[0]}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["clips", "frames"])
def test_two_devices_have_the_losses_of_one(kind, tmp_path):
    assert trained(1, kind, tmp_path / "one") == trained(2, kind, tmp_path / "two") == 0
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert one.keys() == two.keys()
    for key, values in one.items():
        np.testing.assert_allclose(two[key], values, rtol=3e-4, err_msg=key)
    weights = [mirzoo.load(tmp_path / which / "toys").get_weights() for which in ("one", "two")]
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(theirs, ours, atol=3e-3)


@pytest.mark.slow
def test_a_run_on_two_devices_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path):
    assert trained(2, "clips", tmp_path / "killed", "2") == 7
    assert trained(2, "clips", tmp_path / "killed") == 0
    assert trained(2, "clips", tmp_path / "whole") == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_one_device_is_too_few():
    with pytest.raises(TrainingError, match="TensorFlow has 1 CPU; leave it out"):
        distribution_of("mirrored")


def test_unknown_ways_are_refused_and_several_machines_with_the_reason():
    with pytest.raises(
        UnknownNameError, match=r"'multi-worker'; allowed are none and mirrored.*fit"
    ):
        distribution_of("multi-worker")


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(TrainingError, match="batch_size is 9, which 2 devices cannot share"):
        Distribution(OfTwo()).require_shares(9)
    Distribution(OfTwo()).require_shares(8)


def test_batch_normalisation_is_synchronised_for_the_training_alone():
    nested = keras.Sequential([keras.Input((3, 2, 4)), BatchNormalization()])
    model = keras.Sequential([keras.Input((3, 2, 4)), nested, keras.layers.BatchNormalization()])
    norms = [nested.layers[0], model.layers[1]]
    with Distribution(OfTwo()).synchronised(model):
        assert all(norm.synchronized for norm in norms)
    assert not any(norm.synchronized for norm in norms)
    with distribution_of("none").synchronised(model):
        assert not any(norm.synchronized for norm in norms)


def test_own_data_are_trained_on_one_device(tmp_path):
    (tmp_path / "clips" / "cello").mkdir(parents=True)
    with pytest.raises(RecipeError, match="distribute is 'mirrored': for prepared corpora alone"):
        training.train("mel_cnn_tagger", tmp_path / "clips", distribute="mirrored")
