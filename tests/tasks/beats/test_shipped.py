"""The beat model that comes with mirzoo, on drums and on chords without drums."""

import numpy as np
import pytest
from places import ROOT

import mirzoo
from mirzoo.tasks.beats import Beats, beat_scores

RATE, SECONDS = 16000, 40
MODEL = ROOT / "saved_models" / "mel_cnn_beats"
pytestmark = pytest.mark.slow


def add(waveform, at_s, sound):
    start = min(round(at_s * RATE), len(waveform))
    stop = min(len(waveform), start + len(sound))
    waveform[start:stop] += sound[: stop - start]


def drums(tempo, beats_per_bar):
    """A bass drum on the first beat of bars, a snare on the others, a hi-hat on every eighth."""
    rng, time = np.random.default_rng(0), np.arange(RATE // 5) / RATE
    kick = 0.8 * np.sin(2 * np.pi * 55 * time) * np.exp(-18 * time)
    snare = 0.35 * rng.standard_normal(len(time)) * np.exp(-25 * time)
    hat = 0.08 * np.diff(rng.standard_normal(len(time) + 1)) * np.exp(-60 * time)
    waveform = 0.001 * rng.standard_normal(SECONDS * RATE)
    times = np.arange(0.4, SECONDS - 0.3, 60 / tempo)
    for number, at_s in enumerate(times):
        add(waveform, at_s, snare if number % beats_per_bar else kick)
        add(waveform, at_s, hat)
        add(waveform, at_s + 30 / tempo, hat)
    return waveform.astype(np.float32), times


@pytest.fixture(scope="module")
def model():
    return mirzoo.load(MODEL, runtime="litert")


@pytest.mark.parametrize("tempo", [84.0, 100.0, 126.0, 150.0])
def test_drums_are_followed(model, tempo):
    waveform, times = drums(tempo, 4)
    found = model.annotate(waveform, source_rate=RATE)
    positions = np.arange(len(times)) % 4 + 1
    scores = beat_scores(Beats(times, positions, duration_s=SECONDS), found)
    assert scores["beat F"].value > 0.95
    assert found.tempo == pytest.approx(tempo, rel=0.01)


def test_drums_are_followed_live():
    waveform, times = drums(100.0, 4)
    found = mirzoo.load(MODEL.parent / "mel_cnn_live_beats").annotate(waveform, source_rate=RATE)
    scores = beat_scores(Beats(times, np.arange(len(times)) % 4 + 1), found)
    assert scores["beat F"].value > 0.95 and scores["downbeat F"].value > 0.8


def test_silence_has_no_beats(model):
    assert not len(model.annotate(np.zeros(10 * RATE, np.float32), source_rate=RATE).times)


def test_a_file_of_at_most_a_megabyte():
    assert (MODEL / "model.tflite").stat().st_size <= 1_000_000
