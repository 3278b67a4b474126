"""Chroma: equal to librosa, one for the strongest pitch class, nothing on silence."""

import librosa
import numpy as np
import pytest
from tolerances import TOLERANCES

from mirzoo import audio
from mirzoo.dsp.chroma import chroma_filterbank, chroma_folding
from mirzoo.errors import RecipeError
from mirzoo.models.frontends import build_frontend
from mirzoo.models.frontends.chroma import ChromaConfig

pytestmark = pytest.mark.filterwarnings("ignore:n_fft=.* is too large:UserWarning")

SAMPLE_RATE = 22050
FROM_STFT = ChromaConfig(source="stft", n_fft=4096)
FROM_CQT = ChromaConfig(source="cqt")


def tone(frequency: float, duration_s: float = 1.0) -> np.ndarray:
    time_s = np.arange(int(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return 0.3 * np.sin(2 * np.pi * frequency * time_s).astype(np.float32)


def librosa_chroma(waveform: np.ndarray, config: ChromaConfig) -> np.ndarray:
    """librosa's chroma, (frames, pitch classes)."""
    if config.source == "stft":
        return librosa.feature.chroma_stft(
            y=waveform,
            sr=SAMPLE_RATE,
            n_fft=config.n_fft,
            hop_length=config.hop_length,
            n_chroma=config.n_chroma,
            tuning=0,
        ).T
    transform = librosa.cqt(
        waveform,
        sr=SAMPLE_RATE,
        hop_length=config.hop_length,
        fmin=config.fmin,
        n_bins=config.n_octaves * config.bins_per_octave,
        bins_per_octave=config.bins_per_octave,
        sparsity=0,
    )
    return librosa.feature.chroma_cqt(
        C=np.abs(transform),
        fmin=config.fmin,
        bins_per_octave=config.bins_per_octave,
        n_chroma=config.n_chroma,
    ).T


@pytest.mark.parametrize("n_fft", [1024, 4096])
@pytest.mark.parametrize("n_chroma", [12, 24, 36])
def test_filterbank_is_librosas(n_fft, n_chroma):
    received = chroma_filterbank(sample_rate=16000, n_fft=n_fft, n_chroma=n_chroma)
    expected = librosa.filters.chroma(sr=16000, n_fft=n_fft, n_chroma=n_chroma, tuning=0)
    np.testing.assert_allclose(received, expected.T, atol=1e-7)


@pytest.mark.parametrize("fmin", [27.5, 32.70319566257483, 110.0, 185.0])
@pytest.mark.parametrize(
    ("n_bins", "bins_per_octave", "n_chroma"),
    [(84, 12, 12), (252, 36, 12), (100, 36, 12), (96, 24, 24), (72, 36, 36), (60, 24, 12)],
)
def test_folding_is_librosas(fmin, n_bins, bins_per_octave, n_chroma):
    received = chroma_folding(
        n_bins=n_bins, bins_per_octave=bins_per_octave, fmin=fmin, n_chroma=n_chroma
    )
    expected = librosa.filters.cq_to_chroma(
        n_bins, bins_per_octave=bins_per_octave, fmin=fmin, n_chroma=n_chroma
    )
    np.testing.assert_array_equal(received, expected.T)


@pytest.mark.slow
@pytest.mark.parametrize("config", [FROM_STFT, FROM_CQT], ids=["stft", "cqt"])
def test_equals_librosa_on_real_music(real_music, config):
    frontend = build_frontend(config)
    for path in (path for path in real_music if path.stat().st_size > 1000):
        waveform = audio.read(path, SAMPLE_RATE)[: 5 * SAMPLE_RATE]
        received = frontend(waveform[np.newaxis]).numpy()[0, :, :, 0]
        expected = librosa_chroma(waveform, config)
        error = np.linalg.norm(received - expected) / np.linalg.norm(expected)
        assert error < TOLERANCES[f"chroma_{config.source}"], path.name


@pytest.mark.parametrize(
    "config",
    [FROM_STFT, FROM_CQT, ChromaConfig(source="cqt", fmin=55.0, n_octaves=6, n_chroma=36)],
    ids=["stft", "cqt", "cqt from A1, 36 classes"],
)
@pytest.mark.parametrize("pitch", [48, 57, 64, 71])
def test_a_tone_fills_its_pitch_class(config, pitch):
    waveform = tone(librosa.midi_to_hz(pitch))
    chroma = build_frontend(config)(waveform[np.newaxis]).numpy()[0, :, :, 0]
    middle = chroma[len(chroma) // 2]
    assert middle.argmax() == pitch % 12 * config.n_chroma // 12
    assert middle.max() == 1.0
    error = np.abs(middle - librosa_chroma(waveform, config)[len(chroma) // 2]).max()
    assert error < 0.01


@pytest.mark.parametrize("config", [FROM_STFT, FROM_CQT], ids=["stft", "cqt"])
def test_loudness_does_not_matter_but_silence_does(config):
    frontend = build_frontend(config)
    waveform = tone(440.0)[np.newaxis]
    np.testing.assert_allclose(frontend(1e-3 * waveform), frontend(waveform), atol=1e-5)
    np.testing.assert_allclose(frontend(0 * waveform), 0.0, atol=1e-6)


def test_pitch_classes_must_divide_the_octave():
    with pytest.raises(RecipeError, match="n_chroma 12 doesn't divide bins_per_octave 20"):
        build_frontend(ChromaConfig(source="cqt", bins_per_octave=20))


def test_odd_transforms_are_refused():
    with pytest.raises(RecipeError, match="n_fft = 4095: allowed for chroma are even"):
        build_frontend(ChromaConfig(source="stft", n_fft=4095))
