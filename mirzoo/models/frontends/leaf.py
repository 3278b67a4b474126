"""LEAF: learnt Gabor filters, learnt Gaussian pooling, then the recipe's scaling (learnt PCEN)."""

from __future__ import annotations

from mirzoo.models.layers.leaf import GaborFilters, GaussianPooling
from mirzoo.models.layers.scaling import build_scaling


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.LEAFConfig`."""
    return [
        GaborFilters(
            n_filters=config.n_filters,
            kernel_size=config.kernel_size,
            sample_rate=config.sample_rate,
            decimation=config.decimation,
            fmin=config.fmin,
            fmax=config.fmax,
        ),
        GaussianPooling(
            pool_size=2 * (config.pooling_size // 2 // config.decimation) + 1,
            stride=config.hop_length // config.decimation,
        ),
        *build_scaling(config.scaling, config, power=2),
    ]
