"""Effects change the sound and keep its time and length."""

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.studio.sound import effects


def tone(seconds=2.0, hz=440.0):
    time_s = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


@pytest.fixture
def burst():
    """Noise between 0.7 and 1.1 s, silence around it."""
    waveform = np.zeros(2 * SAMPLE_RATE, np.float32)
    start, stop = int(0.7 * SAMPLE_RATE), int(1.1 * SAMPLE_RATE)
    waveform[start:stop] = np.random.default_rng(0).standard_normal(stop - start) * 0.1
    return waveform


def delay(original, changed):
    match = np.fft.irfft(np.fft.rfft(changed, 1 << 17) * np.conj(np.fft.rfft(original, 1 << 17)))
    place = int(np.argmax(match))
    return place - len(match) if place > len(match) // 2 else place


EFFECTS = {
    "equalise": effects.equalise,
    "narrow": effects.narrow,
    "compress": effects.compress,
    "reverberate": effects.reverberate,
    "add_noise": effects.add_noise,
    "code": effects.code,
    "amplify": effects.amplify,
    "produce": effects.produce,
    "drive": lambda waveform, rng: effects.drive(waveform, 6.0),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_changes_sound_but_not_time(burst, name, seed):
    changed = EFFECTS[name](burst, np.random.default_rng(seed))
    assert changed.shape == burst.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert abs(delay(burst, changed)) <= 8
    assert not np.allclose(changed, burst, atol=1e-5)


@pytest.mark.parametrize("name", EFFECTS)
def test_effects_leave_silence_finite(name):
    changed = EFFECTS[name](np.zeros(SAMPLE_RATE, np.float32), np.random.default_rng(0))
    assert np.isfinite(changed).all()
    assert np.max(np.abs(changed)) < 1e-3


@pytest.mark.parametrize("lead_db", [-12.0, 0.0, 9.0])
def test_stems_are_mixed_at_the_ratio_asked(lead_db):
    lead, backing = tone(hz=440.0), 0.01 * tone(hz=1000.0)
    mixed = effects.mix(lead, backing, lead_db)
    spectrum = np.abs(np.fft.rfft(mixed))
    ratio = spectrum[880] / spectrum[2000]
    assert 20 * np.log10(ratio) == pytest.approx(lead_db, abs=0.05)


def test_a_ratio_counts_only_what_sounds():
    lead = tone()
    lead[SAMPLE_RATE // 2 :] = 0
    mixed = effects.mix(lead, tone(hz=1000.0), 0.0)
    assert np.max(np.abs(mixed)) == pytest.approx(0.6, abs=0.01)


def test_a_stem_of_silence_changes_nothing():
    np.testing.assert_array_equal(effects.mix(np.zeros(32000, np.float32), tone(), 6.0), tone())


def test_levels_are_met_without_clipping():
    assert effects.rms(effects.level(tone(), -20.0)) == pytest.approx(0.1, rel=1e-3)
    loud = effects.level(tone(), 6.0)
    assert np.max(np.abs(loud)) == pytest.approx(1.0, abs=1e-6)


def test_the_amplifier_adds_harmonics_below_its_cabinet():
    spectrum = np.abs(np.fft.rfft(effects.amplify(tone(), np.random.default_rng(1))))
    assert spectrum[3 * 880] > 0.1 * spectrum[880]
    between = np.delete(spectrum[100:14000], [k * 880 - 100 for k in range(1, 16)])
    assert np.percentile(between, 99) < 0.01 * spectrum[880]
