"""Small live models with random weights, one for each task that streams, and music for them."""

import functools

import keras
import numpy as np
import pytest

from mirzoo.models.build import build_model, untrained_card
from mirzoo.models.frontends.mel import MelConfig
from mirzoo.models.frontends.stft import STFTConfig
from mirzoo.models.frontends.vqt import VQTConfig
from mirzoo.models.heads import ConvBlock, TemporalBlock
from mirzoo.models.heads.cnn import CNNConfig
from mirzoo.models.heads.crnn import CRNNConfig
from mirzoo.models.heads.pitch_class_crnn import PitchClassCRNNConfig
from mirzoo.models.heads.tcn import TCNConfig
from mirzoo.recipe import Recipe, Source
from mirzoo.tasks.beats import BeatsConfig
from mirzoo.tasks.chords import ChordsConfig
from mirzoo.tasks.melody import MelodyConfig
from mirzoo.tasks.tagging import TaggingConfig

DECODING = {
    "tagger": {},
    "chords": {"lag_s": 0.3, "change_penalty": 0.5, "bass_threshold": 0.15,
               "prior": [1.0, *24 * [0.05]]},
    "melody": {"lag_s": 0.2, "leap_penalty": 0.5, "shortest_s": 0.1, "voicing_threshold": 0.965,
               "voicing_hysteresis": 0.02},
    "beats": {"lag_s": 0.2, "beat_odds": 15.0, "tempo_change_penalty": 5.0,
              "metre_change_penalty": 1.0, "fast_tempo_penalty": 0.0},
}  # fmt: skip
"""Settings with which random outputs give many decisions."""

PARTS = {
    "tagger": {
        "frontend": MelConfig(n_mels=16),
        "head": CNNConfig(
            blocks=(
                ConvBlock(filters=4, kernel=(5, 5), stride=(2, 2)),
                ConvBlock(kind="residual", filters=6, stride=(1, 2)),
                ConvBlock(kind="separable", filters=6, repeats=2),
            ),
            temporal=(TemporalBlock(kind="residual", filters=8),),
            pooling="trailing",
            trailing_frames=12,
            embedding=6,
        ),
        "task": TaggingConfig(labels=("low", "middle", "high")),
        "window_s": 0.384,
    },
    "chords": {
        "frontend": VQTConfig(sample_rate=16000, hop_length=800, fmin=110.0, n_octaves=4,
                              bins_per_octave=36),
        "head": PitchClassCRNNConfig(
            blocks=(ConvBlock(filters=4, kernel=(3, 7), stride=(1, 3)),),
            filters=6,
            recurrent={"units": (5, 4), "bidirectional": False, "lookahead": 2},
        ),
        "task": ChordsConfig(vocabulary="majmin"),
        "window_s": 10.0,
        "context_s": 1.0,
    },
    "melody": {
        "frontend": STFTConfig(n_fft=1024, hop_length=512),
        "head": CRNNConfig(
            blocks=(ConvBlock(filters=4, kernel=(3, 7), stride=(1, 3)), ConvBlock(filters=3)),
            recurrent={"cell": "lstm", "units": (6,), "bidirectional": False, "lookahead": 1},
            pooling="none",
            embedding=8,
        ),
        "task": MelodyConfig(n_octaves=2, bins_per_octave=12, fmin=110.0),
        "window_s": 4.096,
        "context_s": 0.512,
    },
    "beats": {
        "frontend": MelConfig(n_fft=1024, hop_length=320, n_mels=16),
        "head": TCNConfig(
            blocks=(ConvBlock(kind="plain", filters=4, kernel=(3, 3), stride=(1, 4)),),
            dilated={"filters": 6, "kernel": 5, "layers": 4, "causal": True},
            pooling="none",
            embedding=6,
        ),
        "task": BeatsConfig(),
        "window_s": 8.0,
        "context_s": 2.0,
    },
}  # fmt: skip


QUICK = [pytest.param(name, marks=() if name == "melody" else pytest.mark.slow) for name in PARTS]
"""All of them, as parameters of tests of which one is enough by default."""


def recipe_of(name, **changes):
    """The recipe of a live model, with parts changed."""
    return Recipe(
        description="Answers at random.",
        source=Source(paper="none"),
        **{"live": True, **PARTS[name], **changes},
    )


def live_card(name):
    """The card of a live model, which need not be built."""
    return untrained_card(recipe_of(name), f"live_{name}", parameters=1, embedding_size=1)


@functools.cache
def live_model(name):
    """The live model of this name, "tagger", "chords", "melody" or "beats"."""
    return made(name)


def made(name, **changes):
    """A live model with parts changed and random weights, whose results change with the music."""
    recipe = recipe_of(name, **changes)
    keras.utils.set_random_seed(0)
    model = build_model(recipe, f"live_{name}")
    rng = np.random.default_rng(1)
    outputs = {id(weight) for weight in model.weights} - {
        id(weight) for part in (model.frontend, model.head) for weight in part.weights
    }
    for weight in model.weights:
        if id(weight) in outputs:  # so that there is something to decide
            weight.assign(2.5 * rng.standard_normal(weight.shape) / np.sqrt(weight.shape[0]))
        elif "recurrent" in weight.path:  # so that the past is forgotten
            weight.assign(0.3 * weight.numpy())
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer in norms:  # they normalise what there is
        layer.momentum = 0.0
    model(music(12.0)[:, 0][np.newaxis], training=True)
    for layer in norms:
        layer.momentum = 0.99
    return model


def music(seconds, rate=16000, channels=1):
    """Tones that change four times a second, and noise: ``(samples, channels)``."""
    rng = np.random.default_rng(2)
    time_s = np.arange(round(seconds * rate)) / rate
    pitches = rng.uniform(110, 880, (3, int(4 * seconds) + 1))[:, (4 * time_s).astype(int)]
    tones = 0.2 * np.sin(2 * np.pi * np.cumsum(pitches, axis=1) / rate).sum(axis=0)
    noise = 0.02 * rng.standard_normal((len(time_s), channels))
    return (tones[:, np.newaxis] + noise).astype(np.float32)
