"""Recipes: which front-end, head and task make a model, and how its weights were trained.

A recipe is a YAML file read into frozen, strict models: an unknown key, a value of the wrong
type or out of range is an error that cites file, key, value and what is allowed. A recipe is
plain data; nothing in it names code.

The file's name is the recipe's name, ``<frontend>_<head>_<role>``.
"""

from mirzoo.recipe.frontends import (
    ChromaConfig,
    ConstantQ,
    CQTConfig,
    Frontend,
    FrontendConfig,
    HCQTConfig,
    LEAFConfig,
    LearntBank,
    MelBank,
    MelConfig,
    MFCCConfig,
    RawConfig,
    SincConfig,
    Spectral,
    STFTConfig,
    VQTConfig,
)
from mirzoo.recipe.heads import (
    CNN1DConfig,
    CNNConfig,
    ConvBlock,
    CRNNConfig,
    FrameContext,
    FramewiseHead,
    Head,
    HeadConfig,
    PitchClassCRNNConfig,
    PitchCNNConfig,
    RecurrentStack,
    RNNConfig,
    TemporalBlock,
)
from mirzoo.recipe.reading import (
    describe_validation_error,
    load_recipe,
    parse_recipe,
)
from mirzoo.recipe.scalings import (
    DecibelScaling,
    LogScaling,
    NoScaling,
    PCENScaling,
    Scaling,
)
from mirzoo.recipe.tasks import (
    ChordsConfig,
    MelodyConfig,
    TaggingConfig,
    TaskConfig,
)
from mirzoo.recipe.training import (
    Augmentation,
    DataConfig,
    TrainingConfig,
)
from mirzoo.recipe.whole import (
    Recipe,
    Source,
)

__all__ = [
    "Augmentation",
    "CNN1DConfig",
    "CNNConfig",
    "CQTConfig",
    "CRNNConfig",
    "ChordsConfig",
    "ChromaConfig",
    "ConstantQ",
    "ConvBlock",
    "DataConfig",
    "DecibelScaling",
    "FrameContext",
    "FramewiseHead",
    "Frontend",
    "FrontendConfig",
    "HCQTConfig",
    "Head",
    "HeadConfig",
    "LEAFConfig",
    "LearntBank",
    "LogScaling",
    "MFCCConfig",
    "MelBank",
    "MelConfig",
    "MelodyConfig",
    "NoScaling",
    "PCENScaling",
    "PitchCNNConfig",
    "PitchClassCRNNConfig",
    "RNNConfig",
    "RawConfig",
    "Recipe",
    "RecurrentStack",
    "STFTConfig",
    "Scaling",
    "SincConfig",
    "Source",
    "Spectral",
    "TaggingConfig",
    "TaskConfig",
    "TemporalBlock",
    "TrainingConfig",
    "VQTConfig",
    "describe_validation_error",
    "load_recipe",
    "parse_recipe",
]
