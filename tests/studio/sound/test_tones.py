"""Single tones: they are steady, at the pitch that the label states, and silent in the rests."""

import numpy as np
import pytest

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.studio.sound import tones


def pitch_of(waveform):
    """The highest peak of a spectrum of half a second (Hz)."""
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), 1 << 17))
    return spectrum.argmax() * SAMPLE_RATE / (1 << 17)


@pytest.mark.parametrize("pitch", [48.0, 60.3, 84.0])
def test_a_tone_has_its_pitch(monkeypatch, pitch):
    monkeypatch.setattr(tones, "ENVELOPES", ("held",))
    monkeypatch.setattr(tones, "VIBRATO_SHARE", 0.0)
    timbre = np.array([1.0, 0.4, 0.2])
    waveform, f0 = tones.play(pitch, 1.0, timbre, np.random.default_rng(0))
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    assert len(waveform) == SAMPLE_RATE and len(f0) == 100
    np.testing.assert_allclose(f0[20:80], hertz, rtol=1e-6)
    assert pitch_of(waveform[4000:12000]) == pytest.approx(hertz, rel=2e-3)
    assert 0.3 < np.abs(waveform).max() <= 0.5


def test_no_partial_is_folded_back():
    waveform, _ = tones.play(84.0, 0.5, np.ones(40), np.random.default_rng(1))
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    hertz = np.arange(len(spectrum)) * SAMPLE_RATE / len(waveform)
    assert spectrum[hertz > tones.HIGHEST_PARTIAL_HZ + 100].max() < 0.01 * spectrum.max()


def test_what_is_labelled_sounds_and_rests_are_silent():
    for seed in range(6):
        waveform, f0 = tones.line(8.0, np.random.default_rng(seed))
        assert len(waveform) == 8 * SAMPLE_RATE and len(f0) == 800
        loud = np.sqrt(np.mean(np.square(waveform[: 800 * 160].reshape(800, 160)), axis=1))
        sounding = np.nan_to_num(f0) > 0
        assert sounding.any() and (f0 == 0).any()
        assert np.median(loud[sounding]) > 30 * np.median(loud[f0 == 0])
        assert f0[sounding].min() > 120 and f0[sounding].max() < 1100


def test_timbres_differ_and_their_loudest_partial_is_1():
    drawn = [tones.draw_timbre(np.random.default_rng(seed)) for seed in range(20)]
    assert all(timbre.max() == 1.0 and timbre.min() >= 0 for timbre in drawn)
    assert len({tuple(np.flatnonzero(timbre)) for timbre in drawn}) >= 3
