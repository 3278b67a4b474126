"""How far music is from A = 440 Hz, measured in a constant-Q transform."""

import numpy as np
import pytest

from mirzoo.models.layers import CQT, AtConcertPitch, Logarithm, MeanTuning, TuningPhase
from mirzoo.tasks.tuning import tuning_of

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


def spectra(cents, frames=3):
    """Peaks as wide as those of a transform, at pitches that lie some cents above their bins."""
    bins = np.arange(252)
    peaks = [33 * 3, 40 * 3, 45 * 3, 52 * 3]
    energy = sum(np.exp(-((bins - peak - 3 * cents / 100) ** 2) / 4.5) for peak in peaks)
    return np.broadcast_to(np.float32(energy), (1, frames, 252))[..., np.newaxis]


def at_concert_pitch(features, **settings):
    phases = TuningPhase(bins_per_semitone=3)(features)
    return AtConcertPitch(bins_per_semitone=3, **settings)([features, phases]).numpy()


@pytest.mark.parametrize("cents", [-50.0, -31.8, -15.0, 0.0, 8.0, 35.0])
def test_features_are_moved_to_where_those_in_tune_lie(cents):
    moved = at_concert_pitch(spectra(cents))
    np.testing.assert_allclose(moved, spectra(0), atol=0.03)
    if abs(cents) > 8:
        assert np.abs(spectra(cents) - spectra(0)).max() > 0.1


def test_the_seam_lies_where_hardly_any_music_is_tuned():
    """Near A = 427.5 Hz both neighbours count as flat of the same semitone."""
    for cents in (-53.0, -47.0):
        np.testing.assert_allclose(at_concert_pitch(spectra(cents)), spectra(0), atol=0.03)
    other = at_concert_pitch(spectra(48.0))
    np.testing.assert_allclose(other, spectra(100.0), atol=0.03)
    np.testing.assert_allclose(at_concert_pitch(spectra(42.0)), spectra(0), atol=0.04)
    with pytest.raises(ValueError, match="lowest_cents is 10; allowed are numbers above -100"):
        AtConcertPitch(bins_per_semitone=3, lowest_cents=10.0)


def test_what_has_no_tuning_stays_where_it_is():
    for features in (np.zeros((1, 3, 252, 1)), np.ones((1, 3, 252, 1)), spectra(0)):
        features = np.asarray(features, np.float32)
        np.testing.assert_allclose(at_concert_pitch(features), features, atol=2e-3)


def test_each_clip_is_moved_by_its_own_tuning():
    together = at_concert_pitch(np.concatenate([spectra(-30.0), spectra(20.0)]))
    np.testing.assert_array_equal(together[1:], at_concert_pitch(spectra(20.0)))
    copy = AtConcertPitch.from_config(AtConcertPitch(bins_per_semitone=3).get_config())
    assert copy.lowest_cents == -55.0
