"""Changes of training examples: by name, in the graph, and only while something learns."""

import keras
import numpy as np
import pytest

from mirzoo.errors import DataError
from mirzoo.recipe import Augmentation, Recipe
from mirzoo.training.alterations import (
    CHANGES,
    AlteredWaveforms,
    MaskedFeatures,
    chosen_changes,
    fall_silent,
    mix_up,
)

USUAL = Augmentation(gain_db=(-3.0, 3.0), noise_db=(-70.0, -50.0))


def test_changes_are_chosen_by_name():
    settings, transposed = chosen_changes("gain, noise,mask", USUAL, framewise=False)
    assert (settings.gain_db, settings.noise_probability) == ((-3.0, 3.0), 0.5)
    assert (settings.noise_db, settings.mask_bins, transposed) == ((-70.0, -50.0), 0.15, False)
    assert chosen_changes(["gain", "transpose"], USUAL, framewise=True)[1]
    assert chosen_changes("none", USUAL, framewise=True) == (
        Augmentation(noise_db=(-70.0, -50.0)),
        False,
    )
    assert chosen_changes(USUAL, Augmentation(), framewise=True) == (USUAL, None)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_does_not_suit_a_model_is_refused(name):
    change = CHANGES[name]
    for framewise, suits in ((False, change.taggers), (True, change.frames)):
        if suits:
            chosen_changes(name, USUAL, framewise=framewise)
            continue
        with pytest.raises(DataError, match=f"the change '{name}' is not for"):
            chosen_changes(name, USUAL, framewise=framewise)
    if not change.frames:
        with pytest.raises(DataError, match="is not for chords and melodies"):
            chosen_changes(Augmentation(**change.settings), USUAL, framewise=True)


def test_waveforms_begin_earlier_or_later():
    ramp = np.tile(np.arange(1.0, 1001.0, dtype=np.float32), (64, 1))
    shifted = np.abs(AlteredWaveforms(Augmentation(shift=0.1))(ramp, training=True).numpy())
    by = []
    for row in shifted:
        sounding = np.flatnonzero(row)
        first = int(sounding[0])
        assert (np.diff(row[sounding]) == 1).all()
        by.append(first if first else 1 - int(row[0]))
    assert -100 <= min(by) < -50 and 50 < max(by) <= 100


def test_nothing_is_changed_where_nothing_learns():
    waveforms = np.ones((2, 100), np.float32)
    layer = AlteredWaveforms(Augmentation(gain_db=(-9, 9), noise_probability=1.0, shift=0.2))
    np.testing.assert_array_equal(layer(waveforms, training=False), waveforms)
    features = np.random.default_rng(0).normal(size=(2, 10, 6, 1)).astype(np.float32)
    np.testing.assert_array_equal(MaskedFeatures(0.5, 0.5)(features, training=False), features)


def test_masks_hide_stretches_of_frames_and_of_bins():
    features = np.random.default_rng(0).normal(size=(32, 40, 20, 2)).astype(np.float32)
    masked = MaskedFeatures(0.25, 0.0, seed=1)(features, training=True).numpy()
    hidden = np.isclose(masked, features.mean(axis=(1, 2), keepdims=True))
    of_frames = hidden.all(axis=(2, 3))
    np.testing.assert_array_equal(hidden, np.broadcast_to(of_frames[..., None, None], hidden.shape))
    assert 2 < of_frames.sum(axis=1).mean() < 12 and of_frames.sum(axis=1).max() <= 22
    np.testing.assert_array_equal(masked[~hidden], features[~hidden])
    masked = MaskedFeatures(0.0, 0.25, seed=1)(features, training=True).numpy()
    changed = ~np.isclose(masked, features)
    assert changed.any(axis=(1, 3)).any(axis=1).mean() > 0.8
    assert (changed.any(axis=(1, 3)).sum(axis=1) <= 12).all()


def test_layers_of_changes_are_rebuilt_from_their_configuration():
    layers = (
        AlteredWaveforms(Augmentation(shift=0.1, mixup=0.2), seed=5),
        MaskedFeatures(0.1, 0.2, seed=6),
    )
    for layer in layers:
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert again.get_config() == layer.get_config()


def test_examples_are_mixed_with_their_targets():
    waveforms = np.arange(8, dtype=np.float32)[:, None] * np.ones((1, 5), np.float32)
    targets = {"tags": np.eye(8, dtype=np.float32)}
    rng = np.random.default_rng(0)
    mixed, known = mix_up(waveforms, targets, Augmentation(mixup=1.0), rng)
    np.testing.assert_allclose(known["tags"].sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(mixed[:, 0], known["tags"] @ np.arange(8), atol=1e-5)
    assert (np.argmax(known["tags"], axis=1) == np.arange(8)).all()
    assert (known["tags"].max(axis=1) < 0.99).sum() > 3
    assert mix_up(waveforms, targets, Augmentation(), rng)[0] is waveforms


def test_a_band_loses_its_ends_and_nothing_between():
    time_s = np.arange(16000) / 16000
    tones = {hz: np.sin(2 * np.pi * hz * time_s) for hz in (5, 1000, 7900)}
    waveforms = np.tile(sum(tones.values()), (64, 1)).astype(np.float32)
    narrowed = AlteredWaveforms(Augmentation(band_probability=0.5))(waveforms, training=True)
    strength = {hz: np.abs(narrowed.numpy() @ tone) / (tone @ tone) for hz, tone in tones.items()}
    whole = strength[5] > 0.99
    assert 16 < whole.sum() < 48
    np.testing.assert_allclose(strength[1000][whole], 1, atol=1e-3)
    np.testing.assert_allclose(strength[7900][whole], 1, atol=1e-3)
    assert (strength[5][~whole] < 0.2).all()
    assert (strength[1000][~whole] > 0.9).all()
    assert np.median(strength[7900][~whole]) < 0.1


def test_silence_has_no_tag():
    waveforms = np.ones((400, 1000), np.float32)
    targets = {"tags": np.ones((400, 3), np.float32), "embedding": np.ones((400, 2), np.float32)}
    rng = np.random.default_rng(0)
    changed, known = fall_silent(waveforms, targets, Augmentation(silence_probability=0.25), rng)
    silent = (changed != 1).all(axis=1)
    assert 70 < silent.sum() < 130
    for rows in known.values():
        assert (rows[silent] == 0).all() and (rows[~silent] == 1).all()
    level = changed[silent].std(axis=1)
    digital = level == 0
    assert 0.1 < digital.mean() < 0.5
    level_db = 20 * np.log10(level[~digital])
    assert -90.1 < level_db.min() < -85 and -68 < level_db.max() < -62.9
    assert waveforms.all() and targets["tags"].all()
    assert fall_silent(waveforms, targets, Augmentation(), rng)[0] is waveforms


def test_labels_of_ones_own_have_no_silence():
    with pytest.raises(DataError, match=r"silence_probability is 0.1, .* allowed is 0"):
        chosen_changes(Augmentation(silence_probability=0.1), USUAL, framewise=False)


def test_a_recipe_of_chords_has_no_changes_of_taggers():
    from toy_music import make_recipe

    training = {"augmentation": {"mixup": 0.2}}
    with pytest.raises(ValueError, match=r"training.augmentation.mixup is 0.2, but it is for"):
        make_recipe("chords", training=training)
    recipe = make_recipe("chords", training={"augmentation": {"mask_bins": 0.1}})
    assert isinstance(recipe, Recipe)
    assert recipe.model_dump(mode="json")["training"]["augmentation"]["mask_bins"] == 0.1
