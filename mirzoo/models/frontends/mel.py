"""Mel spectrogram, with a fixed or a learnt filterbank."""

from __future__ import annotations

from mirzoo.models.frontends.stft import spectrogram
from mirzoo.models.layers.mel import MelFilterbank
from mirzoo.models.layers.scaling import build_scaling


def mel_filterbank(config, *, learnable: bool = False) -> MelFilterbank:
    """Make the filterbank layer of any configuration that is `mirzoo.recipe.MelBank`."""
    return MelFilterbank(
        sample_rate=config.sample_rate,
        n_fft=config.n_fft,
        n_mels=config.n_mels,
        fmin=config.fmin,
        fmax=config.fmax,
        htk=config.htk,
        norm=config.norm,
        learnable=learnable,
    )


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.MelConfig`."""
    return [
        spectrogram(config),
        mel_filterbank(config, learnable=config.trainable),
        *build_scaling(config.scaling, config, power=config.power),
    ]
