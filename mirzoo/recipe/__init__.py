"""Recipes: which front-end, head and task make a model, and how its weights were trained.

A recipe is a YAML file read into frozen, strict models: an unknown key, a value of the wrong
type or out of range is an error that cites file, key, value and what is allowed. A recipe is
plain data; nothing in it names code.

The file's name is the recipe's name, ``<frontend>_<head>_<role>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirzoo._support.later import names_from
from mirzoo._support.moved import moved_names

if TYPE_CHECKING:
    from mirzoo.recipe.base import Config
    from mirzoo.recipe.frontends import FRONTENDS, Frontend, FrontendConfig
    from mirzoo.recipe.heads import HEADS, Head, HeadConfig
    from mirzoo.recipe.new import new_recipe
    from mirzoo.recipe.reading import (
        describe_validation_error,
        former_names,
        load_recipe,
        load_runs,
        parse_recipe,
        run_names,
    )
    from mirzoo.recipe.scalings import (
        DecibelScaling,
        Level,
        LogScaling,
        NoScaling,
        PCENScaling,
        Scaling,
    )
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
    "Level",
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
    "new_recipe",
    "parse_recipe",
    "run_names",
]

_MODULES = {
    "base": "Config",
    "frontends": "FRONTENDS Frontend FrontendConfig",
    "heads": "HEADS Head HeadConfig",
    "new": "new_recipe",
    "reading": "describe_validation_error former_names load_recipe load_runs parse_recipe "
    "run_names",
    "scalings": "DecibelScaling Level LogScaling NoScaling PCENScaling Scaling",
    "tasks": "TASKS TaskConfig",
    "training": "Augmentation DataConfig TrainingConfig",
    "whole": "Recipe Source",
}
_HOMES = {
    name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names.split()
}

__getattr__ = names_from(
    __name__,
    _HOMES,
    moved_names(
        __name__,
        {
            "CNN1DConfig": "mirzoo.models.heads.cnn1d",
            "CNNConfig": "mirzoo.models.heads.cnn",
            "CQTConfig": "mirzoo.models.frontends.cqt",
            "CRNNConfig": "mirzoo.models.heads.crnn",
            "ChordsConfig": "mirzoo.tasks.chords",
            "ChromaConfig": "mirzoo.models.frontends.chroma",
            "ConstantQ": "mirzoo.models.frontends._constant_q",
            "ConvBlock": "mirzoo.models.heads",
            "FrameContext": "mirzoo.models.heads.pitch_cnn",
            "FramewiseHead": "mirzoo.models.heads:PitchHead",
            "HCQTConfig": "mirzoo.models.frontends.hcqt",
            "LEAFConfig": "mirzoo.models.frontends.leaf",
            "LearntBank": "mirzoo.models.frontends._learnt",
            "MFCCConfig": "mirzoo.models.frontends.mfcc",
            "MelBank": "mirzoo.models.frontends._spectral",
            "MelConfig": "mirzoo.models.frontends.mel",
            "MelodyConfig": "mirzoo.tasks.melody",
            "PitchCNNConfig": "mirzoo.models.heads.pitch_cnn",
            "PitchClassCRNNConfig": "mirzoo.models.heads.pitch_class_crnn",
            "RNNConfig": "mirzoo.models.heads.rnn",
            "RawConfig": "mirzoo.models.frontends.raw",
            "RecurrentStack": "mirzoo.models.heads",
            "STFTConfig": "mirzoo.models.frontends.stft",
            "SincConfig": "mirzoo.models.frontends.sinc",
            "Spectral": "mirzoo.models.frontends._spectral",
            "TaggingConfig": "mirzoo.tasks.tagging",
            "TemporalBlock": "mirzoo.models.heads",
            "VQTConfig": "mirzoo.models.frontends.vqt",
        },
    ),
)
