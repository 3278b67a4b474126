"""Training batches: every window once an epoch, targets with their windows, labels left true."""

import numpy as np
import pytest

from mirzoo.data.corpus import FULL_SCALE, SAMPLE_RATE, Item, prepare
from mirzoo.errors import DataError
from mirzoo.recipe import Augmentation
from mirzoo.training.batches import STRONGEST_TILT, Batches, alter

WINDOW = SAMPLE_RATE // 8


def level_of(item):
    return np.full(SAMPLE_RATE, float(item.path), np.float32)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """Two corpora whose windows can be told by their level."""
    corpora = []
    for name, levels in (("one", (0.1, 0.2)), ("two", (0.3, 0.4, 0.5))):
        items = [Item(str(v), name, str(v), str(v), "train") for v in levels]
        folder = tmp_path_factory.mktemp(name)
        corpora.append(prepare(items, folder, make=level_of, min_seconds=0.5, processes=1))
    return [corpus.windows(per_item=4, seed=0, window_samples=WINDOW) for corpus in corpora]


def levels(windows):
    return np.concatenate(
        [[float(w.corpus.items[index].name) for index in w.items] for w in windows]
    )


@pytest.fixture(scope="module")
def targets(windows):
    return {"level": levels(windows)[:, None]}


def epoch(batches, number):
    return [batches.batch(number, index) for index in range(len(batches))]


def test_targets_stay_with_their_windows(windows, targets):
    batches = Batches(windows, targets, batch_size=8, seed=1)
    for waveforms, expected in epoch(batches, 0):
        assert waveforms.dtype == np.float32
        assert waveforms.shape == (8, WINDOW)
        np.testing.assert_allclose(
            np.abs(waveforms),
            np.broadcast_to(expected["level"], waveforms.shape),
            atol=1 / FULL_SCALE,
        )


def test_a_training_epoch_has_whole_batches_of_different_windows(windows, targets):
    numbered = {"number": np.arange(20)[:, None]}
    batches = Batches(windows, numbered, batch_size=6, seed=1)
    assert len(batches) == 3
    seen = np.concatenate([y["number"][:, 0] for _, y in epoch(batches, 0)])
    assert len(set(seen)) == 18
    again = np.concatenate([y["number"][:, 0] for _, y in epoch(batches, 0)])
    following = np.concatenate([y["number"][:, 0] for _, y in epoch(batches, 1)])
    np.testing.assert_array_equal(seen, again)
    assert (seen != following).any()


def test_without_shuffling_every_window_comes_once_in_order(windows, targets):
    batches = Batches(
        windows,
        targets,
        batch_size=6,
        shuffle=False,
        augmentation=Augmentation(gain_db=(-20, -20), noise_probability=1),
    )
    assert len(batches) == 4
    joined = np.concatenate([x for x, _ in epoch(batches, 0)])
    np.testing.assert_allclose(joined[:, 0], levels(windows), atol=1 / FULL_SCALE)


def test_a_batch_can_be_had_alone(windows, targets):
    augmentation = Augmentation(gain_db=(-6, 6), noise_probability=0.5, equaliser_probability=0.5)
    first, second = (
        Batches(windows, targets, batch_size=4, seed=5, augmentation=augmentation) for _ in range(2)
    )
    epoch(first, 0)
    np.testing.assert_array_equal(first.batch(2, 3)[0], second.batch(2, 3)[0])


def test_wrong_targets_and_too_few_windows_are_refused(windows, targets):
    with pytest.raises(DataError, match="19 rows for 20 windows"):
        Batches(windows, {"level": targets["level"][1:]}, batch_size=4)
    with pytest.raises(DataError, match="cannot fill one batch of 64"):
        Batches(windows, targets, batch_size=64)


@pytest.fixture
def noise():
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.1, (64, 4000)).astype(np.float32)


def test_gain_is_inside_its_range_and_polarity_changes(noise):
    altered = alter(noise, Augmentation(gain_db=(-12, 6)), np.random.default_rng(0))
    factor = altered[:, 0] / noise[:, 0]
    np.testing.assert_allclose(altered, factor[:, None] * noise, rtol=1e-4, atol=1e-6)
    gain_db = 20 * np.log10(np.abs(factor))
    assert -12.001 <= gain_db.min() < -8
    assert 2 < gain_db.max() <= 6.001
    assert 16 < (factor < 0).sum() < 48


def test_noise_is_as_loud_as_asked():
    noisy = Augmentation(noise_probability=1.0, noise_db=(-20.0, -20.0))
    altered = alter(np.zeros((4, 16000), np.float32), noisy, np.random.default_rng(0))
    np.testing.assert_allclose(altered.std(axis=1), 0.1, rtol=0.05)


def test_the_equaliser_tilts_some_waveforms(noise):
    altered = alter(noise, Augmentation(equaliser_probability=0.5), np.random.default_rng(0))
    tilt = [
        np.linalg.lstsq(np.stack([x[1:], x[:-1]], 1), y[1:] * np.sign(y[0] * x[0]), rcond=None)[0]
        for x, y in zip(noise, altered, strict=True)
    ]
    direct, delayed = np.abs(np.array(tilt)).T
    np.testing.assert_allclose(direct, 1, atol=1e-4)
    assert (delayed <= STRONGEST_TILT).all()
    assert 16 < (delayed > 1e-3).sum() < 48


def test_noise_is_added_to_some_waveforms(noise):
    altered = alter(noise, Augmentation(noise_probability=0.5), np.random.default_rng(0))
    added = np.abs(np.abs(altered) - np.abs(noise)).max(axis=1)
    assert 16 < (added > 1e-4).sum() < 48
    assert added.max() < 0.3


def test_nothing_is_altered_where_nothing_is_asked_but_polarity(noise):
    altered = alter(noise, Augmentation(), np.random.default_rng(0))
    np.testing.assert_array_equal(np.abs(altered), np.abs(noise))
