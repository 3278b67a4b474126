"""Small models of every task with fresh weights, for exports of every kind."""

import keras
import pytest

from mirzoo.models.build import build_model
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.heads import ConvBlock
from mirzoo.models.heads.cnn import CNNConfig
from mirzoo.recipe import Recipe, Source
from mirzoo.tasks.tagging import TaggingConfig


@pytest.fixture(scope="session")
def small_cnn():
    """A tagger without recurrent layers."""
    keras.utils.set_random_seed(0)
    recipe = Recipe(
        description="Tells three made-up tags apart.",
        frontend=MelConfig(n_mels=16),
        head=CNNConfig(blocks=(ConvBlock(filters=4, stride=(4, 2)),), embedding=6),
        task=TaggingConfig(labels=("low", "middle", "high")),
        window_s=1.0,
        source=Source(paper="none"),
    )
    return build_model(recipe, "small_cnn")
