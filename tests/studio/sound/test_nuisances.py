"""Sounds that are no melody: each is what it is called, none is silent or without end."""

import shutil

import numpy as np
import pytest
import soundfile

from mirzoo.data.corpus import SAMPLE_RATE
from mirzoo.errors import DataError
from mirzoo.studio.sound import nuisances

MADE = (nuisances.hum, nuisances.pitched_noise, nuisances.engine)


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_sounds_are_as_long_as_asked_and_depend_on_the_generator_alone(make):
    for seed in range(8):
        first, again = (make(20000, np.random.default_rng(seed)) for _ in range(2))
        assert first.shape == (20000,) and first.dtype == np.float32
        assert np.isfinite(first).all() and first.std() > 1e-3
        np.testing.assert_array_equal(first, again)


def test_hum_is_of_the_mains():
    for seed in range(8):
        wave = nuisances.hum(4 * SAMPLE_RATE, np.random.default_rng(seed))
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
        strongest = spectrum.argmax() * SAMPLE_RATE / len(wave)
        assert min(abs(strongest / mains - round(strongest / mains)) for mains in (50, 60)) < 0.06


@pytest.mark.skipif(shutil.which("flite") is None, reason="the program flite is not installed")
def test_speech_is_read_aloud():
    spoken = nuisances.speech(3 * SAMPLE_RATE, np.random.default_rng(0))
    assert spoken.shape == (3 * SAMPLE_RATE,) and spoken.std() > 0.01


def test_without_the_program_speech_is_refused(monkeypatch):
    monkeypatch.setattr(nuisances, "PROGRAM", "no_such_program")
    with pytest.raises(DataError, match="flite is not installed"):
        nuisances.speech(100, np.random.default_rng(0))


def test_sentences_differ():
    rng = np.random.default_rng(0)
    sentences = {nuisances.sentence(rng) for _ in range(30)}
    assert len(sentences) > 25 and all(sentence[0].isupper() for sentence in sentences)


def test_a_series_has_recordings_too(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "bell.wav", np.full(SAMPLE_RATE, 0.25), SAMPLE_RATE)
    monkeypatch.setattr(nuisances, "MADE", ((nuisances.hum, 1.0),))
    asked = []
    recorded = nuisances.recorded

    def remembered(files, *rest):
        asked.append(files)
        return recorded(files, *rest)

    monkeypatch.setattr(nuisances, "recorded", remembered)
    whole = nuisances.series(40.0, [tmp_path / "bell.wav"], np.random.default_rng(0))
    assert whole.shape == (40 * SAMPLE_RATE,) and 1 <= len(asked) < 15
    with pytest.raises(DataError, match="no recordings"):
        nuisances.recorded([], 100, np.random.default_rng(0))
