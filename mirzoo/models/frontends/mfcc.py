"""Mel-frequency cepstral coefficients."""

from __future__ import annotations

from mirzoo.models.frontends.mel import mel_filterbank
from mirzoo.models.frontends.stft import spectrogram
from mirzoo.models.layers.mfcc import MFCC
from mirzoo.models.layers.scaling import Decibel


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.MFCCConfig`."""
    return [
        spectrogram(config),
        mel_filterbank(config),
        Decibel(power=config.power, floor_db=config.floor_db),
        MFCC(n_mfcc=config.n_mfcc),
    ]
