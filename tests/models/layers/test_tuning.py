"""How far music is from A = 440 Hz, measured in a constant-Q transform."""

import numpy as np
import pytest

from mirzoo.models.layers import CQT, Logarithm, MeanTuning, TuningPhase
from mirzoo.tasks.key.decoder import tuning_of

RATE = 16000


def tones(cents, seconds=1.5, pitches=(45, 57, 60, 64, 69), harmonics=(1,)):
    time = np.arange(round(seconds * RATE)) / RATE
    frequencies = 440 * 2 ** ((np.array(pitches) - 69 + cents / 100) / 12)
    waves = [np.sin(2 * np.pi * f * h * time) / h for f in frequencies for h in harmonics]
    return (0.1 * np.sum(waves, axis=0)).astype(np.float32)[np.newaxis]


def measured(waveform, c=10000.0):
    magnitudes = CQT(
        sample_rate=RATE, hop_length=3200, fmin=32.70319566257483, n_bins=252, bins_per_octave=36
    )(waveform)
    phases = TuningPhase(bins_per_semitone=3)(Logarithm(c)(magnitudes)).numpy()
    whole = MeanTuning()(phases.reshape(*phases.shape[:2], -1)).numpy()
    np.testing.assert_allclose(whole, 0.5 + phases.sum(axis=2) / 2, atol=1e-6)
    return whole[0], phases[0]


@pytest.mark.parametrize(
    "cents", [pytest.param(c, marks=pytest.mark.slow) for c in (-45, -31.8, -10, 10, 30, 45)] + [0]
)
def test_pure_tones_within_a_cent(cents):
    for c in (10000.0, 10.0):
        assert tuning_of(measured(tones(cents), c)[0]) == pytest.approx(cents, abs=1)


@pytest.mark.slow
def test_rich_tones_within_two_cents():
    """Third and fifth harmonics lie 2 cents above and 14 below the keys of a piano."""
    found = tuning_of(measured(tones(20, harmonics=(1, 2, 3, 4, 5)))[0])
    assert found == pytest.approx(20, abs=2)


@pytest.mark.slow
def test_energy_lies_in_the_pitch_classes_that_sound():
    _, phases = measured(tones(0, pitches=(60, 67)))
    strength = np.hypot(*phases[3].T)
    assert set(np.argsort(-strength)[:2]) == {0, 7}


def test_nothing_is_told_of_silence_or_of_single_bins():
    silent = TuningPhase(bins_per_semitone=3)(np.zeros((2, 4, 108, 1), np.float32)).numpy()
    assert silent.shape == (2, 4, 12, 2) and not silent.any()
    whole = MeanTuning()(silent.reshape(2, 4, 24)).numpy()
    assert (whole == 0.5).all() and tuning_of(whole[0]) is None
    noise = np.random.default_rng(0).random((1, 4, 36, 1), np.float32)
    assert not TuningPhase(bins_per_semitone=1)(noise).numpy().any()
    with pytest.raises(ValueError, match="two bins cannot tell above from below"):
        TuningPhase(bins_per_semitone=2)


def test_semitones_that_fill_no_octave():
    """Ten semitones: the two pitch classes that are absent have nothing."""
    phases = TuningPhase(bins_per_semitone=3)(np.ones((1, 1, 30, 1), np.float32)).numpy()
    assert not phases[0, 0, 10 + 1].any() and np.abs(phases).sum() > 0
