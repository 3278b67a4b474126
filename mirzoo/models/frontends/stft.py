"""Magnitude or power of the short-time Fourier transform."""

from __future__ import annotations

from mirzoo.models.layers.scaling import build_scaling
from mirzoo.models.layers.stft import Spectrogram


def spectrogram(config) -> Spectrogram:
    """Make the spectrogram layer of any configuration that is `mirzoo.recipe.Spectral`."""
    return Spectrogram(
        n_fft=config.n_fft,
        hop_length=config.hop_length,
        win_length=config.win_length,
        window=config.window,
        center=config.center,
        power=config.power,
    )


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.STFTConfig`."""
    return [spectrogram(config), *build_scaling(config.scaling, config, power=config.power)]
