"""Constant-Q transform."""

from __future__ import annotations

from mirzoo.models.layers.cqt import CQT
from mirzoo.models.layers.scaling import build_scaling


def constant_q_arguments(config) -> dict:
    """List what any configuration that is `mirzoo.recipe.ConstantQ` sets of its layer."""
    return {
        "sample_rate": config.sample_rate,
        "hop_length": config.hop_length,
        "fmin": config.fmin,
        "n_bins": config.n_bins,
        "bins_per_octave": config.bins_per_octave,
        "filter_scale": config.filter_scale,
    }


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.CQTConfig`."""
    transform = CQT(**constant_q_arguments(config))
    return [transform, *build_scaling(config.scaling, config, power=1)]
