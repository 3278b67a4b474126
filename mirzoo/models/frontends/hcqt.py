"""Harmonic constant-Q transform."""

from __future__ import annotations

from mirzoo.models.frontends.cqt import constant_q_arguments
from mirzoo.models.layers.cqt import HCQT
from mirzoo.models.layers.scaling import build_scaling


def build(config) -> list:
    """List the layers for a `mirzoo.recipe.HCQTConfig`."""
    transform = HCQT(harmonics=config.harmonics, **constant_q_arguments(config))
    return [transform, *build_scaling(config.scaling, config, power=1)]
