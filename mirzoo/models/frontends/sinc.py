"""SincNet's learnt band-pass filters, their absolute values averaged to frames."""

from __future__ import annotations

from mirzoo.models.layers.leaf import GaussianPooling
from mirzoo.models.layers.scaling import build_scaling
from mirzoo.models.layers.sinc import SincFilters


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.SincConfig`."""
    return [
        SincFilters(
            n_filters=config.n_filters,
            kernel_size=config.kernel_size,
            sample_rate=config.sample_rate,
            decimation=config.decimation,
            fmin=config.fmin,
            fmax=config.fmax,
        ),
        GaussianPooling(
            pool_size=2 * (config.hop_length // config.decimation) - 1,
            stride=config.hop_length // config.decimation,
            learnable=False,
        ),
        *build_scaling(config.scaling, config, power=1),
    ]
