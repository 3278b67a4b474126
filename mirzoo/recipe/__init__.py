"""Recipes: which front-end, head and task make a model, and how its weights were trained.

A recipe is a YAML file read into frozen, strict models: an unknown key, a value of the wrong
type or out of range is an error that cites file, key, value and what is allowed. A recipe is
plain data; nothing in it names code.

The file's name is the recipe's name, ``<frontend>_<head>_<role>``.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from mirzoo.recipe.base import Config
from mirzoo.recipe.frontends import FRONTENDS, Frontend, FrontendConfig
from mirzoo.recipe.heads import HEADS, Head, HeadConfig
from mirzoo.recipe.reading import (
    describe_validation_error,
    former_names,
    load_recipe,
    load_runs,
    parse_recipe,
    run_names,
)
from mirzoo.recipe.scalings import DecibelScaling, LogScaling, NoScaling, PCENScaling, Scaling
from mirzoo.recipe.tasks import TASKS, TaskConfig
from mirzoo.recipe.training import Augmentation, DataConfig, TrainingConfig
from mirzoo.recipe.whole import Recipe, Source

__all__ = [
    "FRONTENDS",
    "HEADS",
    "TASKS",
    "Augmentation",
    "Config",
    "DataConfig",
    "DecibelScaling",
    "Frontend",
    "FrontendConfig",
    "Head",
    "HeadConfig",
    "LogScaling",
    "NoScaling",
    "PCENScaling",
    "Recipe",
    "Scaling",
    "Source",
    "TaskConfig",
    "TrainingConfig",
    "describe_validation_error",
    "former_names",
    "load_recipe",
    "load_runs",
    "parse_recipe",
    "run_names",
]

_MOVED = {
    "CNN1DConfig": "models.heads.cnn1d.CNN1DConfig",
    "CNNConfig": "models.heads.cnn.CNNConfig",
    "CQTConfig": "models.frontends.cqt.CQTConfig",
    "CRNNConfig": "models.heads.crnn.CRNNConfig",
    "ChordsConfig": "tasks.chords.ChordsConfig",
    "ChromaConfig": "models.frontends.chroma.ChromaConfig",
    "ConstantQ": "models.frontends._constant_q.ConstantQ",
    "ConvBlock": "models.heads.ConvBlock",
    "FrameContext": "models.heads.pitch_cnn.FrameContext",
    "FramewiseHead": "models.heads.PitchHead",
    "HCQTConfig": "models.frontends.hcqt.HCQTConfig",
    "LEAFConfig": "models.frontends.leaf.LEAFConfig",
    "LearntBank": "models.frontends._learnt.LearntBank",
    "MFCCConfig": "models.frontends.mfcc.MFCCConfig",
    "MelBank": "models.frontends._spectral.MelBank",
    "MelConfig": "models.frontends.mel.MelConfig",
    "MelodyConfig": "tasks.melody.MelodyConfig",
    "PitchCNNConfig": "models.heads.pitch_cnn.PitchCNNConfig",
    "PitchClassCRNNConfig": "models.heads.pitch_class_crnn.PitchClassCRNNConfig",
    "RNNConfig": "models.heads.rnn.RNNConfig",
    "RawConfig": "models.frontends.raw.RawConfig",
    "RecurrentStack": "models.heads.RecurrentStack",
    "STFTConfig": "models.frontends.stft.STFTConfig",
    "SincConfig": "models.frontends.sinc.SincConfig",
    "Spectral": "models.frontends._spectral.Spectral",
    "TaggingConfig": "tasks.tagging.TaggingConfig",
    "TemporalBlock": "models.heads.TemporalBlock",
    "VQTConfig": "models.frontends.vqt.VQTConfig",
}
"""What version 0.1 had here, and where it is now, below ``mirzoo``."""


def __getattr__(name: str) -> Any:
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, new = f"mirzoo.{_MOVED[name]}".rpartition(".")
    warnings.warn(
        f"mirzoo.recipe.{name} is now {module}.{new}; the old name goes with the next version",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(importlib.import_module(module), new)
