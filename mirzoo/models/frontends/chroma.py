"""Chroma, from a short-time Fourier transform or from a constant-Q transform."""

from __future__ import annotations

from mirzoo.errors import RecipeError
from mirzoo.models.layers.chroma import CQTChroma, STFTChroma
from mirzoo.models.layers.cqt import CQT
from mirzoo.models.layers.scaling import build_scaling
from mirzoo.models.layers.stft import Spectrogram


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.ChromaConfig`.

    The bins of ``source: stft`` are energies, those of ``source: cqt`` magnitudes, as they are in
    librosa.
    """
    if config.source == "cqt":
        return [*_from_cqt(config), *build_scaling(config.scaling, config, power=1)]
    return [*_from_stft(config), *build_scaling(config.scaling, config, power=2)]


def _from_cqt(config) -> list:
    transform = CQT(
        sample_rate=config.sample_rate,
        hop_length=config.hop_length,
        fmin=config.fmin,
        n_bins=config.n_octaves * config.bins_per_octave,
        bins_per_octave=config.bins_per_octave,
    )
    folding = CQTChroma(
        bins_per_octave=config.bins_per_octave, fmin=config.fmin, n_chroma=config.n_chroma
    )
    return [transform, folding]


def _from_stft(config) -> list:
    if config.n_fft % 2:
        raise RecipeError(f"n_fft = {config.n_fft}: allowed for chroma are even numbers")
    spectrogram = Spectrogram(n_fft=config.n_fft, hop_length=config.hop_length, power=2)
    return [spectrogram, STFTChroma(sample_rate=config.sample_rate, n_chroma=config.n_chroma)]
